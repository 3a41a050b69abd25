"""An honest entry in numpy: gradient descent on the loss with a penalty that shrinks."""

import numpy as np


def play(game):
    rng = np.random.default_rng(game.seed)
    x, y = game.train["inputs"].astype(float), np.eye(3)[game.train["targets"]]
    weight, bias = 0.1 * rng.normal(size=(3, 3)), np.zeros(3)
    for penalty in (1e-3, 3e-4, 1e-4):
        for _ in range(2000):
            logits = x @ weight.T + bias
            p = np.exp(logits - logits.max(1, keepdims=True))
            error = (p / p.sum(1, keepdims=True) - y) / len(x)
            weight -= 2.0 * (error.T @ x + penalty * weight)
            bias -= 2.0 * (error.sum(0) + penalty * bias)
        game.submit({"linear.weight": weight, "linear.bias": bias})
