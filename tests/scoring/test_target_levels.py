"""Targets that are easier by a share of their value."""

import pytest
from synthetic_trials import competition, workload_rules

from mlgolf.core.target import Goal
from mlgolf.scoring.target_levels import with_eased_targets


@pytest.mark.parametrize(
    ("goal", "target", "eased"),
    [
        (Goal.MINIMISE, 0.1, 0.105), (Goal.MINIMISE, -1.0, -0.95),
        (Goal.MAXIMISE, 0.8, 0.76), (Goal.MAXIMISE, -2.0, -2.1),
    ],
)  # fmt: skip
def test_an_eased_target_is_easier_whatever_its_sign(goal, target, eased):
    row = workload_rules(target=target).model_copy(update={"goal": goal})
    changed = with_eased_targets(competition({"digits": row}), 0.05)
    assert changed.workloads["digits"].bounds["target"] == pytest.approx(eased)
