from mlgolf.referee.clock import TrialClock


class Hands:
    """Two clocks that a test sets."""

    cpu = wall = 0.0

    def started(self, rule):
        clock = TrialClock(rule, lambda: self.wall)
        clock.start(lambda: self.cpu)
        return clock


def test_time_before_the_start_does_not_count():
    hands = Hands()
    hands.cpu, hands.wall = 5.0, 7.0
    clock = hands.started("cpu")
    assert clock.read() == (0.0, 0.0, 0.0, None)


def test_the_rule_of_the_class_says_which_time_counts():
    for rule, seconds in (("cpu", 2.0), ("wall", 3.0)):
        hands = Hands()
        clock = hands.started(rule)
        hands.cpu, hands.wall = 2.0, 3.0
        assert clock.read() == (seconds, 2.0, 3.0, None)


def test_wall_time_stands_still_while_frozen():
    hands = Hands()
    clock = hands.started("wall")
    hands.wall = 1.0
    clock.pause()
    hands.wall = 100.0
    assert clock.read().seconds == 1.0
    clock.resume()
    hands.wall = 101.0
    assert clock.read().seconds == 2.0


def test_cpu_time_that_leaks_while_frozen_is_charged():
    hands = Hands()
    clock = hands.started("cpu")
    clock.pause()
    hands.cpu = 0.25
    clock.resume()
    assert clock.read().seconds == 0.25


def test_of_wall_time_too_what_works_while_frozen_is_charged():
    """By its CPU time, and never more than has passed."""
    for burnt, seconds in ((0.25, 0.25), (8.0, 2.0)):
        hands = Hands()
        clock = hands.started("wall")
        clock.pause()
        hands.cpu, hands.wall = burnt, 2.0
        clock.resume()
        assert clock.read().seconds == seconds


def test_work_done_on_the_contestants_behalf_is_added():
    clock = Hands().started("cpu")
    clock.pause()
    clock.charge(1.5)
    clock.resume()
    assert clock.read().seconds == 1.5


def priced(hands, factors):
    clock = TrialClock("cpu", lambda: hands.wall, price=lambda cpu: factors[0] * cpu)
    clock.start(lambda: hands.cpu)
    return clock


def test_a_factor_prices_the_players_own_seconds_and_not_what_is_charged_to_it():
    hands = Hands()
    clock = priced(hands, [0.5])
    hands.cpu = 4.0
    clock.charge(1.0)
    assert clock.read()[:2] == (3.0, 5.0)


def test_a_clock_never_goes_back_where_its_factor_falls():
    hands, factors = Hands(), [1.0]
    clock = priced(hands, factors)
    hands.cpu = 4.0
    assert clock.read().seconds == 4.0
    factors[0] = 0.5
    assert clock.read().seconds == 4.0
    hands.cpu = 10.0
    assert clock.read().seconds == 5.0
