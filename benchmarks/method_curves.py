"""The curves of docs/methods.md: what each speed-up method gives at several budgets.

    method_curves.py WORKLOAD ... [--methods NAME ...] [--budgets 0.125 0.25 0.5] [--studies 3]
    method_curves.py --runs FOLDER ...      such runs once more, without training

Plays examples/methods once without methods, called `none`, and once with each that fits the
workload (what needs a small model: examples/small_model), all at the same hyperparameters:
AlgoPerf's published point for the example, and the knobs below. Budgets are multiples of the step
hint. The runs are kept under --out, and are continued if they are there already; `mlgolf curve` and
`mlgolf score` read them. Written besides, for each of them, is what `mlgolf curve -o` writes; and
for all together method_speedups: the average speed-up of each method over the qualities that it and
the baseline both reach, as a table (CSV and Markdown) and a figure.
"""

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from common import DATA_DIR, print_machine

import mlgolf
from mlgolf.plots.heading import Heading
from mlgolf.plots.saved import save_figure
from mlgolf.plots.speedups import SCHEMA, speedups_chart
from mlgolf.plots.theme import Style

EXAMPLES = Path(__file__).parents[1] / "examples"
NONE = "none"
ENDS = (0.4, 2.0)  # of the axis of speed-ups
HEADING = Heading(
    title="Average speed-up of each method over the baseline",
    reading="Right of 1 is faster. Bars: 95% intervals, cut at the ends of the axis. Filled: "
    "better or worse beyond chance; hollow: cannot tell.",
)
ANY = ("selective_backprop", "data_echoing", "layer_freezing", "ema", "lawa", "mixed_precision")
IMAGES = (
    "colout", "cutout", "mixup", "progressive_resizing", "regularisation_curriculum",
    "label_smoothing", "channels_last",
)  # fmt: skip
SMALL = ("small_model_selection", "distillation")  # played by examples/small_model, in PyTorch
TOKENS = ("sequence_length_warmup", "label_smoothing")
FITTING = {
    "imagenet_resnet": IMAGES + ANY + SMALL,
    "criteo1tb": ANY,
    "finewebedu_lm": TOKENS + ANY + SMALL,
}
# Averages over a share of a training of 500 to 2,000 steps; published are those of 100,000.
KNOBS: Mapping[str, Any] = {
    "ema__half_life": 50, "ema__every": 5, "lawa__every": 20, "label_smoothing__smoothing": 0.1,
}  # fmt: skip
# What is no image has no smaller one.
WITHOUT_IMAGES: Mapping[str, Any] = {"selective_backprop__scale": 1.0}


def submissions(folder: Path, workload: str, methods: Sequence[str], knobs: Any) -> list[Path]:
    """Copies of the examples, of one point each, called by their method."""
    is_image = "colout" in FITTING[base_of(workload)]
    knobs = {**KNOBS, **({} if is_image else WITHOUT_IMAGES), **knobs}
    made = []
    for name in [NONE, *methods]:
        copy, example = folder / name, EXAMPLES / ("small_model" if name in SMALL else "methods")
        shutil.copytree(
            example, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
        )
        point = json.loads((example / "tuning_search_space.json").read_text())[0]
        chosen = {**point, **knobs, "methods": [] if name == NONE else [name]}
        (copy / "tuning_search_space.json").write_text(json.dumps([chosen], indent=1) + "\n")
        made.append(copy)
    return made


def base_of(workload: str) -> str:
    """The workload of a variant: "imagenet_resnet_gelu" is one of imagenet_resnet."""
    return max((name for name in FITTING if workload.startswith(name)), key=len)


def played(workload: str, asked: argparse.Namespace) -> Path:
    """The folder of a run."""
    methods = asked.methods or [*dict.fromkeys(FITTING[base_of(workload)])]
    out = asked.out / f"{workload}_{asked.framework}"
    copies = submissions(asked.out / "submissions" / workload, workload, methods, asked.knobs)
    return mlgolf.run(
        copies, competition=asked.competition, workloads=workload, framework=asked.framework,
        tuning="external", trials=1, studies=asked.studies, ladder=asked.budgets, seed=asked.seed,
        parallel=asked.parallel, data_dir=asked.data_dir, out=out, resume=out.exists(),
        progress=asked.progress,
    ).path


def speedups(found: Mapping[str, "mlgolf.TradeOff"]) -> pl.DataFrame:
    """Args: found: by the name of what was run. Returns: rows of the figure."""
    rows = [
        (name, one.method, one.average_speedup, *one.interval, one.verdict.value)
        for name, curves in found.items() for one in curves.comparison.curves
    ]
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    return table.with_columns(pl.col(pl.Float64).fill_nan(None))


def drawn(table: pl.DataFrame) -> list[Any]:
    style = Style(submissions=("speedup",))
    return [
        speedups_chart(rows, style, title=str(workload), ends=ENDS)
        for (workload,), rows in table.group_by("workload", maintain_order=True)
    ]


def matrix(table: pl.DataFrame) -> str:
    """Methods by workloads as Markdown; bold where the verdict is better or worse."""
    names = table["workload"].unique(maintain_order=True).to_list()
    cells = {(row["method"], row["workload"]): cell(row) for row in table.to_dicts()}
    lines = [f"| | {' | '.join(names)} |", f"|---|{'---:|' * len(names)}"]
    for method in table["method"].unique(maintain_order=True).sort():
        row = (cells.get((method, name), "") for name in names)
        lines.append(f"| `{method}` | {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def cell(row: Mapping[str, Any]) -> str:
    if row["speedup"] is None:
        return "no quality in common"
    told = f"{row['speedup']:.2f}× ({row['low']:.2f} to {row['high']:.2f})"
    return f"**{told}**" if row["verdict"] in ("better", "worse") else told


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD")
    parser.add_argument("--runs", nargs="+", type=Path, default=[], metavar="FOLDER")
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="those that fit, unless given")
    parser.add_argument("--knobs", type=json.loads, default={}, help='JSON: {"ema__every": 1}')
    parser.add_argument("--budgets", nargs="+", type=float, default=[0.125, 0.25, 0.5])
    parser.add_argument("--framework", default="torch", choices=("torch", "jax"))
    parser.add_argument("--competition", default="mini")
    parser.add_argument("--studies", type=int, default=3, help="seeds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--parallel", type=int, default=1, help="trials at a time")
    parser.add_argument("--data-dir", type=Path, default=DATA_DIR)
    parser.add_argument("--out", type=Path, default=Path("runs/methods"))
    parser.add_argument("--progress", action="store_true")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    print_machine()
    found: dict[str, mlgolf.TradeOff] = {}
    for run in [*asked.runs, *(played(workload, asked) for workload in asked.workloads)]:
        name = run.name.removesuffix(f"_{asked.framework}")
        found[name] = mlgolf.curve(run, baseline=NONE)
        found[name].save(asked.out / f"curves_{name}")
        print(f"\n{name}\n{found[name]!r}", flush=True)
    table = speedups(found)
    (asked.out / "method_speedups.md").write_text(matrix(table), encoding="utf-8")
    save_figure(asked.out, "method_speedups", drawn(table), table, heading=HEADING)


if __name__ == "__main__":
    main()
