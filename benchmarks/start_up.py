"""How long until something happens, against the import of torch alone?"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import DATA_DIR, print_machine, spread

BIN = Path(sys.executable).parent
REPETITIONS = 5
RULES = Path(__file__).parents[1] / "tests" / "end_to_end" / "linear.toml"


def seconds(arguments: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(arguments, check=True, capture_output=True)
    return time.perf_counter() - began


def first_row(scratch: Path, number: int) -> float:
    """From the command to the first evaluation, which follows the first training step."""
    rules = scratch / "one_step.toml"
    text = RULES.read_text().replace("eval_every_steps = 100", "eval_every_steps = 1")
    rules.write_text(text.replace("step_limit = 4000", "step_limit = 1"))
    submission = scratch / "adamw.py"
    submission.write_text(
        "import torch\nfrom mlgolf.torch import from_optimizer\n"
        "submission = from_optimizer(torch.optim.AdamW, schedule='constant', "
        "search_space=[{'learning_rate': 0.01}])\n"
    )
    out = scratch / f"run_{number}"
    rows = out / "adamw/study_0/linear_torch/trial_1/evals.jsonl"
    arguments = ["run", submission, "--competition", rules, "--trials", 1, "--out", out]
    began = time.perf_counter()
    process = subprocess.Popen(
        [str(BIN / "mlgolf"), *map(str, arguments), "--data-dir", str(DATA_DIR)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    while not rows.exists():
        assert process.poll() in (None, 0)
        time.sleep(0.002)
    took = time.perf_counter() - began
    process.wait()
    return took


def main() -> None:
    print_machine()
    if not (DATA_DIR / "linear").exists():
        made = [BIN / "mlgolf", "data", "make", "linear", "--data-dir", DATA_DIR]
        subprocess.run(made, check=True)
    torch = [seconds([sys.executable, "-c", "import torch"]) for _ in range(REPETITIONS)]
    help_ = [seconds([str(BIN / "mlgolf"), "--help"]) for _ in range(REPETITIONS)]
    with tempfile.TemporaryDirectory() as scratch:
        rows = [first_row(Path(scratch), number) for number in range(REPETITIONS)]
    ratios = [row / alone for row, alone in zip(rows, torch, strict=True)]
    print(f"mlgolf --help: {spread(help_)} s")
    print(f"import torch alone: {spread(torch)} s")
    print(f"command to first training step and its evaluation: {spread(rows)} s")
    print(f"ratio to importing torch: {spread(ratios)}")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main()
