"""Changes nothing of the honest submission."""

from mlgolf.testing.attacks.honest_torch import Honest

submission = Honest()
