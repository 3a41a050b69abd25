"""Which trials count. Whatever is left out is counted and said, never dropped in silence."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlgolf.core.competition import Competition
from mlgolf.core.errors import ScoringError
from mlgolf.core.plan import Ruleset
from mlgolf.core.trial import Trial, TrialKey
from mlgolf.scoring.objective import StudyResult, group_studies, study_result


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What a leaderboard is computed from.

    `submissions` has everyone who sent in a trial, also those of whom none counts; `framework` is
    None if nobody did.
    """

    framework: str | None
    submissions: tuple[str, ...]
    studies: tuple[StudyResult, ...]
    notes: tuple[str, ...]

    def studies_of(self, submission: str, workload: str) -> list[StudyResult]:
        return [
            result for result in self.studies
            if (result.study.submission, result.study.workload) == (submission, workload)
        ]


def admit(
    competition: Competition, trials: Iterable[Trial], ruleset: Ruleset,
    framework: str | None = None,
) -> Admission:
    """The studies of a board, each with its result, and notes on what they leave out.

    Raises: ScoringError for trials of several frameworks where none was picked, or for one trial
      that is given twice.
    """
    trials = list(trials)
    _check_unique([trial.key for trial in trials])
    framework = framework or _only_framework(trials)
    board = [trial for trial in trials if trial.key.framework == framework]
    refused = [(trial, refusal(trial, competition, ruleset)) for trial in board]
    studies = tuple(
        study_result(study, competition.rules, competition.workloads[study.workload], ruleset)
        for study in group_studies(trial for trial, reason in refused if reason is None)
    )
    counts = Counter(reason for _, reason in refused if reason is not None)
    submissions = tuple(sorted({trial.key.submission for trial in board}))
    return Admission(
        framework=framework,
        submissions=submissions,
        studies=studies,
        notes=(*_say(counts), *_missing_studies(competition, studies, submissions, ruleset)),
    )


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


def _only_framework(trials: Sequence[Trial]) -> str | None:
    found = sorted({trial.key.framework for trial in trials})
    if len(found) > 1:
        raise ScoringError(
            f"trials of {' and '.join(found)} are mixed. Times of different frameworks are not "
            f"compared: pick one with --framework {'|'.join(found)}."
        )
    return found[0] if found else None


def _say(counts: Counter[str]) -> list[str]:
    return [f"{counted(n, 'trial')} left out: {reason}" for reason, n in sorted(counts.items())]


def _missing_studies(
    competition: Competition, results: Sequence[StudyResult], submissions: Sequence[str],
    ruleset: Ruleset,
) -> list[str]:
    """Absent studies do not enter a median, so a reader has to know of them."""
    asked = competition.rules.tuning.under(ruleset).studies
    found = Counter((r.study.submission, r.study.workload) for r in results)
    notes = []
    for submission in submissions:
        short = [w for w in competition.workloads if found[submission, w] < asked]
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
