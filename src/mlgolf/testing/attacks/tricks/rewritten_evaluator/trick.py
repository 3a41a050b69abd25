"""Writes into the code that will judge it."""

import os

import torch

import mlgolf.core.spec
from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import try_all


class Submission(Honest):
    def update_params(self, **given):
        try_all(
            {
                file: lambda file=file: open(file, "a")
                for file in (mlgolf.core.spec.__file__, torch.__file__, os.__file__, __file__)
            }
        )


submission = Submission()
