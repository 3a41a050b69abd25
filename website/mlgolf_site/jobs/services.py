"""The queue. Each function is one transaction, and leaves every job in a state that it can leave.

A worker holds a job by a lease, which its heartbeat renews. Whose lease has run out has lost the
job: what it sends then is refused, unless it is the finished bundle, which is as good as any. The
watchdog moves each job out of each state within a bound, whoever was killed.
"""

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from mlgolf.core.errors import BundleError
from mlgolf.core.text import number_of, printable
from mlgolf_site.entries.models import Entry, Event, Run
from mlgolf_site.jobs.beside import write_beside
from mlgolf_site.jobs.models import OPEN, Job, State, Worker
from mlgolf_site.people.models import User
from mlgolf_site.protocol import LONGEST_LINE, MOST_EVENTS

LEASE = timedelta(seconds=60)  # without a heartbeat
MOST_ATTEMPTS = 5  # that the platform may spoil
PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=10)  # after a spoilt attempt
MOST_SPOILT = 3  # jobs in a row, before a worker rests
LONGEST_PLAYING = timedelta(hours=6)  # or, if that is longer,
ESTIMATES_PLAYED = 4  # times what the budgets of its trials allow
LONGEST_JUDGING = timedelta(minutes=10)
REPEATED = 2  # trials of a run, drawn at random, in one repetition
FORGOTTEN_AT_ONCE = 5000  # old events
VERDICT = "has a verdict"
MOST_METRICS = 50  # of one evaluation

log = logging.getLogger(__name__)


class JobLost(Exception):
    """A worker speaks of a job that is no longer its own."""


@transaction.atomic
def enqueue(entry: Entry) -> Run:
    """A new run of an entry, and its job."""
    return wait_for_worker(Run.objects.create(entry=entry), "waits for a worker")


def wait_for_worker(run: Run, reason: str) -> Run:
    """The job of a run that has none yet."""
    Job.objects.create(
        run=run, hardware=run.entry.board.hardware, reason=reason,
        estimate_seconds=_estimate(run.entry) or 60.0,
    )
    tell(run, Event.Kind.STATE, {"state": State.QUEUED, "reason": reason})
    write_beside(run)
    return run


def _estimate(entry: Entry, trials: int | None = None) -> float:
    """Seconds of wall time, if every trial uses its budget up.

    Args: trials: so many alone; None: all.
    """
    rules = entry.board.competition
    tuning = rules.rules.tuning.under(entry.board.ruleset)
    budgets = [
        rules.rules.seconds_allowed(row, budget_factor=tuning.budget_factor)
        for row in rules.workloads.values()
    ]
    bounded = [budget for budget in budgets if budget < float("inf")]
    if trials is not None:
        return trials * max(bounded, default=0.0)
    return tuning.studies * tuning.trials * sum(bounded)


def tell(run: Run, kind: str, data: Mapping[str, Any]) -> None:
    """Add an event that the site itself has to tell."""
    last = run.events.order_by("number").last()
    Event.objects.create(
        run=run, number=last.number + 1 if last else 1, kind=kind, data=dict(data)
    )


def _locked(**lookup: Any) -> Job:
    return _lockable().get(**lookup)


def _lockable():
    """Jobs with their runs; the row of the job alone is locked."""
    return Job.objects.select_for_update(of=("self",)).select_related(
        "run__entry", "repeats__entry"
    )


def _move(job: Job, state: State, reason: str, **changes: Any) -> None:
    job.state, job.reason, job.since = state, printable(reason)[:1000], timezone.now()
    for name, value in changes.items():
        setattr(job, name, value)
    job.save()
    if job.run is not None:  # what becomes of a repetition is no event of the run
        tell(job.run, Event.Kind.STATE, {"state": state, "reason": job.reason})
    if state.has_ended:
        # Of rows as they are: somebody else may have changed the run since this one was read.
        about = Run.objects.select_related("entry__board__version", "job").get(pk=job.about.pk)
        write_beside(about)
    log.info("job %s: %s (%s)", job.pk, state, reason)


# --- what workers do ---


@transaction.atomic
def lease(worker: Worker, now: datetime | None = None) -> Job | None:
    """The oldest job that waits for this worker's class of hardware; None if there is none, and
    for a worker that says why it takes none, or rests.

    The worker of a host plays that host's competitions alone; of an administrator, all.
    """
    now = now or timezone.now()
    if worker.why_no_job(now):
        return None
    waiting = _for_this_worker(Job.objects.filter(
        Q(not_before=None) | Q(not_before__lte=now), state=State.QUEUED, hardware=worker.hardware,
    ), worker, now).order_by("pk")  # fmt: skip
    owner = worker.token.user
    if not owner.is_superuser:
        own = owner.contests.all()
        waiting = waiting.filter(
            Q(run__entry__contest__in=own) | Q(repeats__entry__contest__in=own)
        )
    if connection.features.has_select_for_update_skip_locked:
        waiting = waiting.select_for_update(skip_locked=True, of=("self",))
    job = waiting.first()
    if job is None:
        return None
    _move(
        job, State.PLAYING,
        f"{'played' if job.kind == Job.Kind.PLAY else 'repeated'} by {worker.name}",
        worker=worker, lease_until=now + LEASE, attempts=job.attempts + 1,
    )
    job.tried_by.add(worker)
    if job.run is not None:
        job.run.tier = worker.tier
        job.run.save(update_fields=["tier"])
    return job


def _for_this_worker(jobs: QuerySet[Job], worker: Worker, now: datetime) -> QuerySet[Job]:
    """Without those that it spoiled and that another worker may take."""
    others = Worker.objects.filter(
        Q(rests_until=None) | Q(rests_until__lte=now), may_play(OuterRef("of_contest")),
        hardware=worker.hardware, last_seen__gt=now - LEASE, problem="",
    ).exclude(pk=worker.pk)  # fmt: skip
    spoilt = Job.spoilt_by.through.objects.filter(job=OuterRef("pk"))
    others = others.exclude(pk__in=Job.spoilt_by.through.objects.filter(
        job=OuterRef(OuterRef("pk"))
    ).values("worker"))  # fmt: skip
    return jobs.annotate(
        of_contest=Coalesce("run__entry__contest", "repeats__entry__contest")
    ).exclude(Exists(spoilt.filter(worker=worker)) & Exists(others))


def may_play(contest: Any, of: str = "") -> Q:
    """Of workers, or of what has one by the lookup `of`: it is an administrator's, or of a host of
    the competition."""
    user = f"{of}token__user__"
    return Q(**{f"{user}is_superuser": True}) | Q(**{f"{user}contests": contest})


@transaction.atomic
def heartbeat(worker: Worker, pk: int, events: Sequence[Mapping[str, Any]] = ()) -> bool:
    """Renew a lease, and take in what happened. Returns: whether the worker is to stop.

    Args: events: each with `number` from 1 within the attempt, `kind` and `data`. Those that were
      taken in before are left alone, so a worker may send them again.
    Raises: JobLost.
    """
    job = _own(worker, pk)
    now = timezone.now()
    Job.objects.filter(pk=pk).update(lease_until=now + LEASE)
    _take_in(job, events)
    return job.cancel_asked


def _own(worker: Worker, pk: int) -> Job:
    job = _lockable().filter(pk=pk).first()
    if job is None or job.worker_id != worker.pk or job.state != State.PLAYING:
        raise JobLost(
            f"job {pk} is not played by {worker.name} (any more): its lease ran out, or it was "
            "cancelled. Stop playing it, and ask for another"
        )
    return job


_STRIDE = 1_000_000  # numbers of events of one attempt come after those of the one before
_LONGEST = 200  # characters of a name


def _take_in(job: Job, events: Sequence[Mapping[str, Any]]) -> None:
    """A worker is somebody else's program: what it tells is cut to what pages show."""
    if job.run is None or not events:
        return
    told = job.run.entry.board.competition.rules.told
    Event.objects.bulk_create(
        [
            Event(
                run=job.run, number=job.attempts * _STRIDE + number, kind=event["kind"],
                data=_cut(event["kind"], event["data"], told),
            )
            for event in events
            if event["kind"] in (Event.Kind.LOG, Event.Kind.EVALUATION)
            and 0 < (number := int(event["number"])) <= MOST_EVENTS
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def _cut(kind: str, data: Mapping[str, Any], told: Collection[str]) -> dict[str, Any]:
    """Of an evaluation only what contestants are told while a run goes on: no held-out data."""
    trial = printable(data.get("trial", ""))[:_LONGEST]
    if kind == Event.Kind.LOG:
        return {"trial": trial, "line": printable(data.get("line", ""))[:LONGEST_LINE]}
    metrics = data.get("metrics")
    return {
        "trial": trial, "step": _number(data.get("step")), "seconds": _number(data.get("seconds")),
        "metrics": {
            printable(name)[:_LONGEST]: _number(value)
            for name, value in list(metrics.items())[:MOST_METRICS]
            if str(name).partition("/")[0] in told
        } if isinstance(metrics, Mapping) else {},
    }  # fmt: skip


def _number(value: Any) -> float | int | None:
    """None for what is no number, or none that is finite."""
    is_number = isinstance(value, float | int) and not isinstance(value, bool)
    return value if is_number and abs(value) < 1e300 else None


@transaction.atomic
def give_up(
    worker: Worker, pk: int, reason: str, *, refused: bool = False, stopped: bool = False
) -> None:
    """A worker could not play a job. Its fault, or the entry's where it was refused.

    Args: stopped: the worker was told to stop, which spoils no attempt.
    Raises: JobLost.
    """
    job = _own(worker, pk)
    if job.cancel_asked:
        _move(job, State.CANCELLED, "cancelled while it was played", lease_until=None)
    elif refused:
        _move(job, State.REFUSED, reason, lease_until=None)
    else:
        _again(job, reason, spoilt=not stopped, fault_of=None if stopped else worker)


@transaction.atomic
def release(
    worker: Worker, why: str = "its worker was started anew", *, its_fault: bool = True
) -> int:
    """Jobs that a worker had when it was ended: it has none now. Returns: how many."""
    jobs = Job.objects.select_for_update(of=("self",)).select_related("run__entry").filter(
        worker=worker, state__in=[State.PLAYING, State.JUDGING]
    )
    for job in jobs:
        _again(job, why, fault_of=worker if its_fault else None, may_go_on=True)
    return len(jobs)


def _again(
    job: Job, why: str, *, spoilt: bool = True, fault_of: Worker | None = None,
    may_go_on: bool = False,
) -> None:
    """Back into the queue, at its old place, after a pause; given up after some attempts.

    Args: spoilt: whether this attempt counts: its worker did not simply stop. fault_of: who spoiled
      it, as far as one can tell. may_go_on: it is as good as any other worker for this job, as it
      has what was played so far.
    """
    job.spoilt += spoilt
    if fault_of is not None:
        _count_against(fault_of)
        if not may_go_on:
            job.spoilt_by.add(fault_of)
    if job.run and job.run.bundle_sha256:  # who took it in was ended before it could say so
        _move(job, State.DONE, VERDICT, lease_until=None)
    elif job.cancel_asked:
        _move(job, State.CANCELLED, "cancelled", worker=None, lease_until=None)
    elif job.spoilt >= MOST_ATTEMPTS:
        _move(
            job, State.FAILED, f"{why}. It was tried {job.spoilt} times, which is a fault of "
            "the site: it counts for no limit, and may be played again", worker=None,
            lease_until=None,
        )
    else:
        _move(
            job, State.QUEUED, f"waits again: {why}", worker=None, lease_until=None,
            not_before=timezone.now() + _pause(job.spoilt) if spoilt else None,
        )


def _pause(spoilt: int) -> timedelta:
    """Before the next attempt, of so many that were spoilt."""
    return min(PAUSE * 2 ** min(spoilt - 1, 20), LONGEST_PAUSE)


def _count_against(worker: Worker) -> None:
    """Perhaps it is the worker that is broken: after some jobs in a row it rests."""
    worker = Worker.objects.select_for_update().get(pk=worker.pk)
    worker.spoilt += 1
    if worker.spoilt >= MOST_SPOILT:
        worker.rests_until = timezone.now() + 2 * _pause(worker.spoilt - MOST_SPOILT + 1)
    worker.save(update_fields=["spoilt", "rests_until"])


def _count_for(worker: Worker | None) -> None:
    if worker is not None:
        Worker.objects.filter(pk=worker.pk).update(spoilt=0, rests_until=None)


@transaction.atomic
def begin_judging(worker: Worker, pk: int, sha256: str) -> Job | None:
    """A bundle arrives. Returns: None for one that was taken in before.

    Raises: JobLost for a job that the worker never had, that has ended otherwise, or that another
      bundle is being checked of.
    """
    job = _lockable().filter(pk=pk, tried_by=worker).first()
    if job is None:
        raise JobLost(f"job {pk} was never played by {worker.name}: its bundle is not taken in")
    if job.run is None:
        raise JobLost(f"job {pk} repeats a run: deliver what was found, and no bundle")
    if job.run.bundle_sha256 == sha256:
        if job.state in OPEN:  # who took it in was ended before it could say so
            _move(job, State.DONE, VERDICT, lease_until=None)
        return None
    if job.state == State.JUDGING and (job.worker_id, job.bundle_sha256) == (worker.pk, sha256):
        return job
    if job.state not in (State.PLAYING, State.QUEUED) or (
        job.state == State.PLAYING and job.worker_id != worker.pk
    ):
        raise JobLost(f"job {pk} is {job.state}: its bundle is not taken in")
    _move(
        job, State.JUDGING, "its bundle is checked", worker=worker, lease_until=None,
        bundle_sha256=sha256,
    )
    job.run.tier = worker.tier  # of who played what is delivered
    job.run.save(update_fields=["tier"])
    return job


@transaction.atomic
def end_judging(pk: int, reason: str) -> None:
    """The bundle was taken in."""
    job = _locked(pk=pk)
    if job.state == State.JUDGING:
        _move(job, State.DONE, reason)
        _count_for(job.worker)
    elif job.state in OPEN and job.run and job.run.bundle_sha256:
        # It took so long that it was queued again.
        _move(job, State.DONE, reason, lease_until=None)


@transaction.atomic
def refuse_bundle(worker: Worker, pk: int, sha256: str, reason: str) -> None:
    """It was not taken in, which is its worker's fault: the entry is played again."""
    job = _locked(pk=pk)
    if job.state == State.JUDGING and (job.worker_id, job.bundle_sha256) == (worker.pk, sha256):
        _again(job, f"its bundle was not taken in: {reason}", fault_of=worker)


# --- repetitions ---


@transaction.atomic
def ask_repetition(run: Run, *, by: User) -> Job:
    """A job that repeats trials of a run, drawn at random when it is begun. It costs no quota.

    One that was asked for before and has not ended is given back.
    Raises: BundleError for a run of which there is no bundle.
    """
    run = Run.objects.select_for_update(of=("self",)).select_related("entry__board").get(pk=run.pk)
    if not run.bundle_sha256:
        raise BundleError(
            f"{run} has no bundle yet, so nothing of it can be repeated. Wait for its verdict"
        )
    waiting = run.repetitions.filter(state__in=OPEN).first()
    return waiting or Job.objects.create(
        kind=Job.Kind.VERIFY, repeats=run, trials=REPEATED, asked_by=by,
        hardware=run.entry.board.hardware, reason="waits for a worker",
        estimate_seconds=_estimate(run.entry, REPEATED) or 60.0,
    )


@transaction.atomic
def end_repetition(worker: Worker, pk: int, found: Mapping[str, Any]) -> Job:
    """What a repetition found is kept, and told on the page of the entry.

    Args: found: what `mlgolf verify --json` says of the bundle.
    Raises: JobLost.
    """
    job = _locked(pk=pk)
    run = job.repeats
    if run is None:
        raise JobLost(f"job {pk} plays a run: deliver its bundle")
    if job.state == State.DONE and job.outcome == found:
        return job  # sent again
    if job.state not in (State.PLAYING, State.QUEUED) or (
        job.state == State.PLAYING and job.worker_id != worker.pk
    ):
        raise JobLost(f"job {pk} is {job.state}: what it found is not taken in")
    if found.get("sha256") != run.bundle_sha256:
        _again(job, "its worker repeated another bundle", fault_of=worker)
        return job
    default_storage.save(
        f"{run.bundle}.repeated-{job.pk}.json",
        ContentFile(json.dumps(found, indent=1, sort_keys=True).encode()),
    )
    job.outcome = dict(found)
    Run.objects.filter(pk=run.pk).update(is_verified=job.confirmed)
    run.entry.board.has_changed()
    _move(job, State.DONE, _found_in_words(job), worker=worker, lease_until=None)
    _count_for(worker)
    return job


def _found_in_words(job: Job) -> str:
    found = job.outcome or {}
    repeated = found.get("replays") or []
    alike = sum(one["confirmed"] for one in repeated)
    said = f"{alike} of {number_of(len(repeated), 'trial')} came out alike"
    return "; ".join([*found.get("problems", ()), said])


# --- what people do ---


@transaction.atomic
def cancel(run: Run) -> str:
    """Returns: what happens now, in words."""
    job = _locked(run=run)
    if State(job.state).has_ended:
        return f"it {State(job.state).label} already"
    if job.state == State.QUEUED:
        _move(job, State.CANCELLED, "cancelled before it was played")
        return "it was cancelled"
    Job.objects.filter(pk=job.pk).update(cancel_asked=True)
    return "its worker is told to stop"


# --- the watchdog ---


def watch(now: datetime | None = None) -> int:
    """Move on every job whose state has lasted too long. Returns: how many were moved."""
    now = now or timezone.now()
    overdue = Job.objects.filter(
        Q(state=State.PLAYING, lease_until__lt=now)
        | Q(state=State.PLAYING, since__lt=now - LONGEST_PLAYING)
        | Q(state=State.JUDGING, since__lt=now - LONGEST_JUDGING)
    ).values_list("pk", flat=True)
    moved = 0
    for pk in [*overdue, *_waiting_for_nobody(now)]:
        try:
            moved += _moved_on(pk, now)
        except (InterfaceError, OperationalError):  # the database itself is not there
            raise
        except Exception:  # one that cannot be moved keeps no other from being moved
            log.exception("job %s could not be moved on; trying again", pk)
    return moved


@transaction.atomic
def _moved_on(pk: int, now: datetime) -> bool:
    job = _locked(pk=pk)
    if job.state == State.PLAYING and job.lease_until and job.lease_until < now:
        _again(job, "its worker was not heard of for a minute", fault_of=job.worker)
    elif job.state == State.PLAYING and job.since < now - _longest(job):
        _again(job, f"it was played for more than {_longest(job)}", fault_of=job.worker)
    elif job.state == State.JUDGING and job.since < now - LONGEST_JUDGING:
        _again(job, "checking its bundle did not end")
    elif job.state == State.QUEUED and job.since < _long_ago(now):
        days = settings.SITE.config.limits.days_without_worker
        _move(
            job, State.FAILED, f"no worker of the class {job.hardware} came in "
            f"{number_of(days, 'day')}, which is a fault of the site: it counts for no limit, and "
            "may be played again",
        )
    else:
        return False
    return True


def _long_ago(now: datetime) -> datetime:
    """What waits since then has waited for a worker long enough, if none came."""
    return now - timedelta(days=settings.SITE.config.limits.days_without_worker)


def _waiting_for_nobody(now: datetime) -> list[int]:
    """Jobs that have waited long, and that nobody could have taken in all that time."""
    since = _long_ago(now)
    waiting = Job.objects.filter(state=State.QUEUED, since__lt=since).annotate(
        of_contest=Coalesce("run__entry__contest", "repeats__entry__contest")
    )
    asked = waiting.order_by().values_list("hardware", "of_contest").distinct()
    return [
        pk for hardware, contest in asked if not _came(hardware, contest, since)
        for pk in waiting.filter(hardware=hardware, of_contest=contest).values_list("pk", flat=True)
    ]


def _came(hardware: str, contest: int, since: datetime) -> bool:
    """Whether a worker of a class was there that takes jobs, or that took one."""
    there = Worker.objects.filter(
        may_play(contest), hardware=hardware, last_seen__gt=since, problem=""
    )
    took = Job.objects.filter(may_play(contest, "worker__"), hardware=hardware, since__gt=since)
    return there.exists() or took.exists()


def _longest(job: Job) -> timedelta:
    """How long one may be played."""
    return max(LONGEST_PLAYING, timedelta(seconds=ESTIMATES_PLAYED * job.estimate_seconds))


def forget_old_events(now: datetime | None = None, keep: timedelta = timedelta(days=30)) -> int:
    """What was told of runs that ended long ago: their bundles have all of it."""
    now = now or timezone.now()
    old = Event.objects.filter(run__job__since__lt=now - keep).exclude(
        run__job__state__in=OPEN
    ).order_by().values_list("pk", flat=True)
    forgotten = 0
    while some := list(old[:FORGOTTEN_AT_ONCE]):  # so that nobody waits long for the table
        forgotten += Event.objects.filter(pk__in=some).delete()[0]
    return forgotten
