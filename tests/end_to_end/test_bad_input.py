"""A person's mistakes: one message, exit code 2, no traceback, nothing overwritten."""

import re
from pathlib import Path

import pytest

LINEAR = Path(__file__).with_name("linear.toml")
FUNCTIONS = """
import torch
def get_batch_size(name): return 32
def init_optimizer_state(workload, params, model_state, hyperparameters, rng):
    return {"optimizer": torch.optim.SGD(params.parameters(), lr=0.01)}
def data_selection(workload, input_queue, *_): return next(input_queue)
def update_params(workload, current_param_container, optimizer_state, model_state, **_):
    return optimizer_state, current_param_container, model_state
"""


def complaint(mlgolf, *arguments) -> str:
    done = mlgolf(*arguments, expect=2)
    assert "Traceback" not in done.stderr
    return done.stderr


def folder(tmp_path: Path, code: str = FUNCTIONS, space: str | None = '[{"x": 1}]') -> Path:
    made = tmp_path / "mine"
    made.mkdir()
    (made / "submission.py").write_text(code)
    if space is not None:
        (made / "tuning_search_space.json").write_text(space)
    return made


def run(mlgolf, tmp_path, *arguments, competition=LINEAR) -> str:
    out = tmp_path / "run"
    return complaint(mlgolf, "run", *arguments, "--competition", competition, "--out", out)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "nadam", "--out", "x"], "unknown algorithm 'nadam'. Did you mean nadamw?"),
        (["run", "nadamw", "--out", "x", "--workload", "criteo"], "Did you mean criteo1tb?"),
        (["run", "nadamw", "--out", "x", "--competition", "mimi"], "Did you mean mini"),
        (["workloads", "show", "imagenet"], "Did you mean imagenet_resnet?"),
        (["data", "make", "linaer"], "Did you mean linear?"),
        (["data", "make", "mine"], "If it is yours, install its package again."),
        (["run", "mine", "--out", "x"], "install its package again, or give a path."),
        (["run", "nadamw", "--out", "x", "--competition", "mine"],
         "give its folder, or the path of its .toml file"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_ones(mlgolf, arguments, expected):
    assert expected in complaint(mlgolf, *arguments)
    assert not Path("x").exists()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import nonsense_that_is_not_there", "does not import: ModuleNotFoundError"),
        ("def (", "does not import: SyntaxError"),
        (FUNCTIONS.replace("update_params", "updates"), "has no update_params"),
    ],
)
def test_a_submission_that_cannot_be_played_is_named_before_anything_is_written(
    mlgolf, tmp_path, code, expected
):
    assert expected in run(mlgolf, tmp_path, folder(tmp_path, code))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ("None", "update_params returned None; it must return the 3-tuple"),
        ("optimizer_state, torch.nn.Linear(3, 1), None", "same shapes"),
        ("optimizer_state, current_param_container, None", "changed no parameter in 100 steps"),
    ],
)
def test_a_submission_that_breaks_its_contract_is_told_how(mlgolf, tmp_path, returned, expected):
    old = "return optimizer_state, current_param_container, model_state"
    code = FUNCTIONS.replace(old, f"return {returned}")
    assert expected in run(mlgolf, tmp_path, folder(tmp_path, code))
    kept = tmp_path / "run" / "mine" / "study_0" / "linear_torch" / "trial_1" / "verdict.json"
    assert "CRASHED" in kept.read_text()  # every run is kept, failures too


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        ("{", "not JSON"),
        ('{"x": {"min": 2, "max": 1, "scaling": "log"}}', "min 2 is above max 1"),
        ('{"x": {"min": 1, "max": 2, "scaling": "cubic"}}', "found 'cubic', allowed are"),
        (None, "external tuning needs a search space"),
    ],
)
def test_a_bad_search_space_is_named_with_its_key(mlgolf, tmp_path, space, expected):
    assert expected in run(mlgolf, tmp_path, folder(tmp_path, space=space))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"steps", bound', '"stepz", bound', "rules.constraints.#3.quantity: unknown quantity"),
        ('"steps", bound', '"stepz", bound', "'stepz'. Did you mean steps? Known: "),
        ('objective = "time"', 'objective = "speed"', "rules.objective: unknown quantity"),
        ('goal = "minimise"', "", "workloads.linear.goal: Field required"),
        ("budget_seconds = 30", "budget_seconds = -1", "budget_seconds: found -1, allowed is more"),
        ('bound = "step_limit"', 'bound = "step_limits"', "no workload has a bound 'step_limits'"),
        ("[rules]", "[rules", "not TOML"),
        ('metric = "loss"', 'metric = "accuracy"', "the workload measures loss"),
        ('"validation_metric", bound', '"cpu_time", bound', "something must be reached"),
    ],
)
def test_bad_rules_are_named_with_file_and_key(mlgolf, tmp_path, adamw, old, new, expected):
    rules = tmp_path / "rules.toml"
    rules.write_text(LINEAR.read_text().replace(old, new))
    said = run(mlgolf, tmp_path, adamw, competition=rules)
    assert expected in said
    assert str(rules) in said or "workloads.linear" in said
    assert not (tmp_path / "run").exists()


def test_a_run_folder_of_something_else_is_left_alone(mlgolf, tmp_path, adamw):
    out = tmp_path / "run"
    common = ["--competition", LINEAR, "--trials", 1, "--out", out]
    mlgolf("run", adamw, *common)
    before = (out / "run.json").read_bytes()
    assert "--resume" in complaint(mlgolf, "run", adamw, *common)
    adamw.write_text(adamw.read_text() + "# changed\n")
    assert "another submissions: submissions.adamw.sha256" in complaint(
        mlgolf, "run", adamw, *common, "--resume"
    )
    rules = tmp_path / "rules.toml"
    rules.write_text(LINEAR.read_text().replace("target = 0.02", "target = 0.03"))
    assert "another competition: competition.workloads.linear.bounds.target" in complaint(
        mlgolf, "run", adamw, "--competition", rules, "--trials", 1, "--out", out, "--resume"
    )
    assert (out / "run.json").read_bytes() == before


def test_an_out_inside_the_submission_is_refused(mlgolf, tmp_path):
    mine = folder(tmp_path)
    said = complaint(mlgolf, "run", mine, "--competition", LINEAR, "--out", mine / "runs")
    assert "lies inside the submission" in said
    assert not (mine / "runs").exists()


def test_a_module_alone_is_hashed_alone_so_a_helper_beside_it_is_missed_at_once(mlgolf, tmp_path):
    (tmp_path / "helper.py").write_text("")
    (tmp_path / "mine.py").write_text("import helper\n" + FUNCTIONS)
    assert "does not import: ModuleNotFoundError" in run(mlgolf, tmp_path, tmp_path / "mine.py")


def test_a_run_in_which_nothing_trained_does_not_exit_with_0(mlgolf, tmp_path):
    code = FUNCTIONS.replace("def update_params", "def unused").replace(
        "return optimizer_state, current", "return None, current"
    ) + "\ndef update_params(**_): raise ZeroDivisionError\n"
    done = mlgolf(
        "run", folder(tmp_path, code), "--competition", LINEAR, "--trials", 1,
        "--out", tmp_path / "run", expect=1,
    )
    assert "ZeroDivisionError" in done.stderr


def test_corrupt_data_are_found_before_a_trial_starts(mlgolf, tmp_path, adamw):
    mlgolf("data", "make", "linear", "--data-dir", tmp_path / "data")
    rows = next((tmp_path / "data").rglob("prepared/validation/rows.npy"))
    content = bytearray(rows.read_bytes())
    content[-1] ^= 1
    rows.write_bytes(bytes(content))
    said = run(mlgolf, tmp_path, adamw, "--data-dir", tmp_path / "data")
    assert "validation/rows.npy" in said
    assert "mlgolf data prepare linear" in said


def test_a_workload_without_a_model_for_the_framework_is_named(mlgolf, tmp_path, monkeypatch):
    plugin = Path(__file__).parents[1] / "plugin"
    monkeypatch.syspath_prepend(plugin)
    said = complaint(
        mlgolf, "run", "nadamw", "--framework", "jax", "--competition", plugin / "rare_events.toml",
        "--out", tmp_path / "run",
    )
    assert "rare_events has no jax model" in said


def test_a_framework_that_is_not_installed_is_answered_with_its_extra(monkeypatch):
    from mlgolf import backends
    from mlgolf.core.errors import FrameworkMissing

    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    with pytest.raises(FrameworkMissing, match=r"pip install 'mlgolf\[jax\]'"):
        backends.load_backend("jax")


def test_a_folder_that_is_no_run_is_told_by_its_files(mlgolf, tmp_path):
    said = complaint(mlgolf, "score", tmp_path)
    assert "is an empty folder (a run has run.json)" in said
    assert "Expected SUBMISSION/study_K" in said


@pytest.fixture
def played(mlgolf, tmp_path, adamw, monkeypatch) -> str:
    """A trial, from the folder that the run is in."""
    monkeypatch.chdir(tmp_path)
    mlgolf("run", adamw, "--competition", LINEAR, "--trials", 1, "--out", "runs/a")
    return "runs/a/adamw/study_0/linear_torch/trial_1"


@pytest.mark.parametrize("command", ["score", "report"])
def test_what_is_no_run_is_answered_with_the_command_to_type(mlgolf, played, command):
    for given, what in (("runs", "a folder of runs"), (played, "a trial")):
        first, second = complaint(mlgolf, command, given).splitlines()
        assert first == f"mlgolf: try: mlgolf {command} runs/a"
        assert second == f"{given} is {what}; {command} takes whole runs."


def test_what_is_no_trial_is_answered_with_the_command_to_type(mlgolf, played):
    for given in ("runs", "runs/a", "runs/a/adamw"):
        assert f"mlgolf: try: mlgolf replay {played}\n" in complaint(mlgolf, "replay", given)


@pytest.mark.parametrize("command", ["score", "report"])
def test_a_file_that_is_no_table_is_called_a_file(mlgolf, tmp_path, command):
    (tmp_path / "plain.txt").touch()
    said = complaint(mlgolf, command, tmp_path / "plain.txt")
    assert f"plain.txt is a file; {command} takes the folder of a run" in said


def test_an_empty_file_that_is_given_for_out_is_called_a_file(mlgolf, tmp_path, adamw):
    (tmp_path / "run").touch()
    said = run(mlgolf, tmp_path, adamw)
    assert "is a file; a run needs a folder" in said
    assert "--resume" not in said


def test_of_runs_of_two_competitions_only_what_differs_is_printed(mlgolf, played, adamw):
    Path("other.toml").write_text(LINEAR.read_text().replace("step_hint = 2000", "step_hint = 9"))
    mlgolf("run", adamw, "--competition", "other.toml", "--trials", 1, "--out", "b")
    _, *different = complaint(mlgolf, "report", "runs/a", "b").splitlines()
    step_hint = "competition.workloads.linear.step_hint"
    assert different == [f"{step_hint}: 2000 in the first, 9 in the second"]


@pytest.mark.parametrize("allocation", ["bytearray(1 << 40)", "torch.zeros(1 << 40)"])
def test_a_trial_without_memory_says_what_was_in_use_and_what_is_allowed(
    mlgolf, tmp_path, allocation
):
    old = "return optimizer_state, current_param_container, model_state"
    code = FUNCTIONS.replace(old, f"return {allocation}")
    said = mlgolf(
        "run", folder(tmp_path, code), "--competition", LINEAR, "--out", tmp_path / "run", expect=1
    ).stderr
    assert "OUT_OF_MEMORY" in said
    used = re.search(
        r"one-thread-cpu allows 8\.0 GB of address space, of which (\d\.\d) GB were in use", said
    )
    assert used
    assert 0.1 < float(used[1]) < 8.0
