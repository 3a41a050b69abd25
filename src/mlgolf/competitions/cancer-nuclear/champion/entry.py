"""Champion: a proximal augmented Lagrangian that stops when it knows that little is left to gain.

The game is convex, so every local minimum is the best one, and the dual problem says how far it is.
Multipliers turn the bounds into a smooth function of the weights; they find the few patients who
are hard to fit, and weights are spent on them alone. The nuclear norm has no gradient where a
singular value is 0, and needs none: what minimises it plus a square has a closed form, which takes
the same amount off each singular value. Of rows for two classes one singular value is left.
Sources: Rockafellar (1976), doi:10.1287/moor.1.2.97, on augmented Lagrangians of convex problems;
Cai, Candes and Shen (2010), doi:10.1137/080738970, on shrinking singular values;
Beck and Teboulle (2009), doi:10.1137/080716542, and O'Donoghue and Candes (2015),
doi:10.1007/s10208-013-9150-3, on momentum and when to drop it.
"""

from functools import partial

import numpy as np

# Of the bounds on the mean and on the worst: the rest is for the noise on weights, which is another
# in each run. The last ones may be too little; then an earlier model counts.
ROOMS = (0.998, 0.98), (0.9985, 0.985), (0.999, 0.99), (0.9993, 0.992), (0.9996, 0.995)
ROUNDS, STEPS = 40, 500
GAP = 1e-4  # of the norm: what the dual bound may leave open


def play(game):
    problem = Problem(game.train["inputs"], game.train["targets"])
    bounds = np.array([game.bounds["train_loss"], game.bounds["train_loss_max"]])
    classes, width = game.graph.tensors["logits.weight"]
    point, multipliers = np.zeros((classes, width + 1)), np.zeros(1 + problem.examples)
    for room in ROOMS:
        point, multipliers, lower = solve(problem, room * bounds, point, multipliers)
        game.log(norm=norm(point), no_less_than=lower)
        game.submit({"logits.weight": point[:, :-1], "logits.bias": point[:, -1]})


def solve(problem, limits, point, multipliers):
    """Returns: the point, its multipliers, and a norm below which no point keeps the limits."""
    penalty, curvature, lower = 1.0, 1.0, -np.inf
    for _ in range(ROUNDS):
        costs = partial(problem.costs, limits=limits, multipliers=multipliers, penalty=penalty)
        point, curvature = proximal_gradient(costs, point, curvature)
        _, _, multipliers = costs(point)
        lower = max(lower, problem.dual_bound(point, multipliers, limits))
        if abs(norm(point) - lower) < GAP * lower:
            break
        penalty = min(1.5 * penalty, 50.0)
    return point, multipliers, lower


def proximal_gradient(costs, point, curvature):
    """Minimise costs plus the norm. Returns: where, and the curvature met last."""
    ahead, momentum = point, 1.0
    for _ in range(STEPS):
        value, gradient, _ = costs(ahead)
        gradient, curvature = gradient(), 0.9 * curvature
        while True:
            found = shrunk(ahead - gradient / curvature, 1 / curvature)
            move = found - ahead
            model = value + (gradient * move).sum() + curvature / 2 * (move * move).sum()
            if costs(found)[0] <= model + 1e-12 * (1 + value):
                break
            curvature *= 1.5
        if ((ahead - found) * (found - point)).sum() > 0:  # past the valley's floor
            momentum = 1.0
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = found + (momentum - 1) / following * (found - point)
        point, momentum = found, following
        if curvature * np.linalg.norm(move) < 1e-5:
            break
    return point, curvature


# The last column of a point is the bias; the nuclear norm of a column is its length.


def norm(point):
    return np.linalg.norm(point[:, :-1], "nuc") + np.linalg.norm(point[:, -1])


def shrunk(point, amount):
    """The minimum over x of amount * norm(x) + |x - point|^2 / 2."""
    return np.hstack([_shrunk(part, amount) for part in (point[:, :-1], point[:, -1:])])


def _shrunk(matrix, amount):
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    return left * np.maximum(values - amount, 0.0) @ right


class Problem:
    """Cross-entropy of each example by the weights and the bias, in double precision."""

    def __init__(self, inputs, targets):
        self.inputs = np.hstack([inputs.astype(np.float64), np.ones((len(inputs), 1))])
        self.examples = len(inputs)
        self.right = np.arange(self.examples), targets

    def costs(self, point, limits, multipliers, penalty):
        """What the limits cost at a point, its gradient as a function, the multipliers there."""
        logs = self.log_probabilities(point)
        losses = -logs[self.right]
        # Scaled so that a loss at its limit is 0 and one of twice the limit is 1.
        over = np.append(losses.mean() / limits[0], losses / limits[1]) - 1
        active = np.maximum(0.0, multipliers + penalty * over)
        value = active @ active / (2 * penalty)
        return value, lambda: self.gradient(logs, prices(active, limits)), active

    def log_probabilities(self, point):
        logits = self.inputs @ point.T
        logits -= logits.max(axis=1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

    def gradient(self, logs, prices):
        """Of the sum of losses, each at its price, by the point."""
        of_logits = np.exp(logs)
        of_logits[self.right] -= 1.0
        return (prices[:, None] * of_logits).T @ self.inputs

    def dual_bound(self, point, multipliers, limits):
        """By weak duality no point within the limits has a smaller norm. `par.py` derives it."""
        logs, priced = self.log_probabilities(point), prices(multipliers, limits)
        gradient = self.gradient(logs, priced)
        entropies = -(np.exp(logs) * logs).sum(axis=1)
        size = max(np.linalg.norm(gradient[:, :-1], 2), np.linalg.norm(gradient[:, -1]))
        return (priced @ entropies - multipliers.sum()) / size if size else 0.0


def prices(multipliers, limits):
    """(examples,): of a nat of each loss, by the multipliers of the scaled limits."""
    examples = len(multipliers) - 1
    return multipliers[0] / limits[0] / examples + multipliers[1:] / limits[1]
