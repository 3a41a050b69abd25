"""Scripts that are run, and what is made of how they end."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mlgolf.analysis.diagnosis.bottleneck import diagnosed
from mlgolf.analysis.diagnosis.roofline import Ceilings
from mlgolf.core.errors import DiagnosisError
from mlgolf.diagnosis import scripts
from mlgolf.diagnosis.scripts import Ran, measurements_of, run, stored, why_not_counted

MACHINE = Ceilings(flops=1e11, bandwidth=1e10, launch_seconds=1e-6)
TOLD = {
    "steps": 13, "counted": 10, "real": 0.6, "load": 0.4, "step": 0.1, "between": 0.1,
    "peak_memory": 1e9, "framework": "torch", "device": "cpu", "threads": 1,
    "by_threads": {"1": 0.1, "2": 0.2},
    "operations": [{"name": "mm", "count": 1, "flop": 1e9, "bytes": 1e6}], "optimizer_total": 0.2,
}  # fmt: skip
WATCHED = """\
import mlgolf
watch = mlgolf.observe([1, 2] * 200)
for batch in watch:
    with watch.step():
        sum(range(1000))
"""


def found(ran, script="train.py", limit=None):
    return measurements_of(Path(script), ran, lambda framework, threads: MACHINE, limit)


def test_what_a_script_told_becomes_measurements():
    measured = found(Ran(code=0, said="", told=TOLD))
    assert measured.replay == pytest.approx(0.1)
    assert measured.optimizer == pytest.approx(0.02)
    assert measured.by_threads == {1: 0.1, 2: 0.2}
    assert measured.floor is not None
    assert diagnosed(measured).bottleneck == "input"


def test_what_a_script_does_between_steps_is_told_and_no_part_of_them():
    measured = found(Ran(code=0, said="", told=TOLD))
    assert measured.real == pytest.approx(0.5)
    assert "100 ms per step pass outside" in " ".join(diagnosed(measured).notes)


def test_where_steps_return_early_what_is_between_them_is_part_of_one():
    measured = found(Ran(code=0, said="", told=TOLD | {"asynchronous": True}))
    assert measured.real == 0.6
    assert math.isnan(measured.between)


def test_where_steps_return_early_loading_is_not_waiting_unless_a_replay_says_so():
    measured = found(Ran(code=0, said="", told=TOLD | {"asynchronous": True}))
    diagnosis = diagnosed(measured)
    assert diagnosis.shares["input"] == 0
    assert "not measured, so it counts as 0: waiting for the next batch" in diagnosis.notes[0]


def test_on_a_device_loading_is_what_replayed_steps_do_without():
    on_device = {"asynchronous": True, "replay": 0.55, "issued": 0.01, "optimizer": 0.05}
    shares = diagnosed(found(Ran(code=0, said="", told=TOLD | on_device))).shares
    assert shares["input"] == pytest.approx(0.05 / 0.6)
    assert shares["optimizer"] == pytest.approx(0.05 / 0.6)
    assert shares["overhead"] == 0  # started while the device was at work


@pytest.mark.parametrize(
    ("code", "said"), [(1, "torch.OutOfMemoryError: CUDA out of memory"), (-9, ""),
    (1, "RuntimeError: DefaultCPUAllocator: can't allocate memory: you tried to allocate 6 bytes")],
)  # fmt: skip
def test_a_script_that_ran_out_of_memory_is_bound_by_memory(code, said):
    measured = found(Ran(code=code, said=said, told={}), limit=3e9)
    assert diagnosed(measured).bottleneck == "memory"
    assert math.isnan(measured.real)


def test_a_script_that_fails_is_quoted():
    with pytest.raises(DiagnosisError, match=r"(?s)code 1.*ValueError: no data"):
        found(Ran(code=1, said="Traceback\nValueError: no data", told={}))


def test_a_script_that_never_calls_the_step_is_one_clear_message(tmp_path):
    script = tmp_path / "train.py"
    script.write_text("print('trained')\n")
    with pytest.raises(DiagnosisError, match=r"train.py: .*never called the step.*watch.step\(\)"):
        found(run(script), script)


def test_a_watch_whose_step_is_never_called_is_named_with_its_line(tmp_path):
    script = tmp_path / "train.py"
    script.write_text("import mlgolf\nfor batch in mlgolf.observe([1, 2]):\n    pass\n")
    with pytest.raises(DiagnosisError, match=r"train.py:2: watch.step\(\) was never called"):
        found(run(script), script)


def test_the_line_that_failed_is_named(tmp_path):
    script = tmp_path / "train.py"
    script.write_text("def train():\n    raise ValueError('no data')\n\ntrain()\n")
    with pytest.raises(DiagnosisError, match=r"train.py:2: it ended with code 1"):
        found(run(script), script)


def test_steps_outside_the_loop_are_told_apart(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(
        "import mlgolf\nwatch = mlgolf.observe([])\nfor _ in range(9):\n"
        "    with watch.step():\n        pass\n"
    )
    with pytest.raises(DiagnosisError, match=r"train.py:2: found 9 steps, none of them in a loop"):
        found(run(script), script)


def test_operations_of_a_script_that_ended_too_soon_were_not_counted():
    said = why_not_counted(Path("train.py"), Ran(code=0, said="", told=TOLD))
    assert "train.py ended after 13 steps, before its operations were counted" in said


def test_operations_are_counted_in_pytorch_only():
    said = why_not_counted(Path("train.py"), Ran(code=0, said="", told=TOLD | {"framework": "jax"}))
    assert "in PyTorch only" in said


def test_too_few_steps_are_refused():
    with pytest.raises(DiagnosisError, match="found 2 steps"):
        found(Ran(code=0, said="", told={"steps": 2, "counted": 0}))


def test_a_script_without_a_framework_is_split_into_loading_and_step(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(WATCHED)
    ran = run(script)
    assert (ran.code, ran.told["counted"]) == (0, 100)
    measured = found(ran, script)
    assert measured.floor is None
    assert measured.real >= measured.load


def test_a_script_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DiagnosisError, match="no such script"):
        run(tmp_path / "gone.py")


def test_a_script_that_does_not_end_is_ended(tmp_path):
    script = tmp_path / "train.py"
    script.write_text("import time\ntime.sleep(600)\n")
    with pytest.raises(DiagnosisError, match="without finishing"):
        run(script, timeout=0.5)


def as_usual(script, cwd):
    return subprocess.run(
        [sys.executable, script], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_the_times_of_a_script_that_was_run_as_usual_are_read_again(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(WATCHED)
    assert as_usual(script, tmp_path).stderr == ""
    ran = stored(tmp_path / "steps.json")
    assert ran.told["steps"] == 400
    assert found(ran).real > 0


@pytest.mark.parametrize("told", ["", "[]", "{}", json.dumps({"steps": 9, "counted": 6})])
def test_a_file_of_something_else_is_refused(tmp_path, told):
    file = tmp_path / "other.json"
    file.write_text(told)
    with pytest.raises(DiagnosisError, match=r"other.json: found something else"):
        stored(file)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DiagnosisError, match=r"steps.json: found no such file"):
        stored(tmp_path / "steps.json")


@pytest.mark.parametrize(
    ("loop", "said"),
    [("    pass", "watch.step() was never called"),
     ("    watch.step().__enter__()", "watch.step() was never called"),
     ("    with watch.step(): pass\n    break", "found 1 step; the first 3 warm up")],
)  # fmt: skip
def test_a_script_that_was_run_as_usual_and_timed_nothing_says_so_with_its_line(
    tmp_path, loop, said
):
    script = tmp_path / "train.py"
    script.write_text(
        f"import mlgolf\nwatch = mlgolf.observe([1, 2])\nfor batch in watch:\n{loop}\n"
    )
    done = as_usual(script, tmp_path)
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1
    assert f"train.py:2: {said}" in done.stderr
    assert not (tmp_path / "steps.json").exists()


def test_a_script_that_fails_before_its_first_step_says_only_why(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(
        "import mlgolf\nwatch = mlgolf.observe([1, 2])\nraise ValueError('no data')\n"
    )
    said = as_usual(script, tmp_path).stderr
    assert said.endswith("ValueError: no data\n")


def test_times_that_cannot_be_written_do_not_end_a_training(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(WATCHED.replace("200)", "200, 'gone/steps.json')") + "print('trained')\n")
    done = as_usual(script, tmp_path)
    assert (done.returncode, done.stdout) == (0, "trained\n")
    assert "train.py:2: the times of steps cannot be written" in done.stderr


SLOW = """\
import time
import torch
import mlgolf
torch.set_num_threads(1)
watch = mlgolf.observe([torch.zeros(8, 20)] * 20)
for number, batch in enumerate(watch):
    with watch.step():
        batch.sum()
        time.sleep(0.05 if number < 15 else 0.001)
"""


def test_a_step_far_longer_than_when_it_is_repeated_is_not_called_compute(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(scripts, "STEPS", 10)
    script = tmp_path / "train.py"
    script.write_text(SLOW)
    measured = found(run(script), script)
    assert measured.replay > 3 * measured.alone
    free = replace(measured, other_cores=0.0, own_cores=0.1, cores=2)
    assert diagnosed(free).bottleneck == "unexplained"
    assert "waited otherwise" in diagnosed(free).findings[0].why
