"""One submission per trick, honest mistakes among them, beside the verdict it must get."""

import re
import shutil
from pathlib import Path

import pytest
from judge import HONEST, judged

from mlgolf.core.errors import SubmissionError
from mlgolf.core.status import Status
from mlgolf.data.held_out import KEY_NAME


@pytest.mark.parametrize(
    ("trick", "status", "because"),
    [
        ("pass", Status.OUT_OF_TIME, "the bound is "),
        ("os.kill(os.getpid(), 11)", Status.CRASHED, "SIGSEGV"),
        ("os.kill(os.getpid(), 9)", Status.KILLED, "signal 9"),
        ("os._exit(3)", Status.CRASHED, "code 3"),
        ("raise KeyError('x')", Status.CRASHED, "KeyError at step 0"),
        ("raise MemoryError", Status.OUT_OF_MEMORY, "MemoryError"),
        ("workload.eval_model(1, current_param_container, None, rng)",
         Status.OUT_OF_TIME, "the bound is "),
    ],
)
def test_each_trick_gets_its_verdict(tmp_path, data_dir, trick, status, because):
    trial = judged(tmp_path, data_dir, trick, every=10)
    assert (trial.status, because in trial.reason) == (status, True), trial.reason


def test_looking_a_submission_over_cannot_change_it(tmp_path, data_dir):
    top = "open(__file__, 'a').write('# changed')\n"
    before = top + HONEST.replace("TRICK", "pass")
    with pytest.raises(SubmissionError, match=r"does not import: OSError.*Read-only file system"):
        judged(tmp_path, data_dir, "pass", top)
    assert (tmp_path / "trick.py").read_text() == before


def test_nothing_of_the_data_can_be_seen_but_the_training_split(tmp_path, data_dir):
    """Neither the published splits, nor those drawn for this run, nor the key of all draws."""
    prepared = data_dir / "linear" / "mini" / "prepared"
    assert (prepared / "validation" / "rows.npy").exists()
    look = (
        f"raise KeyError([os.path.join(at, name) for at, _, names in os.walk({str(data_dir)!r}) "
        "for name in names])"
    )
    trial = judged(tmp_path, data_dir, look)
    assert (data_dir / KEY_NAME).exists()
    seen = re.findall(r"'([^']+)'", trial.reason)
    assert seen
    assert {Path(path).parent.name for path in seen} == {"train"}


def test_nothing_else_in_the_run_can_be_rewritten(tmp_path, data_dir):
    record = tmp_path / "run" / "run.json"
    trick = f"open({str(record)!r}, 'w').write('mine')"
    judged(tmp_path, data_dir, trick)
    assert "mine" not in record.read_text()


def test_held_out_data_of_other_workloads_cannot_be_read(tmp_path, data_dir):
    other = data_dir / "another" / "mini" / "prepared" / "test"
    other.mkdir(parents=True, exist_ok=True)
    (other / "labels").write_text("1")
    try:
        trial = judged(tmp_path, data_dir, f"raise KeyError(os.path.exists({str(other)!r}))")
    finally:
        shutil.rmtree(data_dir / "another")
    assert "KeyError at step 0: False" in trial.reason


def test_looking_a_submission_over_shows_it_no_data(tmp_path, data_dir):
    path = data_dir / "linear" / "mini" / "prepared" / "train" / "rows.npy"
    assert path.exists()
    with pytest.raises(SubmissionError, match="does not import: FileNotFoundError"):
        judged(tmp_path, data_dir, "pass", f"open({str(path)!r}, 'rb').read()\n")


@pytest.mark.parametrize("text", ["garbage", "[1]", '{"kind": 3}'])
def test_what_else_is_written_for_a_description_is_refused(tmp_path, data_dir, text):
    top = (
        "import os\nfor n in range(3, 20):\n    try: os.write(n, b'" + text + "\\n')\n"
        "    except OSError: pass\nos._exit(0)\n"
    )
    with pytest.raises(SubmissionError, match="something else was written"):
        judged(tmp_path, data_dir, "pass", top)


def test_a_child_that_outlives_the_import_holds_nobody_up(tmp_path, data_dir):
    top = "import os, time\nif os.fork() == 0:\n    time.sleep(300)\n"
    trial = judged(tmp_path, data_dir, "raise KeyError('played')", top)
    assert "played" in trial.reason


def test_hashes_of_text_are_the_same_in_every_player(tmp_path, data_dir):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    trials = [
        judged(tmp_path / name, data_dir, "raise KeyError(hash('abc'))")
        for name in ("one", "other")
    ]
    assert trials[0].reason == trials[1].reason
    assert not list(tmp_path.rglob("__pycache__"))


def test_what_is_logged_in_bursts_costs_no_wall_time(tmp_path, data_dir):
    trick = (
        "[workload.metrics_logger.append_scalar_metrics({'a': 1}, global_step) "
        "for _ in range(300)] if global_step % 50 == 0 else None"
    )
    trial = judged(tmp_path, data_dir, trick)
    assert "the bound is " in trial.reason
