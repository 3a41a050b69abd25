import subprocess
import sys

import pytest

from mlgolf.backends import load_backend
from mlgolf.core.errors import FrameworkMissing, UnknownName

USE = """
import sys
sys.modules[{absent!r}] = None  # what python does for a module that cannot be imported
from mlgolf.backends import load_backend
backend = load_backend({framework!r})
for _ in range(2):  # referee and player may share a process
    backend.configure(threads=1)
    backend.preload()
assert len(backend.step_keys(backend.key(0), 4, 2)(1)) == 4
assert {framework!r} in backend.versions()
"""
SETTINGS = """
import torch
assert torch.get_num_threads() == 1
assert torch.get_num_interop_threads() == 1
assert torch.is_deterministic_algorithms_warn_only_enabled()
assert not torch.utils.deterministic.fill_uninitialized_memory
assert "torch._dynamo" in sys.modules, "making an optimizer would import it on the clock"
"""


def test_torch_needs_no_jax_and_is_configured_twice_without_harm():
    run(USE.format(framework="torch", absent="jax") + SETTINGS)


def test_jax_needs_no_torch():
    run(USE.format(framework="jax", absent="torch"))


@pytest.mark.parametrize("part", ["jax", "flax", "optax"])
def test_what_is_not_installed_of_a_framework_is_named_with_its_remedy(monkeypatch, part):
    monkeypatch.setitem(sys.modules, part, None)
    with pytest.raises(FrameworkMissing, match=rf"{part} is not .*pip install 'mlgolf\[jax\]'"):
        load_backend("jax")


def test_a_framework_that_nobody_knows_is_refused_with_the_known_ones():
    with pytest.raises(UnknownName, match="jax, torch"):
        load_backend("pytorch")


def run(code: str) -> None:
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
