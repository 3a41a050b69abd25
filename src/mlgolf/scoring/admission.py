"""Which trials count. Whatever is left out is counted and said, never dropped in silence."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mlgolf.core.competition import Competition
from mlgolf.core.errors import ScoringError
from mlgolf.core.plan import Ruleset
from mlgolf.core.rules import Rules
from mlgolf.core.trial import Trial, TrialKey
from mlgolf.scoring.objective import as_numbers
from mlgolf.scoring.pool import Pool, make_pool


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
    framework = framework or _framework(trials, competition.rules)
    board = [trial for trial in trials if framework in (trial.key.framework, None)]
    refused = [(trial, refusal(trial, competition, ruleset)) for trial in board]
    admitted = [trial for trial, reason in refused if reason is None]
    submissions = tuple(sorted({trial.key.submission for trial in board}))
    tuning = competition.rules.tuning.under(ruleset)
    results = (
        as_numbers(
            trial, competition.rules, competition.workloads[trial.key.workload],
            budget_factor=tuning.budget_factor,
        )
        for trial in admitted
    )
    pool = make_pool(results, submissions, tuple(competition.workloads), tuning.studies)
    counts = Counter(reason for _, reason in refused if reason is not None)
    notes = (*said(counts), *missing_studies(pool, tuning.studies))
    return Admission(framework=framework, pool=pool, notes=notes)


def refusal(trial: Trial, competition: Competition, ruleset: Ruleset) -> str | None:
    """Why a trial takes no part in the scores, as words after "left out: "; None if it does."""
    allowed = competition.rules.tuning.under(ruleset).trials
    if trial.status is None:
        return "no verdict yet"
    if not trial.status.is_final:
        return f"{trial.status.value.lower()}, to be repeated with --resume"
    if not trial.scored:
        return "unofficial (they shared the machine, or ran outside a sandbox)"
    if trial.key.workload not in competition.workloads:
        return f"on workloads that {competition.name} does not have"
    if trial.header.get("ruleset", ruleset) != ruleset:
        return f"not played under {ruleset} tuning"
    if len(trial.steps) == 0 and competition.rules.aggregation.readings.unevaluated == "left_out":
        return "ended before their first evaluation"
    if trial.key.trial > allowed:
        return f"beyond the {counted(allowed, 'trial')} a study that the rules allow"
    return None


def _check_unique(keys: Sequence[TrialKey]) -> None:
    repeated = [key for key, count in Counter(keys).items() if count > 1]
    if repeated:
        raise ScoringError(
            f"{repeated[0]} is given twice ({len(repeated)} such trials). "
            "Score runs of one submission one at a time, or rename one of the submissions."
        )


def _framework(trials: Sequence[Trial], rules: Rules) -> str | None:
    found = sorted({trial.key.framework for trial in trials})
    if len(found) > 1:
        if rules.frameworks == "together":
            return None
        raise ScoringError(
            f"trials of {' and '.join(found)} are mixed. Times of different frameworks are not "
            f"compared: pick one with --framework {'|'.join(found)}."
        )
    return found[0] if found else None


def said(counts: Mapping[str, int]) -> list[str]:
    """Sentences about what was left out: reason -> how many trials."""
    return [f"{counted(n, 'trial')} left out: {reason}" for reason, n in sorted(counts.items())]


def missing_studies(pool: Pool, asked: int) -> list[str]:
    """Absent studies may not enter a median, so a reader has to know of them."""
    notes = []
    found = pool.played.any(axis=-1).sum(axis=-1)
    for submission, row in zip(pool.submissions, found, strict=True):
        short = [name for name, n in zip(pool.workloads, row, strict=True) if n < asked]
        if short:
            notes.append(
                f"{submission}: fewer than the {counted(asked, 'study')} that the rules ask for on "
                f"{counted(len(short), 'workload')}: {', '.join(short)}"
            )
    return notes


def counted(number: int, noun: str) -> str:
    """For sentences: 1 trial, 2 trials, 3 studies."""
    plural = noun.removesuffix("y") + "ies" if noun.endswith("y") else noun + "s"
    return f"{number} {noun if number == 1 else plural}"
