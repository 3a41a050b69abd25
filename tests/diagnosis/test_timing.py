from mlgolf.diagnosis.timing import in_turns


class Bench:
    """A clock, and work that moves it on."""

    def __init__(self):
        self.now, self.calls, self.waits = 0.0, [], 0

    def clock(self):
        return self.now

    def work(self, name, *seconds):
        waiting = list(seconds)

        def do():
            self.calls.append(name)
            self.now += waiting.pop(0) if len(waiting) > 1 else waiting[0]

        return do

    def wait(self):
        self.waits += 1


def test_the_first_call_is_not_counted_and_the_fastest_block_is():
    bench = Bench()
    found = in_turns({"a": bench.work("a", 9, 2, 3, 1, 2)}, bench.wait, seconds=100,
                     clock=bench.clock)  # fmt: skip
    assert found == {"a": 1}


def test_works_take_turns():
    bench = Bench()
    works = {"a": bench.work("a", 1), "b": bench.work("b", 1)}
    in_turns(works, bench.wait, seconds=100, clock=bench.clock)
    assert bench.calls[:8] == ["a", "a", "b", "b", "a", "b", "a", "b"]


def test_time_bounds_the_rounds_but_each_is_measured():
    bench = Bench()
    works = {"a": bench.work("a", 50), "b": bench.work("b", 50)}
    found = in_turns(works, bench.wait, seconds=1, clock=bench.clock)
    assert found == {"a": 50, "b": 50}
    assert len(bench.calls) == 4


def test_short_work_is_repeated_between_two_waits():
    bench = Bench()
    in_turns({"a": bench.work("a", 0.01)}, bench.wait, seconds=0.04, clock=bench.clock)
    assert len(bench.calls) == 2 + 5
    assert bench.waits == 4
