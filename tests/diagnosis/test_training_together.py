"""Scripts of two processes. One of them is slow by a known time, so that the other waits for it."""

from pathlib import Path
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from mlgolf.analysis.diagnosis.bottleneck import diagnosed  # noqa: E402
from mlgolf.analysis.diagnosis.roofline import Ceilings  # noqa: E402
from mlgolf.core.errors import DiagnosisError  # noqa: E402
from mlgolf.diagnosis import probe_torch, scripts  # noqa: E402
from mlgolf.diagnosis.probe_torch import TorchProbe  # noqa: E402
from mlgolf.diagnosis.scripts import measurements_of, run  # noqa: E402

MACHINE = Ceilings(flops=1e11, bandwidth=1e10, launch_seconds=1e-6)
SCRIPT = """\
import sys
import time
import torch
from torch import distributed, nn
import mlgolf
torch.set_num_threads(1)
distributed.init_process_group("gloo")
model = nn.Linear(8, 1)
is_parallel = sys.argv[1] == "parallel"
net = nn.parallel.DistributedDataParallel(model) if is_parallel else model
optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
watch = mlgolf.observe([torch.ones(4, 8)] * 1000)
for batch in watch:
    with watch.step():
        optimizer.zero_grad()
        loss = net(batch).sum()
        if distributed.get_rank():
            time.sleep(0.2)
        loss.backward()
        if not is_parallel:
            for parameter in model.parameters():
                distributed.all_reduce(parameter.grad)
        optimizer.step()
"""


@pytest.mark.parametrize("how", ["parallel", "by_hand"])
def test_waiting_for_other_processes_is_interconnect(tmp_path, monkeypatch, how):
    monkeypatch.setattr(scripts, "STEPS", 8)
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    ran = run(script, [how], processes=2)
    measured = measurements_of(script, ran, lambda framework, threads: MACHINE, None)
    assert (measured.processes, ran.told["counted"]) == (2, 8)
    assert (measured.one_device < measured.alone) == (how == "parallel")
    assert measured.gradient_bytes == 4 * 9
    found = diagnosed(measured)
    assert found.bottleneck == "interconnect"
    assert found.shares["interconnect"] > 0.4


@pytest.fixture
def second_of_two(monkeypatch):
    """A process that finds the first by a store, and has nobody to talk to."""
    store = torch.distributed.HashStore()
    monkeypatch.setattr(probe_torch, "AGREE_SECONDS", 0.1)
    monkeypatch.setattr(probe_torch, "distributed", SimpleNamespace(
        is_available=lambda: True, is_initialized=lambda: True, get_rank=lambda: 1,
        get_world_size=lambda: 2,
        distributed_c10d=SimpleNamespace(_get_default_store=lambda: store),
    ))  # fmt: skip
    return store


def test_processes_agree_on_the_fewest_steps_that_one_of_them_has_time_for(second_of_two):
    second_of_two.set("mlgolf/steps/0", "7")
    assert TorchProbe().agreed(100) == 7


def test_a_process_without_a_watch_is_told(second_of_two):
    with pytest.raises(DiagnosisError, match=r"only some of the 2 processes.*mlgolf.observe"):
        TorchProbe().agreed(100)


def test_the_script_that_failed_in_one_process_is_quoted_and_not_its_launcher(tmp_path):
    script = tmp_path / "train.py"
    script.write_text("def train():\n    raise ValueError('no data')\n\ntrain()\n")
    ran = run(script, processes=2)
    with pytest.raises(DiagnosisError, match=r"(?s)train.py:2: it ended.*ValueError: no data$"):
        measurements_of(Path(script), ran, lambda framework, threads: MACHINE, None)
