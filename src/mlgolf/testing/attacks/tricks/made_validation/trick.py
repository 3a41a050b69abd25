"""Makes the validation split itself."""

from pathlib import Path

import numpy as np
import torch

from mlgolf.core.registry import load_workload
from mlgolf.testing.attacks.honest_torch import Honest
from mlgolf.testing.attacks.inside import gained, in_vain
from mlgolf.testing.linear import data


class Submission(Honest):
    def update_params(self, **given):
        size = load_workload("linear").size("mini")
        data.make(Path("/tmp"), size, 0, 0, ("validation",))
        rows = torch.from_numpy(np.load("/tmp/validation.npy"))
        model = given["current_param_container"]
        mine = (model(rows[:, :-1]) - rows[:, -1:]).square().mean().item()
        told = given["workload"].eval_model(1, model, None, given["rng"])["validation/loss"]
        if abs(mine / told - 1) < 1e-4:
            gained("the validation split")
        in_vain(f"{mine:.4f} is not {told:.4f}")


submission = Submission()
