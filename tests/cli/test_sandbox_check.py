import json

import pytest

from mlgolf.referee import levels, sandbox_check
from mlgolf.referee.sandbox_check import ATTEMPTS, SandboxCheck, Wall


def found(**fields) -> SandboxCheck:
    walls = (
        Wall(name="network", attempt=ATTEMPTS["network"], held=True, why=""),
        Wall(name="memory", attempt=ATTEMPTS["memory"], held=False, why="nobody adds it up"),
        Wall(name="other_calls", attempt=ATTEMPTS["other_calls"], held=None, why="not on ARM"),
    )
    known = {"level": "bubblewrap", "bubblewrap_problem": "", "walls": walls}
    return SandboxCheck(**{**known, "machine": {"kernel": "6.1"}, "held_by": {}, **fields})


@pytest.fixture
def check(monkeypatch):
    def is_found(**fields):
        monkeypatch.setattr(sandbox_check, "check_sandbox", lambda level: found(**fields))

    return is_found


def test_each_wall_is_said_to_hold_or_not_with_the_reason(check, mlgolf):
    check()
    said = " ".join(mlgolf("sandbox", "check", expect=1).stdout.split())
    assert "take more memory, by several processes NOT HELD nobody adds it up" in said
    assert "1 of 3 walls held, 1 did not, 1 could not be tried." in said


def test_where_nothing_got_through_the_exit_code_is_zero(check, mlgolf):
    check(walls=found().walls[:1])
    assert mlgolf("sandbox", "check").stdout.rstrip().endswith("0 could not be tried.")


def test_a_machine_without_bubblewrap_is_good_for_ones_own_code(check, mlgolf):
    check(level="process", bubblewrap_problem="it is not installed")
    said = mlgolf("sandbox", "check", expect=1).stdout
    assert "it is not installed. Run only your own code on this machine." in said


@pytest.mark.alone
def test_the_check_of_this_machine_is_one_record(mlgolf):
    said = json.loads(mlgolf("sandbox", "check", "--json", expect=None).stdout)
    assert next(iter(said)) == "schema_version"
    assert [wall["name"] for wall in said["walls"]] == list(ATTEMPTS)
    assert said["holds"] is all(wall["held"] is not False for wall in said["walls"])
    assert said["held_by"]["freezing"] == "pid_namespace"


@pytest.mark.parametrize("command", [["sandbox", "check"], ["run", "nadamw", "--out", "nowhere"]])
def test_a_level_that_is_not_to_be_had_is_one_message_and_never_a_weaker_level(
    mlgolf, monkeypatch, command
):
    monkeypatch.setattr(levels, "bubblewrap_problem", lambda: "bwrap was not found: install it")
    monkeypatch.setattr(sandbox_check, "bubblewrap_problem", levels.bubblewrap_problem)
    monkeypatch.setattr(sandbox_check, "HeldProcess", refuse)
    done = mlgolf(*command, "--sandbox", "bubblewrap", expect=2)
    assert "bwrap was not found: install it" in done.stderr
    assert done.stdout == ""


def refuse(*_, **__):
    raise OSError("no bubblewrap")
