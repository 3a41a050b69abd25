"""Which trials count. Every trial that is left out is counted, and the notes say why."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlgolf.core.competition import Competition
from mlgolf.core.errors import ScoringError
from mlgolf.core.jury_ruling import JuryRuling
from mlgolf.core.rules import Rules, Ruleset
from mlgolf.core.text import enumerated, number_of
from mlgolf.core.trial import Trial
from mlgolf.core.trial_key import TrialKey
from mlgolf.scoring.jury import Tombstone
from mlgolf.scoring.kept_trials import KeptTrial, keep_trials
from mlgolf.scoring.pool import Pool, make_pool

MOST_NAMED = 3  # workloads, if the same holds for all


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What a leaderboard is computed from.

    The pool has every submission with a trial, even if none of its trials counts; `framework` is
    None if there is no trial, or if the rules compare frameworks and there are several.
    """

    framework: str | None
    pool: Pool
    notes: tuple[str, ...]
    trials: tuple[Trial, ...] = ()  # those that count; none where only a table of times is known
    unofficial: tuple[str, ...] = ()  # why these are no official trials; empty if they are
    tombstones: tuple[Tombstone, ...] = ()  # what a jury disqualified: it is not in the pool
    rulings: tuple[JuryRuling, ...] = ()  # of a jury, on these submissions

    @property
    def all_notes(self) -> tuple[str, ...]:
        """With what a jury disqualified, for views that are no board and show no tombstones."""
        return (*map(str, self.tombstones), *self.notes)


def admit(
    competition: Competition, trials: Iterable[Trial], ruleset: Ruleset,
    framework: str | None = None, *, official_first: bool = True,
) -> Admission:
    """The trials of a board, as numbers, and notes on what they leave out.

    Where there are official trials only they count; otherwise the unofficial ones do.

    Args: official_first: False where trials of one run are compared with one another, and leaving
      out those that shared the machine would leave methods with fewer than others.
    Raises: ScoringError for trials of several frameworks where none was picked, or for one trial
      that is given twice.
    """
    kept = keep_trials(competition, trials, ruleset)
    return admit_kept(competition, kept, ruleset, framework, official_first=official_first)


def admit_kept(
    competition: Competition, kept: Iterable[KeptTrial], ruleset: Ruleset,
    framework: str | None = None, *, official_first: bool = True,
) -> Admission:
    """As `admit`, from trials that `keep_trials` made numbers of under the same rules."""
    kept = list(kept)
    _check_unique([one.trial.key for one in kept])
    framework = framework or one_framework(
        {(one.trial.key.submission, one.trial.key.framework) for one in kept}, competition.rules
    )
    board = [one for one in kept if framework in (one.trial.key.framework, None)]
    ruled, unofficial = _only_official(board) if official_first else (
        board, _why_unofficial(one.trial for one in board if one.may_count)
    )
    submissions = tuple(sorted({one.trial.key.submission for one in board}))
    results = (one.result for one in ruled if one.may_count and one.result is not None)
    studies = competition.rules.tuning.under(ruleset).studies
    pool = make_pool(results, submissions, tuple(competition.workloads), studies)
    counts = Counter(one.reason for one in ruled if one.reason is not None)
    return Admission(
        framework=framework, pool=pool, unofficial=unofficial,
        notes=(*exclusion_notes(counts), *missing_notes(pool, competition, ruleset)),
        trials=tuple(one.trial for one in ruled if one.reason is None),
    )


def _only_official(board: Sequence[KeptTrial]) -> tuple[Sequence[KeptTrial], tuple[str, ...]]:
    """The same with trials that are not official left out, or with all of them if none is.

    Returns also: why trials that count are unofficial. Practice has a label of its own.
    """
    eligible = [one.trial for one in board if one.may_count]
    if eligible and all(map(_why_not_official, eligible)):
        return board, _why_unofficial(eligible)
    return [
        one.left_out(why) if one.may_count and (why := _why_not_official(one.trial)) else one
        for one in board
    ], ()


def _why_unofficial(trials: Iterable[Trial]) -> tuple[str, ...]:
    return tuple(sorted({trial.unofficial for trial in trials} - {""}))


def _why_not_official(trial: Trial) -> str:
    if trial.unofficial:
        return f"unofficial ({trial.unofficial})"
    practice = trial.facts.held_out == "practice"
    return "practice, on held-out data that a submission could know" if practice else ""


def _check_unique(keys: Sequence[TrialKey]) -> None:
    if len(set(keys)) < len(keys):
        repeated = [key for key, count in Counter(keys).items() if count > 1]
        raise ScoringError(
            f"{repeated[0]} is given twice ({len(repeated)} such trials). "
            "Score runs of one submission one at a time, or rename one of the submissions."
        )


def one_framework(found: Collection[tuple[str, str]], rules: Rules) -> str | None:
    """The framework of a board; None if there is none, or if several are compared.

    Args:
      found: pairs of a submission and a framework.
    Raises: ScoringError for several where they are not compared, and for a submission in two.
    """
    frameworks = sorted({framework for _, framework in found})
    if len(frameworks) > 1 and rules.frameworks == "apart":
        raise ScoringError(
            f"trials of {enumerated(frameworks)} are mixed. Times of different frameworks are "
            f"not compared: pick one with --framework {'|'.join(frameworks)}."
        )
    times = Counter(submission for submission, _ in found)
    for name in sorted(name for name, count in times.items() if count > 1):
        own = sorted(framework for submission, framework in found if submission == name)
        raise ScoringError(
            f"{name} has trials in {enumerated(own)}: two submissions under one name. Rename "
            "one, or name all the others with --submissions."
        )
    return frameworks[0] if len(frameworks) == 1 else None


def exclusion_notes(counts: Mapping[str, int]) -> list[str]:
    """A sentence for each reason to leave trials out: reason -> how many trials."""
    return [f"{number_of(n, 'trial')} left out: {reason}" for reason, n in sorted(counts.items())]


def missing_notes(pool: Pool, competition: Competition, ruleset: Ruleset) -> list[str]:
    """Which submissions have more or fewer studies and trials than the rules ask for, and where.

    Missing trials change scores: a median has fewer studies, or a study has a worse best trial.
    """
    notes: list[str] = []
    same_lack: dict[str, list[str]] = {}
    tuning = competition.rules.tuning.under(ruleset)
    asked = [competition.workloads[name].trials_of(tuning.trials) for name in pool.workloads]
    studies = pool.played.any(axis=-1).sum(axis=-1)
    lacking = tuning.studies * np.array(asked) - pool.ended.sum(axis=(-2, -1))
    # On most rows of a large board nothing is amiss.
    amiss = np.flatnonzero(((studies != tuning.studies) | (lacking > 0)).any(axis=-1))
    for row in amiss.tolist():
        submission, found, absent = pool.submissions[row], studies[row], lacking[row]
        for words, other in (("fewer", found < tuning.studies), ("more", found > tuning.studies)):
            names = [name for name, is_other in zip(pool.workloads, other, strict=True) if is_other]
            if names:
                notes.append(
                    f"{submission}: {words} than the {number_of(tuning.studies, 'study')} that the "
                    f"rules ask for on {number_of(len(names), 'workload')}: {', '.join(names)}"
                )
        if tuning.trials == 1 and (found < tuning.studies).any():
            continue  # the same, said in trials
        short = {n: count for n, count in zip(pool.workloads, absent, strict=True) if count > 0}
        if short:
            missing = (
                f"{number_of(int(sum(short.values())), 'trial')} missing of those that the rules "
                f"ask for: {_each(short, len(absent))}"
            )
            same_lack.setdefault(missing, []).append(submission)
    return notes + [f"{_whose(names)}: {missing}" for missing, names in same_lack.items()]


def _whose(submissions: Sequence[str]) -> str:
    each = " each" if len(submissions) > 1 else ""
    return f"{', '.join(submissions)}{each}"


def _each(counts: Mapping[str, int], workloads: int) -> str:
    if len(counts) == workloads > MOST_NAMED and len({*counts.values()}) == 1:
        return f"{next(iter(counts.values()))} on each workload"
    return ", ".join(f"{name} {count}" for name, count in counts.items())
