"""AdamW at rates that suit the one-second workload."""

import torch

from mlgolf.torch import from_optimizer

submission = from_optimizer(
    torch.optim.AdamW,
    search_space={
        "learning_rate": {"min": 1e-2, "max": 2e-2, "scaling": "log"},
        "eps": {"feasible_points": [1e-8]},
    },
)
