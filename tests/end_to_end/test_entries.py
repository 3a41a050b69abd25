"""What an entry hands over, and when: what counts, what it is told, what is refused."""

import itertools
import json
import re
import shutil

import pytest
from tiny_games import GAME, HONEST, TRICK, changed_game, scored

from mlgolf.core.plan import TrialPlan
from mlgolf.core.trial import Trial
from mlgolf.experiments.replay import replay_trial
from mlgolf.referee.trial import play_trial
from mlgolf.results.run_folder import RunFolder
from mlgolf.results.trial_folder import read_rows, read_verdict


@pytest.fixture
def played(mlgolf, tmp_path):
    """Plays an entry that does `trick` with an honest model. Returns: its rows and its verdict."""

    def play(trick: str, *, name: str = "trick", expect: int | None = 0):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(HONEST, folder / "fits.py")
        (folder / "entry.py").write_text(TRICK + trick)
        mlgolf(
            "run", folder, "--competition", GAME, "--seed", 1, "--studies", 1,
            "--out", tmp_path / f"{name}_run", expect=expect,
        )
        trial = tmp_path / f"{name}_run" / name / "study_0" / "points_torch" / "trial_1"
        return read_rows(trial), read_verdict(trial)

    return play


def test_the_twin_set_is_measured_and_no_entry_is_told(played):
    rows, verdict = played("    raise ValueError(sorted(game.submit(model)))\n")
    assert "test/error_rate" in rows[0]["metrics"]
    assert "model/l2" in verdict.reason
    assert "test/" not in verdict.reason


def test_what_an_entry_prints_is_in_the_log_of_its_trial(played, tmp_path):
    played("    print('nine pins')\n", expect=None)
    (log,) = (tmp_path / "trick_run").rglob("log.txt")
    assert "nine pins" in log.read_text()


def test_an_entry_that_never_submits_has_no_row_and_is_not_scored(mlgolf, played, tmp_path):
    rows, verdict = played("    pass\n")
    assert rows == []
    assert verdict.reason == "play() returned; 0 models handed over"
    assert scored(mlgolf, tmp_path / "trick_run")["outcome"] == "target_not_reached"


def test_what_is_not_finite_keeps_no_bound_and_is_named(mlgolf, played, tmp_path):
    _, verdict = played(
        "    game.submit({n: np.full_like(v, np.nan) for n, v in model.items()})\n"
    )
    assert verdict.reason.endswith(
        "model 1 has NaN or infinity: linear.bias, in 3 of 3 numbers"
    )
    assert scored(mlgolf, tmp_path / "trick_run")["outcome"] == "target_not_reached"


def test_a_crash_keeps_what_was_judged_before(mlgolf, played, tmp_path):
    rows, verdict = played("    game.submit(model)\n    raise KeyError('later')\n")
    assert verdict.status == "CRASHED"
    assert len(rows) == 1
    assert scored(mlgolf, tmp_path / "trick_run")["outcome"] == "scored"


@pytest.mark.parametrize(
    ("submitted", "code", "said"),
    [("    game.submit(model)\n", 0, "next: mlgolf score"), ("", 1, "no trial trained to an end")],
)
def test_a_run_that_crashed_has_a_result_if_a_model_was_judged_before(
    mlgolf, tmp_path, submitted, code, said
):
    entry = tmp_path / "entry"
    entry.mkdir()
    shutil.copy(HONEST, entry)
    (entry / "entry.py").write_text(f"{TRICK}{submitted}    raise ValueError('later')")
    ended = mlgolf(
        "run", entry, "--competition", GAME, "--studies", 1, "--out", tmp_path / "run",
        expect=code,
    )
    assert said in ended.stderr


def test_a_run_that_is_refused_says_so_and_does_not_keep_the_next_one_from_playing(
    mlgolf, tmp_path
):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def play(game):\n    game.submit({'other': 1.0})\n")
    out = tmp_path / "run"
    done = mlgolf(
        "run", wrong, HONEST, "--competition", GAME, "--seed", 1, "--studies", 1, "--out", out,
        expect=2,
    )
    assert re.search(r"wrong/\S+  REFUSED .*other: found \(\), expected", done.stderr)
    assert done.stderr.count("other: found ()") == 1
    assert "mlgolf: wrong: refused, for the reason above" in done.stderr
    assert re.search(r"fits/\S+  QUALIFIED  l2 7\.\d+ ", done.stderr)
    told = json.loads(mlgolf("score", out, "--json").stdout)
    assert [run["verdict"] for run in told["runs"]] == ["QUALIFIED", "REFUSED"]


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ("{'linear.weight': model['linear.weight']}", "linear.bias: found nothing"),
        ("{**model, 'extra': 1.0}", "extra: found ().*no tensor of that name"),
        ("{**model, 'linear.bias': np.zeros(4)}", r"linear.bias: found \(4,\), expected \(3,\)"),
    ],
)
def test_other_tensors_than_the_graphs_are_refused_by_name(played, tensors, said):
    _, verdict = played(f"    game.submit({tensors})\n", expect=None)
    assert re.search(said, verdict.reason)


def test_weights_that_fit_to_the_last_digit_alone_do_not_keep_a_bound(played):
    """What is added to the weights of all classes changes no softmax, unless they are a bit off."""
    honest, cancelling = (
        played(f"    game.submit({{**model, 'linear.weight': {weight}}})\n", name=name)[0]
        for name, weight in (
            ("honest", "model['linear.weight']"), ("cancelling", "model['linear.weight'] + 3e5"),
        )
    )
    assert honest[0]["metrics"]["train/loss_max"] < 0.7
    assert cancelling[0]["metrics"]["train/loss_max"] > 1.0


def test_a_thousand_submissions_are_judged_as_often_as_the_rules_say(played, tmp_path):
    rows, verdict = played(
        "    for _ in range(300):\n        game.submit(model)\n        time.sleep(0.0005)\n"
        "    model['linear.bias'] *= 1.0001\n    game.submit(model)\n"
    )
    judged = f"{len(rows)} judged: others came too soon after one"
    assert verdict.reason == f"play() returned; 301 models handed over, {judged}"
    assert rows[-1]["step"] == 301  # the last one waits, and is judged at the end
    apart = [b["seconds"] - a["seconds"] for a, b in itertools.pairwise(rows[:-1])]
    (trial,) = RunFolder(tmp_path / "trick_run").trials()
    assert min(apart, default=1.0) >= 0.05 / trial.speed


def test_what_comes_after_the_deadline_does_not_count(mlgolf, played, tmp_path):
    rows, verdict = played(
        "    end = time.process_time() + 20\n"
        "    while time.process_time() < end:\n        pass\n    game.submit(model)\n"
    )
    assert verdict.status == "OUT_OF_TIME"
    assert rows == []


def test_a_late_model_takes_the_place_of_none_that_came_in_time(mlgolf, tmp_path):
    """The one in time still waits to be judged when the late one is handed over."""
    game = changed_game(tmp_path / "game", ("eval_every_seconds = 0.05", "eval_every_seconds = 60"))
    entry = tmp_path / "late"
    entry.mkdir()
    shutil.copy(HONEST, entry / "fits.py")
    (entry / "entry.py").write_text(TRICK + (
        "    game.submit({n: 1.5 * v for n, v in model.items()})\n"
        "    game.submit(model)\n"
        "    end = time.process_time() + 30\n"
        "    while time.process_time() < end:\n"
        "        game.submit({n: 9 * v for n, v in model.items()})\n"
    ))
    run = tmp_path / "run"
    args = ("--competition", game, "--seed", 1, "--studies", 1, "--out", run)
    mlgolf("run", entry, *args, expect=None)
    rows = read_rows(run / "late" / "study_0" / "points_torch" / "trial_1")
    assert rows[-1]["metrics"]["model/l2"] > rows[0]["metrics"]["model/l2"]
    (trial,) = RunFolder(run).trials()
    assert all(row["seconds"] <= 3 * 1.5 / trial.speed for row in rows)
    assert trial.status == "OUT_OF_TIME"
    assert json.loads(mlgolf("score", run, "--json").stdout)["runs"][0]["verdict"] == "QUALIFIED"


TOLD = """
import numpy as np
from fits import play as fit

class One:
    def __init__(self, game): self.train, self.seed, self.sent = game.train, game.seed, {}
    def submit(self, tensors): self.sent = {n: np.array(v) for n, v in tensors.items()}

def play(game):
    one, scale = One(game), 1.0
    fit(one)
    for _ in range(6):
        for _ in range(3):
            told = game.submit({n: scale * v for n, v in one.sent.items()})
            scale += 0.01 if told else 0.1  # it does otherwise where it is told something
        fit(one)
"""


def test_an_entry_that_acts_on_what_it_is_told_is_replayed_bit_for_bit(mlgolf, tmp_path):
    entry = tmp_path / "told"
    entry.mkdir()
    shutil.copy(HONEST, entry / "fits.py")
    (entry / "entry.py").write_text(TOLD)
    run = tmp_path / "run"
    mlgolf("run", entry, "--competition", GAME, "--seed", 1, "--studies", 1, "--out", run)
    trial = run / "told" / "study_0" / "points_torch" / "trial_1"
    assert any(row.get("waited") for row in read_rows(trial))
    assert "equal bit for bit" in mlgolf("replay", trial, expect=None).stdout


@pytest.mark.parametrize(("factors", "confirmed"), [("(1.0, 1.01)", True), ("(1.01, 1.0)", False)])
def test_a_replay_that_ends_a_model_earlier_is_confirmed_if_that_was_not_the_best(
    played, tmp_path, data_dir, factors, confirmed
):
    played(
        f"    for factor in {factors}:\n"
        "        game.submit({n: factor * v for n, v in model.items()})\n"
        "        time.sleep(0.2)\n"
    )

    def ends_earlier(plan: TrialPlan) -> Trial:
        trial = play_trial(plan)
        rows = plan.folder / "evals.jsonl"
        rows.write_text("".join(rows.read_text().splitlines(keepends=True)[:-1]))
        return trial

    trial = tmp_path / "trick_run" / "trick" / "study_0" / "points_torch" / "trial_1"
    found = replay_trial(trial, data_dir, play=ends_earlier)
    assert (found.differences == ()) is confirmed
    assert found.end.startswith("It ended a model earlier" if confirmed else "")
    assert found.rows == (1 if confirmed else 2)


def test_a_bound_that_a_game_lacks_is_told_with_those_that_it_has(played):
    _, verdict = played("    game.bounds['l2']\n", expect=None)
    assert "this game has no bound on 'l2'; it has bounds on train_loss, train_loss_max" in (
        verdict.reason
    )
