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
from mlgolf.scoring.objective import TrialResults
from mlgolf.scoring.pool import Pool, make_pool

MOST_STUDIES = 1000  # arrays have room for every number below the largest
MOST_NAMED = 3  # workloads, if the same holds for all
UNEVALUATED = "ended before their first evaluation"
TOO_MANY_STUDIES = f"of a study whose number is not below {MOST_STUDIES}"


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
    trials = list(trials)
    _check_unique([trial.key for trial in trials])
    framework = framework or one_framework(
        {(trial.key.submission, trial.key.framework) for trial in trials}, competition.rules
    )
    board = [trial for trial in trials if framework in (trial.key.framework, None)]
    reasons = [(trial, exclusion(trial, competition, ruleset)) for trial in board]
    excluded, unofficial = _only_official(reasons) if official_first else (
        reasons, _why_unofficial(_eligible(reasons))
    )
    ended = [(trial, reason) for trial, reason in excluded if reason in (None, UNEVALUATED)]
    submissions = tuple(sorted({trial.key.submission for trial in board}))
    tuning = competition.rules.tuning.under(ruleset)
    on = {
        name: TrialResults(competition.rules, row, budget_factor=tuning.budget_factor)
        for name, row in competition.workloads.items()
    }
    results = (
        on[trial.key.workload].of(trial, counts=reason is None) for trial, reason in ended
    )
    pool = make_pool(results, submissions, tuple(competition.workloads), tuning.studies)
    counts = Counter(reason for _, reason in excluded if reason is not None)
    return Admission(
        framework=framework, pool=pool, unofficial=unofficial,
        notes=(*exclusion_notes(counts), *missing_notes(pool, competition, ruleset)),
        trials=tuple(trial for trial, reason in excluded if reason is None),
    )


Excluded = list[tuple[Trial, str | None]]  # and why; None for trials that count


def _only_official(excluded: Excluded) -> tuple[Excluded, tuple[str, ...]]:
    """The same without trials that are not official, or with all of them if none is.

    Returns also: why trials that count are unofficial. Practice has a label of its own.
    """
    eligible = _eligible(excluded)
    if eligible and all(map(_why_not_official, eligible)):
        return excluded, _why_unofficial(eligible)
    return [
        (trial, _why_not_official(trial) or reason)
        if reason in (None, UNEVALUATED) else (trial, reason)
        for trial, reason in excluded
    ], ()


def _eligible(excluded: Excluded) -> list[Trial]:
    return [trial for trial, reason in excluded if reason in (None, UNEVALUATED)]


def _why_unofficial(trials: Iterable[Trial]) -> tuple[str, ...]:
    return tuple(sorted({trial.unofficial for trial in trials} - {""}))


def _why_not_official(trial: Trial) -> str:
    if trial.unofficial:
        return f"unofficial ({trial.unofficial})"
    practice = trial.facts.held_out == "practice"
    return "practice, on held-out data that a submission could know" if practice else ""


def exclusion(trial: Trial, competition: Competition, ruleset: Ruleset) -> str | None:
    """Why the rules leave a trial out, as words after "left out: "; None if they do not.

    Whether it is official is decided for a board as a whole, in `admit`.
    """
    allowed = competition.rules.tuning.under(ruleset).trials
    if trial.status is None:
        return "no verdict yet"
    if not trial.status.is_final:
        return f"{trial.status.value.lower()}, to be repeated with --resume"
    if trial.to_repeat:
        return "disturbed, to be repeated with --resume"
    if trial.key.workload not in competition.workloads:
        return f"on workloads that {competition.name} does not have"
    if trial.facts.ruleset not in (None, ruleset):
        return f"not played under {ruleset} tuning"
    if trial.key.trial > allowed:
        return f"beyond the {number_of(allowed, 'trial')} a study that the rules allow"
    if trial.key.study >= MOST_STUDIES:
        return TOO_MANY_STUDIES
    interpretations = competition.rules.aggregation.interpretations
    if len(trial.steps) == 0 and interpretations.unevaluated == "left_out":
        return UNEVALUATED
    return None


def _check_unique(keys: Sequence[TrialKey]) -> None:
    repeated = [key for key, count in Counter(keys).items() if count > 1]
    if repeated:
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
    for submission, found, absent in zip(pool.submissions, studies, lacking, strict=True):
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
