"""The numbers of docs/mini.md: what published and usual hyperparameters do on a mini workload.

    mini_numbers.py points WORKLOAD ...    the published points of the algorithm, each once
    mini_numbers.py curve WORKLOAD ...     one of them, its learning rate times each of --factors
    mini_numbers.py seeds WORKLOAD ...     one of them, --count seeds on one draw of held-out data
    mini_numbers.py draws WORKLOAD ...     one of them, --count draws of held-out data
    mini_numbers.py plain WORKLOAD ...     AdamW and SGD with defaults of a newcomer
    mini_numbers.py search WORKLOAD ...    --count points around the space published for NadamW

Each prints a row per trial and the spread of steps to target, and writes the table as markdown into
--out, `curve` a figure besides, under names that hold all that was asked for; the runs are kept
there, and are continued if they are there already. What reaches no target within its budget may be
given --budget-times as much. Another draw needs another seed, so the spread of `draws` holds that
of `seeds`, too.
"""

import argparse
import json
import re
import shutil
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
from common import DATA_DIR, print_machine, spread, variation

import mlgolf
from mlgolf.core.registry import algorithm_folder
from mlgolf.core.toml_files import SHIPPED, read_text
from mlgolf.plots.learning_rate_curve import learning_rate_curve
from mlgolf.plots.svg import to_svg
from mlgolf.plots.theme import Style

FACTORS = "1/8 1/4 1/2 1 2 4 8"
HEADS = ("trial", "ended", "steps", "seconds", "best")
PLAIN = {  # name -> framework -> what builds it, and its point
    "adamw": {
        "torch": ("torch", "torch.optim.AdamW", {"learning_rate": 1e-3}),
        "jax": ("optax", "optax.adamw", {"learning_rate": 1e-3}),
    },
    "sgd": {
        "torch": ("torch", "torch.optim.SGD", {"learning_rate": 0.1, "momentum": 0.9}),
        "jax": ("optax", "optax.sgd", {"learning_rate": 0.1, "momentum": 0.9}),
    },
}  # fmt: skip
# As published, but with more learning rates, momenta and second-moment horizons; no dropout.
BROAD = {
    "learning_rate": {"min": 1e-4, "max": 3e-2, "scaling": "log"},
    "one_minus_beta1": {"min": 4e-3, "max": 0.3, "scaling": "log"},
    "beta2": {"feasible_points": [0.9, 0.99, 0.999]},
    "weight_decay": {"min": 5e-3, "max": 1.0, "scaling": "log"},
    "label_smoothing": {"feasible_points": [0.0, 0.1]},
    "warmup_factor": {"feasible_points": [0.02, 0.05, 0.1]},
}

Point = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How a trial went. Where the target was not reached, steps and seconds are all there were."""

    label: str
    status: str
    reached: bool
    steps: int
    seconds: float
    best: float

    def cells(self) -> tuple[str, ...]:
        ended = "reached" if self.reached else self.status.lower().replace("_", " ")
        return self.label, ended, str(self.steps), f"{self.seconds:.2f}", f"{self.best:.5g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """Plays submissions on one workload, with all that was asked for on the command line."""

    workload: str
    asked: argparse.Namespace

    @property
    def folder(self) -> str:
        return asked_for(self.asked)

    def points(self, name: str, points: Sequence[Point]) -> list[dict[str, Any]]:
        """A trial for each point, in their order."""
        return self.play(name, with_points(self.asked, name, points), trials=len(points))

    def play(
        self, name: str, submission: Path, *, trials: int = 1, studies: int = 1, seed: int = 0
    ) -> list[dict[str, Any]]:
        """Rows of `run.trials`, by study and trial."""
        asked, out = self.asked, self.asked.out / self.workload / self.folder / name
        run = mlgolf.run(
            submission, competition=self._competition(), workloads=self.workload,
            framework=asked.framework, tuning="external", trials=trials, studies=studies,
            seed=asked.seed + seed, parallel=asked.parallel, data_dir=asked.data_dir,
            out=out, resume=out.exists(), progress=asked.progress,
        )
        return run.trials.sort("study", "trial").to_dicts()

    def _competition(self) -> str | Path:
        """As it was named, or with longer budgets in a file of its own."""
        asked = self.asked
        if asked.budget_times == 1:
            return asked.competition
        named = SHIPPED / f"{asked.competition}.toml"
        text = read_text(named if named.is_file() else Path(asked.competition))
        longer = re.sub(
            r"(budget_seconds = )([\d.]+)",
            lambda found: f"{found[1]}{float(found[2]) * asked.budget_times:g}", text,
        )
        budgets = f"budget_times_{asked.budget_times:g}"
        file = asked.out / f"{Path(asked.competition).stem}_{budgets}.toml"
        file.write_text(longer)
        return file


def asked_for(asked: argparse.Namespace) -> str:
    """A name for files and folders: "curve_nadamw_torch_mini_point_2_factors_1to2_1_seed_0"."""
    words = [asked.question, asked.algorithm, asked.framework, Path(asked.competition).stem]
    if asked.question in ("curve", "seeds", "draws"):
        words.append("point_last" if asked.point is None else f"point_{asked.point}")
    if asked.question == "curve":
        words += ["factors", *(str(factor).replace("/", "to") for factor in asked.factors)]
    if asked.question in ("seeds", "draws", "search"):
        words += ["count", str(asked.count)]
    if asked.budget_times != 1:
        words += ["budget_times", f"{asked.budget_times:g}"]
    return "_".join([*words, "seed", str(asked.seed)])


def with_points(
    asked: argparse.Namespace, name: str, points: Sequence[Point] | Mapping[str, Any]
) -> Path:
    """A copy of the algorithm whose search space is this: a list of points, or their ranges."""
    folder = asked.out / "submissions" / asked_for(asked) / name / asked.algorithm
    shutil.copytree(
        algorithm_folder(asked.algorithm), folder, dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (folder / "tuning_search_space.json").write_text(json.dumps(points, indent=2) + "\n")
    return folder


def published_points(algorithm: str) -> list[Point]:
    """Those that it lists; of an algorithm with a search space, the point of self-tuning."""
    folder = algorithm_folder(algorithm)
    listed = json.loads((folder / "tuning_search_space.json").read_text())
    if isinstance(listed, list):
        return listed
    return [json.loads((folder / "self_tuning_point.json").read_text())]


def chosen_point(asked: argparse.Namespace) -> Point:
    points = published_points(asked.algorithm)
    return points[-1] if asked.point is None else points[asked.point - 1]


def row(trial: Mapping[str, Any], label: str) -> Row:
    nan = float("nan")
    return Row(
        label=label, status=str(trial["status"]), reached=trial["reached"], steps=trial["steps"],
        seconds=nan if trial["seconds"] is None else trial["seconds"],
        best=nan if trial["best"] is None else trial["best"],
    )


def points(player: Player) -> list[Row]:
    listed = published_points(player.asked.algorithm)
    trials = player.points("points", listed)
    return [row(trial, f"point {n}") for n, trial in enumerate(trials, start=1)]


def curve(player: Player) -> list[Row]:
    point, factors = chosen_point(player.asked), player.asked.factors
    rates = [{**point, "learning_rate": point["learning_rate"] * float(f)} for f in factors]
    rows = [
        row(trial, f"rate × {factor}")
        for factor, trial in zip(factors, player.points("curve", rates), strict=True)
    ]
    draw(player, rows)
    return rows


def draw(player: Player, rows: Sequence[Row]) -> None:
    asked = player.asked
    values = [
        (asked.algorithm, player.workload, float(factor), row.seconds if row.reached else None)
        for factor, row in zip(asked.factors, rows, strict=True)
    ]
    kinds = {"submission": pl.String, "workload": pl.String, "factor": pl.Float64,
             "seconds": pl.Float64}  # fmt: skip
    table = pl.DataFrame(values, schema=kinds, orient="row")
    svg = to_svg(learning_rate_curve(table, Style(submissions=(asked.algorithm,))))
    file = asked.out / f"{player.workload}_{player.folder}.svg"
    file.write_text(svg)
    print(f"figure: {file}")


def seeds(player: Player) -> list[Row]:
    submission = with_points(player.asked, "seeds", [chosen_point(player.asked)])
    trials = player.play("seeds", submission, studies=player.asked.count)
    return [row(trial, f"seed {n}") for n, trial in enumerate(trials, start=1)]


def draws(player: Player) -> list[Row]:
    submission = with_points(player.asked, "draws", [chosen_point(player.asked)])
    return [
        row(trial, f"draw {number}")
        for number in range(1, player.asked.count + 1)
        for trial in player.play(f"draws/{number}", submission, seed=number)
    ]


def plain(player: Player) -> list[Row]:
    """With the short form, at a constant learning rate."""
    rows = []
    for name, frameworks in PLAIN.items():
        asked = player.asked
        library, optimizer, point = frameworks[asked.framework]
        file = asked.out / "submissions" / "plain" / f"{name}_{asked.framework}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            f"import {library}\nfrom mlgolf.{asked.framework} import from_optimizer\n"
            f"submission = from_optimizer({optimizer}, search_space=[{point}], "
            'schedule="constant")\n'
        )
        values = ", ".join(f"{key}={value}" for key, value in point.items())
        rows += [row(t, f"{optimizer}({values})") for t in player.play(f"plain/{name}", file)]
    return rows


def search(player: Player) -> list[Row]:
    """By rows from fast to slow; those that never get there are last."""
    asked = player.asked
    submission = with_points(asked, "search", BROAD)
    trials = player.play("search", submission, trials=asked.count)
    rows = [row(trial, described(trial["hyperparameters"])) for trial in trials]
    return sorted(rows, key=lambda row: (not row.reached, row.seconds))


def described(point: Point) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in point.items())


QUESTIONS: Mapping[str, Callable[[Player], list[Row]]] = {
    "points": points, "curve": curve, "seeds": seeds, "draws": draws, "plain": plain,
    "search": search,
}


def report(question: str, player: Player, rows: Sequence[Row]) -> None:
    """The rows as text and, in a file, as markdown."""
    cells = [HEADS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    print(f"\n{player.workload}: {question}, {player.asked.framework}")
    for line in cells:
        first, *others = (text.rjust(width) for text, width in zip(line, widths, strict=True))
        print("  ".join([first.strip().ljust(widths[0]), *others]))
    file = player.asked.out / f"{player.workload}_{player.folder}.md"
    file.write_text("".join(markdown_lines(cells)))
    print(summary(rows), f"table: {file}", sep="\n")


def markdown_lines(cells: Sequence[Sequence[str]]) -> list[str]:
    heads, *rows = [f"| {' | '.join(line)} |\n" for line in cells]
    return [heads, f"|---{'|---:' * (len(cells[0]) - 1)}|\n", *rows]


def summary(rows: Sequence[Row]) -> str:
    """Of steps and seconds to target, over those that reached it."""
    steps = [row.steps for row in rows if row.reached]
    counts = f"{len(steps)} of {len(rows)} reached the target"
    if not steps:
        return counts
    seconds = [row.seconds for row in rows if row.reached]
    varied = f", standard deviation {variation(steps):.1f}%" if len(steps) > 1 else ""
    furthest = max(abs(s / statistics.median(steps) - 1) for s in steps)
    return (
        f"{counts}; steps to target, median (least to most): {spread(steps)}{varied}, at most "
        f"{furthest:.1%} from the median; seconds: {spread(seconds)}"
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("question", choices=QUESTIONS)
    parser.add_argument("workloads", nargs="+", metavar="WORKLOAD")
    parser.add_argument("--algorithm", default="nadamw", help="an installed one")
    parser.add_argument(
        "--point", type=int, help="which of its published points, from 1; the last, unless given"
    )
    parser.add_argument(
        "--factors", nargs="+", type=Fraction, default=[*map(Fraction, FACTORS.split())],
        help=FACTORS,
    )
    parser.add_argument("--count", type=int, help="seeds (5), draws (10) or points (20)")
    parser.add_argument("--framework", default="torch", choices=("torch", "jax"))
    parser.add_argument("--competition", default="mini")
    parser.add_argument("--budget-times", type=float, default=1.0, help="of every budget")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--parallel", type=int, default=1, help="trials at a time")
    parser.add_argument("--data-dir", type=Path, default=DATA_DIR)
    parser.add_argument("--out", type=Path, default=Path("runs/mini_numbers"))
    parser.add_argument("--progress", action="store_true")
    asked = parser.parse_args()
    asked.count = asked.count or {"seeds": 5, "draws": 10, "search": 20}.get(asked.question)
    return asked


def main() -> None:
    asked = arguments()
    asked.out.mkdir(parents=True, exist_ok=True)
    print_machine()
    for workload in asked.workloads:
        player = Player(workload=workload, asked=asked)
        report(asked.question, player, QUESTIONS[asked.question](player))


if __name__ == "__main__":
    main()
