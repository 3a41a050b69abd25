"""Whatever a player sends, the trial ends with the verdict that it should have."""

import os
from random import Random

import numpy as np
import pytest
from hostile.by_hand import TEMPLATE
from hostile.checks import check, hear_and_check, play_and_check
from hostile.models import laid_out
from hostile.scripts import READY, Act
from hostile.trial import played
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import randoms

from mlgolf.core.errors import SubmissionError
from mlgolf.core.status import Status
from mlgolf.referee.evaluate import arrays_like

EXAMPLES = int(os.environ.get("MLGOLF_FUZZ_EXAMPLES", "200"))


@given(random=randoms(use_true_random=False))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_script_gets_another_verdict_than_its_own(random):
    play_and_check(random)


def test_what_is_written_of_hostile_trials_reads_back_as_it_was_ruled(tmp_path):
    for seed in range(EXAMPLES // 4):
        play_and_check(Random(seed), tmp_path / str(seed))


@pytest.mark.parametrize(("kind", "size"), [("BF16", 2), ("F8_E5M2", 1), ("F8_E4M3", 1)])
def test_numbers_of_a_type_that_no_workload_has_are_refused(kind, size):
    header = {"weight": {"dtype": kind, "shape": [6], "data_offsets": [0, 6 * size]}}
    with pytest.raises(SubmissionError, match=f"numbers of type '{kind}'"):
        arrays_like(TEMPLATE, laid_out(header, bytes(6 * size)), "linear")


@pytest.mark.parametrize("shape", [[1] * 65, [0, 2**62], [0, 2**63]])
def test_a_shape_that_no_array_can_have_is_refused(shape):
    size = 4 * int(np.prod(shape, dtype=object))
    header = {"weight": {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}}
    with pytest.raises(SubmissionError, match="no model"):
        arrays_like(TEMPLATE, laid_out(header, bytes(size)), "linear")


def test_lines_are_heard_as_they_are_meant_or_refused():
    assert hear_and_check(Random(0), 10 * EXAMPLES) > 3 * EXAMPLES


def test_a_long_message_that_was_said_before_the_end_is_heard():
    line = b'{"message": "Finished", "fields": {"step": 1, "reason": "%s"}}\n' % (b"x" * 150_000)
    outcome = played([READY, Act(line, exit=1)])
    assert outcome.verdict.status is Status.FINISHED


@pytest.mark.parametrize("size", [0, 1, 30, 100])
def test_half_a_message_and_then_nothing_does_not_hold_the_referee_up(size):
    line = b'{"message": "Finished", "fields": {"step": 1, "reason": "%s"}}' % (b"x" * 100)
    assert played([READY, Act(line[:size])]).verdict.status in (Status.HUNG, Status.OUT_OF_TIME)
    assert played([READY, Act(line[:size]), Act(exit=3)]).verdict.status is Status.CRASHED
    assert played([READY, Act(line[:size]), Act(close=True)]).verdict.status is Status.CRASHED


def test_a_model_that_numpy_cannot_hold_ends_the_trial_and_not_the_referee():
    header = {"weight": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}}
    model = laid_out(header, bytes(12))
    line = b'{"message": "Submitted", "fields": {"step": 1, "length": %d}}\n' % len(model)
    outcome = played([READY, Act(model=model), Act(line)])
    check(outcome)
    assert outcome.verdict.status is Status.CRASHED
    assert outcome.verdict.broke_contract
