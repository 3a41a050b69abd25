"""A worker repeats trials of a run that was delivered, by the same command as anybody."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlgolf_site.jobs.following import Silent, last_said, started

if TYPE_CHECKING:
    from mlgolf_site.jobs.worker import Worker

FOUND = "found.json"
# What the site is told of what `mlgolf verify --json` says: see `api/workers.py`.
_TOLD = ("sha256", "outcome", "problems", "notes", "seed", "sandbox")
_TOLD_OF_TRIALS = (
    "trial", "confirmed", "compared", "rows", "deviation", "differences", "seconds",
    "processor", "recorded_processor",
)


def verify(worker: "Worker", job: dict[str, Any], place: Path) -> None:
    """Raises: Lost."""
    competition = worker.competition(job)
    bundle = place / f"{job['run']}.mlgolf.zip"
    bundle.write_bytes(worker.call("GET", f"jobs/{job['job']}/stored", timeout=300).content)
    said = place / "said.txt"
    process = started(
        ["verify", bundle.name, "--replay", str(job["trials"]), "--any-key", "--json",
         "--competition", str(competition)], place, said, place / FOUND,
    )  # fmt: skip
    code = worker.follow(job, process, Silent())
    if code is None:
        worker.give_up(job, "its worker was stopped", stopped=True)
    elif not has_ended(job, place):
        worker.give_up(
            job, f"mlgolf verify ended with exit code {code} and found nothing out: "
            f"{last_said(said)}",
        )
    else:
        deliver(worker, job, place)


def has_ended(job: dict[str, Any], place: Path) -> bool:
    """Whether all of what it found was written, so that it can be delivered."""
    try:
        json.loads((place / FOUND).read_bytes())["bundles"][0]
    except (OSError, ValueError, LookupError):
        return False
    return True


def deliver(worker: "Worker", job: dict[str, Any], place: Path) -> None:
    """Raises: Lost."""
    found = json.loads((place / FOUND).read_bytes())["bundles"][0]
    told = {name: found[name] for name in _TOLD}
    told["replays"] = [
        {name: trial[name] for name in _TOLD_OF_TRIALS} for trial in found["replays"]
    ]

    def send() -> None:
        worker.call("PUT", f"jobs/{job['job']}/repeated", json=told)

    worker.send(job, send)
