"""The curves of docs/methods.md: what each speed-up method gives at several budgets.

    method_curves.py WORKLOAD ... [--methods NAME ...] [--budgets 0.125 0.25 0.5] [--studies 3]

Plays examples/methods once without methods, called `none`, and once with each that fits the
workload (what needs a small model: examples/small_model), all at the same hyperparameters:
AlgoPerf's published point for the example, and the knobs below. Budgets are multiples of the step
hint. The runs are kept under --out, and are continued if they are there already; `mlgolf curve` and
`mlgolf score` read them. Written besides, for each workload, are the measurements as CSV and the
figure of `mlgolf curve`; and for all of them method_speedups: the average speed-up of each method
over the qualities that both reach.
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
from mlgolf.plots.saved import save_figure
from mlgolf.plots.speedups import SCHEMA, speedups_chart
from mlgolf.plots.theme import Style

EXAMPLES = Path(__file__).parents[1] / "examples"
NONE = "none"
ENDS = (0.5, 2.0)  # of the axis of speed-ups
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


def measured(workload: str, asked: argparse.Namespace) -> "mlgolf.TradeOff":
    methods = asked.methods or [*dict.fromkeys(FITTING[base_of(workload)])]
    out = asked.out / f"{workload}_{asked.framework}"
    copies = submissions(asked.out / "submissions" / workload, workload, methods, asked.knobs)
    run = mlgolf.run(
        copies, competition=asked.competition, workloads=workload, framework=asked.framework,
        tuning="external", trials=1, studies=asked.studies, ladder=asked.budgets, seed=asked.seed,
        parallel=asked.parallel, data_dir=asked.data_dir, out=out, resume=out.exists(),
        progress=asked.progress,
    )
    return mlgolf.curve(run.path, baseline=NONE)


def table_of(found: "mlgolf.TradeOff") -> pl.DataFrame:
    """What was measured, as `mlgolf curve` reads it."""
    kept = ("method", "seed", "budget", "time", "quality", "hardware", "machine", "clock")
    return found.comparison.table.rows.select(kept)


def speedups_of(workload: str, found: "mlgolf.TradeOff") -> list[tuple[object, ...]]:
    """Rows of the figure of all workloads."""
    return [
        (workload, one.method, one.average_speedup, *one.interval, one.verdict.value)
        for one in found.comparison.curves
    ]


def drawn(table: pl.DataFrame) -> list[Any]:
    style = Style(submissions=("speedup",))
    return [
        speedups_chart(rows, style, title=str(workload), ends=ENDS)
        for (workload,), rows in table.group_by("workload", maintain_order=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workloads", nargs="+", metavar="WORKLOAD")
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
    rows: list[tuple[object, ...]] = []
    for workload in asked.workloads:
        found = measured(workload, asked)
        table_of(found).write_csv(asked.out / f"methods_{workload}.csv")
        found.save(asked.out / f"figures_{workload}")
        print(f"\n{workload}\n{found!r}", flush=True)
        rows += speedups_of(workload, found)
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row").with_columns(
        pl.col(pl.Float64).fill_nan(None)
    )
    save_figure(asked.out, "method_speedups", drawn(table), table)


if __name__ == "__main__":
    main()
