import json
from contextlib import contextmanager

import pytest

from mlgolf.diagnosis.observe import WARM_UP, StepWatch, Wish


class FakeClock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class FakeProbe:
    """Keeps what it was asked for, and how many of its two experiments were done."""

    def __init__(self, asynchronous=False):
        self.asked, self.asynchronous, self.done = [], asynchronous, 0

    rank, processes, offered = 0, 1, ()

    def agreed(self, steps):
        self.offered = (*self.offered, steps)
        return 2

    def synchronize(self):
        self.asked.append("synchronize")

    def begin(self):
        self.asked.append("begin")

    def end(self):
        self.asked.append("end")

    def facts(self):
        return {"framework": "fake"}

    def experiments(self):
        yield from (self.experiment() for _ in range(2))

    @contextmanager
    def experiment(self):
        yield
        self.done += 1


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


def test_loading_and_step_and_what_is_between_are_the_real_step(tmp_path):
    watch, clock, _, _ = watched(tmp_path, batches=WARM_UP + 2)
    train(watch, clock, between=0.5)
    found = watch.record()
    assert found["between"] == 0.25  # none after the last step
    assert found["real"] == found["step"] + found["load"] + found["between"]


def test_the_load_of_the_first_step_that_counts_is_in_its_time(tmp_path):
    clock = FakeClock()
    watch = StepWatch(loading(clock, 99, 8.0), Wish(steps=50, seconds=10.0), clock=clock)
    watch.write = lambda: None
    with pytest.raises(SystemExit):
        train(watch, clock)
    found = watch.record()
    assert (found["real"], found["load"], found["counted"]) == (11.0, 8.0, 1)


def test_what_follows_a_break_is_no_part_of_a_step(tmp_path):
    watch, clock, _, _ = watched(tmp_path, batches=99)
    for batch in watch:
        with watch.step():
            clock.now += 3.0
        if batch == 19:
            break
    clock.now += 60.0
    assert watch.record()["real"] == 4.0


def test_what_follows_the_last_step_is_no_part_of_it_though_the_loop_is_held(tmp_path):
    watch, clock, _, file = watched(tmp_path, batches=99)
    held = iter(watch)
    for _ in range(20):
        next(held)
        with watch.step():
            clock.now += 3.0
    clock.now += 60.0
    watch.write()
    assert json.loads(file.read_text())["real"] == 4.0


def test_what_is_between_passes_is_no_part_of_a_step(tmp_path):
    watch, clock, _, _ = watched(tmp_path)
    for _ in range(4):
        watch._loader = loading(clock, 5, 1.0)
        train(watch, clock)
        clock.now += 60.0
    found = watch.record()
    assert (found["real"], found["counted"]) == (4.0, 20 - WARM_UP)


def test_each_pass_is_counted_by_the_probe(tmp_path):
    watch, clock, probe, _ = watched(tmp_path)
    for _ in range(3):
        watch._loader = loading(clock, 5, 1.0)
        train(watch, clock)
    assert [word for word in probe.asked if word != "synchronize"] == ["begin", "end"] * 3


def test_all_batches_of_a_step_are_loaded_for_it(tmp_path):
    watch, clock, _, _ = watched(tmp_path, batches=40)
    for batch in watch:
        if batch % 4 == 3:
            with watch.step():
                clock.now += 0.2
    found = watch.record()
    assert (found["load"], found["step"]) == (pytest.approx(4.0), pytest.approx(0.2))


def test_a_step_that_returns_early_ends_when_the_device_is_done(tmp_path):
    watch, clock, _, _ = watched(tmp_path)
    probe = FakeProbe(asynchronous=True)
    watch._find_probe = lambda: probe

    def wait():
        clock.now += 7.0

    probe.synchronize = wait
    train(watch, clock)
    assert watch.record()["real"] == 4.0 + 7.0 / (10 - WARM_UP)


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


def experiments_done(tmp_path, steps_of):
    """After the script was ended. `steps_of`: the number and the batch -> how many steps it has."""
    watch, _, probe, _ = watched(tmp_path, batches=100, steps=4, experiments=True)

    def loop():
        for number, batch in enumerate(watch):
            for _ in range(steps_of(number, batch)):
                with watch.step():
                    pass

    with pytest.raises(SystemExit) as end:
        loop()
    assert end.value.code == 0
    return probe.done


@pytest.mark.parametrize("count", [2, 3])
def test_where_a_batch_has_several_steps_each_experiment_has_one(tmp_path, count):
    assert experiments_done(tmp_path, lambda number, batch: count) == 2


def test_where_a_step_takes_several_batches_each_experiment_has_one(tmp_path):
    assert experiments_done(tmp_path, lambda number, batch: int(number % 4 == 3)) == 2


def test_a_script_that_passes_over_the_last_batch_is_ended_too(tmp_path):
    assert experiments_done(tmp_path, lambda number, batch: int(number == batch)) == 0


def test_seconds_bound_the_counting_too(tmp_path):
    watch, clock, _, _ = watched(tmp_path, batches=100, steps=50, seconds=8.0, experiments=True)
    with pytest.raises(SystemExit):
        train(watch, clock)
    assert watch.record()["counted"] == 2


def test_several_passes_are_one_observation(tmp_path):
    watch, clock, _, _ = watched(tmp_path)
    watch._loader = [1, 2, 3]
    for _ in range(3):
        train(watch, clock)
    assert watch.record()["steps"] == 9


def test_a_loop_without_steps_says_so(tmp_path, capsys):
    watch, _, _, file = watched(tmp_path)
    for _ in watch:
        pass
    watch.finish(is_last=True)
    assert "watch.step() was never called" in capsys.readouterr().err
    assert not file.exists()


def test_a_step_that_raises_does_not_count(tmp_path):
    watch, _, _, _ = watched(tmp_path)

    def fail():
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"), watch.step():
        fail()
    assert watch.record()["steps"] == 0


def test_processes_that_train_together_stop_at_the_step_that_they_agree_on(tmp_path):
    watch, clock, probe, _ = watched(tmp_path, batches=100, steps=50, seconds=9.5, experiments=True)
    probe.processes = 2
    with pytest.raises(SystemExit):
        train(watch, clock)
    assert probe.offered == (3,)  # in 9.5 seconds, with 3 for a step
    assert watch.record()["counted"] == 2


def test_of_processes_that_train_together_each_writes_a_file_of_its_own(tmp_path):
    watch, clock, probe, file = watched(tmp_path)
    probe.processes, probe.rank = 2, 1
    train(watch, clock)
    assert [path.name for path in tmp_path.iterdir()] == ["steps.rank1.json"]
    assert not file.exists()


@pytest.mark.parametrize("held", ["my notes", '{"steps": 3}'])
def test_what_something_else_has_written_is_not_overwritten(tmp_path, capsys, held):
    watch, clock, _, file = watched(tmp_path)
    file.write_text(held)
    train(watch, clock)
    assert file.read_text() == held
    assert json.loads((tmp_path / "steps-2.json").read_text())["counted"] == 10 - WARM_UP
    assert "go into" in capsys.readouterr().err


def test_what_another_script_has_written_is_not_overwritten(tmp_path):
    for place in ("one.py:2", "other.py:2"):
        watch, clock, _, _ = watched(tmp_path)
        watch._place = place
        train(watch, clock)
    assert json.loads((tmp_path / "steps.json").read_text())["place"] == "one.py:2"
    assert json.loads((tmp_path / "steps-2.json").read_text())["place"] == "other.py:2"


def test_a_later_run_of_a_script_writes_its_file_again(tmp_path):
    for began in (0.0, 9e12):  # the second begins after the first has written
        watch, clock, _, _ = watched(tmp_path)
        watch._began = began
        train(watch, clock)
    assert [path.name for path in tmp_path.iterdir()] == ["steps.json"]


def test_of_two_processes_at_once_neither_overwrites_the_other(tmp_path):
    first, clock, _, _ = watched(tmp_path)
    second = watched(tmp_path)[0]
    train(first, clock)
    train(second, FakeClock())
    assert len([*tmp_path.iterdir()]) == 2


def test_of_slow_steps_fewer_warm_up(tmp_path):
    watch, clock, _, _ = watched(tmp_path)
    train(watch, clock, seconds=6.0)
    assert watch.record()["counted"] == 8  # 13 s after the first began


def test_experiments_are_chosen_when_the_one_before_is_over(tmp_path):
    watch, clock, probe, _ = watched(tmp_path, batches=100, steps=4, experiments=True)
    began = []

    def while_there_is_time():
        while clock.now < 60.0:
            began.append(clock.now)
            yield probe.experiment()

    probe.experiments = while_there_is_time
    with pytest.raises(SystemExit):
        train(watch, clock, seconds=10.0)
    assert probe.done == len(began)
    assert clock.now < 60.0 + 10.0 + 10.0


def test_the_cpu_time_of_steps_and_the_form_of_their_batch_are_told(tmp_path):
    watch, clock, _, _ = watched(tmp_path)
    train(watch, clock)
    found = watch.record()
    assert 0 <= found["cpu"] < 3.0
    assert found["data"] is None


def test_steps_that_return_early_are_as_few_as_there_is_time_for(tmp_path):
    watch, clock, _, _ = watched(tmp_path, batches=100, steps=50, seconds=20.0, experiments=True)
    probe, asked = FakeProbe(asynchronous=True), [0.0]
    watch._find_probe = lambda: probe

    def wait():
        clock.now, asked[0] = clock.now + asked[0], 0.0

    probe.synchronize = wait

    def loop():
        for _ in watch:
            with watch.step():
                asked[0] += 7.0

    with pytest.raises(SystemExit):
        loop()
    assert watch.record()["counted"] == 3
