"""When a player that does not step is hung."""

import math

import pytest
from conftest import LINEAR

from mlgolf.core.competition import load_competition
from mlgolf.core.hardware import Limits, load_hardware
from mlgolf.core.protocols import Reading
from mlgolf.core.status import Status
from mlgolf.experiments.requests import RunRequest
from mlgolf.experiments.runs import open_run
from mlgolf.referee.clock import TrialClock
from mlgolf.referee.heartbeat import Heartbeat
from mlgolf.referee.players import ProcessPlayers
from mlgolf.referee.protocol import run_trial
from mlgolf.referee.trial import evaluator, header
from mlgolf.testing.fakes import MemoryStore

HARDWARE = load_hardware("one-thread-cpu")
DAY = 24 * 3600


def on_cpu_time(wall: float, cpu: float) -> Reading:
    return Reading(cpu, cpu, wall)


def ends(*shares: tuple[float, float], limits: Limits = HARDWARE.limits) -> tuple[float, str]:
    """After how many wall seconds a player without a step is hung, and why.

    Args: shares: (wall seconds, share of a core) of one stretch after the other; the last lasts.
    """
    heart, wall, cpu = Heartbeat(limits), 0.0, 0.0
    for seconds, share in shares:
        for _ in range(math.ceil(seconds)):
            wall, cpu = wall + 1, cpu + share
            if why := heart.why_hung(0, on_cpu_time(wall, cpu)):
                return wall, why
    return math.inf, ""


def test_a_player_that_sleeps_is_hung_by_wall_time():
    after, why = ends((DAY, 0.001))
    assert after == 61
    assert why == (
        "no step for 61 s after step 0: it slept or waited, using less than 2.00% of a core in the "
        "last 61 s"
    )


@pytest.mark.parametrize("share", [1.0, 0.37, 1 / 14])
def test_a_player_that_works_has_its_cpu_time_however_busy_the_machine_is(share):
    after, why = ends((DAY, share))
    assert after * share == pytest.approx(60, abs=2 * max(share, 0.5))
    assert "s on its clock after step 0" in why


def test_a_player_that_is_blocked_after_it_has_worked_is_hung_by_wall_time_from_then_on():
    after, why = ends((60, 0.37), (DAY, 0.0))
    assert 119 <= after <= 122
    assert "it slept or waited" in why


def test_a_player_that_works_a_little_for_ever_is_hung_at_a_wider_bound_of_wall_time():
    after, why = ends((DAY, 0.03))
    assert after == 1201
    assert why == "no step for 1201 s of wall time after step 0, in which it used 36 s of CPU time"


def test_where_wall_time_is_the_clock_it_alone_counts():
    heart = Heartbeat(HARDWARE.limits)
    assert heart.why_hung(0, Reading(60.0, 0.0, 60.0)) is None
    assert "61 s on its clock" in (heart.why_hung(0, Reading(61.0, 61.0, 61.0)) or "")


def test_who_takes_long_steps_may_take_twenty_of_them():
    heart = Heartbeat(HARDWARE.limits)
    for step in range(1, 4):
        assert heart.why_hung(step, on_cpu_time(20.0 * step, 10.0 * step)) is None
    assert heart.why_hung(3, on_cpu_time(60.0 + 300, 30.0 + 199)) is None
    assert heart.why_hung(3, on_cpu_time(60.0 + 300, 30.0 + 201)) is not None


def test_who_has_no_steps_is_never_hung():
    heart = Heartbeat(HARDWARE.limits, expected=False)
    assert heart.why_hung(0, on_cpu_time(DAY, 0.0)) is None


# The same with processes, by what the first step does.
SLEEPS, LOOPS, HAS_A_FIFTH = "time.sleep(3600)", "while True: pass", "work_at_a_fifth(0.5)"
SUBMISSION = """
import time
import torch
from mlgolf.torch import data_selection, get_batch_size, mean_loss

def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass

def work_at_a_fifth(seconds):
    "As a compilation on a machine that has a fifth of a core for it."
    for _ in range(round(seconds / 0.01)):
        burn(0.01)
        time.sleep(0.04)

def init_optimizer_state(workload, params, model_state, hyperparameters, rng):
    return torch.optim.SGD(params.parameters(), lr=0.01)

def update_params(workload, current_param_container, optimizer_state, model_state, batch,
                  global_step, rng, **_):
    if global_step == 0:
        FIRST_STEP
    optimizer_state.zero_grad()
    loss, model_state = mean_loss(
        workload, current_param_container, model_state, batch, rng, {})
    loss.backward()
    optimizer_state.step()
    return optimizer_state, current_param_container, model_state
"""


@pytest.fixture
def played(tmp_path, data_dir):
    def play(first_step: str, **limits: float) -> MemoryStore:
        file = tmp_path / "slow.py"
        file.write_text(SUBMISSION.replace("FIRST_STEP", first_step))
        competition = load_competition(LINEAR)
        row = competition.workloads["linear"]
        short = row.with_bounds(target=-1.0, step_limit=100).model_copy(
            update={"eval_every_steps": 50}
        )
        request = RunRequest(
            submissions=(str(file),), ruleset="self", trials=1, studies=1, seed=1,
            competition=competition.model_copy(update={"workloads": {"linear": short}}),
            data_dir=data_dir, out=tmp_path / "run",
        )
        with open_run(request) as run:
            (plan,) = run.plans
            hardware = HARDWARE.model_copy(
                update={"limits": HARDWARE.limits.model_copy(update=limits)}
            )
            store = MemoryStore()
            run_trial(
                plan, ProcessPlayers(hardware), clock=TrialClock("cpu"), store=store,
                evaluator=evaluator(plan), header=header(plan, hardware), hardware=hardware,
            )
        return store

    return play


def test_a_process_that_sleeps_is_hung(played):
    store = played(SLEEPS, hung_seconds=1.0)
    assert store.status is Status.HUNG
    assert "it slept or waited" in store.reason


def test_a_process_in_a_busy_loop_is_hung_by_the_cpu_time_that_it_used(played):
    store = played(LOOPS, hung_seconds=1.0, hung_core_share=0.001)
    assert store.status is Status.HUNG
    assert "s on its clock after step 0" in store.reason
    assert store.verdict.total.cpu > 1.0


def test_a_process_with_little_of_a_core_goes_on_for_longer_than_that_of_wall_time(played):
    store = played(HAS_A_FIFTH, hung_seconds=1.5, hung_core_share=0.001)
    assert store.status is Status.FINISHED, store.reason
    assert store.verdict.total.wall > 1.5
