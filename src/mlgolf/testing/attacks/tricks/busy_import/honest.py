"""Computes a small table while it is imported."""

from mlgolf.testing.attacks.honest_torch import Honest

TABLE = [n * n for n in range(1000)]
submission = Honest()
