"""The queue: every job has a state that it leaves, and nobody's is lost or counted twice."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from mlgolf_site.contests.services import starter_folder
from mlgolf_site.entries.models import Event
from mlgolf_site.jobs.models import Job, State, Worker
from mlgolf_site.jobs.services import (
    LEASE,
    LONGEST_JUDGING,
    MOST_ATTEMPTS,
    JobLost,
    begin_judging,
    cancel,
    end_judging,
    give_up,
    heartbeat,
    lease,
    place_in_queue,
    watch,
    why_it_waits,
)
from mlgolf_site.people.models import Token
from mlgolf_site.submitting import LimitReached, left_today, submit
from uploads import folder_zip

pytestmark = pytest.mark.django_db


@pytest.fixture
def kim(person):
    return person("kim")


@pytest.fixture
def handed_in(board, kim):
    """Hands in the starter kit under a name."""
    content = folder_zip(starter_folder(board.version))

    def hand_in(name, owner=kim):
        return submit(board, owner=owner, name=name, file="a.zip", content=content)

    return hand_in


@pytest.fixture
def worker(person):
    def make(name="w", hardware="one-thread-cpu"):
        owner = person(f"owner-of-{name}", is_superuser=True)
        token, _ = Token.issue(owner, name, Token.Scope.WORKER)
        return Worker.objects.create(token=token, name=name, hardware=hardware)

    return make


def state(run):
    return State(Job.objects.get(run=run).state)


def later(**by):
    return timezone.now() + timedelta(**by)


def test_the_oldest_job_is_taken_first(handed_in, worker):
    first, second = handed_in("a"), handed_in("b")
    own = worker()
    assert [lease(own).run, lease(own).run, lease(own)] == [first, second, None]


def test_a_worker_takes_jobs_of_its_class_alone(handed_in, worker):
    handed_in("a")
    assert lease(worker(hardware="laptop")) is None


def test_a_job_whose_worker_is_silent_goes_back_to_its_place(handed_in, worker):
    first, _ = handed_in("a"), handed_in("b")
    lease(worker("one"))
    assert watch(later(seconds=LEASE.total_seconds() + 1)) == 1
    assert lease(worker("two")).run == first


def test_a_heartbeat_renews_the_lease(handed_in, worker):
    handed_in("a")
    own = worker()
    job = lease(own, now=later(seconds=-50))
    heartbeat(own, job.pk)
    assert watch(later(seconds=30)) == 0


def test_who_has_lost_a_job_is_told_so(handed_in, worker):
    handed_in("a")
    one, two = worker("one"), worker("two")
    job = lease(one)
    watch(later(seconds=LEASE.total_seconds() + 1))
    lease(two)
    with pytest.raises(JobLost, match="its lease ran out"):
        heartbeat(one, job.pk)
    with pytest.raises(JobLost):
        begin_judging(one, job.pk, "0" * 64)


def test_a_job_that_the_platform_spoils_again_and_again_is_given_up_and_costs_nothing(
    handed_in, worker, kim
):  # fmt: skip
    before = left_today(kim)
    run, own = handed_in("a"), worker()
    assert left_today(kim) == before - 1
    for _ in range(MOST_ATTEMPTS):
        give_up(own, lease(own).pk, "its disk is full")
    assert state(run) is State.FAILED
    assert left_today(kim) == before


def test_what_is_refused_costs_nothing_either(handed_in, worker, kim):
    before = left_today(kim)
    run, own = handed_in("a"), worker()
    give_up(own, lease(own).pk, "its code has no play", refused=True)
    assert (state(run), left_today(kim)) == (State.REFUSED, before)


def test_judging_that_does_not_end_is_begun_again(handed_in, worker):
    run, own = handed_in("a"), worker()
    begin_judging(own, lease(own).pk, "0" * 64)
    assert watch(timezone.now() + LONGEST_JUDGING + timedelta(seconds=1)) == 1
    assert state(run) is State.QUEUED


def test_a_result_that_is_delivered_again_is_counted_once(handed_in, worker):
    run, own = handed_in("a"), worker()
    job = lease(own)
    assert begin_judging(own, job.pk, "1" * 64) is not None
    run.refresh_from_db()
    run.bundle_sha256 = "1" * 64
    run.save()
    end_judging(job.pk, "has a verdict")
    assert begin_judging(own, job.pk, "1" * 64) is None
    assert state(run) is State.DONE


def test_a_finished_result_is_taken_in_though_its_lease_ran_out(handed_in, worker):
    run, own = handed_in("a"), worker()
    job = lease(own)
    watch(later(seconds=LEASE.total_seconds() + 1))
    assert begin_judging(own, job.pk, "1" * 64) is not None
    assert state(run) is State.JUDGING


def test_cancelling_what_waits_ends_it_at_once(handed_in):
    run = handed_in("a")
    assert cancel(run) == "it was cancelled"
    assert state(run) is State.CANCELLED


def test_cancelling_what_is_played_tells_its_worker(handed_in, worker):
    run, own = handed_in("a"), worker()
    job = lease(own)
    assert not heartbeat(own, job.pk)
    cancel(run)
    assert heartbeat(own, job.pk)
    give_up(own, job.pk, "was told to stop")
    assert state(run) is State.CANCELLED


def test_cancelling_what_has_ended_changes_nothing(handed_in, worker):
    run, own = handed_in("a"), worker()
    job = lease(own)
    begin_judging(own, job.pk, "1" * 64)
    end_judging(job.pk, "has a verdict")
    assert "already" in cancel(run)
    assert state(run) is State.DONE


def test_events_that_are_sent_again_are_there_once(handed_in, worker):
    run, own = handed_in("a"), worker()
    job = lease(own)
    events = [{"number": 1, "kind": "log", "data": {"line": "begins"}}]
    heartbeat(own, job.pk, events)
    heartbeat(own, job.pk, events)
    assert run.events.filter(kind=Event.Kind.LOG).count() == 1


def test_a_worker_cannot_tell_states(handed_in, worker):
    run, own = handed_in("a"), worker()
    job = lease(own)
    before = run.events.count()
    heartbeat(own, job.pk, [{"number": 1, "kind": "state", "data": {"state": "done"}}])
    assert run.events.count() == before


def test_one_knows_ones_place_in_the_queue_and_why_one_waits(handed_in, worker):
    handed_in("a")
    second = handed_in("b")
    job = Job.objects.get(run=second)
    assert "no worker of the class one-thread-cpu is there" in why_it_waits(job)
    worker()
    place, seconds = place_in_queue(job)
    assert place == 1
    assert seconds > 0


def test_who_has_used_up_the_days_limit_is_told_so(handed_in, kim, settings):
    limits = settings.SITE.config.limits.model_copy(update={"submissions": 1})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            settings.SITE, "config", settings.SITE.config.model_copy(update={"limits": limits})
        )
        handed_in("a")
        with pytest.raises(LimitReached, match="1 times in 24 hours"):
            handed_in("b")


def test_taking_a_job_takes_as_many_queries_however_many_wait(
    handed_in, worker, django_assert_max_num_queries, settings
):  # fmt: skip
    limits = settings.SITE.config.limits.model_copy(update={"submissions": 50, "waiting": 50})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            settings.SITE, "config", settings.SITE.config.model_copy(update={"limits": limits})
        )
        for number in range(12):
            handed_in(f"a{number}")
    own = worker()
    with django_assert_max_num_queries(11):
        lease(own)


def test_the_database_is_the_one_that_was_asked_for():
    import os

    asked = "postgresql" if os.environ.get("MLGOLF_TEST_POSTGRESQL") else "sqlite"
    assert connection.vendor == asked
