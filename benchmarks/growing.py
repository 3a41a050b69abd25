"""Is a small network that grows as good, in less time, as one of full width from the start?

    growing.py [--tasks images text] [--budgets 0.4 0.8 1.6] [--seeds 3] [--out runs/growing]

A perceptron of two hidden layers learns the class of the mini images, from their pixels, or the
next token of the mini text, from the two before it. `wide` has 256 units a layer from the start;
`growing` trains 128, and from half of its time on 256 that compute the same, with AdamW started
anew; `narrow` stays at 128. A budget is CPU seconds of this process, one thread; the learning rate
warms up and follows a cosine of the share that is used. The clock runs over building, steps and
growing; the data are read before. Each has the same learning rates to choose from, by validation,
for each seed and budget; the quality is that of the chosen one on the test split: the share of
wrong classes, or the loss of tokens. Methods take turns at each rate, so that other work on the
machine slows all of them alike.

Written are TASK.csv, which `mlgolf curve TASK.csv --baseline wide --goal minimise` reads, and what
that command writes.
"""

import argparse
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import torch
from common import DATA_DIR, print_machine
from torch import Tensor, nn
from torch.nn import functional as F

import mlgolf
from mlgolf.core.registry import load_workload
from mlgolf.data.layout import ensure, prepared_folder
from mlgolf.methods import Growing
from mlgolf.methods.growing_torch import widened
from mlgolf.referee.machine import machine

WIDTH, RATES, WARMUP = 256, (0.001, 0.003, 0.01), 0.05
BASELINE = "wide"
METHODS = {
    BASELINE: (1.0, None),
    "growing": (0.5, Growing()),
    "narrow": (0.5, None),
}  # width, growth
POSITIONS = np.arange(7, 64, 8)  # of a row of text, whose next tokens are predicted
BATCHES = 500  # of training that are read, and gone through again and again


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    workload: str
    rows: int  # of the workload in a batch


TASKS = {
    "images": Task(workload="imagenet_resnet", rows=64),
    "text": Task(workload="finewebedu_lm", rows=32),
}


class Examples(NamedTuple):
    inputs: Tensor  # (N, features)
    targets: Tensor  # (N,) classes


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    train: list[Examples]  # batches
    validation: Examples
    test: Examples
    classes: int


def read(task: Task) -> Data:
    workload = load_workload(task.workload)
    size = workload.size("mini")
    ensure(workload, "mini", DATA_DIR)
    folder = prepared_folder(workload, "mini", DATA_DIR)
    classes = size.model.classes if task.workload == "imagenet_resnet" else size.model.vocabulary

    def split(name: str) -> Any:
        return workload.data().open_split(folder / name, size, name)

    def held_out(name: str) -> Examples:
        parts = [flat(batch, classes) for batch in split(name).eval_batches()]
        return Examples(*map(torch.cat, zip(*parts, strict=True)))

    train = islice(split("train").train_batches(task.rows, 0), BATCHES)
    return Data(
        train=[flat(batch, classes) for batch in train],
        validation=held_out("validation"), test=held_out("test"), classes=classes,
    )  # fmt: skip


def flat(batch: Mapping[str, Any], classes: int) -> Examples:
    """Pixels of images (B, C, H, W); of tokens (B, L) the two before each target, as one-hots."""
    inputs, targets = batch["inputs"], batch["targets"]
    if inputs.ndim == 2:
        tokens = np.stack([inputs[:, POSITIONS - 1], inputs[:, POSITIONS]], axis=2).reshape(-1, 2)
        inputs, targets = np.eye(classes, dtype=np.uint8)[tokens], targets[:, POSITIONS].reshape(-1)
    return Examples(
        torch.from_numpy(inputs.reshape(len(inputs), -1)), torch.from_numpy(targets).long()
    )


def perceptron(inputs: int, width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
        nn.Linear(width, outputs),
    )  # fmt: skip


def grown(
    model: nn.Sequential, width: int, noise: float, rng: np.random.Generator
) -> nn.Sequential:
    """The same function, but for the noise, with `width` units in both hidden layers."""
    first, _, second, _, last = model
    first, second = widened(first, second, width, rng, noise)
    second, last = widened(second, last, width, rng, noise)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), last)


@torch.no_grad()
def quality(model: nn.Module, task: Task, held_out: Examples) -> float:
    """Share of wrong classes of images, or the loss of tokens: both are better when smaller."""
    outputs = model(held_out.inputs.float())
    if task.workload == "finewebedu_lm":
        return float(F.cross_entropy(outputs, held_out.targets))
    return float((outputs.argmax(1) != held_out.targets).double().mean())


def trained(
    data: Data, method: str, rate: float, budget: float, seed: int
) -> tuple[nn.Module, float]:
    """The model, and the CPU seconds it took: `budget` and the rest of the last step."""
    share, growing = METHODS[method]
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    first = seed * BATCHES // 7  # another order of batches for each seed
    began, step = time.process_time(), 0
    model = perceptron(data.train[0].inputs.shape[1], round(share * WIDTH), data.classes)
    optimizer = torch.optim.AdamW(model.parameters())
    while (progress := (time.process_time() - began) / budget) < 1:
        if growing and progress >= growing.start:
            model, growing = grown(model, WIDTH, growing.noise, rng), None
            optimizer = torch.optim.AdamW(model.parameters())
        factor = min(progress / WARMUP, 0.5 * (1 + math.cos(math.pi * progress)))
        optimizer.param_groups[0]["lr"] = rate * factor
        inputs, targets = data.train[(first + step) % BATCHES]
        optimizer.zero_grad()
        F.cross_entropy(model(inputs.float()), targets).backward()
        optimizer.step()
        step += 1
    return model, time.process_time() - began


def measured(task: Task, budgets: Sequence[float], seeds: int) -> pl.DataFrame:
    """A row for each method, seed and budget: that of the rate that is best in validation."""
    data, processor = read(task), machine()["processor"]
    trained(data, "growing", RATES[0], budgets[0], 0)  # what is slow only once
    rows: list[dict[str, Any]] = []
    for seed, budget, rate, method in product(range(seeds), budgets, RATES, METHODS):
        model, seconds = trained(data, method, rate, budget, seed)
        rows.append({
            "method": method, "seed": seed, "budget": f"{budget:g} s", "time": seconds,
            "quality": quality(model, task, data.test), "learning_rate": rate,
            "validation": quality(model, task, data.validation), "tuning_trials": len(RATES),
            "dataset": task.workload, "framework": "torch", "clock": "cpu", "machine": processor,
        })  # fmt: skip
    chosen = ["method", "seed", "budget"]
    best = pl.DataFrame(rows).sort("validation", maintain_order=True).unique(chosen, keep="first")
    return best.sort(chosen)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=[*TASKS])
    parser.add_argument("--budgets", nargs="+", type=float, default=[0.4, 0.8, 1.6])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("runs/growing"))
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    print_machine()
    torch.set_num_threads(1)
    for name in asked.tasks:
        file = asked.out / f"{name}.csv"
        measured(TASKS[name], asked.budgets, asked.seeds).write_csv(file)
        found = mlgolf.curve(file, baseline=BASELINE, goal="minimise")
        found.save(asked.out / name)
        print(f"\n{name}\n{file.read_text()}\n{found!r}", flush=True)


if __name__ == "__main__":
    main()
