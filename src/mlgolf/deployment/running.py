"""What a model says of all examples, and whether it says the same again."""

from typing import Any

import numpy as np

from mlgolf.analysis.deployment.parity import compare
from mlgolf.deployment.sessions import feed_of, fixed_batch, open_session, run_all

REPEATED = 256  # examples that are run again


def outputs(
    model: str, data: str, to: str, batch_size: int, threads: int = 1, repeat: bool = True
) -> dict[str, Any]:
    """Args: data, to: .npz with inputs by name, and with outputs by name.

    Returns: relative differences of a second run ("varies") and of other batches.
    """
    session = open_session(model, threads)
    feed = feed_of(session, dict(np.load(data)))
    found = run_all(session, feed, batch_size)
    np.savez(to, **found)  # type: ignore[arg-type]
    told: dict[str, Any] = {"outputs": list(found), "fixed_batch": fixed_batch(session)}
    return told | (_repeated(model, feed, threads, batch_size) if repeat else {})


def _repeated(
    model: str, feed: dict[str, np.ndarray], threads: int, batch_size: int
) -> dict[str, float]:
    """Without optimisation of the graph: ONNX Runtime takes dropout out, others do not."""
    session = open_session(model, threads, optimised=False)
    some = {name: array[:REPEATED] for name, array in feed.items()}
    total = len(next(iter(some.values())))
    size = min(batch_size, total)
    first = run_all(session, some, size)
    again = run_all(session, some, size)
    order = np.random.default_rng(0).permutation(total)
    mixed = {name: array[order] for name, array in some.items()}
    shuffled = run_all(session, mixed, max(1, size // 2))
    return {
        "varies": compare(first, again).worst.relative,
        "depends_on_batch": compare(
            {name: array[order] for name, array in first.items()}, shuffled
        ).worst.relative,
    }  # fmt: skip
