"""Par of this game, exactly: the smallest nuclear norm within the bounds, and a proof.

    python par.py

For weights W (classes, features) and biases b (classes,), with the loss l_i of example i,

    minimise |W|_* + |b|_2  subject to  mean_i l_i <= B  and  l_i <= M for all i.

**Primal.** A loss of two classes depends on the differences d = W_1 - W_0 and e = b_1 - b_0 alone,
and the smallest weights with given differences are W = (-d, d) / 2 and b = (-e, e) / 2, of norm
(|d|_2 + |e|) / sqrt(2). With e = e_1 - e_2, both at least 0, this is smooth, and SLSQP solves it.
Source: Kraft (1988), A software package for sequential quadratic programming, DFVLR-FB 88-28.

**Dual.** A loss is a maximum over distributions p_i of the classes, with y_i the one-hot target:
l_i = max over p_i of <p_i - y_i, W x_i + b> + H(p_i), H the entropy in nats, at the softmax. With a
multiplier u >= 0 of the mean, v_i >= 0 of each loss and c_i = u / n + v_i, any p_i give the bound

    min over W, b of |W|_* + |b|_2 + <G, W> + <g, b>  +  sum_i c_i H(p_i) - u B - M sum_i v_i,
    G = sum_i c_i (p_i - y_i) x_i',  g = sum_i c_i (p_i - y_i).

The minimum is 0 where the dual norms are at most 1, the largest singular value of G and the length
of g, and minus infinity elsewhere. All the rest is proportional to (u, v), so these are divided by
the larger of the two. Whatever the point and the multipliers, the bound holds for every W and b; a
good point makes it tight. Multipliers are those that leave the least of the primal's gradient, by
non-negative least squares.
Sources: Recht, Fazel and Parrilo (2010), doi:10.1137/070697835, section 2, on the dual norm;
Lawson and Hanson (1995), doi:10.1137/1.9781611971217, on NNLS.

Noise on weights is left out: it can only raise what is needed.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, nnls

from mlgolf.core.competition import load_competition
from mlgolf.data import layout
from mlgolf.measures.norms import nuclear


class Solution(NamedTuple):
    norm: float  # of a model that keeps the bounds
    lower: float  # no model that keeps them has a smaller norm
    excess: float  # by how much that model breaks a bound, as a share of it

    @property
    def gap(self) -> float:
        return self.norm - self.lower


def par(inputs: NDArray, targets: NDArray, mean: float, worst: float) -> Solution:
    """Args: inputs (examples, features), targets (examples,) of 0 and 1, bounds in nats."""
    signs = 2.0 * targets - 1
    # Margins are linear in (d, e_1, e_2), and the loss of a margin z is log(1 + exp(-z)).
    rows = signs[:, None] * np.column_stack([inputs, np.ones(len(inputs)), -np.ones(len(inputs))])
    smallest_margin = -np.log(np.expm1(worst))

    def norm(point: NDArray) -> tuple[float, NDArray]:
        length = np.linalg.norm(point[:-2])
        return length + point[-2:].sum(), np.append(point[:-2] / length, [1.0, 1.0])

    def room(point: NDArray) -> NDArray:
        margins = rows @ point
        return np.append(mean - np.logaddexp(0, -margins).mean(), margins - smallest_margin)

    def room_gradient(point: NDArray) -> NDArray:
        wrong = np.exp(-np.logaddexp(0, rows @ point))
        return np.vstack([wrong @ rows / len(rows), rows])

    found = minimize(
        norm, np.append(rows[:, :-2].mean(axis=0), [0.0, 0.0]), jac=True, method="SLSQP",
        constraints={"type": "ineq", "fun": room, "jac": room_gradient},
        bounds=[(None, None)] * inputs.shape[1] + [(0, None)] * 2,
        options={"maxiter": 1000, "ftol": 1e-14},
    )  # fmt: skip
    difference = np.append(found.x[:-2], found.x[-2] - found.x[-1])
    weights = np.array([-difference, difference]) / 2  # the last column is the bias
    return certified(inputs, targets, weights, mean, worst)


def certified(
    inputs: NDArray, targets: NDArray, weights: NDArray, mean: float, worst: float
) -> Solution:
    """What a model (classes, features and bias) proves, wherever it comes from."""
    inputs, count = np.column_stack([inputs, np.ones(len(inputs))]), len(inputs)
    logits = inputs @ weights.T
    logs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    probabilities, losses = np.exp(logs), -logs[np.arange(count), targets]
    # By example, then by bound: the mean's, and the bound of each that is at its bound.
    gradients = (probabilities - np.eye(len(weights))[targets])[:, :, None] * inputs[:, None, :]
    tight = losses > 0.999 * worst
    prices = np.column_stack([np.full(count, 1 / count), np.eye(count)[:, tight]])
    columns = np.tensordot(prices, gradients, (0, 0)).reshape(prices.shape[1], -1)
    multipliers, _ = nnls(columns.T, -_gradient_of_the_norm(weights).ravel())
    priced = prices @ multipliers
    slope = np.tensordot(priced, gradients, 1)
    size = max(np.linalg.norm(slope[:, :-1], 2), np.linalg.norm(slope[:, -1]))
    entropies = -(probabilities * logs).sum(axis=1)
    value = priced @ entropies - multipliers @ np.append(mean, np.full(tight.sum(), worst))
    return Solution(
        norm=nuclear({"weight": weights[:, :-1], "bias": weights[:, -1]}),
        lower=float(value / size) if size > 0 else 0.0,  # no multiplier: nothing is proven
        excess=float(max(losses.mean() / mean, losses.max() / worst) - 1),
    )


def _gradient_of_the_norm(weights: NDArray) -> NDArray:
    """Where it has one; elsewhere one of its subgradients."""
    left, values, right = np.linalg.svd(weights[:, :-1], full_matrices=False)
    kept = values > 1e-9 * values[0]
    length = np.linalg.norm(weights[:, -1])
    bias = weights[:, -1] / length if length > 0 else weights[:, -1]
    return np.column_stack([left[:, kept] @ right[kept], bias])


def par_of(folder: Path) -> Solution:
    """Of the game in a folder, on the data that its contestants get."""
    game = load_competition(folder)
    ((name, row),) = game.workloads.items()
    workload = game.workload_of(name)
    with TemporaryDirectory() as scratch:
        layout.ensure(workload, game.size, Path(scratch))
        train = layout.prepared_folder(workload, game.size, Path(scratch)) / "train"
        split = workload.data().open_split(train, workload.size(game.size), "eval_train")
        (batch,) = split.eval_batches()
    inputs, targets = batch["inputs"].astype(np.float64), batch["targets"]
    return par(inputs, targets, row.bounds["train_loss"], row.bounds["train_loss_max"])


if __name__ == "__main__":
    solution = par_of(Path(__file__).parent)
    print(f"smallest norm found  {solution.norm:.9f}  (bounds broken by {solution.excess:.0e})")
    print(f"none is below        {solution.lower:.9f}")
    print(f"duality gap          {solution.gap:.1e}")
