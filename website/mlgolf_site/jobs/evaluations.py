"""What hosts' own scripts say of runs: taken in, and written down beside the bundle.

It stands beside the board. No score, rank or verdict asks for it, and a script that fails costs
nobody anything. Only hosts are told why it failed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from mlgolf.core.errors import RulesError
from mlgolf.core.text import printable
from mlgolf.golf.own_evaluation import MOST_VALUES, checked_values, in_words
from mlgolf_site.contests.models import Contest
from mlgolf_site.contests.services import own_script
from mlgolf_site.entries.models import Run
from mlgolf_site.jobs.beside import write_beside
from mlgolf_site.jobs.models import Job, Worker
from mlgolf_site.jobs.services import JobLost

LONGEST_PROBLEM = 1000  # characters
LOOKED_AT, SHOWN = 100, 5  # of late, on the page of hosts


@transaction.atomic
def take_in_evaluation(
    worker: Worker, pk: int, sha256: str, values: Mapping[str, Any], problem: str
) -> None:
    """Once, of a run that was taken in. Sent again, it is counted once.

    Args: sha256: of the run's bundle. problem: why there are no values.
    Raises: JobLost for a run that the worker did not deliver, or that has another evaluation;
      RulesError for values that no script may give.
    """
    found = as_kept(values, problem)
    job = Job.objects.filter(pk=pk, tried_by=worker, run__isnull=False).first()
    if job is None:
        raise JobLost(f"job {pk} was never played by {worker.name}: nothing of it is taken in")
    run = Run.objects.select_for_update(of=("self",)).select_related(
        "entry__board__version__contest", "job"
    ).get(job=job)
    if (run.bundle_sha256, run.signed_by) != (sha256, worker.public_key):
        raise JobLost(f"{run} was not delivered by {worker.name} as this bundle")
    if own_script(run.entry.board.version) is None:
        raise JobLost(f"the rules of {run.entry.board} have no evaluation of the host's own")
    if run.own_evaluation == found:
        return
    if run.own_evaluation is not None:
        raise JobLost(f"{run} has another evaluation by the host's script")
    run.own_evaluation = found
    run.save(update_fields=["own_evaluation"])
    write_beside(run)
    if run.counts:
        run.entry.board.has_changed()


def as_kept(values: Mapping[str, Any], problem: str) -> dict[str, Any]:
    """Of a database that keeps no order of keys. Raises: RulesError as `checked_values`."""
    pairs = [] if problem else [[name, one] for name, one in checked_values(values).items()]
    return {"values": pairs, "problem": printable(problem)[:LONGEST_PROBLEM]}


def restored(said: Any) -> dict[str, Any] | None:
    """Of the file beside a bundle, which somebody may have edited."""
    try:
        return as_kept(dict(said["values"]), str(said["problem"]))
    except (RulesError, TypeError, ValueError, LookupError):
        return None


def values_of(kept: Mapping[str, Any] | None) -> dict[str, Any]:
    """By name, in the order of the script."""
    return dict(kept["values"]) if kept else {}


def columns_of(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """Names of what stands beside several results, in the order in which they first appear."""
    return [*dict.fromkeys(name for values in found for name in values)][:MOST_VALUES]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEvaluation:
    """What the page of an entry shows of one run."""

    run: Run
    cells: list[str]  # in the order of the columns
    problem: str  # for hosts


def shown_evaluations(
    runs: Iterable[Run], *, to_host: bool
) -> tuple[list[str], list[ShownEvaluation]]:
    """Columns, and a row for each run on which the host's script was run."""
    evaluated = [run for run in runs if run.own_evaluation is not None]
    columns = columns_of(values_of(run.own_evaluation) for run in evaluated)
    return columns, [
        ShownEvaluation(
            run=run, cells=cells_of(values_of(run.own_evaluation), columns),
            problem=run.own_evaluation["problem"] if to_host else "",
        ) for run in evaluated
    ]  # fmt: skip


def failures(contest: Contest) -> list[Run]:
    """Runs of late on which the host's script failed, the newest first."""
    evaluated = Run.objects.filter(
        entry__contest=contest, own_evaluation__isnull=False
    ).select_related("entry__contest").defer(*Run.LARGE).order_by("-pk")[:LOOKED_AT]
    return [run for run in evaluated if run.own_evaluation["problem"]][:SHOWN]


def cells_of(values: Mapping[str, Any], columns: Iterable[str]) -> list[str]:
    """In words; a dash where there is nothing."""
    return [in_words(values.get(name)) for name in columns]
