import os
import signal
from pathlib import Path

import pytest

from mlgolf.core.competition import load_hardware
from mlgolf.core.errors import FrameworkMissing
from mlgolf.referee.inspection import Inspection
from mlgolf.referee.nursery import nursery_for

HARDWARE = load_hardware("one-thread-cpu")
TELLING = """
import os, torch
from mlgolf.torch import from_optimizer
submission = from_optimizer(torch.optim.SGD, search_space=[{"learning_rate": %s}])
"""


def told(tmp_path: Path, expression: str) -> float:
    """What the expression is worth in a child of the nursery."""
    file = tmp_path / "telling.py"
    file.write_text(TELLING % expression)
    return Inspection(file, "torch", HARDWARE).search_space()[0]["learning_rate"]


def test_a_child_has_no_descriptor_but_its_own(tmp_path):
    inherited = told(tmp_path, "1.0 * len(os.listdir('/proc/self/fd'))")
    assert inherited == 5  # three streams, where to answer, and the listing itself


def test_a_child_has_the_environment_of_the_class_and_no_other(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_REFEREE", "1")
    assert told(tmp_path, "0.5 * ('SECRET_OF_THE_REFEREE' in os.environ) + 0.1") == 0.1
    assert told(tmp_path, "1.0 * (os.environ['OMP_NUM_THREADS'] == '1')") == 1.0


def test_what_one_child_does_another_does_not_see(tmp_path):
    told(tmp_path, "[setattr(torch, 'left_behind', 1), 1.0][1]")
    assert told(tmp_path, "0.5 * hasattr(torch, 'left_behind') + 0.1") == 0.1


def test_a_nursery_that_died_is_replaced(tmp_path):
    dead = nursery_for("torch", HARDWARE)
    os.kill(dead._process.pid, signal.SIGKILL)
    dead._process.wait()
    with pytest.raises(OSError, match="has ended"):
        dead.launch({"argv": ["describe"], "inherit": []}, 0, None)
    assert nursery_for("torch", HARDWARE) is not dead
    assert told(tmp_path, "1.0") == 1.0


def test_the_nursery_ends_with_its_referee():
    nursery = nursery_for("torch", HARDWARE)
    nursery.close()
    assert nursery._process.returncode == 0


def test_a_framework_that_is_not_installed_is_said_to_be(monkeypatch):
    monkeypatch.setattr("mlgolf.backends.find_spec", lambda name: None)
    with pytest.raises(FrameworkMissing):
        nursery_for("torch", HARDWARE)


def test_a_child_finds_the_framework_imported(tmp_path):
    assert told(tmp_path, "1.0 * ('torch._dynamo' in __import__('sys').modules)") == 1.0
