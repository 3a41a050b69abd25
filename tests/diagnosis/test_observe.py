import json

import pytest

from mlgolf.diagnosis.observe import WARM_UP, StepWatch, Wish


class FakeClock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class FakeProbe:
    """Keeps what it was asked for; has two experiments."""

    def __init__(self):
        self.asked = []

    def synchronize(self):
        self.asked.append("synchronize")

    def begin(self):
        self.asked.append("begin")

    def end(self):
        self.asked.append("end")

    def facts(self):
        return {"framework": "fake"}

    def experiments(self):
        from contextlib import nullcontext

        yield nullcontext()
        yield nullcontext()


def loading(clock, batches, seconds):
    for number in range(batches):
        clock.now += seconds
        yield number


def train(watch, clock, seconds=3.0, between=0.0, seen=None):
    seen = [] if seen is None else seen
    for batch in watch:
        seen.append(batch)
        with watch.step():
            clock.now += seconds
        clock.now += between
    return seen


def watched(tmp_path, batches=10, **wish):
    clock, probe = FakeClock(), FakeProbe()
    file = tmp_path / "steps.json"
    loader = loading(clock, batches, 1.0)
    return StepWatch(loader, Wish(file=file, **wish), lambda: probe, clock), clock, probe, file


def test_time_is_split_into_loading_and_step(tmp_path):
    watch, clock, _, file = watched(tmp_path)
    assert train(watch, clock) == [*range(10)]
    found = json.loads(file.read_text())
    assert (found["steps"], found["counted"]) == (10, 10 - WARM_UP)
    assert (found["load"], found["step"]) == (1.0, 3.0)
    assert found["framework"] == "fake"


def test_what_is_between_steps_is_in_the_real_step_alone(tmp_path):
    watch, clock, _, _ = watched(tmp_path)
    train(watch, clock, between=0.5)
    found = watch.record()
    assert found["real"] > found["step"] + found["load"] - 1.0 / found["counted"]


def test_a_device_is_waited_for_at_the_ends_only(tmp_path):
    watch, clock, probe, _ = watched(tmp_path)
    train(watch, clock)
    assert probe.asked == ["synchronize", "begin", "synchronize", "end"]


def test_with_enough_steps_the_script_is_ended_after_its_experiments(tmp_path):
    watch, clock, _, file = watched(tmp_path, batches=100, steps=4, experiments=True)
    seen = []
    with pytest.raises(SystemExit) as end:
        train(watch, clock, seen=seen)
    assert end.value.code == 0
    last = WARM_UP + 4 - 1
    assert seen == [*range(last + 1), last, last]  # the last batch for both experiments
    assert json.loads(file.read_text())["counted"] == 4


def test_seconds_bound_the_counting_too(tmp_path):
    watch, clock, _, _ = watched(tmp_path, batches=100, steps=50, seconds=6.0, experiments=True)
    with pytest.raises(SystemExit):
        train(watch, clock)
    assert watch.record()["counted"] == 2


def test_several_passes_are_one_observation(tmp_path):
    watch, clock, _, _ = watched(tmp_path)
    watch._loader = [1, 2, 3]
    for _ in range(3):
        train(watch, clock)
    assert watch.record()["steps"] == 9


def test_a_loop_without_steps_says_so(tmp_path):
    watch, _, _, file = watched(tmp_path)
    for _ in watch:
        pass
    assert json.loads(file.read_text())["steps"] == 0


def test_a_step_that_raises_does_not_count(tmp_path):
    watch, _, _, _ = watched(tmp_path)

    def fail():
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"), watch.step():
        fail()
    assert watch.record()["steps"] == 0
