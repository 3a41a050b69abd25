"""Champion: the smallest norm under both bounds by an augmented Lagrangian, in numpy and scipy.

The game is a constrained problem, so it is solved as one: minimise |w|^2 / 2 subject to a mean loss
and a loss of every example a little below their bounds. Multipliers find the few digits that are
hard to fit, and weights are spent on them alone; a penalty on the mean spends them on all.
Source: Birgin and Martinez (2014), Practical Augmented Lagrangian Methods for Constrained
Optimization, doi:10.1137/1.9781611973365, algorithm 4.1.
"""

import numpy as np
from scipy.optimize import minimize

ROOM = 0.97  # of each bound: what is left is for 32-bit floats and the noise on weights
STARTS, ROUNDS, STEPS = 2, 60, 300


def play(game):
    network = Network(game.train["inputs"], game.train["targets"], game.graph.tensors)
    rng = np.random.default_rng(game.seed)
    for _ in range(STARTS):  # where it begins moves the norm by a few percent
        solve(game, network, network.initial(rng))


def solve(game, network, point):
    limits = ROOM * np.array([game.bounds["train_loss"], game.bounds["train_loss_max"]])
    # Scaled so that a loss at its limit is 0 and one of twice the limit is 1.
    multipliers, penalty = np.zeros(1 + network.examples), 1.0

    def lagrangian(weights):
        losses, backward = network.losses(weights)
        over = np.append(losses.mean() / limits[0], losses / limits[1]) - 1
        active = np.maximum(0.0, multipliers + penalty * over)
        of_losses = active[0] / limits[0] / len(losses) + active[1:] / limits[1]
        value = weights @ weights / 2 + active @ active / (2 * penalty)
        return value, weights + backward(of_losses)

    for _ in range(ROUNDS):
        found = minimize(
            lagrangian, point, jac=True, method="L-BFGS-B",
            options={"maxiter": STEPS, "maxcor": 30},
        )
        point = found.x
        losses, _ = network.losses(point)
        over = np.append(losses.mean() / limits[0], losses / limits[1]) - 1
        multipliers = np.maximum(0.0, multipliers + penalty * over)
        penalty = min(1.5 * penalty, 50.0)
        game.submit(network.tensors(point))


class Network:
    """Two layers with a ReLU between them, as one vector of weights in double precision."""

    def __init__(self, inputs, targets, shapes):
        self.inputs, self.targets = inputs.astype(np.float64), targets
        self.shapes, self.examples = shapes, len(inputs)
        self.sizes = np.cumsum([np.prod(shape) for shape in shapes.values()])[:-1]

    def initial(self, rng):
        spread = {name: shape[-1] ** -0.5 for name, shape in self.shapes.items()}
        return np.concatenate([
            rng.uniform(-spread[name], spread[name], np.prod(shape))
            for name, shape in self.shapes.items()
        ])  # fmt: skip

    def tensors(self, weights):
        parts = np.split(weights, self.sizes)
        return {
            name: part.reshape(shape)
            for (name, shape), part in zip(self.shapes.items(), parts, strict=True)
        }

    def losses(self, weights):
        """(examples,) losses, and what turns their derivatives into one by the weights."""
        t = self.tensors(weights)
        hidden = np.maximum(self.inputs @ t["hidden.weight"].T + t["hidden.bias"], 0.0)
        logits = hidden @ t["logits.weight"].T + t["logits.bias"]
        logits -= logits.max(axis=1, keepdims=True)
        exponentials = np.exp(logits)
        sums = exponentials.sum(axis=1)
        rows = np.arange(self.examples)
        losses = np.log(sums) - logits[rows, self.targets]

        def backward(of_losses):
            of_logits = exponentials / sums[:, None]
            of_logits[rows, self.targets] -= 1.0
            of_logits *= of_losses[:, None]
            of_hidden = (of_logits @ t["logits.weight"]) * (hidden > 0)
            by_name = {
                "hidden.weight": of_hidden.T @ self.inputs, "hidden.bias": of_hidden.sum(axis=0),
                "logits.weight": of_logits.T @ hidden, "logits.bias": of_logits.sum(axis=0),
            }
            return np.concatenate([by_name[name].ravel() for name in self.shapes])

        return losses, backward
