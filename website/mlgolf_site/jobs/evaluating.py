"""A worker runs the host's own evaluation of a run that it has delivered, by the same command as
anybody, and delivers what it found.

The run has its verdict by then, so whatever the script does costs the entrant nothing. A worker
that is ended meanwhile does it at its next start.
"""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlgolf.golf.evaluation_child import FILE
from mlgolf.golf.script_sandbox import SECONDS
from mlgolf_site.jobs.calling import SiteGone
from mlgolf_site.jobs.following import BEAT_SECONDS, end, last_said, started

if TYPE_CHECKING:
    from mlgolf_site.jobs.worker import Worker

LONGEST = SECONDS + 25.0  # with the start of the command; a worker is missed after a minute
FOUND = "evaluation.json"


def evaluate(worker: "Worker", job: dict[str, Any], place: Path, sha256: str) -> None:
    """Raises: Lost; SiteGone where the worker is to stop."""
    competition = worker.competition(job)
    if not (competition / FILE).is_file():
        return
    told = _found(worker, job, place, competition)
    if told["problem"]:
        worker.tell(f"{job['run']}: {told['problem']}")

    def send() -> None:
        worker.call(
            "PUT", f"jobs/{job['job']}/evaluation", params={"sha256": sha256}, json=told
        )

    worker.send(job, send)


def _found(
    worker: "Worker", job: dict[str, Any], place: Path, competition: Path
) -> dict[str, Any]:
    said, out = place / "said_of_evaluation.txt", place / FOUND
    for file in (said, out):
        file.unlink(missing_ok=True)
    process = started(
        ["game", "evaluate", str(place / "run" / job["run"]), "--competition", str(competition),
         "--sandbox", "bubblewrap", "--json"], place, said, out,
    )  # fmt: skip
    until = time.monotonic() + LONGEST
    try:
        while process.poll() is None and time.monotonic() < until:
            if worker.stopping:
                raise SiteGone(f"{job['run']} is evaluated by the host's script at the next start")
            time.sleep(BEAT_SECONDS / 4)
    finally:
        end(process)
    try:
        (found,) = json.loads(out.read_bytes())["evaluations"]
        return {"values": found["values"], "problem": found["problem"]}
    except (OSError, ValueError, LookupError):
        problem = last_said(said) or f"{FILE}: it took more than {LONGEST:g} s"
        return {"values": {}, "problem": problem}
