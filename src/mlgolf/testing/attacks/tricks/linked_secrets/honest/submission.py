"""Reads what lies beside it."""

from pathlib import Path

from mlgolf.testing.attacks.honest_torch import Honest

RATE = float((Path(__file__).parent / "mine.txt").read_text())
submission = Honest()
