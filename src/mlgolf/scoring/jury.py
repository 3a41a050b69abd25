"""What rulings of a jury do to a board: who is disqualified counts nowhere, and stays to be seen.

Trials of a disqualified submission, or run of it, are taken out before anything is scored, so they
move no score and no rank of others. A trial that is disqualified alone counts as one that never
handed a model over. Pure: rulings come from `core/jury_ruling.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlgolf.core.jury_ruling import JuryRuling, Subject
from mlgolf.core.status import Status
from mlgolf.core.trial import Trial
from mlgolf.core.trial_key import TrialKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """What was disqualified, and by which ruling."""

    submission: str
    sha256: str  # of its code; empty where nobody wrote it down
    ruling: JuryRuling

    def as_json(self) -> dict[str, Any]:
        subject = self.ruling.subject
        return {
            "submission": self.submission, "sha256": self.sha256, "run": subject.run or None,
            "trial": subject.trial or None, **_ruling_json(self.ruling),
        }

    def __str__(self) -> str:
        ruling, subject = self.ruling, self.ruling.subject
        run = f"run {subject.run}" if subject.run else ""
        who = ", ".join(filter(None, [self.submission, run, subject.trial]))
        said = f"disqualified by ruling {ruling.id}: {ruling.reason.removesuffix('.')}"
        return f"{who} left out: {said}" + (f" ({ruling.file})" if ruling.file else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Trials as a board may see them, and the rulings that concern them."""

    trials: tuple[Trial, ...]
    tombstones: tuple[Tombstone, ...] = ()
    rulings: tuple[JuryRuling, ...] = ()  # all on these submissions, earliest first

    @property
    def excluded(self) -> set[str]:
        """Submissions of which nothing is left, by name."""
        left = {trial.key.submission for trial in self.trials}
        return {stone.submission for stone in self.tombstones} - left


def judged(
    trials: Iterable[Trial], rulings: Sequence[JuryRuling], run_of: Mapping[TrialKey, str]
) -> Judged:
    """Args: rulings: earliest first. run_of: the name of the run that each trial is of."""
    trials = tuple(trials)
    if not rulings:
        return Judged(trials=trials)
    in_force = disqualifying(rulings)
    kept: list[Trial] = []
    stones: dict[tuple[str, str, str], Tombstone] = {}
    concerned: set[str] = set()
    for trial in trials:
        key, sha256 = trial.key, trial.facts.submission_sha256
        of_it = (key, sha256, run_of.get(key, ""))
        concerned |= {ruling.id for ruling in rulings if ruling.subject.is_of(*of_it)}
        against = [ruling for ruling in in_force if ruling.subject.is_of(*of_it)]
        for ruling in against:
            stone = Tombstone(submission=key.submission, sha256=sha256, ruling=ruling)
            stones[key.submission, sha256, ruling.id] = stone
        if all(ruling.subject.trial for ruling in against):
            kept.append(_without_models(trial, against[0]) if against else trial)
    return Judged(
        trials=tuple(kept), rulings=tuple(r for r in rulings if r.id in concerned),
        tombstones=tuple(sorted(
            stones.values(), key=lambda stone: (stone.ruling.date, stone.ruling.id)
        )),
    )  # fmt: skip


def judged_names(names: Iterable[str], rulings: Sequence[JuryRuling]) -> Judged:
    """As `judged`, where only a table of submissions by name is known: no hash, run or trial."""
    names = sorted({*names})
    named = [r for r in rulings if not (r.subject.sha256 or r.subject.run or r.subject.trial)]
    stones = [
        Tombstone(submission=name, sha256="", ruling=ruling) for ruling in disqualifying(named)
        for name in names if name == ruling.subject.submission
    ]
    return Judged(
        trials=(), tombstones=tuple(stones),
        rulings=tuple(r for r in named if r.subject.submission in names),
    )


def disqualifying(rulings: Sequence[JuryRuling]) -> list[JuryRuling]:
    """Disqualifications in force: of each subject the last decision, if it is one.

    A warning decides nothing.
    """
    last: dict[Subject, JuryRuling] = {}
    for ruling in rulings:
        if ruling.decision != "warning":
            last[ruling.subject] = ruling
    return [ruling for ruling in last.values() if ruling.decision == "disqualified"]


def _without_models(trial: Trial, ruling: JuryRuling) -> Trial:
    """As if no model of it had been judged."""
    none = np.empty(0)
    return replace(
        trial, status=Status.DISQUALIFIED, reason=f"ruling {ruling.id}: {ruling.reason}",
        steps=none.astype(np.int64), seconds=none, cpu_seconds=none, wall_seconds=none, metrics={},
        joules=None, charged_seconds=None, model_sha256=(),
    )


def rulings_json(rulings: Iterable[JuryRuling]) -> list[dict[str, Any]]:
    return [
        {**_ruling_json(ruling), "decision": ruling.decision,
         "subject": ruling.subject.model_dump(exclude_defaults=True)}
        for ruling in rulings
    ]  # fmt: skip


def _ruling_json(ruling: JuryRuling) -> dict[str, Any]:
    return {
        "ruling": ruling.id, "date": ruling.date.isoformat(), "rule": ruling.rule,
        "reason": ruling.reason, "evidence": list(ruling.evidence), "test": ruling.test,
        "file": str(ruling.file) if ruling.file else None,
    }
