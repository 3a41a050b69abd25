"""What the queue says of a job: its place, why it waits, and when it may begin."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, Sum, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from mlgolf_site.contests.models import Contest
from mlgolf_site.entries.models import Run
from mlgolf_site.jobs.models import Job, State, Worker
from mlgolf_site.jobs.services import LEASE, may_play


def place_in_queue(job: Job) -> tuple[int, float | None]:
    """How many jobs stand before it, and the seconds until it may begin; (0, 0) if it began.

    None seconds if nobody is there to begin it.
    """
    if job.state != State.QUEUED:
        return 0, 0.0
    of_class = Job.objects.filter(hardware=job.hardware)
    waiting = of_class.filter(state=State.QUEUED, pk__lt=job.pk).aggregate(
        number=Count("pk"), seconds=Sum(Greatest("estimate_seconds", Value(1.0)), default=0.0)
    )
    now, playing = timezone.now(), list(of_class.filter(state=State.PLAYING))
    left = (other.estimate_seconds - (now - other.since).total_seconds() for other in playing)
    seconds = waiting["seconds"] + sum(max(one, 1.0) for one in left)
    there = working(job.hardware, job.about.entry.contest)
    return waiting["number"] + len(playing), seconds / len(there) if there else None


def why_it_waits(job: Job) -> str:
    """A sentence without its full stop."""
    workers = working(job.hardware, job.about.entry.contest)
    if nobody := _why_nobody_plays(job.hardware, workers):
        return nobody
    if job.not_before is not None and (seconds := _until(job.not_before)) > 0:
        return f"{job.reason}; the next try is in {seconds:.0f} s"
    place, _ = place_in_queue(job)
    ahead = "it is the next" if place <= 1 else f"{place} jobs are before it"
    return f"{ahead}; {len(workers)} {'worker plays' if len(workers) == 1 else 'workers play'} " \
        f"the class {job.hardware}"


def why_nobody_plays(hardware: str, contest: Contest) -> str:
    """Of a class, just now: a sentence without its full stop; empty if somebody does."""
    return _why_nobody_plays(hardware, working(hardware, contest))


def _why_nobody_plays(hardware: str, workers: Sequence[Worker]) -> str:
    if not workers:
        return f"no worker of the class {hardware} is there"
    if all(worker.why_no_job() for worker in workers):
        return f"{workers[0].name}: {workers[0].why_no_job()}"
    return ""


def _until(moment: datetime) -> float:
    return (moment - timezone.now()).total_seconds()


def standing_in_queue(run: Run | None) -> dict[str, Any] | None:
    """Of a run that has not ended: its state, its place, why it waits, and when it may begin."""
    if run is None or State(run.job.state).has_ended:
        return None
    place, seconds = place_in_queue(run.job)
    return {
        "state": State(run.job.state), "place": place, "seconds": seconds,
        "why": why_it_waits(run.job) if run.job.state == State.QUEUED else run.job.reason,
    }


def working(hardware: str, contest: Contest | None = None) -> list[Worker]:
    """Workers of a class that were heard of lately, and may play a competition."""
    found = Worker.objects.filter(
        hardware=hardware, last_seen__gt=timezone.now() - LEASE
    ).order_by("pk")
    if contest is not None:
        found = found.filter(may_play(contest)).distinct()
    return list(found)
