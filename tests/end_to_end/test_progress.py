"""What a run says while it lasts: on a terminal of 80 columns, and without one."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

LINEAR = Path(__file__).with_name("linear.toml")
NAME = "an_optimizer_with_a_name_that_is_long_enough_to_fill_a_line_by_itself_alone"
MOST_SECONDS = 300  # without a sign of life
SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_a_terminal(columns: int, *arguments: object, environment: dict[str, str]) -> str:
    """All that a command writes to a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [str(Path(sys.executable).parent / "mlgolf"), *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs,
        env={**os.environ, "TERM": "xterm", **environment},
    ) as process:
        os.close(theirs)
        written = b""
        while True:
            if not select.select([ours], [], [], MOST_SECONDS)[0]:
                process.kill()
                pytest.fail(f"nothing is written for {MOST_SECONDS} s, after {written[-2000:]!r}")
            try:
                data = os.read(ours, 1 << 16)
            except OSError:  # the other end is closed
                break
            written += data
    os.close(ours)
    return written.decode()


@pytest.fixture(scope="module")
def shown(tmp_path_factory, data_dir) -> str:
    """A run of two trials on a terminal of 80 columns, one of which does not reach the target."""
    folder = tmp_path_factory.mktemp("terminal")
    (folder / f"{NAME}.py").write_text(
        "import torch\nfrom mlgolf.torch import from_optimizer\n"
        "points = [{'learning_rate': 1e-5}, {'learning_rate': 0.01}]\n"
        "submission = from_optimizer(torch.optim.AdamW, search_space=points)\n"
    )
    return on_a_terminal(
        80, "run", folder / f"{NAME}.py", "--competition", LINEAR, "--seed", 1,
        "--out", folder / "run", environment={"MLGOLF_DATA_DIR": str(data_dir)},
    )


def live_lines(shown: str) -> list[str]:
    """What was drawn, without the sequences that move the cursor."""
    return [line for line in re.split(r"[\r\n]+", SEQUENCE.sub("", shown)) if line]


def test_a_terminal_shows_which_trial_of_how_many_and_how_many_hit(shown):
    lines = live_lines(shown)
    assert any(re.match(r"trial 1 of 2 · 0 reached the target", line) for line in lines)
    assert any(re.match(r"trial 2 of 2 · 0 reached the target", line) for line in lines)
    assert lines[-3].startswith("trial 2 of 2 · 1 reached the target")


def test_a_terminal_shows_when_it_will_be_over(shown):
    # Budgets are in reference seconds, so a slow machine counts in minutes.
    assert re.search(r"at most \d+ (s|min) left", shown)
    assert re.search(r"trial 2 of 2 · 0 reached the target · about \d+ (s|min) left", shown)


def test_a_terminal_shows_step_seconds_and_the_metric_beside_its_target(shown):
    assert re.search(r"step \d+, \d+\.\d of \d\S* s, loss \d\S* \(target 0\.02\)", shown)


def test_what_is_redrawn_fits_80_columns(shown):
    redrawn = [
        line for line in live_lines(shown) if re.match(r"trial \d of|step \d|an_optimizer", line)
    ]
    assert len(redrawn) > 6
    assert max(map(len, redrawn)) <= 80


def test_the_ends_of_trials_are_kept_with_their_reason_below(shown):
    lines = live_lines(shown)
    end = next(n for n, line in enumerate(lines) if line.startswith("[2/2] ✓"))
    assert re.fullmatch(r"    validation_metric .* at step \d+", lines[end + 1])


def test_without_a_terminal_each_trial_is_one_line_with_its_count(
    mlgolf, mlgolf_process, adamw, tmp_path
):
    common = ["run", adamw, "--competition", LINEAR, "--seed", 61, "--out", tmp_path / "run"]
    lines = mlgolf_process(*common).stderr.splitlines()
    trials = [line for line in lines if line.startswith("[")]
    assert len(lines) == len(trials) + 6  # where to, data, how many, how fast; what is next, twice
    assert [line[:7] for line in trials] == ["[1/2] ✓", "[2/2] ✓"]
    next((tmp_path / "run").rglob("trial_2/verdict.json")).unlink()
    resumed = mlgolf(*common, "--resume").stderr
    assert "[2/2] ✓ adamw/study_0/linear_torch/trial_2  TARGET_REACHED" in resumed


def test_trials_side_by_side_are_counted_as_they_end(mlgolf_process, adamw, tmp_path):
    common = ["--competition", LINEAR, "--seed", 1, "--out", tmp_path / "run"]
    said = mlgolf_process("run", adamw, *common, "--parallel", 2).stderr
    assert [line[:5] for line in said.splitlines() if line[0] == "["] == ["[1/2]", "[2/2]"]


@pytest.fixture(scope="module")
def played(tmp_path_factory, data_dir) -> Path:
    """The folder of a trial."""
    out = tmp_path_factory.mktemp("replayed") / "run"
    on_a_terminal(
        80, "run", "nesterov", "--competition", LINEAR, "--seed", 1, "--trials", 1, "--out", out,
        environment={"MLGOLF_DATA_DIR": str(data_dir)},
    )
    return next(out.rglob("trial_1"))


def test_a_replay_shows_on_a_terminal_how_it_goes(played, data_dir):
    shown = on_a_terminal(80, "replay", played, environment={"MLGOLF_DATA_DIR": str(data_dir)})
    assert any(re.match(r"trial 1 of 1 · ", line) for line in live_lines(shown))
    assert re.search(r"step \d+, \d+\.\d of \d\S* s", shown)


def test_a_replay_without_a_terminal_says_what_it_found_alone(mlgolf_process, played):
    done = mlgolf_process("replay", played, expect=None)
    assert done.stderr == ""
    assert "equal bit for bit" in done.stdout


TABLE = Path(__file__).parents[1] / "golden" / "trials.csv"
REPORT = ("report", TABLE, "--competition", "algoperf-0.5", "--tuning", "self", "-o")


def test_a_report_says_on_a_terminal_which_drawing_of_how_many_it_makes(tmp_path):
    page = tmp_path / "page.html"
    written = live_lines(on_a_terminal(80, *REPORT, page, environment={}))
    assert any(re.match(r"drawing training time .* \d+/\d+", line) for line in written)
    assert page.exists()


def test_a_report_says_only_where_it_is_when_it_is_piped(mlgolf_process, tmp_path):
    done = mlgolf_process(*REPORT, tmp_path / "page.html")
    assert (done.stdout, done.stderr) == (f"{tmp_path / 'page.html'}\n", "")
