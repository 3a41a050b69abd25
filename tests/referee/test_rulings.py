"""When the rules ask for an evaluation."""

import pytest
from plans import plan

from mlgolf.core.competition import load_competition
from mlgolf.core.hardware import load_hardware
from mlgolf.core.workload import SPLITS
from mlgolf.experiments.ladders import ladder
from mlgolf.player.channel import NEVER
from mlgolf.referee.rulings import Rulings


@pytest.mark.parametrize("factor", [0.03, 0.0625, 0.18, 0.333, 0.5])
def test_a_trial_of_a_ladder_is_evaluated_last_at_its_step_hint(factor):
    competition = ladder(load_competition("mini"), (factor, 1.0))
    row = competition.workloads[f"criteo1tb_x{factor:g}"]
    asked = plan(rules=competition.rules, workload_rules=row, ruleset="self")
    rulings = Rulings(asked, load_hardware("one-thread-cpu").limits, SPLITS)
    steps = [0]
    while steps[-1] < row.step_hint:
        steps.append(rulings.next_evaluation(len(steps) - 1, steps[-1]))
    assert steps[-1] == row.step_hint
    assert len(steps) <= 12


def test_a_bound_on_steps_moves_no_evaluation_of_a_schedule_by_the_clock():
    row = plan().workload_rules.model_copy(
        update={"eval_every_steps": None, "eval_every_seconds": 4.0}
    )
    rulings = Rulings(plan(workload_rules=row), load_hardware("one-thread-cpu").limits, SPLITS)
    assert rulings.next_evaluation(0, 0) == NEVER
