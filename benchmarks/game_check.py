"""How long does the check of a game take, against one plain run of its baseline?

The check plays the baseline once, too: what it takes beyond that is reading files and trying models
that learned nothing. Both are commands of their own, and take turns.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import DATA_DIR, print_machine, spread

from mlgolf.core.toml_files import SHIPPED

GAME = "digits-l2"
REPETITIONS = 3


def seconds(*arguments: object) -> float:
    command = [Path(sys.executable).parent / "mlgolf", *arguments, "--data-dir", DATA_DIR]
    began = time.perf_counter()
    subprocess.run([str(word) for word in command], check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    print_machine()
    baseline = Path(str(SHIPPED)) / GAME / "baseline"
    with tempfile.TemporaryDirectory() as scratch:

        def play(name: str) -> float:
            run = ("run", baseline, "--competition", GAME, "--seed", 1, "--studies", 1)
            return seconds(*run, "--out", Path(scratch) / name)

        play("warm")  # makes the data, once
        pairs = [
            (seconds("game", "check", GAME), play(str(number))) for number in range(REPETITIONS)
        ]
    ratios = [check / plain for check, plain in pairs]
    checks, plain = zip(*pairs, strict=True)
    print(
        f"check of {GAME} / one run of its baseline = {spread(ratios)}; check {spread(checks)} s, "
        f"run {spread(plain)} s"
    )


if __name__ == "__main__":
    main()
