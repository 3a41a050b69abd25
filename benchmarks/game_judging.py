"""What does judging a model of the digits game take, and what do 1,000 submissions cost a trial?

Judging: read the bytes, losses of all training examples by the weights and by weights a little off,
the measure. The alternative is one plain forward pass of the same network with its losses. Both
take turns. Submitting: a trial that works for some seconds of the clock and submits a thousand
times, against the same work with one submission; on the referee's clock, charges included, and as
a share of the time that the game gives.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from common import DATA_DIR, print_machine, spread

import mlgolf
from mlgolf.core.competition import Competition, load_competition
from mlgolf.core.quantities import quantity, value_in
from mlgolf.data import layout
from mlgolf.player.handover import places
from mlgolf.referee.evaluate import Evaluator, with_noise
from mlgolf.referee.evaluators import evaluator_for
from mlgolf.results.run_folder import RunFolder

REPETITIONS, PAIRS, SUBMISSIONS = 51, 3, 1000
ENTRY = """
import numpy as np

def play(game):
    rng = np.random.default_rng(0)
    work = rng.normal(size=(256, 256))
    tensors = {name: 0.1 * rng.normal(size=s) for name, s in game.graph.tensors.items()}
    for _ in range(SUBMISSIONS):
        for _ in range(6):
            work = np.tanh(work @ work / 256)
        if EACH: game.submit(tensors)
    game.submit(tensors)
"""


def milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - began)


def evaluator_of(game: Competition) -> Evaluator:
    (row,) = game.workloads
    played, size = game.played_as(row)
    layout.ensure(game.workload_of(row), size, DATA_DIR)
    folder = layout.prepared_folder(game.workload_of(row), size, DATA_DIR)
    found = evaluator_for(
        played, size, "torch", folder, game.rules.hardware,
        json.dumps(game.workloads[row].definition),
    )
    assert isinstance(found, Evaluator)
    return found


def judging() -> None:
    game = load_competition("digits-l2")
    evaluator, l2 = evaluator_of(game), quantity(game.rules.objective)
    evaluator.warm_up()
    arrays = evaluator.untrained(0)
    header, _, _ = places(arrays)
    model = header + b"".join(array.tobytes() for array in arrays.values())

    def judge() -> None:
        found = evaluator.read(model)
        evaluator.evaluate(found, ["train"])
        evaluator.evaluate(with_noise(found, game.rules.weight_noise, bytes(32)), ["train"])
        value_in(l2, evaluator.parameters(found))

    (batch,) = evaluator._splits.batches("train")
    inputs, targets = (torch.from_numpy(batch[name]) for name in ("inputs", "targets"))
    network = evaluator._params

    @torch.no_grad()
    def plain() -> None:
        torch.nn.functional.cross_entropy(network(inputs), targets.long(), reduction="none").numpy()

    judge()
    plain()
    pairs = [(milliseconds(judge), milliseconds(plain)) for _ in range(REPETITIONS)]
    ratios = [ours / bare for ours, bare in pairs]
    quartiles = statistics.quantiles(ratios, n=4)
    ours, bare = zip(*pairs, strict=True)
    print(
        f"judging / a plain forward pass = {statistics.median(ratios):.3g} (quartiles "
        f"{quartiles[0]:.3g} to {quartiles[2]:.3g}); judging {spread(ours)} ms, the pass "
        f"{spread(bare)} ms"
    )


def clock_of(folder: Path, *, each: bool) -> float:
    entry = folder / ("each.py" if each else "once.py")
    entry.write_text(ENTRY.replace("SUBMISSIONS", str(SUBMISSIONS)).replace("EACH", str(each)))
    out = folder / f"run_{time.monotonic_ns()}"
    mlgolf.run(entry, competition="digits-l2", studies=1, seed=1, out=out, progress=False)
    (trial,) = RunFolder(out).trials()
    return trial.verdict.total.seconds


def submitting() -> None:
    game = load_competition("digits-l2")
    (budget,) = (game.rules.seconds_allowed(row) for row in game.workloads.values())
    with tempfile.TemporaryDirectory() as folder:
        pairs = [
            (clock_of(Path(folder), each=True), clock_of(Path(folder), each=False))
            for _ in range(PAIRS)
        ]
    lost = [each - once for each, once in pairs]
    print(
        f"{SUBMISSIONS} submissions / one = {spread([a / b for a, b in pairs])}; lost "
        f"{spread(lost)} s, {spread([100 * each / budget for each in lost])}% of the game's "
        f"{budget:g} s"
    )


def main() -> None:
    print_machine()
    torch.set_num_threads(1)
    np.random.seed(0)
    judging()
    submitting()


if __name__ == "__main__":
    main()
