"""Which trials count. Whatever is left out is counted and said, never dropped in silence."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mlgolf.core.competition import Competition
from mlgolf.core.errors import ScoringError
from mlgolf.core.plan import Ruleset
from mlgolf.core.rules import ExternalTuning, Rules, SelfTuning
from mlgolf.core.trial import Trial, TrialKey
from mlgolf.scoring.objective import as_numbers
from mlgolf.scoring.pool import Pool, make_pool

MOST_STUDIES = 1000  # arrays have room for every number below the largest
UNEVALUATED = "ended before their first evaluation"
TOO_MANY_STUDIES = f"of a study whose number is not below {MOST_STUDIES}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What a leaderboard is computed from.

    The pool has everyone who sent in a trial, also those of whom none counts; `framework` is None
    if nobody did, or if the rules compare frameworks and there are several.
    """

    framework: str | None
    pool: Pool
    notes: tuple[str, ...]


def admit(
    competition: Competition, trials: Iterable[Trial], ruleset: Ruleset,
    framework: str | None = None,
) -> Admission:
    """The trials of a board, as numbers, and notes on what they leave out.

    Raises: ScoringError for trials of several frameworks where none was picked, or for one trial
      that is given twice.
    """
    trials = list(trials)
    _check_unique([trial.key for trial in trials])
    framework = framework or one_framework(
        {(trial.key.submission, trial.key.framework) for trial in trials}, competition.rules
    )
    board = [trial for trial in trials if framework in (trial.key.framework, None)]
    refused = [(trial, refusal(trial, competition, ruleset)) for trial in board]
    ended = [(trial, reason) for trial, reason in refused if reason in (None, UNEVALUATED)]
    submissions = tuple(sorted({trial.key.submission for trial in board}))
    tuning = competition.rules.tuning.under(ruleset)
    results = (
        as_numbers(
            trial, competition.rules, competition.workloads[trial.key.workload],
            budget_factor=tuning.budget_factor, counts=reason is None,
        )
        for trial, reason in ended
    )
    pool = make_pool(results, submissions, tuple(competition.workloads), tuning.studies)
    counts = Counter(reason for _, reason in refused if reason is not None)
    notes = (*said(counts), *missing(pool, tuning))
    return Admission(framework=framework, pool=pool, notes=notes)


def refusal(trial: Trial, competition: Competition, ruleset: Ruleset) -> str | None:
    """Why a trial takes no part in the scores, as words after "left out: "; None if it does."""
    allowed = competition.rules.tuning.under(ruleset).trials
    if trial.status is None:
        return "no verdict yet"
    if not trial.status.is_final:
        return f"{trial.status.value.lower()}, to be repeated with --resume"
    if trial.unofficial:
        return f"unofficial ({trial.unofficial})"
    if trial.key.workload not in competition.workloads:
        return f"on workloads that {competition.name} does not have"
    if trial.header.get("ruleset", ruleset) != ruleset:
        return f"not played under {ruleset} tuning"
    if trial.key.trial > allowed:
        return f"beyond the {counted(allowed, 'trial')} a study that the rules allow"
    if trial.key.study >= MOST_STUDIES:
        return TOO_MANY_STUDIES
    if len(trial.steps) == 0 and competition.rules.aggregation.readings.unevaluated == "left_out":
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
            f"trials of {' and '.join(frameworks)} are mixed. Times of different frameworks are "
            f"not compared: pick one with --framework {'|'.join(frameworks)}."
        )
    times = Counter(submission for submission, _ in found)
    for name in sorted(name for name, count in times.items() if count > 1):
        own = sorted(framework for submission, framework in found if submission == name)
        raise ScoringError(
            f"{name} has trials in {' and '.join(own)}: two submissions under one name. Rename "
            "one, or name all the others with --submissions."
        )
    return frameworks[0] if len(frameworks) == 1 else None


def said(counts: Mapping[str, int]) -> list[str]:
    """Sentences about what was left out: reason -> how many trials."""
    return [f"{counted(n, 'trial')} left out: {reason}" for reason, n in sorted(counts.items())]


def missing(pool: Pool, tuning: ExternalTuning | SelfTuning) -> list[str]:
    """Who has other studies and trials than the rules ask for, and on which workloads.

    A reader has to know: what is absent may not enter a median, or leave a study a worse trial.
    """
    notes = []
    studies = pool.played.any(axis=-1).sum(axis=-1)
    lacking = tuning.studies * tuning.trials - pool.ended.sum(axis=(-2, -1))
    for submission, found, absent in zip(pool.submissions, studies, lacking, strict=True):
        for words, other in (("fewer", found < tuning.studies), ("more", found > tuning.studies)):
            names = [name for name, is_other in zip(pool.workloads, other, strict=True) if is_other]
            if names:
                notes.append(
                    f"{submission}: {words} than the {counted(tuning.studies, 'study')} that the "
                    f"rules ask for on {counted(len(names), 'workload')}: {', '.join(names)}"
                )
        short = {n: count for n, count in zip(pool.workloads, absent, strict=True) if count > 0}
        if short:
            each = ", ".join(f"{name} {count}" for name, count in short.items())
            notes.append(
                f"{submission}: {counted(int(sum(short.values())), 'trial')} missing of those that "
                f"the rules ask for: {each}"
            )
    return notes


def counted(number: int, noun: str) -> str:
    """For sentences: 1 trial, 2 trials, 3 studies."""
    plural = noun.removesuffix("y") + "ies" if noun.endswith("y") else noun + "s"
    return f"{number} {noun if number == 1 else plural}"
