"""The queue: every job has a state that it leaves, and nobody's is lost or counted twice."""

import json
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.db import DataError, connection
from django.utils import timezone
from mlgolf_site import submitting
from mlgolf_site.contests.services import starter_folder
from mlgolf_site.entries.models import Event
from mlgolf_site.jobs.forecast import place_in_queue, why_it_waits
from mlgolf_site.jobs.models import Job, State, Worker
from mlgolf_site.jobs.services import (
    LEASE,
    LONGEST_JUDGING,
    MOST_ATTEMPTS,
    JobLost,
    ask_repetition,
    begin_judging,
    cancel,
    end_judging,
    end_repetition,
    enqueue,
    forget_old_events,
    give_up,
    heartbeat,
    lease,
    release,
    watch,
)
from mlgolf_site.people.models import Token
from mlgolf_site.submitting import LimitReached, left_today, play_failed_again, submit
from uploads import folder_zip

from mlgolf.core.errors import BundleError, SubmissionError

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
    assert lease(worker("two"), now=later(minutes=5)).run == first


def test_a_heartbeat_renews_the_lease(handed_in, worker):
    handed_in("a")
    own = worker()
    job = lease(own, now=later(seconds=-50))
    heartbeat(own, job.pk)
    assert watch(later(seconds=30)) == 0


@pytest.mark.parametrize(("estimated", "allowed"), [(60, 6), (3 * 3600, 12)])
def test_nothing_is_played_for_ever_though_its_worker_is_heard_of(
    handed_in, worker, estimated, allowed
):  # fmt: skip
    run = handed_in("a")
    Job.objects.filter(run=run).update(estimate_seconds=estimated)
    lease(worker(), now=later(days=9))
    assert watch(later(hours=allowed - 1)) == 0
    assert watch(later(hours=allowed + 1)) == 1


def test_who_has_lost_a_job_is_told_so(handed_in, worker):
    handed_in("a")
    one, two = worker("one"), worker("two")
    job = lease(one)
    watch(later(seconds=LEASE.total_seconds() + 1))
    lease(two, now=later(minutes=5))
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
    for hours in range(MOST_ATTEMPTS):
        own.refresh_from_db()
        give_up(own, lease(own, now=later(hours=hours)).pk, "its disk is full")
    assert state(run) is State.FAILED
    assert left_today(kim) == before


def test_a_job_whose_attempt_was_spoilt_waits_longer_each_time(handed_in, worker):
    job = Job.objects.get(run=handed_in("a"))
    waited = []
    for number in range(MOST_ATTEMPTS - 1):
        own = worker(f"w{number}")
        give_up(own, lease(own, now=later(hours=1)).pk, "its disk is full")
        job.refresh_from_db()
        waited.append(round((job.not_before - timezone.now()).total_seconds()))
    assert waited == [30, 60, 120, 240]


def test_a_job_that_waits_after_a_spoilt_attempt_says_how_long(handed_in, worker):
    run, own = handed_in("a"), worker()
    give_up(own, lease(own).pk, "its disk is full")
    assert lease(own) is None
    assert why_it_waits(Job.objects.get(run=run)) == (
        "waits again: its disk is full; the next try is in 30 s"
    )


def test_who_spoiled_a_job_gets_it_again_only_where_no_other_worker_is_there(
    handed_in, worker
):  # fmt: skip
    run, own, other = handed_in("a"), worker("one"), worker("two")
    give_up(own, lease(own).pk, "its disk is full")
    later_on = later(minutes=5)
    Worker.objects.update(last_seen=later_on)
    assert lease(own, now=later_on) is None
    Worker.objects.filter(pk=other.pk).update(problem="it has no bubblewrap")
    assert lease(own, now=later_on).run == run


def test_a_worker_that_may_not_play_a_competition_is_no_other_worker(handed_in, worker, person):
    run, own, other = handed_in("a"), worker("one"), worker("two")
    other.token.user.is_superuser = False
    other.token.user.save()
    give_up(own, lease(own).pk, "its disk is full")
    Worker.objects.update(last_seen=later(minutes=5))
    assert lease(own, now=later(minutes=5)).run == run


def test_how_often_a_job_was_tried_leaves_out_workers_that_were_told_to_stop(handed_in, worker):
    run, own = handed_in("a"), worker()
    give_up(own, lease(own).pk, "its worker was stopped", stopped=True)
    for hours in range(MOST_ATTEMPTS):
        own.refresh_from_db()
        give_up(own, lease(own, now=later(hours=hours)).pk, "its disk is full")
    job = Job.objects.get(run=run)
    assert job.reason.startswith(f"its disk is full. It was tried {MOST_ATTEMPTS} times")


def spoil(own, names, handed_in):
    for name in names:
        handed_in(name)
        give_up(own, lease(own).pk, "its disk is full")
    own.refresh_from_db()


def test_a_worker_that_spoils_three_jobs_in_a_row_rests(handed_in, worker):
    own = worker()
    spoil(own, "ab", handed_in)
    assert own.why_no_job() == ""
    spoil(own, "c", handed_in)
    assert own.why_no_job().startswith("it spoiled 3 jobs in a row, and takes none until ")
    waits = handed_in("d")
    assert lease(own) is None
    assert "spoiled 3 jobs in a row" in why_it_waits(Job.objects.get(run=waits))
    assert lease(own, now=later(minutes=2)) is not None


def test_a_worker_that_delivers_is_forgiven_what_it_spoiled(handed_in, worker):
    own = worker()
    spoil(own, "ab", handed_in)
    handed_in("c")
    job = lease(own)
    begin_judging(own, job.pk, "1" * 64)
    end_judging(job.pk, "has a verdict")
    spoil(own, "d", handed_in)
    assert (own.spoilt, own.why_no_job()) == (1, "")


def test_what_is_refused_costs_nothing_either(handed_in, worker, kim):
    before = left_today(kim)
    run, own = handed_in("a"), worker()
    give_up(own, lease(own).pk, "its code has no play", refused=True)
    assert (state(run), left_today(kim)) == (State.REFUSED, before)


def test_what_is_cancelled_before_it_is_played_costs_nothing(handed_in, worker, kim):
    before = left_today(kim)
    cancel(handed_in("a"))
    spoilt, own = handed_in("b"), worker()
    give_up(own, lease(own).pk, "its disk is full")
    cancel(spoilt)
    assert left_today(kim) == before


def test_what_was_played_and_then_cancelled_costs_a_submission(handed_in, worker, kim):
    before = left_today(kim)
    run, own = handed_in("a"), worker()
    job = lease(own)
    cancel(run)
    give_up(own, job.pk, "its worker was stopped", stopped=True)
    assert (state(run), left_today(kim)) == (State.CANCELLED, before - 1)


def test_a_second_run_that_is_cancelled_gives_no_submission_back(delivered, kim):
    run, _ = delivered
    before = left_today(kim)
    cancel(enqueue(run.entry))
    assert left_today(kim) == before


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
    assert place_in_queue(job) == (1, None)
    worker()
    place, seconds = place_in_queue(job)
    assert place == 1
    assert seconds > 0


def test_what_no_worker_came_for_in_a_week_is_given_up_and_costs_nothing(handed_in, kim):
    before = left_today(kim)
    run = handed_in("a")
    assert watch(later(days=6)) == 0
    assert watch(later(days=8)) == 1
    job = Job.objects.get(run=run)
    assert (job.state, left_today(kim)) == (State.FAILED, before)
    assert job.reason.startswith("no worker of the class one-thread-cpu came in 7 days")


def test_an_owner_may_have_played_again_what_the_site_could_not_play(handed_in, kim, client):
    run = handed_in("a")
    Job.objects.filter(run=run).update(state=State.FAILED)
    client.force_login(kim)
    page = run.entry.get_absolute_url()
    assert "Play again" in client.get(page).content.decode()
    again = f"{page}run-again/"
    assert "It will be played again." in client.post(again, follow=True).content.decode()
    newest = run.entry.latest_run
    assert (newest == run, state(newest)) == (False, State.QUEUED)
    assert "waits for a worker already" in client.post(again, follow=True).content.decode()
    assert run.entry.runs.count() == 2


def test_an_owner_may_not_have_played_again_what_was_judged(handed_in, kim, client):
    run = handed_in("a")
    Job.objects.filter(run=run).update(state=State.DONE)
    client.force_login(kim)
    page = run.entry.get_absolute_url()
    assert "Play again" not in client.get(page).content.decode()
    said = client.post(f"{page}run-again/", follow=True).content.decode()
    assert "you may play again what the site could not play, and this it did" in said
    assert run.entry.runs.count() == 1


@pytest.mark.parametrize("closed", [True, False])
def test_what_the_site_could_not_play_is_played_again_within_the_limits(
    handed_in, closed, limits, monkeypatch
):  # fmt: skip
    run = handed_in("a")
    Job.objects.filter(run=run).update(state=State.FAILED)
    if closed:
        monkeypatch.setattr(submitting, "why_not_taken", lambda board: "it has closed")
    else:
        handed_in("b")
        limits(waiting=1)
    with pytest.raises(SubmissionError if closed else LimitReached):
        play_failed_again(run.entry)
    assert run.entry.runs.count() == 1


@pytest.mark.parametrize(("seen", "changes", "given_up"), [
    (-7, {}, True), (-5, {}, False), (-5, {"problem": "it has no bubblewrap"}, True),
    (-5, {"hardware": "laptop"}, True),
])
def test_what_waits_long_is_given_up_only_where_nobody_could_have_played_it(
    handed_in, worker, seen, changes, given_up
):  # fmt: skip
    handed_in("a")
    own = worker()
    Worker.objects.filter(pk=own.pk).update(last_seen=later(days=8 + seen), **changes)
    assert watch(later(days=8)) == given_up


def test_what_waits_behind_others_that_were_played_is_not_given_up(handed_in, worker):
    played, waits = handed_in("a"), handed_in("b")
    own = worker()
    job = lease(own)
    begin_judging(own, job.pk, "1" * 64)
    end_judging(job.pk, "has a verdict")
    Worker.objects.update(problem="the machine is too disturbed to measure on")
    Job.objects.filter(run=played).update(since=later(days=5))
    watch(later(days=8))
    assert state(waits) is State.QUEUED


def test_the_form_says_beforehand_that_nobody_plays_the_class(contest, kim, worker):
    from django.test import Client

    browser = Client()
    browser.force_login(kim)
    at = f"/c/{contest.slug}/submit/"
    said = "no worker of the class one-thread-cpu is there"
    assert said in browser.get(at).content.decode()
    worker()
    assert said not in browser.get(at).content.decode()


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


# --- repetitions ---


SHA = "1" * 64
TRIAL = {"trial": "a/study_0/x_torch/trial_1", "confirmed": True, "compared": "bit for bit",
         "rows": 3, "deviation": 0.0, "differences": [],
         "seconds": {"agree": True}, "processor": "p", "recorded_processor": "p"}  # fmt: skip
FOUND = {"sha256": SHA, "outcome": "unsigned", "problems": [], "notes": [], "seed": 1,
         "sandbox": "bubblewrap", "replays": [TRIAL]}  # fmt: skip


@pytest.fixture
def delivered(handed_in, worker):
    """A run that has its verdict, and its worker."""
    run, own = handed_in("a"), worker()
    job = lease(own)
    begin_judging(own, job.pk, SHA)
    run.bundle_sha256 = SHA
    run.save()
    end_judging(job.pk, "has a verdict")
    return run, own


def test_a_run_without_a_bundle_cannot_be_repeated(handed_in, kim):
    with pytest.raises(BundleError, match="has no bundle yet"):
        ask_repetition(handed_in("a"), by=kim)


def test_a_repetition_that_is_asked_for_again_while_it_waits_is_one(delivered, kim):
    run, _ = delivered
    assert ask_repetition(run, by=kim) == ask_repetition(run, by=kim)


def test_a_repetition_costs_nobody_quota(delivered, kim):
    run, _ = delivered
    before = left_today(kim)
    ask_repetition(run, by=kim)
    assert left_today(kim) == before


def test_a_repetition_waits_its_turn_behind_what_was_asked_for_before(delivered, handed_in, kim):
    run, own = delivered
    second = handed_in("b")
    asked = ask_repetition(run, by=kim)
    assert [lease(own).about, lease(own)] == [second, asked]


def test_a_board_is_made_anew_when_a_run_of_it_was_verified(delivered, kim):
    run, own = delivered
    ask_repetition(run, by=kim)
    before = run.entry.board.changes
    end_repetition(own, lease(own).pk, FOUND)
    run.entry.board.refresh_from_db()
    assert run.entry.board.changes > before


def test_a_run_that_was_repeated_to_the_same_values_is_verified(delivered, kim):
    run, own = delivered
    ask_repetition(run, by=kim)
    job = end_repetition(own, lease(own).pk, FOUND)
    run.refresh_from_db()
    assert (job.state, job.reason, run.is_verified) == (
        State.DONE, "1 of 1 trial came out alike", True
    )


@pytest.mark.parametrize("found", [
    {**FOUND, "replays": [TRIAL, {**TRIAL, "confirmed": False}]},
    {**FOUND, "replays": []},
    {**FOUND, "problems": ["run.json is not what was sealed"]},
])
def test_a_run_is_not_verified_by_less_than_all_that_was_drawn(delivered, kim, found):
    run, own = delivered
    ask_repetition(run, by=kim)
    job = end_repetition(own, lease(own).pk, found)
    run.refresh_from_db()
    assert (job.state, run.is_verified) == (State.DONE, False)


def test_the_outcome_of_a_repetition_lies_beside_the_bundle(delivered, kim):
    run, own = delivered
    ask_repetition(run, by=kim)
    job = end_repetition(own, lease(own).pk, FOUND)
    with default_storage.open(f"{run.bundle}.repeated-{job.pk}.json") as file:
        assert json.load(file) == FOUND


def test_a_repetition_of_another_bundle_is_begun_again(delivered, kim):
    run, own = delivered
    ask_repetition(run, by=kim)
    job = end_repetition(own, lease(own).pk, {**FOUND, "sha256": "2" * 64})
    run.refresh_from_db()
    assert (job.state, run.is_verified) == (State.QUEUED, False)


def test_an_outcome_that_is_delivered_again_is_counted_once(delivered, kim):
    run, own = delivered
    ask_repetition(run, by=kim)
    pk = lease(own).pk
    first = end_repetition(own, pk, FOUND)
    assert end_repetition(own, pk, FOUND).since == first.since


def test_a_repetition_whose_worker_is_silent_goes_back_into_the_queue(delivered, kim, worker):
    run, own = delivered
    asked = ask_repetition(run, by=kim)
    lease(own)
    assert watch(later(seconds=LEASE.total_seconds() + 1)) == 1
    other = worker("other")
    assert lease(other, now=later(minutes=5)) == asked
    with pytest.raises(JobLost):
        end_repetition(own, asked.pk, FOUND)


def test_a_bundle_is_no_outcome_of_a_repetition_and_an_outcome_no_bundle(
    delivered, kim, handed_in
):  # fmt: skip
    run, own = delivered
    asked = ask_repetition(run, by=kim)
    lease(own)
    with pytest.raises(JobLost, match="and no bundle"):
        begin_judging(own, asked.pk, SHA)
    handed_in("b")
    with pytest.raises(JobLost, match="deliver its bundle"):
        end_repetition(own, lease(own).pk, FOUND)


def test_a_repetition_tells_nothing_into_the_log_of_the_run(delivered, kim):
    run, own = delivered
    before = run.events.count()
    asked = ask_repetition(run, by=kim)
    lease(own)
    heartbeat(own, asked.pk, [{"number": 1, "kind": "log", "data": {"line": "x"}}])
    end_repetition(own, asked.pk, FOUND)
    assert run.events.count() == before
def test_a_worker_that_says_why_it_takes_no_job_gets_none(handed_in, worker):
    handed_in("a")
    own = worker()
    own.problem = "the machine is too disturbed to measure on"
    assert lease(own) is None


def test_what_was_told_of_runs_that_ended_long_ago_is_forgotten_and_nothing_else(
    handed_in, worker
):  # fmt: skip
    ended, waits = handed_in("a"), handed_in("b")
    cancel(ended)
    before = waits.events.count()
    assert forget_old_events() == 0
    assert forget_old_events(later(days=31)) == 2
    assert (ended.events.count(), waits.events.count()) == (0, before)


def test_the_keeper_forgets_old_events_once_an_hour(monkeypatch, db):
    from mlgolf_site import serving
    from mlgolf_site.jobs import services

    forgot, now = [], [0.0]
    monkeypatch.setattr(services, "forget_old_events", lambda: forgot.append(now[0]))
    keeper = serving.Keeper(clock=lambda: now[0])
    for seconds in (0.0, 10.0, 3599.0, 3601.0, 3602.0, 7300.0):
        now[0] = seconds
        keeper.keep()
    assert forgot == [0.0, 3601.0, 7300.0]


def test_the_seconds_until_a_job_begins_are_those_of_all_before_it(handed_in, worker):
    runs = [handed_in(name) for name in ("a", "b", "c")]
    Job.objects.filter(run=runs[0]).update(estimate_seconds=100)
    Job.objects.filter(run=runs[1]).update(estimate_seconds=0)  # counts as one second
    worker()
    assert place_in_queue(Job.objects.get(run=runs[2])) == (2, 101.0)


def test_a_worker_that_was_told_to_stop_spoils_no_attempt(handed_in, worker):
    run, own = handed_in("a"), worker()
    for _ in range(MOST_ATTEMPTS + 1):
        give_up(own, lease(own).pk, "its worker was stopped", stopped=True)
    assert state(run) is State.QUEUED


def test_a_worker_that_starts_anew_holds_no_job(handed_in, worker):
    run, own = handed_in("a"), worker()
    lease(own)
    assert release(own) == 1
    assert state(run) is State.QUEUED
    assert lease(worker("two"), now=later(minutes=5)).run == run


def test_a_run_that_was_taken_in_is_done_though_the_web_process_was_killed_then(
    handed_in, worker
):  # fmt: skip
    run, own = handed_in("a"), worker()
    job = lease(own)
    begin_judging(own, job.pk, "1" * 64)
    run.bundle_sha256 = "1" * 64
    run.save()
    assert begin_judging(own, job.pk, "1" * 64) is None
    assert state(run) is State.DONE


def test_the_watchdog_never_queues_a_run_that_has_a_verdict(handed_in, worker):
    run, own = handed_in("a"), worker()
    begin_judging(own, lease(own).pk, "1" * 64)
    run.bundle_sha256 = "1" * 64
    run.save()
    watch(timezone.now() + LONGEST_JUDGING + timedelta(seconds=1))
    assert state(run) is State.DONE


def test_a_run_that_is_judged_so_long_that_it_was_queued_again_is_done_when_it_ends(
    handed_in, worker
):  # fmt: skip
    run, own = handed_in("a"), worker()
    job = lease(own)
    begin_judging(own, job.pk, "1" * 64)
    watch(timezone.now() + LONGEST_JUDGING + timedelta(seconds=1))
    lease(worker("two"), now=later(minutes=5))
    run.refresh_from_db()
    run.bundle_sha256 = "1" * 64
    run.save()
    end_judging(job.pk, "has a verdict")
    assert state(run) is State.DONE


def test_a_job_that_cannot_be_moved_on_keeps_no_other_from_it(handed_in, worker, monkeypatch):
    from mlgolf_site.jobs import services

    stuck, moves = handed_in("a"), handed_in("b")
    own = worker()
    for job in (lease(own), lease(own)):
        begin_judging(own, job.pk, "1" * 64)
    type(stuck).objects.update(bundle_sha256="1" * 64)

    def full_disk(run):
        if run == stuck:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(services, "write_beside", full_disk)
    watch(timezone.now() + LONGEST_JUDGING + timedelta(seconds=1))
    assert (state(stuck), state(moves)) == (State.JUDGING, State.DONE)


def test_a_run_that_cannot_be_judged_anew_keeps_no_other_from_it(handed_in, monkeypatch):
    from mlgolf_site.boards import services

    stuck, other = handed_in("a"), handed_in("b")
    type(stuck).objects.update(bundle_sha256="1" * 64, judging_anew=stuck.WAITS)

    def made_again(run):
        if run == stuck:
            raise KeyError("model")

    monkeypatch.setattr(services, "made_again", made_again)
    services.judge_waiting()
    stuck.refresh_from_db()
    other.refresh_from_db()
    assert (stuck.judging_anew, other.judging_anew) == ("could not be judged anew: KeyError", "")


@pytest.mark.django_db(transaction=True)  # it gives its connection back
@pytest.mark.parametrize("step", [
    "jobs.services.watch", "boards.services.judge_waiting", "jobs.services.forget_old_events",
])
@pytest.mark.parametrize("error", [KeyError("model"), DataError("out of range")])
def test_what_the_keeper_cannot_do_keeps_it_from_nothing_else(monkeypatch, step, error):
    from mlgolf_site import serving
    from mlgolf_site.boards import services

    def fails():
        raise error

    made = []
    monkeypatch.setattr(f"mlgolf_site.{step}", fails)
    monkeypatch.setattr(services, "refresh_all", lambda: made.append("boards"))
    assert serving.Keeper().keep() is False
    assert made == ["boards"]


@pytest.mark.django_db(transaction=True)  # it gives its connection back
def test_the_keeper_goes_on_when_the_database_is_away(monkeypatch):
    from django.db import OperationalError
    from mlgolf_site import serving
    from mlgolf_site.jobs import services

    def away():
        raise OperationalError("the server closed the connection")

    with monkeypatch.context() as patched:
        patched.setattr(services, "watch", away)
        assert serving.Keeper().keep() is False
    assert serving.Keeper().keep() is True
