"""The commands that say what the sandbox of this machine holds: sandbox check, sandbox attack."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mlgolf.cli.options import AsJson, print_json
from mlgolf.cli.text import say

if TYPE_CHECKING:
    from mlgolf.referee.sandbox_check import SandboxCheck
    from mlgolf.testing.attacks.suite import Outcome

HELD = {True: "held", False: "NOT HELD", None: "not tried"}
Level = Annotated[
    Literal["process", "bubblewrap"] | None,
    typer.Option(
        "--sandbox", help="The level to try.", show_default="the strongest that this machine gives",
    ),
]


def add_to(app: typer.Typer) -> None:
    sandbox = typer.Typer(
        help="The sandbox that other people's code is run in.", no_args_is_help=True
    )
    sandbox.command("check")(check)
    sandbox.command("attack")(attack)
    app.add_typer(sandbox, name="sandbox")


def check(level: Level = None, as_json: AsJson = False) -> None:
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


def attack(
    names: Annotated[list[str] | None, typer.Argument(
        metavar="NAME", help="Attacks to play.", show_default="all",
    )] = None,
    family: Annotated[
        str | None, typer.Option("--family", help="Only attacks of this family.")
    ] = None,
    level: Level = None,
    as_json: AsJson = False,
) -> None:
    """Play submissions that cheat, beside honest ones that look like them, and judge both.

    Each attack is a folder with a trick, its look-alike, and the verdict that each must get. All of
    them take a few minutes. Exit code 1 if a trick was not held or a look-alike not accepted.

    Example: mlgolf sandbox attack

    Example: mlgolf sandbox attack --family "data leakage"

    Example: mlgolf sandbox attack fork_bomb network --sandbox process --json
    """
    from mlgolf.backends import require
    from mlgolf.testing.attacks.attacks import chosen_attacks
    from mlgolf.testing.attacks.suite import play_attacks, playable

    chosen = chosen_attacks(tuple(names or ()), family)
    attacks = playable(chosen)
    for one in chosen:
        if one not in attacks:
            say(f"{one.name} is not played: {one.needs.framework} is not installed", err=True)
    if not attacks:
        require(chosen[0].needs.framework)
    count = 0

    def tell(outcome: "Outcome") -> None:
        nonlocal count
        count += 1
        say(f"{count}/{len(attacks)} {outcome.attack.name}: {HELD[outcome.held]}", err=True)

    outcomes = play_attacks(attacks, level, on_end=tell)
    if as_json:
        print_json(attack_record(outcomes))
    else:
        _print_outcomes(outcomes)
    raise typer.Exit(0 if all(one.held and one.accepted for one in outcomes) else 1)


def level_is_weak(outcome: "Outcome") -> bool:
    """Whether it takes a stronger level to stop this attack."""
    return outcome.level == "process" and outcome.attack.needs.level == "bubblewrap"


def attack_record(outcomes: "tuple[Outcome, ...]") -> dict[str, Any]:
    return {
        "attacks": [
            {
                "name": one.attack.name, "level": one.level, "family": one.attack.family,
                "tries": one.attack.tries, "why": one.attack.why,
                "weakest_level": one.attack.needs.level,
                "expected": one.attack.trick.status, "held": one.held, "accepted": one.accepted,
                "trick": _got_record(one.trick), "honest": _got_record(one.honest),
            }
            for one in outcomes
        ],
        "held": all(one.held for one in outcomes),
        "accepted": all(one.accepted for one in outcomes),
    }  # fmt: skip


def _got_record(got: Any) -> dict[str, str]:
    return {"status": got.status, "reason": got.reason, "wrong": got.wrong}


def _print_outcomes(outcomes: "tuple[Outcome, ...]") -> None:
    from rich.console import Console

    from mlgolf.core.text import enumerated
    from mlgolf.report.terminal import plain, text_table

    console = Console(highlight=False)
    rows = [
        (one.attack.family, one.attack.name, one.trick.status, one.attack.trick.status,
         HELD[one.held], "accepted" if one.accepted else "NOT ACCEPTED")
        for one in outcomes
    ]
    console.print(text_table(
        "Attacks, and what they came to",
        ["family", "attack", "verdict", "must be", "result", "look-alike"], rows,
    ))  # fmt: skip
    for one in outcomes:
        for which, got in (("the trick", one.trick), ("the look-alike", one.honest)):
            if got.wrong:
                said = f"{one.attack.name}, {which}: {got.wrong[:300]}. Verdict: {got.status}"
                if got.reason[:100] not in got.wrong and got.wrong not in got.reason:
                    said += f", {got.reason[:300]}"
                console.print(plain(said), soft_wrap=not console.is_terminal)
    if weak := [one.attack.name for one in outcomes if not one.held and level_is_weak(one)]:
        console.print(plain(f"Only the level bubblewrap stops {enumerated(weak)}."))
    held, accepted = (sum(getattr(one, what) for one in outcomes) for what in ("held", "accepted"))
    console.print(
        f"{held} of {len(outcomes)} attacks were held, {accepted} look-alikes were accepted."
    )
