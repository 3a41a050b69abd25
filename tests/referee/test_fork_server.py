"""What children of the fork server inherit, and when it is replaced."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlgolf.core.errors import FrameworkMissing, SandboxError
from mlgolf.core.hardware import load_hardware
from mlgolf.core.records import SandboxLevel
from mlgolf.data.held_out import KEY_NAME
from mlgolf.referee import bubblewrap
from mlgolf.referee.fork_server import fork_server_for, python_folders
from mlgolf.referee.inspection import Inspection
from mlgolf.referee.orders import Order
from mlgolf.referee.sandbox import HeldProcess

HARDWARE = load_hardware("one-thread-cpu")
LEVELS = pytest.mark.parametrize("level", ["process", "bubblewrap"])
TELLING = """
import os, torch
from mlgolf.torch import from_optimizer
submission = from_optimizer(torch.optim.SGD, search_space=[{"learning_rate": %s}])
"""


def told(tmp_path: Path, expression: str, level: SandboxLevel = "process") -> float:
    """What the expression is worth in a child of the fork server."""
    file = tmp_path / "telling.py"
    file.write_text(TELLING % expression)
    inspection = Inspection(file, "torch", "external", HARDWARE, level=level)
    return inspection.search_space()[0]["learning_rate"]


@LEVELS
def test_a_child_has_no_descriptor_but_its_own(tmp_path, level):
    inherited = told(tmp_path, "1.0 * len(os.listdir('/proc/self/fd'))", level)
    assert inherited == 5  # three streams, where to answer, and the listing itself


@LEVELS
def test_a_child_has_the_environment_of_the_class_and_no_other(tmp_path, monkeypatch, level):
    # One that knows of the secret, if any does.
    fork_server_for("torch", HARDWARE, level).close()
    monkeypatch.setenv("SECRET_OF_THE_REFEREE", "1")
    assert told(tmp_path, "0.5 * ('SECRET_OF_THE_REFEREE' in os.environ) + 0.1", level) == 0.1
    assert told(tmp_path, "1.0 * (os.environ['OMP_NUM_THREADS'] == '1')", level) == 1.0


@LEVELS
def test_what_one_child_does_another_does_not_see(tmp_path, level):
    told(tmp_path, "[setattr(torch, 'left_behind', 1), 1.0][1]", level)
    assert told(tmp_path, "0.5 * hasattr(torch, 'left_behind') + 0.1", level) == 0.1


def test_a_fork_server_behind_a_wall_is_replaced_by_one_that_sees_more(tmp_path):
    before = fork_server_for("torch", HARDWARE, "bubblewrap")
    assert fork_server_for("torch", HARDWARE, "bubblewrap") is before
    (tmp_path / "data").mkdir()
    after = fork_server_for("torch", HARDWARE, "bubblewrap", [tmp_path / "data"])
    assert after is not before
    assert after.shows(tmp_path / "data" / "train")
    assert not after.shows(tmp_path)
    assert fork_server_for("torch", HARDWARE, "bubblewrap") is after


def test_behind_the_outer_wall_the_key_of_held_out_data_cannot_be_read(tmp_path):
    key = tmp_path / KEY_NAME
    key.write_bytes(b"secret")
    looking = [sys.executable, "-I", "-S", "-c", f"print(open({str(key)!r}).read())"]
    shown = [tmp_path, *python_folders()]
    wall = bubblewrap.command(shown, {}, hide=[key], dies_with_parent=True)
    seen = subprocess.run([*wall, *looking], capture_output=True, text=True)
    assert "PermissionError" in seen.stderr
    server = fork_server_for("torch", HARDWARE, "bubblewrap", [tmp_path])
    assert str(key) in server._process.args


def test_what_a_replaced_fork_server_has_forked_goes_on(tmp_path):
    server = fork_server_for("torch", HARDWARE, "bubblewrap")
    inherited, theirs = os.pipe()
    order = Order(argv=["describe", "nothing.py", "self", "submission"], inherit=[theirs])
    held = HeldProcess(order._replace(walls=True), launch=server.launch)
    os.close(theirs)
    server.retire()
    held.start()
    assert b"nothing.py" in os.read(inherited, 4096)
    held.stop()
    os.close(inherited)
    assert server._process.wait(timeout=60) == 0


def test_a_fork_server_that_died_is_replaced(tmp_path):
    dead = fork_server_for("torch", HARDWARE)
    os.kill(dead._process.pid, signal.SIGKILL)
    dead._process.wait()
    with pytest.raises(OSError, match="has ended"):
        dead.launch(Order(argv=["describe"]), 0, None)
    assert fork_server_for("torch", HARDWARE) is not dead
    assert told(tmp_path, "1.0") == 1.0


def test_the_fork_server_ends_with_its_referee_even_in_the_middle_of_its_import():
    code = (
        "import os, signal; from mlgolf.core.hardware import load_hardware; "
        "from mlgolf.referee.fork_server import fork_server_for; "
        "n = fork_server_for('torch', load_hardware('one-thread-cpu')); "
        "print(n._process.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    pid, deadline = int(done.stdout), time.monotonic() + 60
    while (alive := Path(f"/proc/{pid}/cmdline").exists() and not is_zombie(pid)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not alive
    assert done.stderr == ""


def is_zombie(pid: int) -> bool:
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True


def test_a_framework_that_the_environment_cannot_import_is_one_message(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('libcuda.so.1 is missing')")
    broken = HARDWARE.model_copy(
        update={"environment": {**HARDWARE.environment, "PYTHONPATH": str(tmp_path)}}
    )
    with pytest.raises(SandboxError, match=r"cannot import the framework: ImportError: libcuda"):
        Inspection(tmp_path / "any.py", "torch", "external", broken)


def test_an_interrupted_launch_leaves_no_answer_for_the_next(tmp_path, monkeypatch):
    server = fork_server_for("torch", HARDWARE)
    assert told(tmp_path, "1.0") == 1.0

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("socket.recv_fds", interrupted)
        with pytest.raises(KeyboardInterrupt):
            told(tmp_path, "2.0")
    assert fork_server_for("torch", HARDWARE) is not server
    assert told(tmp_path, "3.0") == 3.0


def test_a_framework_that_is_not_installed_is_said_to_be(monkeypatch):
    monkeypatch.setattr("mlgolf.backends.find_spec", lambda name: None)
    with pytest.raises(FrameworkMissing):
        fork_server_for("torch", HARDWARE)


def test_a_child_finds_the_framework_imported(tmp_path):
    assert told(tmp_path, "1.0 * ('torch._dynamo' in __import__('sys').modules)") == 1.0


@LEVELS
@pytest.mark.parametrize(
    ("framework", "build"), [("torch", "torch.optim.SGD"), ("jax", "optax.sgd")]
)
def test_a_child_finds_the_public_functions_of_its_framework_imported(
    framework, build, tmp_path, level
):
    file = tmp_path / "telling.py"
    file.write_text(
        f"import sys; found = 'mlgolf.{framework}' in sys.modules\n"
        f"import {build.partition('.')[0]}\n"
        f"from mlgolf.{framework} import from_optimizer\n"
        f"space = [{{'learning_rate': 0.5 * found + 0.1}}]\n"
        f"submission = from_optimizer({build}, search_space=space)\n"
    )
    space = Inspection(file, framework, "external", HARDWARE, level=level).search_space()
    assert space == [{"learning_rate": 0.6}]
