"""The command, on the linear workload and on small scripts. Which bottleneck it is depends on the
machine, so no test asks."""

import json
import subprocess
import sys

import pytest

from mlgolf.analysis.diagnosis.advice import Advice
from mlgolf.analysis.diagnosis.bottleneck import Measurements, diagnosed
from mlgolf.analysis.diagnosis.roofline import Ceilings
from mlgolf.api.diagnosis import StepDiagnosis, diagnose_script
from mlgolf.core.errors import DiagnosisError
from mlgolf.diagnosis import ceilings_torch
from mlgolf.diagnosis.ceilings import ceilings

SCRIPT = """\
import mlgolf
watch = mlgolf.observe([1, 2] * 200)
for batch in watch:
    with watch.step():
        sum(range(1000))
"""
GREEDY = """\
import mlgolf
watch = mlgolf.observe([1])
for batch in watch:
    with watch.step():
        raise MemoryError
"""
PARTS = {
    "input", "copies", "overhead", "compute", "bandwidth", "optimizer", "threads", "interconnect",
    "other_programs", "unexplained",
}


@pytest.fixture(autouse=True)
def known_ceilings(monkeypatch, data_dir):
    """Nothing is measured of the machine itself: what is kept is found, in other processes too."""
    known = Ceilings(flops=1e11, bandwidth=1e10, cached_bandwidth=4e10, launch_seconds=5e-6)
    monkeypatch.setattr(ceilings_torch, "measured", lambda threads: known)
    ceilings(data_dir, "torch", 1)


@pytest.fixture
def script(tmp_path):
    file = tmp_path / "train.py"
    file.write_text(SCRIPT)
    return file


def test_a_workload_is_diagnosed(mlgolf, tmp_path):
    done = mlgolf(
        "diagnose", "linear", "--json", "--on", "a100", "--batch-size", 8, "-o", tmp_path
    )
    found = json.loads(done.stdout)
    assert found.keys() >= {"bottleneck", "shares", "ceilings", "advice"}
    assert found["bottleneck"] in PARTS | {"memory"}
    assert found["shares"].keys() == PARTS
    assert sum(found["shares"].values()) == pytest.approx(1)
    assert all(
        one.keys() == {"method", "expected_gain", "why", "loads_bottleneck"}
        for one in found["advice"]
    )
    assert found["measured"]["profile"]["products"] > 0
    assert found["ceilings"]["flops"] == 1e11
    assert found["measured"]["batch_size"] == 8
    assert found["elsewhere"]["instance"]["name"] == "a100"
    assert {path.name for path in tmp_path.iterdir()} == {
        "step_time.csv", "step_time.html", "step_time.png", "step_time.svg",
        "step_time_dark.png", "step_time_dark.svg",
    }  # fmt: skip


def test_a_script_is_diagnosed(mlgolf, script):
    said = mlgolf("diagnose", script).stdout
    assert "train.py" in said
    assert "the bottleneck is" in " ".join(said.split())


def test_the_times_that_a_script_has_written_are_diagnosed(mlgolf, script, tmp_path):
    subprocess.run([sys.executable, script], cwd=tmp_path, check=True)
    found = json.loads(mlgolf("diagnose", tmp_path / "steps.json", "--json").stdout)
    assert found["bottleneck"] in PARTS
    assert found["name"] == "steps.json"


def test_that_the_machine_was_busy_is_said_first():
    found = StepDiagnosis(
        name="x", found=diagnosed(Measurements(real=1.0)), advice=[], ceilings=None, elsewhere=None,
        warnings=("the machine was busy",),
    )
    assert repr(found).startswith("the machine was busy\n")
    assert found.as_json()["notes"][0] == "the machine was busy"


def test_advice_that_makes_things_worse_is_marked_for_a_script():
    worse = Advice(method="x", expected_gain=1.0, why="not here", loads_bottleneck=True)
    found = StepDiagnosis(
        name="x", found=diagnosed(Measurements(real=1.0)), advice=[worse], ceilings=None,
        elsewhere=None,
    )
    assert found.as_json()["advice"][0]["loads_bottleneck"]


def test_a_script_in_no_process_is_refused(script):
    with pytest.raises(DiagnosisError, match="processes: found 0, allowed is 1 or more"):
        diagnose_script(script, processes=0)


def test_a_script_that_runs_out_of_memory_is_told_to_need_less(mlgolf, tmp_path):
    script = tmp_path / "greedy.py"
    script.write_text(GREEDY)
    done = mlgolf("diagnose", script, "--json", "--on", "a100", "-o", tmp_path / "figures")
    found = json.loads(done.stdout)
    assert (found["bottleneck"], found["shares"]) == ("memory", {})
    assert "gradient_accumulation" in {one["method"] for one in found["advice"]}
    assert "no figure" in done.stderr


def test_a_script_without_steps_is_one_message(mlgolf, tmp_path):
    script = tmp_path / "train.py"
    script.write_text("pass\n")
    said = mlgolf("diagnose", script, expect=2).stderr
    assert said.startswith("mlgolf: ") or "\nmlgolf: " in said
    assert "never called the step" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("linaer",), "linear"),
        (("linear", "--on", "a1000"), "a100"),
        (("linear", "--submission", "nadam"), "nadamw"),
        (("linear", "--size", "huge"), "mini"),
        (("linear", "more"), "only a script has arguments"),
        (("steps.json", "more"), "only a script has arguments"),
        (("nowhere/steps.json",), "no such file"),
        (("gone.py",), "no such script"),
        (("linear", "--memory-limit", "-1"), "memory limit"),
        (("train.py", "--threads", 1), "--threads 1: only a workload has this option"),
        (("train.py", "--batch-size", 9), "--batch-size 9: only a workload"),
        (("train.py", "--size", "full"), "--size full: only a workload"),
        (("steps.json", "--framework", "jax"), "--framework jax: only a workload"),
        (("steps.json", "--submission", "nope"), "--submission nope: only a workload"),
        (("linear", "--processes", 2), "--processes 2: only a script"),
        (("steps.json", "--processes", 2), "--processes 2: only a script"),
        (("steps.json", "--fresh-ceilings"), "--fresh-ceilings: steps.json does not count"),
    ],
)
def test_a_mistake_is_one_message_with_what_is_allowed(mlgolf, words, said):
    assert said in mlgolf("diagnose", *words, expect=2).stderr
