"""Nothing survives from one trial, or from the look at a submission, to the next trial."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from judge import HONEST, judged

from mlgolf.core.errors import RunFolderError, SubmissionError
from mlgolf.core.status import Status
from mlgolf.referee import inspection
from mlgolf.referee.freeze import package_fingerprint

PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/run", "~", "/opt", "/usr/local")
# Weights that were kept are loaded; the weights are kept wherever that is possible.
KEEPER = f"""
import os, torch
PLACES = [os.path.expanduser(p) + "/kept.pt" for p in {PLACES!r}]
def keep(params):
    for place in PLACES:
        try: torch.save(params.state_dict(), place)
        except (OSError, RuntimeError): pass
def found():
    return [place for place in PLACES if os.path.exists(place)]
"""

# The look at a submission has no parameters to prepare; a trial's import takes all its time.
BUSY_WHEN_PLAYED = """
import sys
while "mlgolf-play" in open("/proc/self/comm").read(): pass
"""


def test_no_device_is_there_that_would_keep_anything(tmp_path, data_dir):
    """A read-only mount does not keep root from writing to a terminal, a disk or the log."""
    trial = judged(tmp_path, data_dir, "raise KeyError(sorted(os.listdir('/dev')))")
    streams = {"fd", "stdin", "stdout", "stderr"}
    harmless = {"null", "zero", "full", "random", "urandom", "shm", *streams}
    found = set(re.findall(r"'([^']+)'", trial.reason))
    assert {"null", "urandom"} <= found
    assert not {name for name in found - harmless if not name.startswith(("nvidia", "dri", "kfd"))}


def test_what_a_trial_has_printed_is_in_its_log_although_it_is_killed(tmp_path, data_dir):
    trial = judged(tmp_path, data_dir, "print('a loss of', 1)\n    while True: pass")
    assert trial.status is Status.OUT_OF_TIME
    assert next((tmp_path / "run").rglob("log.txt")).read_text() == "a loss of 1\n"


def test_what_is_written_while_a_submission_is_looked_over_is_gone_when_it_plays(
    tmp_path, data_dir
):
    top = KEEPER + "if found(): raise KeyError('kept')\nkeep(torch.nn.Linear(1, 1))\n"
    trial = judged(tmp_path, data_dir, "raise KeyError('clean')", top)
    assert "clean" in trial.reason


def test_the_look_at_a_submission_gives_no_time_to_train(tmp_path, data_dir, monkeypatch):
    monkeypatch.setattr(inspection, "CPU_SECONDS", 2.0)
    with pytest.raises(SubmissionError, match=r"importing it, .* takes over \d\.\d s of CPU time"):
        judged(tmp_path, data_dir, "pass", "while True: pass\n")


def test_time_is_not_gained_by_children_of_a_submission_that_is_looked_over(
    tmp_path, data_dir, monkeypatch
):
    monkeypatch.setattr(inspection, "CPU_SECONDS", 2.0)
    top = "import os\nfor _ in range(3): os.fork()\nwhile True: pass\n"
    with pytest.raises(SubmissionError, match=r"importing it, .* takes over \d\.\d s of CPU time"):
        judged(tmp_path, data_dir, "pass", top)


@pytest.mark.parametrize("when", ["looked over", "played"])
def test_our_own_package_cannot_be_rewritten(tmp_path, data_dir, when):
    rewrite = "import mlgolf.torch; open(mlgolf.torch.__file__, 'a').write('')"
    if when == "played":
        trial = judged(tmp_path, data_dir, rewrite)
        assert "Read-only file system" in trial.reason
    else:
        with pytest.raises(SubmissionError, match="Read-only file system"):
            judged(tmp_path, data_dir, "pass", rewrite + "\n")


@pytest.mark.parametrize("checks_before", [0, 1], ids=["looked over", "played"])
def test_a_run_whose_package_was_changed_goes_no_further(
    tmp_path, data_dir, monkeypatch, checks_before
):
    found = iter([package_fingerprint()] * checks_before)
    monkeypatch.setattr(
        "mlgolf.referee.freeze.package_fingerprint", lambda: next(found, "changed")
    )
    with pytest.raises(RunFolderError, match="files of mlgolf are not those"):
        judged(tmp_path, data_dir, "pass")
    assert (tmp_path / "run" / "run.json").exists() == bool(checks_before)


def test_where_the_kernel_refuses_namespaces_the_verdict_says_so_and_is_unofficial(
    tmp_path, data_dir
):
    file = tmp_path / "honest.py"
    file.write_text(HONEST.replace("TRICK", "pass"))
    linear = Path(__file__).parents[1] / "end_to_end" / "linear.toml"
    mlgolf = Path(sys.executable).parent / "mlgolf"
    command = (
        f"echo 0 > /proc/sys/user/max_user_namespaces; {mlgolf} run {file} --competition {linear} "
        f"--tuning self --out {tmp_path / 'run'} --data-dir {data_dir}"
    )
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "sh", "-c", command],
        capture_output=True, text=True, timeout=300,
    )
    verdict = json.loads(next(tmp_path.rglob("verdict.json")).read_text())
    assert verdict["unofficial"].startswith("files could be kept from one trial to the next")
    assert "unshare: No space left" in verdict["unofficial"]  # the limit of namespaces, 0
    assert done.returncode == 0, done.stderr


def test_time_that_went_before_the_first_step_is_named_in_the_verdict(tmp_path, data_dir):
    trial = judged(tmp_path, data_dir, "pass", BUSY_WHEN_PLAYED)
    assert "no step was done: the time went before the first one" in trial.reason
