"""A competition on one workload whose trials each stand alone: the smallest norm that fits."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from synthetic_trials import competition, trial, workload_rules

from mlgolf.core.trial import Trial

FIT = 0.01  # nats, the bound on the training loss
BUDGET = 30.0  # seconds

SMALLEST = competition(
    {"digits": workload_rules(
        train_loss=FIT, train_loss_max=0.1, budget_seconds=BUDGET,
        par={"value": 10.0, "provenance": "made up"},
    )},
    objective="l2",
    constraints=[
        {"quantity": "train_loss", "bound": "train_loss"},
        {"quantity": "train_loss_max", "bound": "train_loss_max"},
        {"quantity": "time", "bound": "budget_seconds"},
    ],
    tuning={"self": {"studies": 5, "budget_factor": 1.0}},
    aggregation={"reached_share": 0.8, "workloads": "geometric_mean_ratio"},
)  # fmt: skip


def run(
    submission: str = "a", study: int = 0, *, l2: Sequence[float] = (),
    loss: Sequence[float] | None = None, worst: Sequence[float] | None = None,
    twin: Mapping[str, Sequence[float]] | None = None, **fields: Any,
) -> Trial:
    """A run whose models have these norms, a second apart; all fit unless `loss` says otherwise."""
    fits = [FIT / 2] * len(l2)
    columns = {
        "model/l2": l2, "train/loss": fits if loss is None else loss,
        "train/loss_max": fits if worst is None else worst,
        **{f"test/{name}": values for name, values in (twin or {}).items()},
    }
    metrics = {name: np.asarray(values, dtype=float) for name, values in columns.items()}
    seconds = np.arange(1.0, len(l2) + 1)
    return trial(
        submission, study=study, **{"seconds": seconds, "metrics": metrics, "seed": study, **fields}
    )


def runs(submission: str, values: Sequence[float], **fields: Any) -> list[Trial]:
    """One run for each value; where that is inf, no model fits."""
    return [
        run(submission, study, l2=[value if np.isfinite(value) else 1.0],
            loss=[FIT / 2 if np.isfinite(value) else 1.0], **fields)
        for study, value in enumerate(values)
    ]
