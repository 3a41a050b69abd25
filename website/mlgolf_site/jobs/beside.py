"""The small file beside a bundle: what the site knows of a run, and no bundle says.

Whose entry it is, when it was handed in, whether it counts, how its job ended. It is written before
the rows that it is of are committed, from the moment that a run waits; so a database that is lost
can be made again from the files of a site (`importing/again.py`). It holds no address, password or
token.
"""

import json
from collections.abc import Iterable
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from mlgolf_site.entries.models import Entry, Run

ENDING = ".json"  # after the name of the bundle


def beside(run: Run) -> dict[str, Any]:
    entry, job = run.entry, run.job
    return {
        "key": str(run.key), "contest": entry.contest.slug, "version": entry.board.version.number,
        "cell": entry.board.cell, "ruleset": entry.board.ruleset, "entry": entry.name,
        "owner": entry.owner.username,
        "team": entry.team.name if entry.team else "", "created": entry.created.isoformat(),
        "framework": entry.framework, "code_sha256": entry.code_sha256,
        "disclosure": entry.disclosure, "is_baseline": entry.is_baseline,
        "is_code_public": entry.is_code_public,
        "based_on": entry.based_on.name if entry.based_on else "",
        "tier": run.tier, "begun": run.created.isoformat(),
        "ended": run.ended.isoformat() if run.ended else "", "counts": run.counts,
        "is_verified": run.is_verified, "state": str(job.state), "reason": job.reason,
        "own_evaluation": run.own_evaluation,
    }


def write_beside(run: Run) -> None:
    """Within the transaction that changes the run: a file too new is better than none."""
    content = json.dumps(beside(run), indent=1, ensure_ascii=False).encode()
    default_storage.save(f"{run.bundle}{ENDING}", ContentFile(content))


def edited(sender: type, instance: Any, created: bool = False, **_: Any) -> None:
    """Somebody saved an entry or a run by a form, an administrator for instance."""
    if created:
        return
    runs = Run.objects.filter(entry=instance) if sender is Entry else Run.objects.filter(
        pk=instance.pk
    )
    found = runs.filter(job__isnull=False).select_related(
        "entry__board__version", "entry__contest", "entry__owner", "entry__team",
        "entry__based_on", "job",
    )
    transaction.on_commit(lambda: _write_all(found))


def _write_all(runs: Iterable[Run]) -> None:
    for run in runs:
        write_beside(run)
