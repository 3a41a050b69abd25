"""Is a small network that grows as good, in less time, as one of full width from the start?

    growing.py [--tasks images clicks] [--budgets 0.5 1 2] [--seeds 3] [--out runs/growing]

A perceptron of two hidden layers learns the mini images (pixels, ten classes) or the mini clicks
(13 dense features and 26 categories, hashed to 16 places each). `wide` has 256 units a layer from
the start; `growing` trains 128, and from half of its time on 256 that compute the same, with
AdamW started anew; `narrow` stays at 128. A budget is CPU seconds of this process, one thread;
the learning rate warms up and follows a cosine of the share that is used. The clock runs over
building, steps and growing; the data are read before. Each has the same learning rates to choose
from, by validation, for each seed and budget; the quality is that of the chosen one on the test
split. Methods take turns at each rate, so that other work on the machine slows all of them alike.

Written are TASK.csv, which `mlgolf curve TASK.csv --baseline wide --goal minimise` reads, and what
that command writes.
"""

import argparse
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from common import DATA_DIR, print_machine
from torch import Tensor, nn
from torch.nn import functional as F

import mlgolf
from mlgolf.core.arrays import FloatArray
from mlgolf.core.registry import load_workload
from mlgolf.data.layout import ensure, prepared_folder
from mlgolf.methods import Growing
from mlgolf.methods.growing_torch import widened

WIDTH, RATES, WARMUP = 256, (0.0003, 0.001, 0.003), 0.05
PLACES = 16  # of a category, in place of its thousands
BASELINE = "wide"
METHODS = {
    BASELINE: (1.0, None),
    "growing": (0.5, Growing()),
    "narrow": (0.5, None),
}  # width, growth


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    workload: str
    batch_size: int
    batches: int  # of training that are read, and gone through again and again
    outputs: int


TASKS = {
    "images": Task(workload="imagenet_resnet", batch_size=64, batches=1000, outputs=10),
    "clicks": Task(workload="criteo1tb", batch_size=256, batches=500, outputs=1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    inputs: Tensor  # (N, features)
    targets: Tensor  # (N,) classes, or (N, 1) whether it was clicked


def examples(batches: Iterable[Mapping[str, Any]]) -> Examples:
    """Args: batches: as the workloads read them; what fills up a batch has a weight of 0."""
    inputs, targets = [], []
    for batch in batches:
        real = batch.get("weights", np.ones(len(batch["targets"]))).reshape(-1) > 0
        inputs.append(flat(batch["inputs"][real]))
        targets.append(batch["targets"][real])
    return Examples(
        inputs=torch.from_numpy(np.concatenate(inputs)),
        targets=torch.from_numpy(np.concatenate(targets)),
    )


def flat(inputs: FloatArray) -> FloatArray:
    """(B, features): pixels of images; or logarithms of counts, and categories as one of PLACES."""
    if inputs.ndim == 4:
        return inputs.reshape(len(inputs), -1)
    dense, ids = inputs[:, :13], inputs[:, 13:].astype(np.int64)
    places = np.eye(PLACES, dtype=np.float32)[ids % PLACES]
    return np.hstack([np.log1p(np.maximum(dense, 0)), places.reshape(len(ids), -1)])


def read(task: Task) -> dict[str, Examples]:
    workload = load_workload(task.workload)
    size = workload.size("mini")
    ensure(workload, "mini", DATA_DIR)
    folder = prepared_folder(workload, "mini", DATA_DIR)
    splits = {
        name: workload.data().open_split(folder / name, size, name)
        for name in ("train", "validation", "test")
    }
    train = islice(splits["train"].train_batches(task.batch_size, 0), task.batches)
    return {
        "train": examples(train),
        **{name: examples(splits[name].eval_batches()) for name in ("validation", "test")},
    }


def perceptron(inputs: int, width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
        nn.Linear(width, outputs),
    )  # fmt: skip


def grown(
    model: nn.Sequential, width: int, noise: float, rng: np.random.Generator
) -> nn.Sequential:
    """The same function with `width` units in both hidden layers."""
    first, _, second, _, last = model
    first, second = widened(first, second, width, rng, noise)
    second, last = widened(second, last, width, rng, noise)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), last)


def losses(outputs: Tensor, targets: Tensor) -> Tensor:
    if outputs.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(outputs, targets)
    return F.cross_entropy(outputs, targets)


@torch.no_grad()
def quality(model: nn.Module, held_out: Examples) -> float:
    """Share of wrong classes, or the log loss of clicks: both are better when smaller."""
    outputs = model(held_out.inputs)
    if outputs.shape[1] == 1:
        return float(losses(outputs, held_out.targets))
    return float((outputs.argmax(1) != held_out.targets).float().mean())


def trained(
    task: Task, data: Examples, method: str, rate: float, budget: float, seed: int
) -> tuple[nn.Module, float]:
    """The model, and the CPU seconds it took: `budget` and the rest of the last step."""
    share, growing = METHODS[method]
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    began, step = time.process_time(), 0
    model = perceptron(data.inputs.shape[1], round(share * WIDTH), task.outputs)
    optimizer = torch.optim.AdamW(model.parameters())
    while (progress := (time.process_time() - began) / budget) < 1:
        if growing and progress >= growing.start:
            model, growing = grown(model, WIDTH, growing.noise, rng), None
            optimizer = torch.optim.AdamW(model.parameters())
        factor = min(progress / WARMUP, 0.5 * (1 + math.cos(math.pi * progress)))
        optimizer.param_groups[0]["lr"] = rate * factor
        rows = slice(
            step % task.batches * task.batch_size, (step % task.batches + 1) * task.batch_size
        )
        optimizer.zero_grad()
        losses(model(data.inputs[rows]), data.targets[rows]).backward()
        optimizer.step()
        step += 1
    return model, time.process_time() - began


def measured(task: Task, budgets: Sequence[float], seeds: int) -> pl.DataFrame:
    """A row for each method, seed and budget: that of the rate that is best in validation."""
    data = read(task)
    trained(task, data["train"], "growing", RATES[0], budgets[0], 0)  # what is slow only once
    rows: list[dict[str, Any]] = []
    for seed, budget, rate, method in product(range(seeds), budgets, RATES, METHODS):
        model, seconds = trained(task, data["train"], method, rate, budget, seed)
        rows.append({
            "method": method, "seed": seed, "budget": f"{budget:g} s", "time": seconds,
            "quality": quality(model, data["test"]), "learning_rate": rate,
            "validation": quality(model, data["validation"]), "tuning_trials": len(RATES),
        })  # fmt: skip
    chosen = ["method", "seed", "budget"]
    return (
        pl.DataFrame(rows)
        .sort("validation", maintain_order=True)
        .unique(chosen, keep="first", maintain_order=True)
        .sort(*chosen)
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=[*TASKS])
    parser.add_argument("--budgets", nargs="+", type=float, default=[0.5, 1.0, 2.0])
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
