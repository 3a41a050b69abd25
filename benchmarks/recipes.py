"""How much less does a fixed result take by ideas since 2012, and which idea gave how much?

    recipes.py [--out runs/recipes] [--seeds 3] [--parallel 1]     play what is missing
    recipes.py --runs FOLDER               tables and figures of such a folder once more

Plays examples/recipes to one error of handwritten digits: the recipe of 2012, that recipe with the
first idea, with the first two and so on in the order of history, and the same with the ideas in
reverse order. Each recipe is tuned alike: one trial at each of three learning rates, a factor of
three apart, with each of two lengths of the schedule. The point that reached the target first is
then played with the seeds that count, which are others. Written to the folder: the runs (continued
if they are there already), recipe_trials.csv, recipes.csv, and figures.
"""

import argparse
import json
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, isfinite
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from common import DATA_DIR, print_machine

import mlgolf
from mlgolf.analysis.ablation.attribution import (
    Attribution,
    Reached,
    Recipe,
    attributed,
    per_year,
    recipes_in,
)
from mlgolf.core.competition import Competition
from mlgolf.core.text import significant
from mlgolf.core.trial import Trial
from mlgolf.plots.attribution import SCHEMA, factors_chart, recipes_chart
from mlgolf.plots.heading import Heading
from mlgolf.plots.saved import save_figure
from mlgolf.plots.theme import Style
from mlgolf.results.run_folder import read_runs

EXAMPLE = Path(__file__).parents[1] / "examples" / "recipes"
JOIN, NONE = "+", "none"
TUNING, MEASURED = "tuning", "measured"
FORTH, BACK = "in the order of history", "in reverse order"
UNITS = {"time": "seconds on the clock", "steps": "steps"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Idea:
    words: str
    year: int
    paper: str
    point: Mapping[str, Any]  # what of the point it changes
    methods: tuple[str, ...] = ()


START = Idea(
    words="SGD, step decay", year=2012,
    paper="Krizhevsky et al., NeurIPS 2012",
    point={"optimizer": "sgd", "schedule": "step_decay"},
)  # fmt: skip
# Batch norm and residuals are the network's: the rows of recipes.toml.
IDEAS = {
    "batch_norm": Idea(
        words="batch norm", year=2015, paper="Ioffe and Szegedy, arXiv:1502.03167", point={},
    ),
    "residuals": Idea(
        words="residuals", year=2015, paper="He et al., arXiv:1512.03385", point={},
    ),
    "schedule": Idea(
        words="warm-up and cosine", year=2017,
        paper="Loshchilov and Hutter, arXiv:1608.03983; Goyal et al., arXiv:1706.02677",
        point={"schedule": "warmup_cosine"},
    ),
    "labels": Idea(
        words="label smoothing, mixup", year=2017,
        paper="Szegedy et al., arXiv:1512.00567; Zhang et al., arXiv:1710.09412",
        point={}, methods=("label_smoothing", "mixup"),
    ),
    "resizing": Idea(
        words="progressive resizing", year=2018, paper="Howard, DAWNBench 2018",
        point={}, methods=("progressive_resizing",),
    ),
    "optimizer": Idea(
        words="NadamW", year=2019,
        paper="Dozat, ICLR workshop 2016; Loshchilov and Hutter, ICLR 2019, arXiv:1711.05101",
        point={"optimizer": "nadamw"},
    ),
    "averaging": Idea(
        words="weight averaging", year=2022,
        paper="Kaddour, arXiv:2209.14981; Polyak and Juditsky, 1992",
        point={}, methods=("ema",),
    ),
}  # fmt: skip
ORDERS = {FORTH: tuple(IDEAS), BACK: tuple(IDEAS)[::-1]}
ROWS = {
    (False, False): "plain", (True, False): "no_residual", (False, True): "no_batch_norm",
    (True, True): "residual",
}  # fmt: skip
# A factor of three apart, around what is usual for such networks.
RATES = {"sgd": (0.01, 0.03, 0.1), "nadamw": (0.001, 0.003, 0.01)}
LENGTHS = (0.5, 1.0)  # of the schedule, in step hints


def recipes() -> list[Recipe]:
    """Those of both orders; both begin and end alike."""
    return [*dict.fromkeys(recipe for order in ORDERS.values() for recipe in recipes_in(order))]


def name_of(recipe: Recipe) -> str:
    return JOIN.join(idea for idea in IDEAS if idea in recipe) or NONE


def recipe_of(name: str) -> Recipe:
    return frozenset(name.split(JOIN)) - {NONE}


def row_of(recipe: Recipe) -> str:
    return ROWS["batch_norm" in recipe, "residuals" in recipe]


def points(recipe: Recipe) -> list[dict[str, Any]]:
    """What a recipe is tuned over: as many points for each."""
    point = json.loads((EXAMPLE / "self_tuning_point.json").read_text()) | START.point
    chosen = [idea for name, idea in IDEAS.items() if name in recipe]
    for idea in chosen:
        point |= idea.point
    point["methods"] = [method for idea in chosen for method in idea.methods]
    return [
        {**point, "learning_rate": rate, "length": length}
        for length in LENGTHS for rate in RATES[point["optimizer"]]
    ]


def played(
    phase: str, spaces: Mapping[Recipe, Sequence[Mapping[str, Any]]], asked: argparse.Namespace
) -> None:
    """One run for each network, with the recipes that have it."""
    by_row: dict[str, list[Recipe]] = defaultdict(list)
    for recipe in spaces:
        by_row[row_of(recipe)].append(recipe)
    for row, some in by_row.items():
        out, copies = asked.out / phase / row, []
        for recipe in some:
            copy = asked.out / "submissions" / phase / name_of(recipe)
            skipped = shutil.ignore_patterns("__pycache__")
            shutil.copytree(EXAMPLE, copy, dirs_exist_ok=True, ignore=skipped)
            space = json.dumps(spaces[recipe], indent=1) + "\n"
            (copy / "tuning_search_space.json").write_text(space)
            copies.append(copy)
        mlgolf.run(
            copies, competition=asked.competition, workloads=row, tuning="external",
            trials=len(spaces[some[0]]), studies=1 if phase == TUNING else asked.seeds,
            seed=asked.seed + (phase == MEASURED), parallel=asked.parallel,
            practice=asked.practice, data_dir=asked.data_dir, out=out, resume=out.exists(),
            progress=asked.progress,
        )  # fmt: skip


def trials_of(folder: Path, phase: str) -> Iterator[dict[str, Any]]:
    """A row for each trial of a phase."""
    for run in sorted((folder / phase).iterdir()):
        found = read_runs([run])
        for trial in found.trials:
            yield {"phase": phase, **facts(trial, found.competition)}


def facts(trial: Trial, competition: Competition) -> dict[str, Any]:
    """Of one trial: null where the target was not reached."""
    rules = competition.workloads[trial.key.workload]
    target = competition.rules.asked("validation_metric", rules)
    assert target is not None
    errors = trial.values("validation_metric", rules.metric)
    hits = np.flatnonzero(target.met_by(errors))
    hit = int(hits[0]) if len(hits) else None
    return {
        "recipe": trial.key.submission, "network": trial.key.workload, "study": trial.key.study,
        "trial": trial.key.trial, "seed": trial.seed,
        "learning_rate": trial.hyperparameters["learning_rate"],
        "length": trial.hyperparameters["length"], "status": str(trial.status),
        "target": target.value, "eval_every_steps": rules.eval_every_steps,
        "time": None if hit is None else float(trial.seconds[hit]),
        "steps": None if hit is None else int(trial.steps[hit]),
        "time_spent": float(trial.seconds[-1]) if len(errors) else None,
        "steps_spent": int(trial.steps[-1]) if len(errors) else None,
        "best_error": float(np.nanmin(errors)) if len(errors) else None,
    }


def best_points(tuning: Iterable[Mapping[str, Any]]) -> dict[Recipe, dict[str, Any]]:
    """The point of each recipe that reached the target first; else that of the least error."""
    by_recipe: dict[Recipe, list[Mapping[str, Any]]] = defaultdict(list)
    for trial in tuning:
        by_recipe[recipe_of(trial["recipe"])].append(trial)

    def rank(trial: Mapping[str, Any]) -> tuple[float, float]:
        time, error = trial["time"], trial["best_error"]
        return inf if time is None else time, inf if error is None else error

    found = {}
    for recipe, trials in by_recipe.items():
        best = min(trials, key=rank)
        keys = ("learning_rate", "length")
        found[recipe] = next(
            point for point in points(recipe) if all(point[key] == best[key] for key in keys)
        )
    return found


def reached(trials: pl.DataFrame, cost: str) -> dict[Recipe, Reached]:
    """Args: trials: of the measured phase."""
    spent = trials.filter(pl.col(f"{cost}_spent").is_not_null())
    return {
        recipe_of(str(name)): Reached(
            costs=rows[cost].cast(pl.Float64).fill_null(inf).to_numpy(),
            limits=rows[f"{cost}_spent"].cast(pl.Float64).to_numpy(),
        )
        for (name,), rows in spent.group_by("recipe", maintain_order=True)
    }


def table_of(trials: pl.DataFrame) -> pl.DataFrame:
    """Rows of SCHEMA, of both costs and both orders."""
    rows: list[dict[str, Any]] = []
    spacing = float(trials["eval_every_steps"][0])
    for cost in UNITS:
        found = reached(trials, cost)
        for called, order in ORDERS.items():
            gained = attributed(found, order)
            for place, recipe in enumerate(recipes_in(order)):
                one = IDEAS[order[place - 1]] if place else START
                rows.append({
                    "cost": cost, "order": called, "place": place, "idea": one.words,
                    "year": one.year, "paper": one.paper, **taken(found[recipe]),
                    **given(gained, place, one.year, is_history=called == FORTH),
                    "spacing": spacing if cost == "steps" else None,
                })  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA)


def taken(one: Reached) -> dict[str, Any]:
    """What a recipe took: null where that is infinite."""
    costs = one.costs
    low, middle, high = (finite(f(costs)) for f in (np.min, np.median, np.max))
    hits = int(np.isfinite(costs).sum())
    return {"reached": hits, "seeds": len(costs), "least": low, "median": middle, "most": high}


def given(
    gained: Attribution, place: int, year: int, *, is_history: bool
) -> dict[str, Any]:
    """What the idea at a place gave, and all up to it by year. Nothing for place 0."""
    if not place:
        return {}
    gain = gained.gains[place - 1]
    so_far = sum(gain.estimate for gain in gained.gains[:place])
    low, high = (exp(end) if isfinite(end) else None for end in gain.interval)
    return {
        "factor": exp(gain.estimate), "bound": gain.bound, "low": low, "high": high,
        "share": finite(gained.shares[place - 1]),
        "per_year": per_year(so_far, year - START.year) if is_history else None,
    }


def finite(value: float) -> float | None:
    return float(value) if isfinite(value) else None


def markdown(table: pl.DataFrame, cost: str) -> str:
    """Ideas in the order of history, with what each gave in both orders."""
    of_cost = table.filter(pl.col("cost") == cost)
    back = {
        row["idea"]: row for row in of_cost.filter(pl.col("order") == BACK).iter_rows(named=True)
    }
    heads = (
        "idea", "year", cost, f"factor {FORTH}", f"factor {BACK}", "share", "share in reverse",
        "factor per year since 2012",
    )
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for row in of_cost.filter(pl.col("order") == FORTH).iter_rows(named=True):
        other = back[row["idea"]]
        cells = (
            row["idea"], str(row["year"]), taken_in_words(row), factor_in_words(row),
            factor_in_words(other), share_in_words(row), share_in_words(other),
            "" if row["per_year"] is None else f"{row['per_year']:.2f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def taken_in_words(row: Mapping[str, Any]) -> str:
    if row["median"] is None:
        return f"reached by {row['reached']} of {row['seeds']}"
    most = "not reached" if row["most"] is None else number(row["most"])
    return f"{number(row['median'])} ({number(row['least'])} to {most})"


def factor_in_words(row: Mapping[str, Any]) -> str:
    if row["factor"] is None:
        return ""
    if row["bound"] == "either":
        return "unknown: both missed the target"
    low, high = (("…" if row[end] is None else f"{row[end]:.2f}") for end in ("low", "high"))
    return f"{row['bound']} {row['factor']:.2f}× ({low} to {high})".strip()


def share_in_words(row: Mapping[str, Any]) -> str:
    return "" if row["share"] is None else f"{round(100 * row['share'])}%"


def number(value: float) -> str:
    return significant(value, 3, whole=True)


def told(trials: pl.DataFrame, cost: str) -> str:
    """The total with its interval, and by year."""
    found = reached(trials, cost)
    total = attributed(found, ORDERS[FORTH]).total
    low, high = ((f"{exp(end):.2f}" if isfinite(end) else "…") for end in total.interval)
    years = max(idea.year for idea in IDEAS.values()) - START.year
    factor = f"{total.bound} {exp(total.estimate):.2f}".strip()
    return (
        f"{cost}: {factor} times less in {years} years (95% interval {low} to {high}): "
        f"a factor of {per_year(total.estimate, years):.3f} a year"
    )


def drawn(folder: Path, table: pl.DataFrame) -> None:
    """A figure for each cost: what recipes took, and what ideas gave."""
    for cost, unit in UNITS.items():
        rows = table.filter(pl.col("cost") == cost)
        history = rows.filter(pl.col("order") == FORTH)
        panels = [
            recipes_chart(
                history, Style(submissions=("recipe",)), axis=f"{unit} to the target (log scale)",
                title="Each recipe has all ideas above it",
            ),
            factors_chart(
                rows, Style(submissions=tuple(ORDERS), baseline=FORTH),
                title="What each idea gave when it joined",
            ),
        ]
        heading = Heading(
            title=f"{cost.capitalize()} to one fixed error, by recipes from 2012 to today",
            reading="Above: medians, and ranges over seeds. Below: right of 1 the idea helped; "
            "bars are 95% intervals. What an idea gives depends on what is there already.",
        )
        save_figure(folder, f"recipes_{cost}", panels, rows, heading=heading)


def measure(asked: argparse.Namespace) -> None:
    """Play what is missing: tuning, then the seeds that count."""
    print_machine()
    played(TUNING, {recipe: points(recipe)[: asked.points] for recipe in recipes()}, asked)
    best = best_points(trials_of(asked.out, TUNING))
    played(MEASURED, {recipe: [best[recipe]] for recipe in recipes()}, asked)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=Path, metavar="FOLDER", help="measured before; play nothing")
    parser.add_argument("--out", type=Path, default=Path("runs/recipes"))
    parser.add_argument("--competition", default=str(EXAMPLE / "recipes.toml"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--points", type=int, help="tune over the first few only, to try this out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--parallel", type=int, default=1, help="trials at a time")
    parser.add_argument("--practice", action="store_true", help="on published held-out data")
    parser.add_argument("--data-dir", type=Path, default=DATA_DIR)
    parser.add_argument("--progress", action="store_true")
    asked = parser.parse_args()
    if asked.runs is None:
        measure(asked)
    folder = asked.runs or asked.out
    trials = pl.DataFrame(
        [row for phase in (TUNING, MEASURED) for row in trials_of(folder, phase)],
        infer_schema_length=None,
    )
    trials.write_csv(folder / "recipe_trials.csv")
    measured = trials.filter(pl.col("phase") == MEASURED)
    table = table_of(measured)
    table.write_csv(folder / "recipes.csv")
    drawn(folder, table)
    for cost in UNITS:
        print(f"\n{told(measured, cost)}\n\n{markdown(table, cost)}")
    steps = table.filter(pl.col("cost") == "steps", pl.col("order") == FORTH)
    shortest = [row["least"] for row in steps.iter_rows(named=True) if row["least"]]
    if shortest:
        late = 100 * steps["spacing"][0] / min(shortest)
        print(f"From one evaluation to the next are {late:.1f}% of the shortest training.")


if __name__ == "__main__":
    main()
