"""The full analysis of results under one competition's rules: the leaderboard and diagnostics."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mlgolf.core.competition import Competition
from mlgolf.core.records import Disclosure
from mlgolf.core.rules import Ruleset
from mlgolf.core.trial import Trial
from mlgolf.scoring.admission import Admission, admit
from mlgolf.scoring.diagnostics import (
    Bounds,
    LeaveOneOut,
    TrainingTime,
    WinProbability,
    bounds,
    leave_one_out,
    training_time,
    win_probabilities,
)
from mlgolf.scoring.leaderboard import Leaderboard, make_leaderboard, spread_json, to_json
from mlgolf.scoring.pool import Pool
from mlgolf.scoring.qualification import QualifiedRun, qualified_runs
from mlgolf.scoring.records import RecordTest, record_test
from mlgolf.scoring.resampling import Uncertainty
from mlgolf.scoring.runtimes import Runtimes, runtime_distribution
from mlgolf.scoring.sensitivity import OtherInterpretation, sensitivity
from mlgolf.scoring.since import Since
from mlgolf.scoring.standings import Standings
from mlgolf.scoring.target_levels import TargetLevel, has_targets, pools_by_level, target_levels

Admitted = Callable[[Competition], Admission]  # the trials that count under its rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A leaderboard and diagnostics. What was not asked for, or is not known, is empty or None."""

    standings: Standings
    board: Leaderboard
    sensitivity: Sequence[OtherInterpretation]
    win_probability: Sequence[WinProbability]
    leave_one_out: Sequence[LeaveOneOut]
    training_time: Sequence[TrainingTime]
    runs: Sequence[QualifiedRun] = ()  # where each is a result by itself, and logs are known
    record: RecordTest | None = None
    bounds: Sequence[Bounds] = ()
    target_levels: Sequence[TargetLevel] = ()
    runtimes: Runtimes | None = None
    since: Since | None = None
    problems: Sequence[str] = ()  # what could not be read of the results, a sentence each
    disclosures: Mapping[str, Disclosure] = field(default_factory=dict)  # by submissions

    def as_json(self) -> dict[str, Any]:
        """The leaderboard and diagnostics as `mlgolf score --json` prints them."""
        told: dict[str, Any] = {
            name: [asdict(record) for record in getattr(self, name)]
            for name in ("sensitivity", "win_probability", "leave_one_out", "training_time")
        }
        told["spread"] = spread_json(self.board)
        if self.runs:
            told["runs"] = [run.as_json() for run in self.runs]
        if self.record:
            told["record"] = self.record.as_json()
        if self.bounds:
            told["bounds"] = [asdict(bound) for bound in self.bounds]
        if self.runtimes:
            told["target_levels"] = [asdict(level) for level in self.target_levels]
            told["runtimes"] = asdict(self.runtimes)
        if self.since:
            told["since"] = asdict(self.since)
        if self.disclosures:
            told["disclosures"] = {
                name: disclosure.model_dump(mode="json")
                for name, disclosure in self.disclosures.items()
            }
        return {**to_json(self.board), "problems": list(self.problems), **told}


def review(
    competition: Competition, ruleset: Ruleset, admitted: Admitted, *,
    baseline: str | None = None, partial: bool = False, evaluations: Admitted | None = None,
    since: Callable[[Standings], Since] | None = None, problems: Sequence[str] = (),
    disclosures: Mapping[str, Disclosure] | None = None,
) -> Review:
    """Score all submissions, and compute the diagnostics.

    Args:
      admitted: the trials that count under a competition's rules.
      baseline: the submission that geometric means of ratios are taken to.
      partial: whether to bound the scores while trials are missing.
      evaluations: as `admitted`, from data that can be scored at other target levels; None to
        leave these out.
      since: compares these standings with an earlier competition.
      disclosures: what authors say of their submissions, by name.
    Raises: ScoringError for what the rules or the data do not allow.
    """
    admission, pool_under = admitted(competition), _pools(admitted)
    standings = Standings(competition, admission.pool)
    uncertainty = Uncertainty(standings)
    tuning = competition.rules.tuning.under(ruleset)
    board = make_leaderboard(uncertainty, admission, ruleset, baseline=baseline)
    pools = (
        pools_by_level(competition, pool_under if evaluations is admitted else _pools(evaluations))
        if evaluations and admission.pool.submissions else {}
    )
    return Review(
        standings=standings,
        board=board,
        sensitivity=sensitivity(competition, pool_under),
        win_probability=win_probabilities(uncertainty),
        leave_one_out=leave_one_out(standings),
        training_time=training_time(admission.pool),
        runs=qualified_runs(competition, admission.trials, ruleset),
        record=record_test(standings, ruleset, labelled=board.labels),
        bounds=bounds(standings, tuning.trials) if partial else (),
        target_levels=target_levels(competition, pools),
        runtimes=(
            runtime_distribution(competition, pools.values(), budget_factor=tuning.budget_factor)
            if pools else None
        ),
        since=since(standings) if since else None,
        problems=problems,
        disclosures={
            entry.submission: disclosures[entry.submission] for entry in board.entries
            if disclosures and entry.submission in disclosures
        },
    )


def _pools(admitted: Admitted) -> Callable[[Competition], Pool]:
    """The trials under a competition's rules, looked up once for rules that admit the same."""
    known: dict[str, Pool] = {}

    def pool_under(competition: Competition) -> Pool:
        interpretations = competition.rules.aggregation.interpretations
        what_decides = (
            interpretations.target, interpretations.unevaluated,
            {name: row.bounds for name, row in competition.workloads.items()},
        )
        key = repr(what_decides)
        if key not in known:
            known[key] = admitted(competition).pool
        return known[key]

    return pool_under


def review_trials(
    competition: Competition, trials: Iterable[Trial], ruleset: Ruleset,
    framework: str | None = None,
) -> Review:
    """The review of trials with evaluations, at all target levels if the rules have targets."""
    trials = list(trials)

    def admitted(rules: Competition) -> Admission:
        return admit(rules, trials, ruleset, framework)

    return review(
        competition, ruleset, admitted,
        evaluations=admitted if has_targets(competition) else None,
    )
