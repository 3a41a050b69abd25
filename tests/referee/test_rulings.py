"""When the rules ask for an evaluation."""

import pytest
from plans import plan

from mlgolf.core.competition import load_competition
from mlgolf.core.hardware import load_hardware
from mlgolf.core.protocols import Reading
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


def wall_time_that_ends_a_trial_of(budget: float, *, share: float = 0.1) -> float:
    """Args: share: of a core, which it uses."""
    row = plan().workload_rules.model_copy(
        update={"bounds": {"target": 0.0, "budget_seconds": budget, "step_limit": 10**6}}
    )
    rulings = Rulings(plan(workload_rules=row), load_hardware("one-thread-cpu").limits, SPLITS)
    walls = (float(wall) for wall in range(0, 2000, 10))
    return next(wall for wall in walls if rulings.out_of_time(Reading(0.0, share * wall, wall)))


def test_wall_time_ends_a_trial_after_five_budgets():
    assert wall_time_that_ends_a_trial_of(100.0) == 510


def test_a_short_budget_leaves_five_minutes_of_wall_time_for_a_busy_machine():
    assert wall_time_that_ends_a_trial_of(1.0) == 310


def test_a_short_budget_leaves_no_more_to_who_sleeps():
    assert wall_time_that_ends_a_trial_of(10.0, share=0.01) == 60
