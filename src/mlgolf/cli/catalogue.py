"""Commands that list and show what has a name: workloads, algorithms, competitions, quantities."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from mlgolf.cli.options import AsJson, print_json
from mlgolf.cli.text import say
from mlgolf.core.errors import MLGolfError

Name = Annotated[str, typer.Argument()]


def add_to(app: typer.Typer) -> None:
    kinds = {
        "workloads": (workload_rows, workload_details, "workload_shown", "criteo1tb"),
        "algorithms": (algorithm_rows, algorithm_details, "algorithm_shown", "nadamw"),
        "competitions": (competition_rows, competition_details, "competition_shown", "mini"),
        "quantities": (quantity_rows, quantity_details, "quantity_shown", "l2"),
    }
    for kind, how in kinds.items():
        app.add_typer(_group(kind, *how), name=kind)


def _group(kind: str, rows, details, shown: str, example: str) -> typer.Typer:
    group = typer.Typer(help=f"List and show {kind}.", no_args_is_help=True)
    singular = {"quantities": "quantity"}.get(kind, kind.removesuffix("s"))

    def list_(as_json: AsJson = False) -> None:
        found = rows()
        if as_json:
            print_json({kind: found})
            return
        for row in found:
            say("  ".join(str(value) for value in row.values() if value != ""))

    def show(name: Name, as_json: AsJson = False) -> None:
        if as_json:
            print_json({singular: details(name)})
        else:
            _print(shown, name)

    list_.__doc__ = f"List the installed {kind}.\n\nExample: mlgolf {kind} list"
    show.__doc__ = f"Show one {singular}.\n\nExample: mlgolf {kind} show {example}"
    group.command("list")(list_)
    group.command("show")(show)
    return group


def _print(shown: str, name: str) -> None:
    from rich.console import Console

    from mlgolf.cli import shown as shows
    from mlgolf.report.terminal import plain

    console = Console(highlight=False)
    for number, part in enumerate(getattr(shows, shown)(name)):
        if isinstance(part, str):
            console.print(*([] if number == 0 else [""]), plain(part), sep="\n")
        else:
            console.print("", part, sep="\n")


def workload_rows() -> list[dict[str, Any]]:
    from mlgolf.core.registry import load_workload, workload_names

    return [
        _row_of(name, lambda name: "+".join(load_workload(name).frameworks))
        for name in workload_names()
    ]


def _row_of(name: str, frameworks: Callable[[str], str]) -> dict[str, Any]:
    """What is broken keeps its row: nobody has asked for it in particular."""
    try:
        return {"name": name, "frameworks": frameworks(name)}
    except MLGolfError as error:
        return {"name": name, "frameworks": "", "broken": str(error)}


def workload_details(name: str) -> dict[str, Any]:
    from dataclasses import asdict

    from mlgolf.core.registry import load_workload
    from mlgolf.workloads.cost_shares import read_cost_shares

    workload = load_workload(name)
    return {
        "name": name,
        "dataset": workload.dataset,
        "loss": workload.loss_type.name.lower(),
        "frameworks": list(workload.frameworks),
        "sizes": {key: asdict(size) for key, size in workload.sizes.items()},
        "cost_shares": {
            size: {**asdict(row), "share": row.share}
            for size, row in read_cost_shares(workload).items()
        },
    }


def algorithm_rows() -> list[dict[str, Any]]:
    from mlgolf.core.registry import algorithm_names

    return [
        _row_of(name, lambda name: "+".join(algorithm_details(name)["frameworks"]))
        for name in algorithm_names()
    ]


def algorithm_details(name: str) -> dict[str, Any]:
    from mlgolf.core.registry import algorithm_folder

    folder = algorithm_folder(name)
    space = folder / "tuning_search_space.json"
    return {
        "name": name,
        "frameworks": [f for f in ("torch", "jax") if (folder / f"submission_{f}.py").exists()],
        "folder": str(folder),
        "search_space": space.read_text().strip() if space.exists() else None,
    }


def competition_rows() -> list[dict[str, Any]]:
    from mlgolf.core.competition import competition_names, load_competition

    return [{"name": name, "title": load_competition(name).title} for name in competition_names()]


def competition_details(name: str) -> dict[str, Any]:
    from mlgolf.core.competition import load_competition

    return load_competition(name).model_dump(mode="json", by_alias=True)


def quantity_rows() -> list[dict[str, Any]]:
    from mlgolf.core.quantities import broken_quantities, quantities

    declared = [{"name": name, "noun": q.noun} for name, q in quantities().items()]
    broken = broken_quantities().items()
    return declared + [{"name": name, "noun": "", "broken": str(why)} for name, why in broken]


def quantity_details(name: str) -> dict[str, Any]:
    from mlgolf.core.quantities import declared_by, quantity

    declared = quantity(name)
    return {
        "name": declared.name,
        "noun": declared.noun,
        "unit": declared.unit,
        "goal": declared.goal,
        "meaning": declared.meaning,
        "accumulates": declared.accumulates,
        "claimed": declared.claimed,
        "usual_bound": declared.usual_bound,
        "column": declared.column_for("{metric}"),
        "declared_by": declared_by(name) or "mlgolf.core.quantities of mlgolf",
    }
