"""Scripts that are run, and what is made of how they end."""

import math

import pytest

from mlgolf.analysis.bottleneck import diagnosed
from mlgolf.analysis.roofline import Ceilings
from mlgolf.core.errors import DiagnosisError
from mlgolf.diagnosis.scripts import Ran, measurements_of, run

MACHINE = Ceilings(flops=1e11, bandwidth=1e10, launch_seconds=1e-6)
TOLD = {
    "steps": 13, "counted": 10, "real": 0.5, "load": 0.4, "step": 0.1, "peak_memory": 1e9,
    "framework": "torch", "device": "cpu", "threads": 1, "by_threads": {"1": 0.1, "2": 0.2},
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
    return measurements_of(script, ran, lambda framework, threads: MACHINE, limit)


def test_what_a_script_told_becomes_measurements():
    measured = found(Ran(code=0, said="", told=TOLD))
    assert measured.replay == pytest.approx(0.1)
    assert measured.optimizer == pytest.approx(0.02)
    assert measured.by_threads == {1: 0.1, 2: 0.2}
    assert measured.floor is not None
    assert diagnosed(measured).bottleneck == "input"


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


def test_a_watch_without_steps_is_told_apart(tmp_path):
    script = tmp_path / "train.py"
    script.write_text("import mlgolf\nfor batch in mlgolf.observe([1, 2]):\n    pass\n")
    with pytest.raises(DiagnosisError, match="made a watch but never called"):
        found(run(script), script)


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
