"""The Python face: the same runs and boards as the commands, as objects that display themselves."""

import asyncio
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal

import mlgolf as ml
from mlgolf.core.errors import RulesError, RunFolderError, SubmissionError, UnknownName

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
LINEAR = Path(__file__).parents[1] / "end_to_end" / "linear.toml"
PLAIN = Path(__file__).with_name("plain_adamw.py")
NAME = "adam<b>[w]"  # neither HTML nor rich's markup


@pytest.fixture(scope="module")
def own_data(tmp_path_factory) -> Path:
    """Data of these runs alone: their draws of held-out data become known, to other tests too."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where submissions lie and the run is made."""
    made = tmp_path_factory.mktemp("python")
    (made / f"{NAME}.py").write_text(
        "import torch\nfrom mlgolf.torch import from_optimizer\n"
        "points = [{'lr': 1e-5, 'weight_decay': 0.1}, {'lr': 0.01, 'weight_decay': 0}]\n"
        "submission = from_optimizer(torch.optim.AdamW, search_space=points)\n"
    )
    return made


@pytest.fixture(scope="module")
def run(folder, own_data) -> ml.Run:
    """Played as from a notebook's cell: torch is there, and an event loop runs."""

    async def cell() -> ml.Run:
        return ml.run(
            [PLAIN, folder / f"{NAME}.py"], competition=LINEAR, seed=1, data_dir=own_data,
            out=folder / "run",
        )

    return asyncio.run(cell())


def test_import_mlgolf_imports_nothing_that_takes_time():
    code = "import sys, mlgolf; print({'numpy', 'torch', 'polars', 'rich'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_all_that_is_promised_is_there():
    assert set(ml.__all__) <= set(dir(ml))
    assert all(getattr(ml, name) for name in ml.__all__)
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        _ = ml.runn


def test_trials_are_a_row_each_with_how_they_ended(run):
    trials = run.trials
    assert trials["submission"].to_list() == [NAME, NAME, "plain_adamw", "plain_adamw"]
    assert trials["status"].to_list()[1:] == ["TARGET_REACHED"] * 3
    assert trials["reached"].to_list() == [False, True, True, True]
    reached = trials.filter("reached")
    assert (reached["best"] <= reached["target"]).all()
    assert (trials["seconds"] > 0).all()


def test_hyperparameters_are_a_field_each(run):
    points = run.trials.unnest("hyperparameters").filter(submission=NAME)
    assert points["lr"].to_list() == [1e-5, 0.01]
    assert points["weight_decay"].to_list() == [0.1, 0]
    assert points["eps"].to_list() == [None, None]  # a name in the other's space alone


def test_evaluations_are_those_of_the_log(run):
    path = run.path / "plain_adamw" / "study_0" / "linear_torch" / "trial_1" / "evals.jsonl"
    log = [json.loads(line) for line in path.read_text().splitlines()]
    rows = run.evaluations.filter(submission="plain_adamw", trial=1)
    for name in ("step", "seconds", "cpu_seconds", "wall_seconds"):
        assert rows[name].to_list() == [row[name] for row in log]
    assert rows["validation/loss"].to_list() == [row["metrics"]["validation/loss"] for row in log]
    assert rows["test/loss"].to_list() == [row["metrics"].get("test/loss") for row in log]


def test_the_board_reads_as_the_command_prints_it(run, mlgolf):
    printed = mlgolf("score", run.path).stdout
    assert re.sub(r" +\n", "\n", repr(run.score())) == re.sub(r" +\n", "\n", printed).rstrip()


def test_a_board_as_text_is_plain_where_the_environment_asks_for_colours(run, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in repr(run.score())


def test_the_table_of_a_board_has_its_numbers(run, mlgolf):
    said = json.loads(mlgolf("score", run.path, "--json").stdout)["leaderboard"]
    table = run.score().table
    assert table["submission"].to_list() == [entry["submission"] for entry in said]
    assert table["score"].to_list() == [entry["score"] for entry in said]
    best = table.filter(pl.col("linear ratio") == 1)
    assert best["linear outcome"].to_list() == ["scored"]


def test_what_displays_itself_escapes_names(run):
    for shown in (run._repr_html_(), run.score()._repr_html_()):
        assert "adam&lt;b&gt;[w]" in shown
        assert "adam<b>" not in shown
    assert NAME in repr(run)
    assert "4 trials: 3 TARGET_REACHED" in repr(run)


def test_a_report_goes_into_the_run_unless_it_is_told_where(run, tmp_path):
    assert run.report() == run.path / "report.html"
    assert run.report(tmp_path / "a.html") == tmp_path / "a.html"
    assert (tmp_path / "a.html").read_text().startswith("<!doctype html>")


def test_the_latest_run_is_opened_and_scored_without_a_path(run, folder, monkeypatch):
    (folder / "runs").mkdir()
    (folder / "runs" / "a").symlink_to(run.path)
    monkeypatch.chdir(folder)
    assert_frame_equal(ml.open_run().trials, run.trials)
    assert_frame_equal(ml.score().table, run.score().table)


def test_a_replay_confirms_a_trial(run, own_data):
    found = ml.replay(run.path / "plain_adamw" / "study_0" / "linear_torch" / "trial_1",
                      data_dir=own_data)
    assert found.differences == ()
    assert found.rows > 1


def test_settings_of_torch_are_as_they_were_and_do_not_matter(run, own_data):
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    torch.set_default_dtype(torch.float64)
    try:
        found = ml.replay(run.path / "plain_adamw" / "study_0" / "linear_torch" / "trial_1",
                          data_dir=own_data)
        assert (torch.get_num_threads(), torch.get_default_dtype()) == (before + 1, torch.float64)
    finally:
        torch.set_num_threads(before)
        torch.set_default_dtype(torch.float32)
    assert found.differences == ()


def test_progress_goes_to_stderr_or_nowhere(folder, own_data, capfd):
    asked = {"competition": LINEAR, "data_dir": own_data, "seed": 1, "trials": 1}
    ml.run(PLAIN, out=folder / "loud", **asked)
    ml.run(PLAIN, out=folder / "quiet", progress=False, **asked)
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "loud" in shown.err
    assert shown.err.count("[1/1]") == 1
    assert "quiet" not in shown.err


def test_an_interrupted_run_is_kept_and_says_how_to_continue(folder, own_data):
    (folder / "slow.py").write_text(
        "import time\nimport torch\nfrom mlgolf.torch import from_optimizer\n"
        "class Slow(torch.optim.SGD):\n"
        "    def step(self, closure=None):\n"
        "        time.sleep(0.02)\n"
        "        return super().step(closure)\n"
        "submission = from_optimizer(Slow, search_space=[{'learning_rate': 0.01}])\n"
    )
    call = f"mlgolf.run('slow.py', competition={str(LINEAR)!r}, trials=1, seed=1, " \
           f"data_dir={str(own_data)!r}, out='slow')"
    code = f"import mlgolf\ntry:\n    {call}\nexcept KeyboardInterrupt:\n    print('interrupted')\n"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as process:
        rows = folder / "slow/slow/study_0/linear_torch/trial_1/evals.jsonl"
        deadline = time.monotonic() + 120
        while not rows.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert out == "interrupted\n", err
    assert "Continue with the same command and resume=True" in err
    assert ml.open_run(folder / "slow").trials["status"].to_list() == ["INTERRUPTED"]


def test_a_script_without_a_guard_is_told_to_have_one_and_begins_no_second_run(folder, own_data):
    (folder / "script.py").write_text(
        f"import mlgolf\nmlgolf.run({str(PLAIN)!r}, competition={str(LINEAR)!r}, parallel=2, "
        f"seed=1, data_dir={str(own_data)!r})\n"
    )
    scratch = folder / "unguarded"
    scratch.mkdir()
    done = subprocess.run(
        [sys.executable, folder / "script.py"], cwd=scratch, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "could not start" in done.stderr
    assert 'below the line \'if __name__ == "__main__":\'' in done.stderr
    assert done.stderr.count("Traceback") == 1
    assert len(list(scratch.rglob("run.json"))) == 1


def test_resume_plays_what_had_not_ended(folder, own_data):
    asked = {"competition": LINEAR, "data_dir": own_data, "seed": 1, "trials": 2}
    begun = ml.run(PLAIN, out=folder / "begun", **asked)
    verdicts = sorted(begun.path.rglob("verdict.json"))
    kept = verdicts[0].read_bytes()
    verdicts[1].unlink()
    continued = ml.run(PLAIN, out=folder / "begun", resume=True, **asked)
    assert continued.trials["status"].to_list() == ["TARGET_REACHED"] * 2
    assert verdicts[0].read_bytes() == kept


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"framework": "tensorflow"}, UnknownName, "Known: jax, torch"),
        ({"tuning": "externl"}, UnknownName, "Did you mean external"),
        ({"sandbox": "jail"}, UnknownName, "Known: bubblewrap, none, process"),
        ({"trials": 0}, RulesError, "trials: found 0, allowed is a whole number from 1"),
        ({"studies": 1.5}, RulesError, "studies: found 1.5"),
        ({"seed": -1}, RulesError, "seed: found -1, allowed is a whole number from 0"),
        ({"workloads": "linea"}, UnknownName, "Did you mean linear"),
        ({"tuning": "self", "trials": 3}, RulesError, "found 3, but a study of self-tuning is one"),
        ({"workloads": [3]}, UnknownName, "unknown workload of linear '3'"),
        ({"data_dir": "/proc/none"}, RunFolderError, "^/proc/none.*: No such file or directory"),
    ],
)  # fmt: skip
def test_an_argument_that_is_not_allowed_is_refused_with_what_is(wrong, error, words, tmp_path):
    with pytest.raises(error, match=words):
        ml.run("nadamw", **{"competition": LINEAR, "out": tmp_path / "run", **wrong})
    assert not (tmp_path / "run").exists()


def test_an_option_that_there_is_not_is_answered_with_the_nearest(run):
    with pytest.raises(UnknownName, match=r"unknown option 'basline'\. Did you mean baseline"):
        run.score(basline="x")


def test_a_place_that_cannot_be_written_to_is_named(run):
    with pytest.raises(RunFolderError, match=r"^/proc/none.*: No such file or directory"):
        run.report("/proc/none/page.html")


def test_a_submission_object_is_refused_with_what_to_do(tmp_path):
    from mlgolf.torch import from_optimizer

    for given in (from_optimizer(torch.optim.AdamW), ["nadamw", torch.optim.AdamW]):
        with pytest.raises(SubmissionError, match=r"Put the lines .* into a file such as my_adamw"):
            ml.run(given, out=tmp_path / "run")
    with pytest.raises(SubmissionError, match="no submission was given"):
        ml.run([], out=tmp_path / "run")


def test_what_is_no_run_is_refused_with_what_it_is(tmp_path):
    with pytest.raises(RunFolderError, match="is an empty folder; expected a run"):
        ml.open_run(tmp_path)


def test_every_block_of_the_page_works_as_it_stands(tmp_path, own_data, monkeypatch, capsys):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    # The same lines on the workload that trains in a second.
    code = "\n".join(blocks).replace("criteo1tb", "linear")
    code = code.replace("mlgolf.run(", f"mlgolf.run(competition={str(LINEAR)!r}, submissions=")
    code = code.replace("submissions=\n    ", "submissions=")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLGOLF_DATA_DIR", str(own_data))
    exec(compile(code, str(PAGE), "exec"), {})
    shown = capsys.readouterr().out
    assert "equal bit for bit" in shown
    assert "unknown algorithm 'nadam'. Did you mean nadamw" in shown
    assert Path("mine.html").is_file()
