"""Steps of a job on a clock of its own: nothing here is timed."""

import math

import pytest

from mlgolf.diagnosis import job as jobs
from mlgolf.diagnosis.job import JobPlan, Phases, batch_size_of
from mlgolf.diagnosis.measuring import Steps

STEP, LOAD, COPY = 4.0, 1.0, 0.5


class Bench:
    """The clock, the loader and the job at once. A step takes some batches, and seconds."""

    device = "cpu"

    def __init__(self, batches_of_a_step=1, slow_every=0, phases=None):
        self.now, self.loaded, self.batches_of_a_step = 0.0, 0, batches_of_a_step
        self.slow_every, self.split = slow_every, phases

    def batches(self, batch_size):
        while True:
            self.now += LOAD
            self.loaded += 1
            if self.slow_every and self.loaded % self.slow_every == 0:
                self.now += 90.0
            yield {"inputs": batch_size}

    def place(self, batch):
        self.now += COPY
        return batch

    def step(self, batches):
        for _ in range(self.batches_of_a_step):
            next(batches)
        self.now += STEP

    def phases(self, batches, clock):
        return self.split

    def forward(self, batch):
        self.now += 1.0

    def forward_backward(self, batch):
        self.now += 3.0

    def synchronize(self):
        pass


def steps_of(bench):
    def clock():
        return bench.now

    return Steps(bench, bench, 8, clock, clock)


def test_a_step_waits_for_the_batch_that_it_takes():
    assert steps_of(Bench()).waiting() == {"wait": LOAD + COPY, "load": LOAD, "copy": COPY}


def test_a_submission_that_takes_several_batches_waits_for_all_of_them():
    found = steps_of(Bench(batches_of_a_step=3)).waiting()
    assert found == {"wait": 3 * (LOAD + COPY), "load": 3 * LOAD, "copy": 3 * COPY}


def test_a_submission_that_echoes_its_batches_does_not_wait():
    assert steps_of(Bench(batches_of_a_step=0)).waiting()["load"] == 0


def test_a_loader_that_is_slow_now_and_then_is_slow():
    assert steps_of(Bench(slow_every=2)).waiting()["load"] > 40


def test_on_a_device_only_what_the_step_does_not_hide_is_waited_for():
    bench = Bench()
    steps, bench.device = steps_of(bench), "cuda"
    assert steps.waiting()["wait"] == pytest.approx(LOAD + COPY)

    def step_that_hides_loading(batches):
        before = bench.now
        next(batches)
        bench.now = before + STEP

    bench.step = step_that_hides_loading
    assert steps.waiting()["wait"] == 0


def test_when_a_step_was_asked_for_is_noted_on_a_device_alone():
    bench = Bench()
    steps = steps_of(bench)
    assert math.isnan(steps.issued())
    bench.device = "cuda"
    assert steps.issued() == STEP


def test_phases_timed_inside_a_step_are_as_long_together_as_the_step():
    split = Phases(forward=1.0, backward=2.0, optimizer=5.0)
    replay, phases = steps_of(Bench(phases=split)).replayed()
    assert replay == STEP
    assert phases == Phases(forward=0.5, backward=1.0, optimizer=2.5)


def test_a_step_that_cannot_be_split_is_compared_with_its_parts():
    replay, phases = steps_of(Bench()).replayed()
    assert replay == STEP
    assert phases == Phases(forward=1.0, backward=2.0, optimizer=1.0)


def test_the_batch_is_the_one_that_the_submission_asks_for(tmp_path, adamw):
    plan = JobPlan(
        workload="linear", size="mini", framework="torch", submission=str(adamw),
        data_dir=str(tmp_path),
    )  # fmt: skip
    usual = batch_size_of(plan)
    adamw.write_text(adamw.read_text() + "\nsubmission.get_batch_size = lambda name: 7\n")
    assert batch_size_of(plan) != usual


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_passes_of_ours_have_the_dropout_that_the_submission_asks_for(
    framework, data_dir
):
    pytest.importorskip(framework)
    plan = JobPlan(
        workload="linear", size="mini", framework=framework, submission="nadamw",
        data_dir=str(data_dir), threads=1,
    )  # fmt: skip
    job = jobs.build(plan)
    job.step(iter([job.place(next(jobs.loader_of(plan).batches(8)))]))
    assert job._parts.asked["dropout_rate"] == 0.1
