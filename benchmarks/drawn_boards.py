"""Does a board of mini depend on the draw of its data?

    drawn_boards.py [--draws 5] [--parallel 1] [--out runs/drawn_boards]

The mini competition under `draws = "fresh"`: for each draw a host commits to a value, seed and
held-out data follow from it and all frozen code, every submission tunes itself and is trained once
on each workload, and the run is bundled and verified. Printed, and written as markdown into --out,
are the rank of every submission under each draw, and the spread of its times to target over draws.
Runs that are there are continued.
"""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from common import DATA_DIR, print_machine, variation

import mlgolf
from mlgolf.api.bundles import commit_draws, make_ledger, open_ledger
from mlgolf.core.toml_files import SHIPPED, read_text

PLAIN = {
    "adamw": "torch.optim.AdamW, lr=1e-3",
    "sgd": "torch.optim.SGD, lr=0.1, momentum=0.9",
}
SHIPPED_ALGORITHMS = ("nadamw", "nesterov")


def submissions(folder: Path) -> list[str | Path]:
    """What ships, at its published point, and what a newcomer would try."""
    files = []
    for name, optimizer in PLAIN.items():
        file = folder / f"{name}.py"
        file.write_text(
            "from functools import partial\n\nimport torch\n\n"
            "from mlgolf.torch import from_optimizer\n\n"
            f"submission = from_optimizer(partial({optimizer}))\n"
        )
        files.append(file)
    return [*SHIPPED_ALGORITHMS, *files]


def fresh(folder: Path) -> Path:
    text = read_text(SHIPPED / "mini.toml")
    assert text.count("\n[rules]\n") == 1
    file = folder / "mini.toml"
    file.write_text(text.replace("\n[rules]\n", '\n[rules]\ndraws = "fresh"\n'))
    return file


def board(out: Path, names: Sequence[str | Path], competition: Path, parallel: int) -> pl.DataFrame:
    """Commit, play, bundle, verify, score. Raises: SystemExit for a bundle that does not verify."""
    ledger, run = out / "ledger", out / "run"
    if not ledger.exists():
        make_ledger(ledger)
        commit_draws(ledger, list(names))
    mlgolf.run(
        names, competition=competition, tuning="self", studies=1, ledger=ledger, out=run,
        resume=run.exists(), data_dir=DATA_DIR, parallel=parallel,
    )  # fmt: skip
    file = out / "run.mlgolf.zip"
    if not file.exists():
        mlgolf.bundle(run, file, ledger=ledger)
    heads = ledger / "heads.jsonl"
    found = mlgolf.verify(file, known=open_ledger(heads).key, ledger=heads)
    if not found.is_valid:
        raise SystemExit(found.text())
    return mlgolf.score(run).table


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def ranks(boards: Sequence[pl.DataFrame]) -> str:
    def cells(name: str) -> list[str]:
        mine = pl.col("submission") == name
        rows = [found.row(by_predicate=mine, named=True) for found in boards]
        return [name, *(f"{row['rank']} ({row['score']:.2f})" for row in rows)]

    names = boards[0]["submission"].to_list()
    heads = ["", *(f"draw {number}" for number in range(1, len(boards) + 1))]
    return table(heads, [cells(name) for name in names])


def times(boards: Sequence[pl.DataFrame]) -> str:
    workloads = [name.removesuffix(" ratio") for name in boards[0].columns if " ratio" in name]

    def cell(name: str, workload: str) -> str:
        column = pl.concat([found.filter(submission=name)[workload] for found in boards])
        reached = [value for value in column.to_list() if value is not None and value < math.inf]
        never = "" if len(reached) == len(column) else f", {len(column) - len(reached)} never"
        if not reached:
            return "never"
        spread = f", {variation(reached):.0f}%" if len(reached) > 1 else ""
        seconds = f"{pl.Series(reached).median():.1f} ({min(reached):.1f} to {max(reached):.1f})"
        return f"{seconds}{spread}{never}"

    rows = [
        [name, *(cell(name, workload) for workload in workloads)]
        for name in boards[0]["submission"].to_list()
    ]
    return table(["", *workloads], rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs", "drawn_boards"))
    asked = parser.parse_args()
    print_machine()
    asked.out.mkdir(parents=True, exist_ok=True)
    names, competition = submissions(asked.out), fresh(asked.out)
    boards = []
    for number in range(1, asked.draws + 1):
        folder = asked.out / str(number)
        folder.mkdir(exist_ok=True)
        boards.append(board(folder, names, competition, asked.parallel))
        text = (
            f"Ranks, and scores beside them:\n\n{ranks(boards)}\n\nSeconds to target over draws: "
            f"median, range, standard deviation over the mean:\n\n{times(boards)}\n"
        )
        (asked.out / "boards.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
