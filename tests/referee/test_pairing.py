"""Segments that a trial plays alone price its CPU seconds."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgolf.referee.pairing import EVERY, LEAST, Pair, Pairing, Price, price

STEPS = 100


class Place:
    """Turns that are had at once, and that know who has the machine."""

    def __init__(self, *, grants=True):
        self.grants, self.is_alone, self.taken = grants, False, 0

    def is_wanted(self):
        return False

    def step_aside(self):
        return 0.0

    def take(self):
        self.is_alone = self.grants
        self.taken += self.grants
        return self.grants

    def give_back(self):
        assert self.is_alone
        self.is_alone = False


def played(segments, *, alone=1.0, beside=1.1, seed=0, grants=True, noise=0.0):
    """A trial whose segments take so many seconds each, alone and beside others."""
    place, rng = Place(grants=grants), np.random.default_rng(seed)
    pairing = Pairing(place, seed)
    cpu, were_alone = 0.0, []
    for number in range(segments):
        if number:
            pairing.begin_segment(cpu, number * STEPS)
        were_alone.append(place.is_alone)
        cpu += (alone if place.is_alone else beside) * (1 + noise * rng.standard_normal())
        pairing.end_segment(cpu, (number + 1) * STEPS)
    return pairing, were_alone


def test_the_factor_is_what_segments_take_alone_over_what_they_take_beside_other_trials():
    pairing, _ = played(40)
    assert pairing.record()["factor"] == pytest.approx(1 / 1.1)


def test_who_does_not_get_the_machine_asks_again_at_the_next_segment():
    place = Place(grants=False)
    pairing = Pairing(place, 0)
    for number in range(10):
        pairing.end_segment(float(number), (number + 1) * STEPS)
        place.grants = number == 7
        pairing.begin_segment(float(number), (number + 1) * STEPS)
    assert place.taken == 1


def test_nothing_is_priced_before_a_segment_was_played_alone():
    assert played(2)[0].record()["factor"] == 1.0


def test_the_first_segment_that_is_played_alone_prices_what_came_before():
    pairing, were_alone = played(4)
    assert any(were_alone)
    assert pairing.record()["factor"] == pytest.approx(1 / 1.1)


def test_where_the_machine_is_never_alone_nothing_is_priced():
    assert played(40, grants=False)[0].record() == {"factor": 1.0, "pairs": []}


@given(seed=st.integers(0, 1000))
def test_about_one_segment_of_eight_is_played_alone_and_no_two_in_a_row(seed):
    _, were_alone = played(1 + 20 * EVERY, seed=seed)
    assert 13 <= sum(were_alone) <= 30
    assert not any(one and other for one, other in pairwise(were_alone))


@given(seed=st.integers(0, 1000))
def test_the_first_segment_alone_comes_early_and_is_not_the_one_with_the_start(seed):
    _, were_alone = played(5, seed=seed)
    assert not any(were_alone[:2])
    assert sum(were_alone[2:4]) == 1


def test_which_segments_are_played_alone_differs_from_trial_to_trial():
    assert len({tuple(played(3 * EVERY, seed=seed)[1]) for seed in range(20)}) > 10


def test_a_query_in_the_middle_of_a_segment_does_not_end_it():
    place = Place()
    pairing = Pairing(place, 0)
    pairing.end_segment(1.0, STEPS)
    pairing.begin_segment(1.0, STEPS)
    pairing.begin_segment(1.5, STEPS)  # it goes on after an answer
    pairing.end_segment(2.0, 2 * STEPS)
    assert pairing._beside[-1].per_step == pytest.approx(1.0 / STEPS)


def test_a_trial_that_ends_while_alone_gives_the_machine_back():
    place = Place()
    pairing = Pairing(place, 0)
    number = 0
    while not place.is_alone:
        pairing.end_segment(float(number), number * STEPS)
        pairing.begin_segment(float(number), number * STEPS)
        number += 1
    pairing.close()
    assert not place.is_alone


def test_segments_of_other_lengths_are_compared_by_step():
    pairing = Pairing(Place(), 0)
    cpu, step = 0.0, 0
    for number in range(40):
        if number:
            pairing.begin_segment(cpu, step)
        steps = 50 if pairing._is_alone else 100
        cpu += steps * (0.01 if pairing._is_alone else 0.012)
        step += steps
        pairing.end_segment(cpu, step)
    assert pairing.record()["factor"] == pytest.approx(10 / 12)


def test_a_trend_over_segments_does_not_move_the_factor():
    """Steps that get slower and slower cost what lies between their neighbours."""
    place = Place()
    pairing = Pairing(place, 0)
    cpu = 0.0
    for number in range(60):
        if number:
            pairing.begin_segment(cpu, number * STEPS)
        cpu += (1 + 0.02 * number) * (0.9 if place.is_alone else 1.0)
        pairing.end_segment(cpu, (number + 1) * STEPS)
    assert pairing.record()["factor"] == pytest.approx(0.9)


def test_the_error_of_one_pair_is_not_known():
    assert math.isnan(price([Pair(1.0, 1.1)]).error)


def test_no_pairs_price_nothing():
    assert price([]).factor == Price().factor == 1.0


def test_the_stated_error_is_how_much_factors_of_like_trials_differ():
    found = [played(20 * EVERY, seed=seed, noise=0.03)[0] for seed in range(60)]
    observed = np.std([math.log(one.record()["factor"]) for one in found])
    stated = np.mean([one.record()["error"] for one in found])
    assert stated == pytest.approx(observed, rel=0.3)


def test_pairs_without_seconds_price_nothing():
    assert price([Pair(0.0, 0.0)]).factor == 1.0


def test_a_trial_of_ten_evaluations_has_pairs():
    def pairs(seed):
        place = Place()
        pairing, cpu = Pairing(place, seed, evaluations=10), 0.0
        for number in range(10):
            if number:
                pairing.begin_segment(cpu, number * STEPS)
            cpu += 1.0 if place.is_alone else 1.1
            pairing.end_segment(cpu, (number + 1) * STEPS)
        return len(pairing.pairs)

    assert {pairs(seed) for seed in range(20)} <= {3, 4}


def test_a_trial_without_a_pair_says_that_it_was_not_priced():
    assert "not priced" in played(2)[0].why_unofficial()
    assert played(40)[0].why_unofficial() == ""


def priced_and_alone(beside, *, alone=1.0, segments=40):
    """What a trial is priced at, and what its segments would take alone."""
    place = Place()
    pairing, cpu = Pairing(place, 0), 0.0
    for number in range(segments):
        if number:
            pairing.begin_segment(cpu, number * STEPS)
        cpu += alone if place.is_alone else beside
        pairing.end_segment(cpu, (number + 1) * STEPS)
    return pairing.priced(cpu), float(segments)


def test_a_trial_is_priced_at_what_it_would_take_alone():
    priced, alone = priced_and_alone(1.1)
    assert priced == pytest.approx(alone)


@pytest.mark.parametrize("waste", [1.2, 2.0, 10.0])
def test_who_wastes_time_beside_others_is_priced_no_lower(waste):
    priced, honest = priced_and_alone(1.0 * waste)
    assert priced >= honest * (1 - 1e-9)


def test_who_does_nothing_where_it_is_alone_lowers_its_price_to_the_bound_at_most():
    priced, _ = priced_and_alone(1.0, alone=0.0)
    assert priced >= LEAST * (40 - 8)  # of about five segments alone nothing is counted
