"""Parts of the text itself as the memory of a model that counts, and a few mixing weights.

The model (counting.py) stores some paragraphs (excerpts.py picks them), and looks up what followed
the last characters there and in the window. Of its own it learns only how to mix these counts:
368 weights, rounded to eighths, each charged its bits while it is trained.
"""

import counting
import excerpts
import numpy as np
import torch
from torch.nn.functional import cross_entropy

STORED = 14_000  # characters, about
HIDDEN, BATCH, STEPS, FREE_STEPS = 6, 256, 5000, 3000  # weights are not rounded in FREE_STEPS
STEP = 0.125  # of the weights
HALF = counting.HALF
LOG_2 = 0.6931


def play(game):
    torch.manual_seed(game.seed)
    text, windows = game.train["targets"], game.train["inputs"]
    stored = excerpts.chosen(text, windows.shape[1], STORED)
    counts, columns = map(torch.from_numpy, counting.counted(stored, windows))
    targets = torch.from_numpy(text).long()
    weights = fresh()
    optimizer = torch.optim.Adam(weights.values(), lr=8e-3)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, STEPS)
    for step in range(STEPS):
        rows = torch.randint(len(text), (BATCH,))
        used = {n: rounded(w) if step >= FREE_STEPS else w for n, w in weights.items()}
        loss = cross_entropy(logits(used, counts[rows], columns[rows]), targets[rows])
        bits = sum(torch.log2(1 + w.abs() / STEP).sum() for w in weights.values())
        (loss + LOG_2 * bits / len(text)).backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    integers = {
        name: np.round(weight.detach().numpy() / STEP).clip(-127, 127).astype(np.int8)
        for name, weight in weights.items()
    }  # fmt: skip
    game.submit(counting.model(stored, integers, STEP, windows.shape[1]))


def fresh():
    """Weights before training; `counting.mixed` says what each is."""
    tables = counting.TABLES
    shapes = {
        "counts": (HIDDEN, 2 * tables), "overall": (HIDDEN, 2 * tables), "hidden": (HIDDEN, 1),
        "second": (HIDDEN, HIDDEN), "output": (1, HIDDEN),
        "breaks": (1, tables), "columns": (counting.COLUMNS, 1, 1),
    }  # fmt: skip
    weights = {name: torch.zeros(shape) for name, shape in shapes.items()}
    weights["counts"] = torch.randn(shapes["counts"]) / 6
    weights["second"] = torch.randn(shapes["second"]) / 3
    weights["output"] = torch.randn(shapes["output"]) / 2
    return {name: weight.requires_grad_() for name, weight in weights.items()}


def logits(weights, counts, columns):
    """What `counting.mixed` computes. Args: counts: (batch, tables, classes)."""
    newline, space = counts[:, :, [counting.NEWLINE]], counts[:, :, [counting.SPACE]]
    pooled = counts.clone()
    pooled[:, :, [counting.SPACE]] += newline
    totals = counts.sum(2, keepdim=True) + HALF
    different = pooled.sign().sum(2, keepdim=True) + HALF
    seen = torch.cat([torch.log(pooled + HALF), pooled / totals], 1)
    overall = torch.log(torch.cat([totals, different], 1))
    hidden = weights["counts"] @ seen + weights["overall"] @ overall + weights["hidden"]
    found = weights["output"] @ torch.relu(weights["second"] @ torch.relu(hidden))
    odds = torch.log((newline + HALF) / (space + HALF))
    ends = weights["breaks"] @ odds + weights["columns"][columns]
    ends = ends + found[:, :, [counting.SPACE]]
    at_newline = torch.arange(found.shape[2]) == counting.NEWLINE
    return torch.where(at_newline, ends, found)[:, 0]


def rounded(weight):
    """The nearest multiple of STEP, with the gradient of the weight itself."""
    return weight + (STEP * torch.round(weight / STEP) - weight).detach()
