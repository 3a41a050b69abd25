"""A worker plays an entry by the same command as anybody, and delivers the run as a bundle."""

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlgolf.api.bundles import bundle as write_bundle
from mlgolf.core.errors import SubmissionError
from mlgolf.core.text import printable
from mlgolf.results.bundles.reading import sound_bundle
from mlgolf.results.run_folder import FILE
from mlgolf_site.jobs.command import REFUSED
from mlgolf_site.jobs.evaluating import evaluate
from mlgolf_site.jobs.following import Told, last_said, started

if TYPE_CHECKING:
    from mlgolf_site.jobs.worker import Worker

MISTAKE = 2  # exit code of mlgolf where it says what is wrong


def play(worker: "Worker", job: dict[str, Any], place: Path) -> None:
    """Raises: Lost."""
    if has_ended(job, place):  # and could not be delivered before
        deliver(worker, job, place)
        return
    competition = worker.competition(job)
    unzip(worker.call("GET", f"jobs/{job['job']}/code").content, place)
    run, said = place / "run" / job["run"], place / "said.txt"
    cut_off = ["--resume"] if (run / FILE).exists() else []
    given = f"{competition}@{job['cell']}" if job["cell"] else str(competition)
    process = started(
        ["run", job["entry"], "--competition", given, "--framework", job["framework"], "--tuning",
         job["ruleset"], "--out", str(run), "--ledger", str(worker.ledger),
         *cut_off],
        place, said, said,
    )  # fmt: skip
    code = worker.follow(job, process, Told(run, said, place / "told.json"))
    if code is None:
        worker.give_up(job, "its worker was stopped", stopped=True)
    elif code == REFUSED and not any(run.glob("*/study_*")):
        worker.give_up(job, last_said(said), refused=True)
    elif not has_ended(job, place):
        why = f": {last_said(said)}" if code == MISTAKE else " before its last trial"
        worker.give_up(job, f"mlgolf run ended with exit code {code}{why}")
    else:
        deliver(worker, job, place)


def has_ended(job: dict[str, Any], place: Path) -> bool:
    """Whether all of it was played, so that it can be delivered."""
    return (place / "run" / job["run"] / "held_out.json").exists()


def deliver(worker: "Worker", job: dict[str, Any], place: Path) -> None:
    """Raises: Lost, and BundleError for a run that cannot be bundled."""
    run = place / "run" / job["run"]
    file = run.parent / f"{run.name}.mlgolf.zip"
    if not file.exists():
        write_bundle(run, file, ledger=worker.ledger)
    seal = sound_bundle(file).seal
    assert seal is not None

    def send() -> None:
        with open(file, "rb") as content:
            worker.call(
                "PUT", f"jobs/{job['job']}/bundle", content=content,
                params={"sha256": seal.sha256}, timeout=300,
            )

    worker.send(job, send)
    evaluate(worker, job, place, seal.sha256)


def unzip(content: bytes, folder: Path) -> None:
    """Of the site. Names are checked all the same: it might be somebody else's.

    Raises: SubmissionError.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            target = (folder / entry.filename).resolve()
            if not target.is_relative_to(folder.resolve()) or entry.is_dir():
                raise SubmissionError(f"{printable(entry.filename)} leads out of its folder")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(entry))
