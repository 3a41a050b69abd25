"""Names and messages of others are text: no markup, no commands for the terminal or the shell."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

from test_bad_input import FUNCTIONS
from test_progress import on_a_terminal

LINEAR = Path(__file__).with_name("linear.toml")
UPDATE = "return optimizer_state, current_param_container, model_state"


def raising(file: Path, expression: str) -> Path:
    """A submission that raises a message, given as a Python expression."""
    code = FUNCTIONS.replace(UPDATE, f"raise ValueError({expression})")
    file.write_text('search_space = [{"x": 1}]\n' + code)
    return file


def test_brackets_in_a_message_are_printed_and_the_next_submission_is_played(
    mlgolf, tmp_path, adamw
):
    message = "[/data/cache] allowed are [lr, betas] [red]x[/red] :warning: [/]"
    broken = raising(tmp_path / "broken.py", repr(message))
    said = mlgolf(
        "run", broken, adamw, "--competition", LINEAR, "--trials", 1, "--seed", 1,
        "--out", tmp_path / "run",
    ).stderr
    assert f"ValueError at step 0: {message}" in said
    assert "[2/2] ✓ adamw/study_0" in said


def test_brackets_in_a_name_are_printed(mlgolf, tmp_path, adamw):
    odd = adamw.rename(adamw.with_name("adam[w].py"))
    said = mlgolf(
        "run", odd, "--competition", LINEAR, "--trials", 1, "--seed", 1, "--out", tmp_path / "[run]"
    )
    assert "[1/1] ✓ adam[w]/study_0/linear_torch/trial_1" in said.stderr
    scored = json.loads(mlgolf("score", tmp_path / "[run]", "--json").stdout)
    assert [entry["submission"] for entry in scored["leaderboard"]] == ["adam[w]"]


def test_a_terminal_gets_no_escape_sequences_from_a_message(tmp_path, data_dir):
    broken = raising(tmp_path / "broken.py", r"'\x1b]0;title\x07\x1b[2J\x9b2J done'")
    shown = on_a_terminal(
        80, "run", broken, "--competition", LINEAR, "--trials", 1, "--out", tmp_path / "run",
        environment={"MLGOLF_DATA_DIR": str(data_dir)},
    )
    assert r"\x1b]0;title\x07\x1b[2J\x9b2J done" in shown
    assert [sequence for sequence in ("\x1b]0", "\x1b[2J", "\x9b") if sequence in shown] == []


def test_bytes_that_are_no_text_end_in_a_report_like_any_others(mlgolf, tmp_path):
    broken = raising(tmp_path / "broken.py", r"'caf\udce9'")
    mlgolf(
        "run", broken, "--competition", LINEAR, "--trials", 1, "--seed", 1,
        "--out", tmp_path / "run", expect=1,
    )
    assert r"caf\udce9" in next((tmp_path / "run").rglob("log.txt")).read_text()
    mlgolf("report", tmp_path / "run")
    assert r"caf\udce9" in (tmp_path / "run" / "report.html").read_text()


def test_the_next_command_can_be_pasted_into_a_shell(mlgolf, tmp_path, adamw, data_dir):
    out = tmp_path / "out dir ü"
    common = ["--competition", LINEAR, "--trials", 1, "--seed", 1]
    said = mlgolf("run", adamw, *common, "--out", out).stderr
    (line,) = (line for line in said.splitlines() if line.startswith("next: "))
    assert shlex.split(line) == ["next:", "mlgolf", "score", str(out)]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    pasted = subprocess.run(
        line.removeprefix("next: "), shell=True, capture_output=True,
        env={**os.environ, "PATH": path},
    )
    assert pasted.returncode == 0


def test_a_stream_that_takes_ascii_only_is_no_traceback(tmp_path, adamw, data_dir):
    done = subprocess.run(
        [str(Path(sys.executable).parent / "mlgolf"), "run", adamw, "--competition", LINEAR,
         "--trials", "1", "--seed", "1", "--out", tmp_path / "ü"],
        capture_output=True,
        env={**os.environ, "MLGOLF_DATA_DIR": str(data_dir), "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert done.returncode == 0
    assert rb"[1/1] \u2713 adamw" in done.stderr
