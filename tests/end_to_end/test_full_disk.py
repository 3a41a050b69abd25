"""A disk that is full, read-only or no disk at all: one sentence, and the run can be continued."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from test_recovery import rows_of

MLGOLF = Path(sys.executable).parent / "mlgolf"
LINEAR = Path(__file__).with_name("linear.toml")
ADVICE = "no space left on its disk. Make room"


def on_a_disk_of(folder: Path, script: str, data_dir: Path) -> subprocess.CompletedProcess:
    """Run a script in `folder`, where `disk` may be mounted: what is mounted is gone afterwards."""
    (folder / "disk").mkdir()
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
        capture_output=True, text=True, cwd=folder, timeout=300,
        env={**os.environ, "MLGOLF_DATA_DIR": str(data_dir)},
    )  # fmt: skip


def command(*words: object) -> str:
    return shlex.join(map(str, (MLGOLF, *words)))


@pytest.fixture(scope="module")
def long_run(tmp_path_factory, mlgolf) -> tuple[list[object], Path]:
    """What to type for a trial with 20 evaluations, and the run that it gives on a roomy disk."""
    folder = tmp_path_factory.mktemp("roomy")
    (folder / "adamw.py").write_text(
        "import torch\nfrom mlgolf.torch import from_optimizer\n"
        "submission = from_optimizer(torch.optim.AdamW, search_space=[{'learning_rate': 0.01}])\n"
    )
    rules = folder / "rules.toml"
    rules.write_text(LINEAR.read_text().replace("target = 0.02", "target = 0.0"))
    arguments: list[object] = [
        "run", folder / "adamw.py", "--competition", rules, "--trials", 1, "--seed", 1,
    ]  # fmt: skip
    mlgolf(*arguments, "--out", folder / "run")
    return arguments, folder / "run"


# Freezing the code, the trial's header, and an evaluation in the middle of its line.
@pytest.mark.parametrize("size", ["12k", "16k", "24k"])
def test_a_run_on_a_full_disk_goes_on_once_there_is_room(size, long_run, tmp_path, data_dir):
    arguments, roomy = long_run
    run = command(*arguments, "--out", "disk/run")
    done = on_a_disk_of(
        tmp_path,
        f"mount -t tmpfs -o size={size} none disk; {run}; echo $?; cat disk/run/*/*/*/*/verdict*;"
        f"mount -o remount,size=9m disk; {run} --resume && cp -r disk/run kept",
        data_dir,
    )
    assert "Traceback" not in done.stderr
    assert f"{ADVICE}, then continue with the same command and --resume" in done.stderr
    assert done.stdout == "2\n"  # the exit code, and no verdict
    assert rows_of(tmp_path / "kept") == rows_of(roomy)


def test_what_an_append_left_of_a_line_on_a_full_disk_is_no_obstacle(
    long_run, tmp_path, data_dir, mlgolf
):
    arguments, _ = long_run
    run = command(*arguments, "--out", "disk/run")
    on_a_disk_of(
        tmp_path, f"mount -t tmpfs -o size=20k none disk; {run}; cp -r disk/run kept", data_dir
    )
    (evals,) = (tmp_path / "kept").rglob("evals.jsonl")
    assert not evals.read_text().endswith("\n")
    (entry,) = json.loads(mlgolf("score", tmp_path / "kept", "--json").stdout)["leaderboard"]
    assert entry["workloads"]["linear"]["outcome"] != "scored"


@pytest.mark.parametrize("size", ["4k", "28k"])  # a table by Polars, a picture
def test_a_report_on_a_full_disk_is_one_sentence(size, long_run, tmp_path, data_dir):
    report = command("report", long_run[1], "-o", "disk/report.html")
    done = on_a_disk_of(
        tmp_path, f"mount -t tmpfs -o size={size} none disk; {report}", data_dir
    )
    assert done.returncode == 2
    assert done.stderr == f"mlgolf: disk/report.html: {ADVICE}.\n"


def test_data_on_a_full_disk_are_one_sentence(tmp_path, data_dir):
    make = command("data", "make", "linear", "--data-dir", "disk/data")
    done = on_a_disk_of(tmp_path, f"mount -t tmpfs -o size=64k none disk; {make}", data_dir)
    assert done.returncode == 2
    assert done.stderr.splitlines()[1:] == [f"mlgolf: disk/data/linear/mini/raw: {ADVICE}."]


@pytest.mark.parametrize("arguments", [["--json"], []])
def test_a_score_that_is_written_to_a_full_disk_is_one_sentence(long_run, arguments):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [MLGOLF, "score", long_run[1], *arguments], stdout=full, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == f"mlgolf: writing failed: {ADVICE}.\n"


def test_a_folder_that_cannot_be_written_is_one_sentence(long_run, tmp_path, data_dir):
    run = command(*long_run[0], "--out", "disk/run")
    done = on_a_disk_of(tmp_path, f"mount -t tmpfs -o ro none disk; {run}", data_dir)
    assert done.returncode == 2
    *before, last = done.stderr.splitlines()
    assert last == (
        "mlgolf: disk/run: its disk is read-only. Choose another folder, or make it writable."
    )
    assert len(before) <= 2  # where it writes, and that it draws, unless the draw is there
