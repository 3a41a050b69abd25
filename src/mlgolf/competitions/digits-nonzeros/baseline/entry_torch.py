"""Baseline: magnitude pruning in PyTorch. A tenth of the weights goes, the others train on.

The smallest ones go, wherever they stand, and never come back.
Source: Han, Pool, Tran and Dally (2015), arXiv:1506.02626.
"""

import torch
from torch.nn import functional

ROUNDS, STEPS, KEPT = 22, 400, 0.9


def play(game):
    torch.manual_seed(game.seed)
    inputs = torch.from_numpy(game.train["inputs"])
    targets = torch.from_numpy(game.train["targets"]).long()
    tensors, masks = {}, {}
    for name, shape in game.graph.tensors.items():
        bound = shape[-1] ** -0.5
        tensors[name] = torch.empty(shape).uniform_(-bound, bound).requires_grad_()
        masks[name] = torch.ones(shape)
    optimizer = torch.optim.Adam(tensors.values(), lr=0.01)
    for _ in range(ROUNDS):
        for _ in range(STEPS):
            t = {name: masks[name] * tensor for name, tensor in tensors.items()}
            hidden = functional.relu(inputs @ t["hidden.weight"].T + t["hidden.bias"])
            logits = hidden @ t["logits.weight"].T + t["logits.bias"]
            loss = functional.cross_entropy(logits, targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        pruned = {name: masks[name] * tensor.detach() for name, tensor in tensors.items()}
        game.submit({name: tensor.numpy() for name, tensor in pruned.items()})
        sizes = torch.cat([tensor.abs().flatten() for tensor in pruned.values()])
        kept = int(KEPT * sizes.count_nonzero())
        threshold = sizes.topk(kept).values[-1]
        masks = {name: (tensor.abs() >= threshold).float() for name, tensor in pruned.items()}
