"""Trials on a machine that others slow down: flagged, and repeated where the rules say so."""

import json
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from conftest import LINEAR

from mlgolf.core.trial import Trial
from mlgolf.experiments.elsewhere import play_plan
from mlgolf.referee.trial import play_trial
from mlgolf.results.bundles.consistency import contradictions
from mlgolf.results.bundles.contents import manifest_of
from mlgolf.results.plan_file import read_plan
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.trial_folder import is_finished, read_rows, read_trial

FAST, SLOW = 0.01, 1.0  # seconds of a probe: a hundred times as long is more than any noise
KEY = "nesterov/study_0/linear_torch/trial_1"
COMMON = ("run", "nesterov", "--seed", 3, "--trials", 1)


@pytest.fixture(scope="module")
def rules(tmp_path_factory) -> Callable[[int], Path]:
    """The one-second competition, which repeats a disturbed trial so many times."""
    folder = tmp_path_factory.mktemp("rules")

    def with_repeats(most: int) -> Path:
        file = folder / f"repeats_{most}.toml"
        file.write_text(LINEAR.read_text().replace(
            "disturbed_above = 0", f"disturbed_above = 5\nrepeat_disturbed = {most}"
        ))  # fmt: skip
        return file

    return with_repeats


@pytest.fixture(scope="module")
def planned(mlgolf, rules, tmp_path_factory) -> Callable[[int], Path]:
    """Runs of one trial that has been planned and not played."""

    def with_repeats(most: int) -> Path:
        run = tmp_path_factory.mktemp("runs") / "run"
        mlgolf(*COMMON, "--competition", rules(most), "--out", run, "--plan-only")
        return run

    return with_repeats


def played(run: Path, data_dir: Path, probes: Iterator[float]) -> Trial:
    """The trial of a run, on a machine whose probe takes so many seconds each time."""
    plan = read_plan(run / KEY / "plan.json", data_dir)
    return play_plan(plan, partial(play_trial, measure=lambda hardware, cores: next(probes)))


def verdict(folder: Path) -> dict:
    return json.loads((folder / "verdict.json").read_text())


def said_against(run: Path) -> list[str]:
    folder = RunFolder(run)
    return contradictions(folder, manifest_of(folder, (), number=None, previous=None))


@pytest.fixture(scope="module")
def flagged(planned, data_dir) -> Path:
    """A run whose trial was disturbed, by rules that repeat nothing. Not to be written to."""
    run = planned(0)
    played(run, data_dir, iter([FAST, SLOW]))
    return run


@pytest.fixture(scope="module")
def repeated(planned, data_dir) -> Path:
    """A run whose first attempt was disturbed and whose second was not. Not to be written to."""
    run = planned(2)
    played(run, data_dir, iter([SLOW, FAST, FAST, FAST]))
    return run


def test_by_default_a_disturbed_trial_counts_and_boards_say_what_disturbed_it(flagged, mlgolf):
    scored = json.loads(mlgolf("score", flagged, "--json").stdout)
    assert scored["leaderboard"][0]["workloads"]["linear"]["outcome"] == "scored"
    (told,) = scored["disturbed"]
    assert (told["trial"], told["repeated"]) == (KEY, 0)
    assert "9900.0% longer after it than at its best, the rules allow 500%" in told["why"]
    assert "disturbed, 1 trial" in " ".join(mlgolf("score", flagged).stdout.split())
    assert not (flagged / KEY / "attempt_1").exists()


def test_a_report_says_which_trials_were_disturbed(flagged, mlgolf, tmp_path):
    mlgolf("report", flagged, "-o", tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text().replace("<wbr>", "")
    assert f"{KEY}: the probe of the machine" in page


def test_lists_of_runs_say_it_in_json(flagged, mlgolf):
    (trial,) = json.loads(mlgolf("runs", "show", flagged / KEY, "--json").stdout)["trials"]
    assert "longer after it" in trial["disturbed"]


def test_a_disturbed_trial_is_repeated_until_one_is_not_and_that_one_counts(repeated, mlgolf):
    trial = read_trial(repeated / KEY)
    assert (trial.disturbed, trial.repeated, trial.to_repeat) == ("", 1, False)
    first = verdict(repeated / KEY / "attempt_1")
    assert first["to_repeat"]
    assert "longer before it" in first["disturbed"]
    assert "disturbed" not in json.loads(mlgolf("score", repeated, "--json").stdout)


def test_a_repeat_has_the_seed_and_the_values_of_the_attempt_before(repeated):
    first, second = (read_rows(repeated / KEY / name) for name in ("attempt_1", "."))
    assert [row["metrics"] for row in first] == [row["metrics"] for row in second]
    headers = ((repeated / KEY / name / "trial.json").read_text() for name in ("attempt_1", "."))
    assert len({json.loads(header)["seed"] for header in headers}) == 1


def test_where_all_attempts_are_disturbed_the_last_counts_and_is_flagged(planned, data_dir):
    run = planned(1)
    trial = played(run, data_dir, iter([FAST, SLOW] * 2))
    assert trial.disturbed
    assert (trial.repeated, trial.to_repeat) == (1, False)
    assert is_finished(run / KEY)
    assert said_against(run) == []


def test_a_run_that_was_stopped_between_two_attempts_goes_on_with_the_next(
    planned, data_dir, mlgolf, rules
):
    run = planned(2)

    def stopped() -> Iterator[float]:
        yield from (FAST, SLOW)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        played(run, data_dir, stopped())
    assert not is_finished(run / KEY)
    mlgolf(*COMMON, "--competition", rules(2), "--out", run, "--resume")
    trial = read_trial(run / KEY)
    assert (trial.disturbed, trial.repeated) == ("", 1)
    assert said_against(run) == []


def test_records_of_a_host_who_kept_to_the_rules_do_not_contradict_one_another(flagged, repeated):
    assert said_against(flagged) == said_against(repeated) == []


@pytest.mark.parametrize(("where", "changes", "expected"), [
    (".", {"repeated": None}, "whether it is played again does not follow"),
    ("attempt_1", {"disturbed": None}, "whether it was disturbed does not follow"),
    ("attempt_1", {"disturbed": None, "background": None, "to_repeat": None},
     "it had ended, and was set aside all the same"),
    (".", {"background": {"beside_trials": True}}, "it says that it was played beside others"),
])  # fmt: skip
def test_a_host_who_chose_among_attempts_is_contradicted(
    repeated, tmp_path, where, changes, expected
):
    run = Path(shutil.copytree(repeated, tmp_path / "run"))
    file = run / KEY / where / "verdict.json"
    fields = {**json.loads(file.read_text()), **changes}
    file.write_text(json.dumps({name: value for name, value in fields.items() if value}))
    assert any(expected in said for said in said_against(run))


def test_an_attempt_that_is_to_be_repeated_is_no_end(repeated, tmp_path):
    run = Path(shutil.copytree(repeated, tmp_path / "run"))
    shutil.copytree(run / KEY / "attempt_1", run / KEY, dirs_exist_ok=True)
    assert not is_finished(run / KEY)
    (trial,) = RunFolder(run).trials()
    assert not trial.has_ended
