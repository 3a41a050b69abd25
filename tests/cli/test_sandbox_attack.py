import json

import pytest

from mlgolf.testing.attacks import suite
from mlgolf.testing.attacks.attacks import chosen_attacks
from mlgolf.testing.attacks.suite import Got, Outcome

FINE = Got(status="CRASHED", reason="tried in vain", wrong="")


def outcome(**fields) -> Outcome:
    (attack,) = chosen_attacks(("network",), None)
    usual = {"attack": attack, "level": "bubblewrap", "trick": FINE, "honest": FINE}
    return Outcome(**{**usual, **fields})


@pytest.fixture
def played(monkeypatch):
    def is_played(*outcomes: Outcome):
        monkeypatch.setattr(suite, "play_attacks", lambda *_, **__: outcomes)

    return is_played


def test_an_attack_that_was_held_is_a_row_with_both_verdicts(played, mlgolf):
    played(outcome())
    said = " ".join(mlgolf("sandbox", "attack", "network").stdout.split())
    assert "network CRASHED CRASHED held accepted" in said
    assert said.endswith("1 of 1 attacks were held, 1 look-alikes were accepted.")


def test_an_attack_that_gained_something_is_said_with_what_and_gives_exit_code_1(played, mlgolf):
    got = Got(status="CRASHED", reason="Gained at step 0", wrong="tcp gave a connection")
    played(outcome(trick=got))
    said = " ".join(mlgolf("sandbox", "attack", expect=1).stdout.split())
    assert "NOT HELD" in said
    assert "network, the trick: tcp gave a connection. Verdict: CRASHED, Gained at step 0" in said


def test_what_only_the_stronger_level_stops_is_named_at_the_weaker(played, mlgolf):
    (attack,) = chosen_attacks(("page_cache",), None)
    got = Got(status="CRASHED", reason="Gained", wrong="a page")
    played(outcome(attack=attack, level="process", trick=got))
    said = mlgolf("sandbox", "attack", expect=1).stdout
    assert "Only the level bubblewrap stops page_cache." in said


def test_an_honest_submission_that_is_refused_gives_exit_code_1(played, mlgolf):
    played(outcome(honest=Got(status="REFUSED", reason="no", wrong="the status is REFUSED")))
    assert "NOT ACCEPTED" in mlgolf("sandbox", "attack", expect=1).stdout


def test_what_a_trick_says_cannot_command_the_terminal(played, mlgolf):
    got = Got(status="CRASHED", reason="\x1b]0;mine\x07", wrong="the status is CRASHED")
    played(outcome(trick=got))
    assert "\x1b" not in mlgolf("sandbox", "attack", expect=1).stdout


@pytest.mark.parametrize("options", [["netwrk"], ["--family", "networks"]])
def test_an_attack_or_a_family_that_is_not_there_is_one_message(mlgolf, options):
    done = mlgolf("sandbox", "attack", *options, expect=2)
    assert "network" in done.stderr or "data leakage" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_attacks_of_this_machine_are_one_record(mlgolf):
    said = json.loads(mlgolf("sandbox", "attack", "namespaces", "nonsense", "--json").stdout)
    assert next(iter(said)) == "schema_version"
    by_name = {one["name"]: one for one in said["attacks"]}
    assert by_name.keys() == {"namespaces", "nonsense"}
    assert by_name["nonsense"]["trick"]["status"] == "DISQUALIFIED"
    assert (said["held"], said["accepted"]) == (True, True)


@pytest.fixture
def without_jax(monkeypatch) -> str:
    """An attack that needs it."""
    monkeypatch.setattr("mlgolf.backends.find_spec", lambda name: None if name == "jax" else name)
    return "answered_before_it_is_computed"


def test_an_attack_whose_framework_is_not_installed_is_left_out_and_named(
    played, mlgolf, without_jax
):
    played(outcome())
    done = mlgolf("sandbox", "attack", "network", without_jax)
    assert f"{without_jax} is not played: jax is not installed" in done.stderr
    assert "1 of 1 attacks were held" in done.stdout


def test_where_no_attack_can_be_played_none_is_called_held(played, mlgolf, without_jax):
    played()
    done = mlgolf("sandbox", "attack", without_jax, "--json", expect=2)
    assert "pip install 'mlgolf[jax]'" in done.stderr
    assert done.stdout == ""
