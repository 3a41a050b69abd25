"""Every attack of the suite gets its verdict, and what looks like it is accepted."""

import re
import shutil
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest

from mlgolf.core.errors import SandboxError, UnknownName
from mlgolf.testing.attacks import suite
from mlgolf.testing.attacks.attacks import FAMILIES, TRICKS, all_attacks, chosen_attacks
from mlgolf.testing.attacks.suite import Outcome, play_attacks

ATTACKS = all_attacks()
NAMES = [attack.name for attack in ATTACKS]
ONE_OF_EACH = [next(a for a in ATTACKS if a.family == family) for family in FAMILIES]


def test_one_trick_of_each_family_gets_its_verdict_and_its_look_alike_is_accepted():
    outcomes = play_attacks(ONE_OF_EACH)
    assert len(outcomes) == len(FAMILIES)
    assert [f"{one.attack.name}: {one.trick}" for one in outcomes if not one.held] == []
    assert [f"{one.attack.name}: {one.honest}" for one in outcomes if not one.accepted] == []


@cache
def outcomes_of(family: str) -> dict[str, Outcome]:
    """By attack. Those of a family share their runs; workers of one session share out families."""
    played = play_attacks([attack for attack in ATTACKS if attack.family == family])
    return {outcome.attack.name: outcome for outcome in played}


@pytest.mark.long
@pytest.mark.parametrize("attack", ATTACKS, ids=NAMES)
def test_a_trick_gets_its_verdict_and_its_look_alike_is_accepted(attack):
    outcome = outcomes_of(attack.family)[attack.name]
    assert outcome.held, f"{outcome.trick}"
    assert outcome.accepted, f"{outcome.honest}"


def test_every_family_has_several_attacks():
    for family in FAMILIES:
        assert sum(attack.family == family for attack in ATTACKS) >= 4, family


def test_the_threat_model_names_every_attack_and_no_other():
    table = (Path(__file__).parents[2] / "docs" / "threat-model.md").read_text()
    rows = [line for line in table.split("## Walls")[1].split("\n") if line.startswith("|")]
    folders = [name for row in rows for name in re.findall("`([a-z_]+)`", row.split("|")[3])]
    assert sorted(folders) == sorted(NAMES)


@pytest.fixture
def attack(tmp_path):
    """Plays an attack whose code is given."""

    def play(trick: str, honest: str) -> Outcome:
        folder = Path(shutil.copytree(TRICKS / "earlier_log", tmp_path / "tricks" / "mine"))
        for name, code in (("trick", trick), ("honest", honest)):
            if code:
                (folder / f"{name}.py").write_text(code)
        (outcome,) = play_attacks(
            chosen_attacks((), None, folder.parent), folder=folder.parent
        )
        return outcome

    return play


WINNER = """
from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained

class Submission(Honest):
    def update_params(self, **given):
        gained("something")

submission = Submission()
"""


def test_a_trick_that_gains_something_is_not_held(attack):
    outcome = attack(WINNER, "")
    assert (outcome.held, outcome.accepted) == (False, True)
    assert "this attack gained something: something" in outcome.trick.wrong


def test_a_look_alike_that_is_refused_is_not_accepted(attack):
    outcome = attack("", "raise KeyError('no such thing')")
    assert (outcome.held, outcome.accepted) == (True, False)
    assert "no such thing" in outcome.honest.reason


def test_an_attack_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(UnknownName, match="fork_bomb"):
        chosen_attacks(("fork_bom",), None)
    with pytest.raises(UnknownName, match="data leakage"):
        chosen_attacks((), "leaks")


def test_no_attack_is_played_where_it_would_reach_the_machine_itself(monkeypatch):
    held = SimpleNamespace(stop=lambda: None, record=lambda: {"files": "shared"})
    monkeypatch.setattr(suite, "HeldProcess", lambda order: held)
    with pytest.raises(SandboxError, match="would reach the machine itself"):
        play_attacks(chosen_attacks(("network",), None))
