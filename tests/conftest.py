"""What tests share: small data made once, the one-second competition, the command.

The workers of one session share the cores out among themselves: a player is pinned to the last core
that its referee may use, so the players of workers with the same cores would wait for each other.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from hypothesis import settings

# No test is judged by how long it took: the machine may be shared.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

TESTS = Path(__file__).parent
LINEAR = TESTS / "end_to_end" / "linear.toml"

FIVE_LINES = """\
import torch
from mlgolf.torch import from_optimizer
space = {"learning_rate": {"min": 3e-3, "max": 3e-2, "scaling": "log"}}
submission = from_optimizer(torch.optim.AdamW, search_space=space)
"""

Command = Callable[..., subprocess.CompletedProcess]


def pytest_configure() -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER")  # "gw0"
    if worker is None:
        return
    number, count = int(worker.removeprefix("gw")), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    if own := sorted(os.sched_getaffinity(0))[number::count]:
        os.sched_setaffinity(0, own)


@pytest.fixture(scope="session", autouse=True)
def own_locks(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whoever else plays on this machine makes no trial of these tests unofficial."""
    os.environ["MLGOLF_LOCK_DIR"] = str(tmp_path_factory.mktemp("locks"))


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared data of the linear workload."""
    from mlgolf.core.registry import load_workload
    from mlgolf.data import layout

    folder = tmp_path_factory.mktemp("data")
    workload = load_workload("linear")
    layout.make(workload, "mini", folder)
    layout.prepare(workload, "mini", folder)
    return folder


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By workload a data folder with raw data alone, of tests/data/. Not to be written to."""
    from tiny_workloads import DOCUMENTS_PER_FILE, NAMES, tiny

    from mlgolf.data import layout, make_tokens

    folders = {}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(make_tokens, "DOCUMENTS_PER_FILE", DOCUMENTS_PER_FILE)
        for name in NAMES:
            folders[name] = tmp_path_factory.mktemp(name)
            layout.make(tiny(name), "tiny", folders[name])
    return folders


@pytest.fixture
def copied(tiny_data: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    """A copy of one of these folders, by the workload's name."""
    return lambda name: Path(shutil.copytree(tiny_data[name], tmp_path / name))


@pytest.fixture(scope="session")
def mlgolf(data_dir: Path) -> Command:
    """The command, in this process: all that ask for it share its imports and its fork server."""
    from mlgolf.cli.main import main

    def run(*arguments: object, expect: int | None = 0) -> subprocess.CompletedProcess:
        words = ["mlgolf", *map(str, arguments)]
        out, err = (TextIOWrapper(BytesIO(), "utf-8", write_through=True) for _ in range(2))
        code = 0
        with (
            pytest.MonkeyPatch.context() as patched, redirect_stdout(out), redirect_stderr(err)
        ):  # fmt: skip
            patched.setenv("MLGOLF_DATA_DIR", str(data_dir))
            patched.setattr(sys, "argv", words)
            try:
                main()
            except SystemExit as end:
                code = end.code
        done = subprocess.CompletedProcess(words, code, *map(written, (out, err)))
        assert expect in (None, done.returncode), done.stdout + done.stderr
        return done

    return run


def written(stream: TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


@pytest.fixture(scope="session")
def mlgolf_process(data_dir: Path) -> Command:
    """The installed command, as a person would run it, where a process of its own matters."""

    def run(*arguments: object, expect: int | None = 0) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [str(Path(sys.executable).parent / "mlgolf"), *map(str, arguments)],
            capture_output=True, text=True, timeout=600,
            env={**os.environ, "MLGOLF_DATA_DIR": str(data_dir)},
        )
        assert expect in (None, done.returncode), done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def adamw(tmp_path: Path) -> Path:
    """A submission in the short form."""
    file = tmp_path / "adamw.py"
    file.write_text(FIVE_LINES)
    return file
