"""How fast are raw files prepared, and batches handed out, against reading them row by row?

    data_pipeline.py [--workload criteo1tb] [--megabytes 200]

Raw files in the published format are made, every field filled, and repeated up to the size asked
for (200 MB unless said otherwise). Three questions, each answered by a ratio:

- prepare: rows a second, checks and checksums included, over a loop over lines or documents that
  fills arrays. That loop keeps no file and checks nothing; of clicks it hashes each distinct
  category once.
- batches: training batches a second over cutting them from that loop, and over the steps a second
  that torch.optim.AdamW makes with the mini network at its batch size, on one thread.
- memory: the most that a process held after an epoch of batches over that after a tenth of one.
  Of that, pages of files that are mapped are told apart: the system takes them back as it needs.

A workload stands in CASES with how its raw files are made and how a plain loop reads them.
"""

import argparse
import json
import math
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl
from common import print_machine, spread

from mlgolf.core.arrays import Batch
from mlgolf.core.registry import load_workload
from mlgolf.core.workload import Size, Workload
from mlgolf.data import layout
from mlgolf.data.click_format import NUM_DENSE
from mlgolf.data.farmhash import fingerprint64
from mlgolf.data.pieces import Progress

REPETITIONS = 5
ROWS_PER_FILE = 40_960
BATCHES, STEPS, PLAIN_BATCHES = 2_000, 100, 100


@dataclass(frozen=True)
class Case:
    """What a workload needs to be measured here."""

    size: Callable[[Size, int], Size]  # from its mini size and so many bytes: what is made
    grow: Callable[[Path, int], None]  # repeats files of a raw folder up to so many bytes
    files: Callable[[Path], list[Path]]  # of a raw folder, for training
    rows_of: Callable[[Path, Size], Iterator]  # of a raw file, one by one
    batch_of: Callable[[list], Batch]  # of such rows


def full_lines(mini: Size, size_bytes: int) -> Size:
    """Lines as long as the published ones: all integers and categories are there."""
    recipe = replace(
        mini.data.recipe, rows_per_file=ROWS_PER_FILE, dense=13, categories=(1_000,) * 26
    )
    examples = {"train": 2 * ROWS_PER_FILE, "eval_train": 1, "validation": 1, "test": 1}
    data = replace(mini.data, folder="lines", recipe=recipe)
    return replace(mini, name="lines", examples=examples, data=data)


def grow_clicks(raw: Path, size_bytes: int) -> None:
    made = sorted(raw.glob("day_[01]_00"))
    there, number = bytes_of(made), 1
    while there < size_bytes:
        for day, path in enumerate(made):
            shutil.copyfile(path, raw / f"day_{day}_{number:02d}")
            there += path.stat().st_size
        number += 1


def rows_of_clicks(path: Path, size: Size) -> Iterator[tuple[list[float], float]]:
    known: dict[tuple[int, str], float] = {}
    with open(path) as file:
        for line in file:
            label, *fields = line.rstrip("\n").split("\t")
            row = [math.log(max(int(field or -1), 0) + 1) for field in fields[:NUM_DENSE]]
            for column, category in enumerate(fields[NUM_DENSE:]):
                if (column, category) not in known:
                    text = f"{category or '00000000'}{column}".encode()
                    hashed = int(fingerprint64(np.array([text]))[0])
                    known[column, category] = float(hashed % size.data.vocabulary_sizes[column])
                row.append(known[column, category])
            yield row, float(label)


def click_files(raw: Path) -> list[Path]:
    """Those of the training split; the others hold one row."""
    return [path for path in sorted(raw.iterdir()) if path.stat().st_size > 10**6]


def batch_of_clicks(rows: list[tuple[list[float], float]]) -> Batch:
    inputs, targets = zip(*rows, strict=True)
    return {
        "inputs": np.array(inputs, np.float32), "targets": np.array(targets, np.float32)[:, None]
    }


def repeated_text(mini: Size, size_bytes: int) -> Size:
    """As many rows as so many bytes of tokens hold, 4 bytes each."""
    train = size_bytes // (4 * (mini.data.length + 1))
    examples = {"train": train, "eval_train": 1, "validation": 1, "test": 1}
    return replace(
        mini, name="text", examples=examples, data=replace(mini.data, folder="text")
    )


def token_files(raw: Path) -> list[Path]:
    return sorted((raw / "train").glob("*.arrow"))


def grow_tokens(raw: Path, size_bytes: int) -> None:
    state = raw / "train" / "state.json"
    made = token_files(raw)
    names = [path.name for path in made]
    there = bytes_of(made)
    while there < 1.02 * size_bytes:  # some bytes are no tokens, but where documents end
        source = made[len(names) % len(made)]
        names.append(f"again-{len(names):05d}.arrow")
        shutil.copyfile(source, raw / "train" / names[-1])
        there += source.stat().st_size
    listed = json.loads(state.read_text())
    listed["_data_files"] = [{"filename": name} for name in names]
    state.write_text(json.dumps(listed))


def rows_of_tokens(path: Path, size: Size) -> Iterator[list[int]]:
    width = size.data.length + 1
    waiting: list[int] = []
    for document in pl.read_ipc_stream(path)["input_ids"]:
        waiting.extend(document.to_list())
        while len(waiting) >= width:
            yield waiting[:width]
            waiting = waiting[width:]


def batch_of_tokens(rows: list[list[int]]) -> Batch:
    tokens = np.array(rows, np.int32)
    return {"inputs": tokens[:, :-1], "targets": tokens[:, 1:]}


CASES = {
    "criteo1tb": Case(full_lines, grow_clicks, click_files, rows_of_clicks, batch_of_clicks),
    "finewebedu_lm": Case(
        repeated_text, grow_tokens, token_files, rows_of_tokens, batch_of_tokens
    ),
}


def bytes_of(files: list[Path]) -> int:
    return sum(path.stat().st_size for path in files)


def plain_rows_per_second(case: Case, path: Path, size: Size) -> float:
    """Of a loop that fills arrays with a whole file."""
    began = time.perf_counter()
    rows = list(case.rows_of(path, size))
    case.batch_of(rows)
    return len(rows) / (time.perf_counter() - began)


def plain_batches(case: Case, path: Path, size: Size) -> Iterator[Batch]:
    rows = case.rows_of(path, size)
    while chosen := list(islice(rows, size.batch_size)):
        yield case.batch_of(chosen)


def per_second(count: int, work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def exhaust(items: Iterator) -> None:
    for _ in items:
        pass


def steps_per_second(workload: Workload, size: Size, batches: Iterator[Batch]) -> float:
    """Of torch.optim.AdamW on one thread; the batches are there already."""
    import torch

    from mlgolf.backends import load_backend
    from mlgolf.core.spec import ForwardPassMode

    backend = load_backend("torch")
    backend.configure(1)
    model = workload.model("torch", size)
    params, _ = model.init(backend.split(backend.key(1), 4)[2])
    optimizer = torch.optim.AdamW(params.parameters(), lr=1e-3)
    ready = [backend.to_device(batch) for batch in islice(batches, STEPS)]

    def train() -> None:
        for batch in ready:
            optimizer.zero_grad()
            logits, _ = model.apply(
                params, batch, None, ForwardPassMode.TRAIN, None, True, size.dropout_rate
            )
            loss = model.loss(batch["targets"], logits, batch.get("weights"))
            (loss["summed"] / loss["n_valid_examples"]).backward()
            optimizer.step()

    train()  # the first steps allocate
    return per_second(STEPS, train)


def memory_of_an_epoch(
    name: str, folder: Path, size: Size, batches: int
) -> list[tuple[float, float]]:
    """As `memory`, after a tenth of the batches and after all of them, in this process."""
    stream = load_workload(name).data().open_split(folder, size, "train").train_batches(
        size.batch_size, 0
    )
    found = []
    for part in (batches // 10, batches - batches // 10):
        exhaust(islice(stream, part))
        found.append(memory())
    return found


def memory() -> tuple[float, float]:
    """MiB, of this process: the most it held, and what it holds of mapped files."""
    status = Path("/proc/self/status").read_text()
    held = dict(line.split(":", 1) for line in status.splitlines())
    most, mapped = (int(held[name].split()[0]) / 1024 for name in ("VmHWM", "RssFile"))
    return most, mapped


def ratios(over: list[float], under: list[float]) -> str:
    return spread([a / b for a, b in zip(over, under, strict=True)])


def print_preparing(case: Case, workload: Workload, size: Size, data_dir: Path) -> int:
    """Returns: how many rows were prepared."""
    files = case.files(layout.raw_folder(workload, size.name, data_dir))
    ours, plain = [], []
    told: list[Progress] = []
    for repetition in range(REPETITIONS):
        began = time.perf_counter()
        layout.prepare(workload, size.name, data_dir, tell=told.append)
        ours.append(told[-1].examples / (time.perf_counter() - began))
        plain.append(plain_rows_per_second(case, files[repetition % len(files)], size))
    print(f"prepare: {spread(ours)} rows/s; row by row {spread(plain)} rows/s")
    print(f"prepare, ratio to row by row: {ratios(ours, plain)}")
    return told[-1].examples


def print_batches(case: Case, workload: Workload, size: Size, data_dir: Path) -> None:
    path = case.files(layout.raw_folder(workload, size.name, data_dir))[0]
    folder = layout.prepared_folder(workload, size.name, data_dir) / "train"
    split = workload.data().open_split(folder, size, "train")
    ours, plain, steps = [], [], []
    for seed in range(REPETITIONS):
        batches = islice(split.train_batches(size.batch_size, seed), BATCHES)
        ours.append(per_second(BATCHES, partial(exhaust, batches)))
        rows = islice(plain_batches(case, path, size), PLAIN_BATCHES)
        plain.append(per_second(PLAIN_BATCHES, partial(exhaust, rows)))
        steps.append(steps_per_second(workload, size, split.train_batches(size.batch_size, seed)))
    print(
        f"training batches of {size.batch_size}: {spread(ours)} per s; row by row "
        f"{spread(plain)} per s; steps of torch.optim.AdamW {spread(steps)} per s"
    )
    print(f"batches, ratio to row by row: {ratios(ours, plain)}")
    print(f"batches, ratio to what the model eats: {ratios(ours, steps)}")


def print_memory(workload: Workload, size: Size, data_dir: Path, rows: int) -> None:
    an_epoch = rows // size.batch_size
    folder = layout.prepared_folder(workload, size.name, data_dir) / "train"
    with multiprocessing.get_context("spawn").Pool(1) as alone:
        (early, early_mapped), (late, late_mapped) = alone.apply(
            memory_of_an_epoch, (workload.name, folder, size, an_epoch)
        )
    print(
        f"memory over an epoch of {an_epoch} batches: at most {early:.0f} MiB after a tenth, "
        f"{late:.0f} MiB at its end, ratio {late / early:.2f}; then of mapped files "
        f"{early_mapped:.0f} and {late_mapped:.0f} MiB, ratio without them "
        f"{(late - late_mapped) / (early - early_mapped):.2f}"
    )


def main(name: str, megabytes: int) -> None:
    print_machine()
    case, workload = CASES[name], load_workload(name)
    size = case.size(workload.size("mini"), megabytes * 10**6)
    workload = replace(workload, sizes={size.name: size})
    with tempfile.TemporaryDirectory() as scratch:
        data_dir = Path(scratch)
        raw = layout.make(workload, size.name, data_dir)
        case.grow(raw, megabytes * 10**6)
        files = case.files(raw)
        print(f"{name}: {len(files)} raw files, {bytes_of(files) / 1e6:.0f} MB")
        rows = print_preparing(case, workload, size, data_dir)
        print_batches(case, workload, size, data_dir)
        print_memory(workload, size, data_dir, rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--workload", choices=CASES, default="criteo1tb")
    parser.add_argument("--megabytes", type=int, default=200)
    asked = parser.parse_args()
    main(asked.workload, asked.megabytes)
