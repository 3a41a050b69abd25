import torch

from mlgolf.torch import from_optimizer

submission = from_optimizer(
    torch.optim.SGD,
    search_space=[
        {"learning_rate": 0.05, "momentum": 0.9}, {"learning_rate": 0.002, "momentum": 0.9},
        {"learning_rate": 0.01, "momentum": 0.5},
    ], schedule="constant",
)
