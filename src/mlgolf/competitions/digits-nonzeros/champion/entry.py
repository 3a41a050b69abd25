"""Champion: prune by second-order saliency, revive, and prune again, in numpy.

A weight is worth what the loss would rise without it, w^2 H / 2 with H the diagonal of the
Gauss-Newton matrix: a small weight on a strong input may matter more than a large one. The least
worth go, the others are fitted again; where that fails, fewer go. A network from which nothing more
can be taken is one of many, so a tenth of its weights come back, those with the largest gradients,
and pruning starts anew; a network that is no larger replaces the one before. Which weights go and
come back is drawn a little at random, so that each attempt is another.
Weights may be as large as they like, so the bounds on losses ask for no more than that each digit
is right by some margin: times a large number it is certain. Noise on the weights is what a margin
has to stand clear of, as it grows with them. Networks are fitted until it does.
Sources: LeCun, Denker and Solla (1989), Optimal Brain Damage, on saliency;
Evci, Gale, Menick, Castro and Elsen (2020), arXiv:1911.11134, on reviving by gradients.
"""

import math
from itertools import accumulate, count, islice

import numpy as np

STARTS, STEPS = 2, 50_000  # of Adam from each start: in all two thirds of the budget
# Until the dense network must fit, until a pruned one must, and before a revived one is pruned.
DENSE_STEPS, ATTEMPT, REVIVED_STEPS = 5000, 400, 200
FIRST_SHARE, SHARE, REVIVED = 0.1, 0.04, 0.1  # of the weights: pruned at once, revived
FAILURES = 3  # after which nothing more can be taken
JITTER = 0.8  # what the choice is made by is multiplied by up to 1 +- this
RATE = 0.005
NOISE, CLEAR = 1e-3, 3.3  # the game's noise; how many standard deviations of it a margin must be
MARGIN = 20.0  # nats, of the worst digit once scaled: within any bound, with noise and without


def play(game):
    rng = np.random.default_rng(game.seed)
    for _ in range(STARTS):  # where it begins decides on some ten weights
        search = Search(game, rng)
        best = search.pruned(search.dense(), FIRST_SHARE)
        search.submit(best)
        while search.steps < STEPS:
            found = search.pruned(search.revived(best), SHARE)
            if np.count_nonzero(found) < np.count_nonzero(best):
                search.submit(found)
            if np.count_nonzero(found) <= np.count_nonzero(best):
                best = found


class Search:
    """A network is one vector of all weights; what is exactly 0 in it is pruned."""

    def __init__(self, game, rng):
        self.game, self.rng, self.steps = game, rng, 0
        self.inputs = np.ascontiguousarray(game.train["inputs"].T)  # (pixels, digits): it is faster
        self.right = game.train["targets"], np.arange(self.inputs.shape[1])
        self.shapes = list(game.graph.tensors.values())  # hidden, logits: a weight and a bias each
        sizes = [int(np.prod(shape)) for shape in self.shapes]
        self.places, self.cut = np.arange(sum(sizes)), sum(sizes[:2])

    def dense(self):
        spreads = [np.full(np.prod(shape), shape[-1] ** -0.5) for shape in self.shapes]
        weights = np.concatenate(spreads) * self.rng.uniform(-1, 1, len(self.places))
        return self.fitted(np.float32(weights), self.places >= 0, DENSE_STEPS)

    def submit(self, weights):
        _, margin = backward(self.inputs, self.right, split(weights, self.shapes))
        tensors = split(self.scaled(weights, margin), self.shapes)
        self.game.submit(dict(zip(self.game.graph.tensors, tensors, strict=True)))

    def pruned(self, weights, share):
        """Take a share of the weights after the other, until nothing more can be taken."""
        failures = 0
        while failures < FAILURES and self.steps < STEPS:
            mask = weights != 0
            worth = np.where(mask, self.worth(weights) * self.jitter(), np.inf)
            mask[np.argsort(worth)[: max(1, int(share * mask.sum()))]] = False
            found = self.fitted(weights * mask, mask, ATTEMPT)
            if found is None:
                share, failures = share / 2, failures + 1
            else:
                weights = found
        return weights

    def revived(self, weights):
        """Bring back those that would lower the loss most, and let them grow."""
        mask = weights != 0
        gradient, _ = backward(self.inputs, self.right, split(weights, self.shapes))
        promise = np.where(mask, 0.0, np.abs(gradient) * self.jitter())
        mask[np.argsort(-promise)[: int(REVIVED * mask.sum())]] = True
        *_, (weights, _) = islice(self.training(weights, mask), REVIVED_STEPS)
        return weights

    def jitter(self):
        return self.rng.uniform(1 - JITTER, 1 + JITTER, len(self.places))

    def worth(self, weights):
        """Of each weight, w^2 H: H by the Gauss-Newton matrix of the mean loss."""
        w, b, v, c = split(weights, self.shapes)
        hidden = np.maximum(w @ self.inputs + b[:, None], 0.0)
        p = np.exp(behind(v @ hidden + c[:, None], self.right))
        p /= p.sum(axis=0)
        of_hidden = ((v.T**2) @ p - (v.T @ p) ** 2) * (hidden > 0)
        of_logits = p * (1 - p)
        seconds = of_hidden @ self.inputs.T**2, of_hidden.sum(1), of_logits @ hidden.T**2
        return weights**2 * np.concatenate([*(s.ravel() for s in seconds), of_logits.sum(1)])

    def fitted(self, weights, mask, steps):
        """Trained until it fits with all noise; None if it does not within so many steps."""
        for trained, margin in islice(self.training(weights, mask), steps):
            if margin > 0 and self.lead(trained) > CLEAR * NOISE:
                return trained
        return None

    def training(self, weights, mask):
        """Adam on the weights of a mask: endless pairs of weights and their smallest margin.

        Only the pixels and the hidden units that are in use are computed.
        """
        places, shapes, pixels = self.in_use(mask)
        inputs, part, kept = self.inputs[pixels], weights[places], mask[places]
        mean, square = np.zeros_like(part), np.zeros_like(part)
        for step in count(1):
            self.steps += 1
            gradient, margin = backward(inputs, self.right, split(part, shapes))
            whole = np.zeros_like(weights)
            whole[places] = part
            yield whole, margin
            gradient *= kept
            mean += 0.1 * (gradient - mean)
            square += 0.01 * (gradient**2 - square)
            rate = RATE * min(1.0, step / 20) / (1 - 0.9**step)
            part -= rate * mean / (np.sqrt(square / (1 - 0.99**step)) + 1e-9)

    def in_use(self, mask):
        """Places of the smaller network's weights, its shapes, and its pixels."""
        w, b, v, _ = split(mask, self.shapes)
        units = np.flatnonzero((w.any(axis=1) | b) & v.any(axis=0))
        pixels = np.flatnonzero(w[units].any(axis=0))
        of_w, of_b, of_v, of_c = split(self.places, self.shapes)
        parts = of_w[np.ix_(units, pixels)], of_b[units], of_v[:, units], of_c
        return np.concatenate([p.ravel() for p in parts]), [p.shape for p in parts], pixels

    def scaled(self, weights, margin):
        """Its logits times what brings the smallest margin to MARGIN."""
        return np.concatenate([
            weights[: self.cut], weights[self.cut :] * np.float32(max(1.0, MARGIN / margin))
        ])  # fmt: skip

    def lead(self, weights):
        """The smallest margin, in standard deviations of what noise of share 1 does to it."""
        w, b, v, c = split(weights, self.shapes)
        hidden = np.maximum(w @ self.inputs + b[:, None], 0.0)
        margins = -behind(v @ hidden + c[:, None], self.right)
        margins[self.right] = np.inf
        of_hidden = (w**2 @ self.inputs**2 + b[:, None] ** 2) * (hidden > 0)
        of_logits = v**2 @ (hidden**2 + of_hidden) + c[:, None] ** 2  # variances
        return (margins / np.sqrt(of_logits + of_logits[self.right] + 1e-30)).min()


def split(weights, shapes):
    """The vector as (hidden weight, hidden bias, logits weight, logits bias)."""
    cuts = list(accumulate(math.prod(shape) for shape in shapes))[:-1]
    return [
        part.reshape(shape) for part, shape in zip(np.split(weights, cuts), shapes, strict=True)
    ]


def behind(logits, right):
    """Logits less that of the right class, cut off where their exponentials would overflow."""
    return np.minimum(logits - logits[right], np.float32(60.0))


def backward(inputs, right, tensors):
    """The gradient of the mean loss, and the smallest margin: by how much a right logit leads."""
    w, b, v, c = tensors
    hidden = np.maximum(w @ inputs + b[:, None], 0.0)
    others = behind(v @ hidden + c[:, None], right)
    of_logits = np.exp(others)
    of_logits /= inputs.shape[1] * of_logits.sum(axis=0)
    of_logits[right] -= 1 / inputs.shape[1]
    of_hidden = (v.T @ of_logits) * (hidden > 0)
    parts = of_hidden @ inputs.T, of_hidden.sum(1), of_logits @ hidden.T, of_logits.sum(1)
    others[right] = -np.inf
    return np.concatenate([p.ravel() for p in parts]), -others.max()
