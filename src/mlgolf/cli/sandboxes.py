"""The command that says what the sandbox of this machine holds: sandbox check."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mlgolf.cli.options import AsJson, print_json

if TYPE_CHECKING:
    from mlgolf.referee.sandbox_check import SandboxCheck

HELD = {True: "held", False: "NOT HELD", None: "not tried"}


def add_to(app: typer.Typer) -> None:
    sandbox = typer.Typer(
        help="The sandbox that other people's code is run in.", no_args_is_help=True
    )
    sandbox.command("check")(check)
    app.add_typer(sandbox, name="sandbox")


def check(
    level: Annotated[
        Literal["process", "bubblewrap"] | None,
        typer.Option(
            "--sandbox", help="The level to try.",
            show_default="the strongest that this machine gives",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Try every wall of the sandbox from inside, and say what held on this machine.

    It takes a second or two. Exit code 1 if something got through.

    Example: mlgolf sandbox check

    Example: mlgolf sandbox check --sandbox process --json
    """
    from mlgolf.referee.sandbox_check import check_sandbox

    checked = check_sandbox(level)
    if as_json:
        print_json(as_record(checked))
    else:
        _print(checked)
    raise typer.Exit(0 if checked.holds else 1)


def as_record(checked: "SandboxCheck") -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(checked), "holds": checked.holds}


def _print(checked: "SandboxCheck") -> None:
    from rich.console import Console

    from mlgolf.report.terminal import plain, text_table

    console = Console(highlight=False)
    walls = [(wall.attempt, HELD[wall.held], wall.why) for wall in checked.walls]
    facts = [*checked.machine.items(), *(
        (name.replace("_", " "), said) for name, said in checked.held_by.items()
    )]  # fmt: skip
    console.print(
        text_table(f"Sandbox level {checked.level}: what a contestant may try",
                   ["attempt", "result", "why"], walls),
        text_table("This machine, and how a player is held on it", ["what", "value"], facts),
    )  # fmt: skip
    for line in _lines(checked):
        console.print(plain(line), soft_wrap=not console.is_terminal)


def _lines(checked: "SandboxCheck") -> list[str]:
    through = sum(wall.held is False for wall in checked.walls)
    untried = sum(wall.held is None for wall in checked.walls)
    walls = f"{len(checked.walls) - through - untried} of {len(checked.walls)} walls held"
    lines = [f"{walls}, {through} did not, {untried} could not be tried."]
    if checked.bubblewrap_problem:
        lines.append(
            f"The level bubblewrap is not to be had here: {checked.bubblewrap_problem}. Run only "
            "your own code on this machine."
        )
    elif checked.level == "process":
        lines.append("The level process is for your own code; for other people's use bubblewrap.")
    return lines
