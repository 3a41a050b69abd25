"""Boards of made-up entries with results, as many as are asked for: their trials alone are made
up, and all that is made of them is made by the library."""

import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from mlgolf_site.boards.services import as_json
from mlgolf_site.contests.models import Board
from mlgolf_site.entries.models import Entry, Run
from mlgolf_site.jobs.models import Job, State
from mlgolf_site.people.models import User

from mlgolf.core.hardware import load_hardware
from mlgolf.core.records import Calibration, ClockTotal, TrialFacts, VerdictRecord
from mlgolf.core.status import Status
from mlgolf.core.trial import Trial
from mlgolf.core.trial_key import TrialKey
from mlgolf.scoring.kept_trials import as_records, keep_trials

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_MACHINE = {"processor": "made up", "cores": 2, "kernel": "6.1", "python": "3.11.7"}


def trials_of(
    board: Board, name: str, value: float, rng: np.random.Generator, *, received: datetime = BEGAN
) -> list[Trial]:
    """A run of an entry: each seed's best norm is near `value`; one run in thirty fits no data."""
    rules = board.competition
    ((workload, row),) = rules.workloads.items()
    studies = rules.rules.tuning.under(board.ruleset).studies
    hardware = load_hardware(rules.rules.hardware)
    facts = TrialFacts(
        ruleset=board.ruleset, hardware=hardware, machine=_MACHINE, mlgolf_version="0.1.0",
        submission_sha256=_sha256(name), held_out="secret",
        calibration=Calibration(seconds=0.03, spread=0.01, reference_seconds=0.03),
    )
    clock = rules.rules.seconds_allowed(row) * np.array([0.1, 0.2, 0.3])
    return [
        Trial(
            key=TrialKey(submission=name, framework="torch", workload=workload, study=study,
                         trial=1),
            seed=study, hyperparameters={}, status=Status.FINISHED, reason="it was done",
            steps=np.array([10, 20, 30]), seconds=clock, cpu_seconds=clock, wall_seconds=clock,
            metrics={
                f"model/{rules.rules.objective}": value * np.array([2.0, 1.3, 1.0]) * noise,
                "train/loss": np.array([0.5, 0.02, 0.02 if fits else 0.5]),
                "train/loss_max": np.array([0.9, 0.3, 0.3]),
                "test/error_rate": np.array([0.1, 0.05, 0.04]),
            },
            received=received, facts=facts, verdict=VerdictRecord(
                status=Status.FINISHED, reason="it was done", clock={"rule": "cpu"},
                total=ClockTotal(seconds=clock[-1], cpu=clock[-1], wall=clock[-1]),
            ),
        )
        for study, (noise, fits) in enumerate(zip(
            np.exp(rng.normal(0, 0.01, studies)), rng.random(studies) > 1 / 30, strict=True
        ))
    ]  # fmt: skip


def results_of(board: Board, trials: list[Trial]) -> str:
    """As a run that was delivered has them."""
    return json.dumps(as_records(list(keep_trials(board.competition, trials, board.ruleset))))


def fill(
    board: Board, number: int, *, owners: list[User], view: dict[str, Any] | None = None,
    first: int = 0, seed: int = 0, at_once: int = 1000,
) -> None:
    """So many more entries on a board, each with one run that counts.

    Args: view: of each run, for its entry's page. first: the number of the first.
    """
    rng = np.random.default_rng(seed)
    values = 8.0 * np.exp(np.abs(rng.normal(0, 0.4, number)))
    for start in range(0, number, at_once):
        some = range(start, min(start + at_once, number))
        entries = Entry.objects.bulk_create([
            Entry(
                board=board, contest=board.version.contest, name=f"entry-{first + n:05d}",
                owner=owners[n % len(owners)], code_sha256=_sha256(f"entry-{first + n:05d}"),
            ) for n in some
        ])  # fmt: skip
        runs = []
        for n, entry in zip(some, entries, strict=True):
            received = BEGAN + timedelta(minutes=n)
            trials = trials_of(board, entry.name, float(values[n]), rng, received=received)
            runs.append(Run(
                entry=entry, ended=received, counts=True, view=as_json(view or {}),
                bundle_sha256=_sha256(uuid.uuid4().hex), results=results_of(board, trials),
            ))
        runs = Run.objects.bulk_create(runs)
        Job.objects.bulk_create([
            Job(run=run, hardware=board.hardware, state=State.DONE, reason="has a verdict")
            for run in runs
        ])  # fmt: skip
    board.has_changed()


def people(number: int) -> list[User]:
    """Who can sign in by no password."""
    stem = uuid.uuid4().hex[:6]
    return User.objects.bulk_create([
        User(username=f"p{stem}-{n}", email=f"p{stem}-{n}@example.org", password="!")
        for n in range(number)
    ])  # fmt: skip


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
