"""Whole log trees, damaged: they never crash the importer or change a score without a word."""

import json
import os
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import binary, data, integers, lists, sampled_from

from mlgolf.core.competition import load_competition
from mlgolf.core.errors import MLGolfError
from mlgolf.results.algoperf_ledger import export_run, import_logs, open_logs, read_logs
from mlgolf.results.run_folder import RunFolder, read_runs
from mlgolf.scoring.leaderboard import score_competition

EXAMPLES = int(os.environ.get("MLGOLF_FUZZ_EXAMPLES", "150"))
RULES = load_competition("algoperf-0.5")
WORKLOADS = {  # that have no held-out variant
    "librispeech_deepspeech": ("wer", 0.2, -0.01), "imagenet_vit": ("accuracy", 0.7, 0.01),
}
OTHER_COLUMN = "grad_norm"  # what a submission logs by itself, in rows without a time


def write_tree(root: Path) -> None:
    """Two submissions on two workloads, two studies of two trials each."""
    for pace, submission in enumerate(("adam", "sgd"), start=1):
        for workload, (metric, start, per_step) in WORKLOADS.items():
            for study in (0, 1):
                for trial in (1, 2):
                    folder = (
                        root / submission / f"study_{study}" / f"{workload}_jax" / f"trial_{trial}"
                    )
                    folder.mkdir(parents=True)
                    delay = pace + 0.1 * study + 0.3 * trial
                    rows = [
                        f"{step},{100 * step * delay:.3f},{start + per_step * step:.4f},0.5"
                        for step in range(1, 11)
                    ]
                    head = f"global_step,accumulated_submission_time,validation/{metric},score"
                    write(folder / "eval_measurements.csv", [head, *rows])
                    both = [line for row in rows for line in (f"{row},", f"{row[0]},,,,0.7")]
                    write(folder / "measurements.csv", [f"{head},{OTHER_COLUMN}", *both])
                    write(folder / "hparams.json", ['{"learning_rate": 0.1}'])
                    write(folder / "flags_0.json", ['{"tuning_ruleset": "external"}'])
                    write(folder / "meta_data_0.json", ["{}"])


def write(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n")


def told(played) -> tuple[dict[str, float], set[str]]:
    """Scores by submission, and everything that was said."""
    board = score_competition(RULES, played.trials, "external")
    return {e.submission: e.score for e in board.entries}, {*board.notes, *played.problems}


def scored(root: Path) -> tuple[dict[str, float], set[str]]:
    try:
        return told(read_logs(open_logs(root, "algoperf-0.5", "external")))
    except MLGolfError as error:
        return {}, {str(error)}


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("sound")
    write_tree(root)
    return root


@pytest.fixture(scope="module")
def before(sound) -> tuple[dict[str, float], set[str]]:
    return scored(sound)


def test_the_sound_tree_scores_without_a_complaint(sound, before):
    scores, said = before
    assert scores == {"adam": 0.25, "sgd": scores["sgd"]}  # of 8 workloads they have 2
    assert 0 < scores["sgd"] < 0.25
    assert not [words for words in said if "missing of those" not in words
                and "fewer than" not in words]


def test_rows_that_a_submission_logged_by_itself_are_no_evaluations(sound):
    played = read_logs(open_logs(sound, "algoperf-0.5", "external"))
    assert played.problems == ()
    assert {len(trial.steps) for trial in played.trials} == {10}


def cut(chosen, path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: chosen.draw(integers(0, len(content) - 1))])


def corrupt(chosen, path: Path) -> None:
    content = path.read_bytes()
    at = chosen.draw(integers(0, len(content) - 1))
    gone = chosen.draw(integers(0, 3))
    path.write_bytes(content[:at] + chosen.draw(binary(max_size=3)) + content[at + gone :])


def reorder(chosen, path: Path) -> None:
    lines = path.read_text().splitlines()
    random.Random(chosen.draw(integers(0, 99))).shuffle(lines)
    write(path, lines)


def double(chosen, path: Path) -> None:
    lines = path.read_text().splitlines()
    at = chosen.draw(integers(0, len(lines) - 1))
    write(path, lines[: at + 1] + lines[at:])


def remove(chosen, path: Path) -> None:
    path.unlink()


def remove_trial(chosen, path: Path) -> None:
    shutil.rmtree(path.parent)


def copy_trial(chosen, path: Path) -> None:
    name = chosen.draw(sampled_from(["trial_3", "trial_9", "trial_0", "copy", "again/trial_1"]))
    shutil.copytree(path.parent, path.parent.parent / name, dirs_exist_ok=True)


def move_workload(chosen, path: Path) -> None:
    folder = path.parent.parent
    new = folder.with_name(chosen.draw(sampled_from(
        ["imagenet_vit_pytorch", "imagenet_vit", "resnet_jax", "criteo1tb_tpu"]
    )))
    if not new.exists():
        folder.rename(new)


DAMAGES = [cut, corrupt, reorder, double, remove, remove_trial, copy_trial, move_workload]


@given(chosen=data())
@settings(
    max_examples=EXAMPLES, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_damage_changes_a_score_without_a_word(sound, before, tmp_path, chosen):
    root = tmp_path / "tree"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(sound, root, copy_function=os.link)
    files = sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file())
    for place in chosen.draw(lists(sampled_from(files), min_size=1, max_size=2, unique=True)):
        if (root / place).exists():  # the one before may have taken it away
            (root / place).unlink()
            shutil.copy2(sound / place, root / place)  # of its own now
            chosen.draw(sampled_from(DAMAGES))(chosen, root / place)
    scores, said = scored(root)
    assert scores == pytest.approx(before[0], rel=1e-6) or said != before[1]


@given(chosen=data())
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_damaged_tree_imports_to_what_it_scores_as_it_stands(sound, tmp_path, chosen):
    root, run = tmp_path / "tree", tmp_path / "run"
    for folder in (root, run):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sound, root)
    files = sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file())
    place = root / chosen.draw(sampled_from(files))
    chosen.draw(sampled_from([cut, corrupt, reorder, double, remove, copy_trial]))(chosen, place)
    logs = open_logs(root, "algoperf-0.5", "external")
    import_logs(logs, run)
    assert told(read_runs([run])) == told(read_logs(logs))


def damaged(sound: Path, tmp_path: Path) -> Path:
    """A copy of the tree, and in it the evaluations of one trial."""
    shutil.copytree(sound, tmp_path / "tree")
    return tmp_path / "tree/adam/study_0/imagenet_vit_jax/trial_1/eval_measurements.csv"


def test_a_file_cut_at_the_end_of_a_line_is_betrayed_by_the_other(sound, tmp_path):
    path = damaged(sound, tmp_path)
    write(path, path.read_text().splitlines()[:-2])
    _, said = scored(tmp_path / "tree")
    assert f"{path}: found 8 evaluations, measurements.csv beside it has 10; nothing was added" in (
        said
    )


def test_a_digit_that_fell_over_is_betrayed_by_the_other(sound, tmp_path):
    path = damaged(sound, tmp_path)
    path.write_text(path.read_text().replace("0.7600", "0.7800"))
    _, said = scored(tmp_path / "tree")
    (words,) = [words for words in said if str(path) in words]
    assert "line 7: validation/accuracy: found 0.78, measurements.csv beside it has 0.76" in words


def test_a_link_is_followed_once(sound, tmp_path):
    path = damaged(sound, tmp_path)
    study = path.parents[2]
    study.rename(tmp_path / "elsewhere")
    study.symlink_to(tmp_path / "elsewhere")
    (study / "loop").symlink_to(tmp_path / "tree")
    played = read_logs(open_logs(tmp_path / "tree", "algoperf-0.5", "external"))
    assert len(played.trials) == 16
    (said,) = played.problems
    assert "it is a link to a folder that was read already" in said


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("flags_0.json", "[" * 100_000), ("flags_0.json", '{"tuning_ruleset": [1]}'),
        ("meta_data_0.json", '{"workload.max_allowed_runtime_sec": {}}'),
    ],
)
def test_strange_json_is_survived_without_being_told_the_rules(sound, tmp_path, name, content):
    path = damaged(sound, tmp_path)
    for meta in (tmp_path / "tree").rglob("meta_data_0.json"):
        meta.write_text('{"workload.max_allowed_runtime_sec": 77520}')  # of imagenet_vit
    path.with_name(name).write_text(content)
    logs = open_logs(tmp_path / "tree")
    assert logs.competition.published_as
    assert (logs.ruleset, len(read_logs(logs).trials)) == ("external", 16)


def test_a_pipe_does_not_make_the_reader_wait(sound, tmp_path):
    path = damaged(sound, tmp_path)
    path.unlink()
    os.mkfifo(path)
    _, said = scored(tmp_path / "tree")
    assert [words for words in said if str(path) in words]


def test_a_study_of_an_impossible_number_is_left_out_and_said(sound, tmp_path):
    path = damaged(sound, tmp_path)
    study = path.parents[2]
    shutil.copytree(study, study.with_name("study_99999999999999999999"))
    scores, said = scored(tmp_path / "tree")
    assert scores["adam"] > 0
    assert "4 trials left out: of a study whose number is not below 1000" in said


def test_an_import_takes_in_what_was_added_since(sound, tmp_path):
    path = damaged(sound, tmp_path)
    added = path.parents[3].with_name("lion")
    import_logs(open_logs(tmp_path / "tree", "algoperf-0.5", "external"), tmp_path / "run")
    shutil.copytree(path.parents[3], added)
    again = import_logs(open_logs(tmp_path / "tree", "algoperf-0.5", "external"), tmp_path / "run")
    assert (again.trials, again.kept) == (24, 16)
    assert again.run.record.submissions.keys() == {"adam", "sgd", "lion"}


def test_what_a_submission_logged_by_itself_is_kept_and_exported(sound, tmp_path):
    import_logs(open_logs(sound, "algoperf-0.5", "external"), tmp_path / "run")
    export_run(RunFolder(tmp_path / "run"), tmp_path / "logs")
    place = "adam/study_0/imagenet_vit_jax/trial_1/measurements.csv"
    assert (tmp_path / "logs" / place).read_bytes() == (sound / place).read_bytes()


def test_evaluations_outside_a_trial_folder_are_said(sound, tmp_path):
    path = damaged(sound, tmp_path)
    path.parent.rename(path.parent.with_name("trial_one"))
    _, said = scored(tmp_path / "tree")
    assert any("it holds eval_measurements.csv but its name is not trial_N" in w for w in said)


def test_a_submission_in_two_frameworks_is_refused_by_name(sound, tmp_path):
    path = damaged(sound, tmp_path)
    shutil.copytree(path.parent.parent, path.parent.parent.with_name("imagenet_vit_pytorch"))
    scores, (said,) = scored(tmp_path / "tree")
    assert scores == {}
    assert "adam has trials in jax and torch: two submissions under one name" in said


def test_what_was_wrong_with_an_import_is_said_whenever_it_is_scored(sound, tmp_path):
    path = damaged(sound, tmp_path)
    shutil.copytree(path.parent, path.parent.with_name("trial_0"))
    path.write_text(path.read_text().replace("0.7600", "x"))
    done = import_logs(open_logs(tmp_path / "tree", "algoperf-0.5", "external"), tmp_path / "run")
    problems = read_runs([tmp_path / "run"]).problems
    assert set(problems) == set(done.problems)
    assert [json.loads(json.dumps(p)) for p in problems if "trial_0: left out" in p]
    assert [p for p in problems if "found 'x', expected a number" in p]


def test_a_trial_that_says_another_tuning_counts_no_more_after_an_import(sound, tmp_path):
    """Found by the damages above: one letter of its flags was gone."""
    path = damaged(sound, tmp_path).with_name("flags_0.json")
    path.write_text(path.read_text().replace("external", "exernal"))
    logs = open_logs(tmp_path / "tree", "algoperf-0.5", "external")
    import_logs(logs, tmp_path / "run")
    imported = told(read_runs([tmp_path / "run"]))
    assert imported == told(read_logs(logs))
    assert "1 trial left out: not played under external tuning" in str(imported)
