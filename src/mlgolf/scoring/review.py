"""All that results say under one competition's rules: the board, and what a board hides."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mlgolf.core.competition import Competition
from mlgolf.core.plan import Ruleset
from mlgolf.core.trial import Trial
from mlgolf.scoring.admission import Admission, admit
from mlgolf.scoring.ladder import Rung, has_targets, ladder, pools_by_rung
from mlgolf.scoring.leaderboard import Leaderboard, score_field, to_json
from mlgolf.scoring.questions import (
    Absence,
    Bounds,
    Cost,
    Pair,
    absences,
    bounds,
    costs,
    pairs,
)
from mlgolf.scoring.readings import OtherReading, other_readings
from mlgolf.scoring.resampling import Doubt
from mlgolf.scoring.runtimes import Runtimes, runtime_distribution
from mlgolf.scoring.since import Since
from mlgolf.scoring.standings import Standings

Admitted = Callable[[Competition], Admission]  # the trials that the rules of a competition admit


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A board and its other sides. What was not asked for, or cannot be told, is empty or None."""

    standings: Standings
    board: Leaderboard
    readings: Sequence[OtherReading]
    pairs: Sequence[Pair]
    absences: Sequence[Absence]
    costs: Sequence[Cost]
    bounds: Sequence[Bounds] = ()
    ladder: Sequence[Rung] = ()
    runtimes: Runtimes | None = None
    since: Since | None = None
    problems: Sequence[str] = ()  # what could not be read of the results, a sentence each

    def as_json(self) -> dict[str, Any]:
        """The board with all the rest beside it, as `mlgolf score --json` prints it."""
        told: dict[str, Any] = {
            name: [asdict(record) for record in getattr(self, name)]
            for name in ("readings", "pairs", "absences", "costs")
        }
        if self.bounds:
            told["bounds"] = [asdict(bound) for bound in self.bounds]
        if self.runtimes:
            told["ladder"] = [asdict(rung) for rung in self.ladder]
            told["runtimes"] = asdict(self.runtimes)
        if self.since:
            told["since"] = asdict(self.since)
        return {**to_json(self.board), "problems": list(self.problems), **told}


def review(
    competition: Competition, ruleset: Ruleset, admitted: Admitted, *,
    baseline: str | None = None, partial: bool = False, evaluations: Admitted | None = None,
    since: Callable[[Standings], Since] | None = None, problems: Sequence[str] = (),
) -> Review:
    """Score a field and question the scores.

    Args:
      admitted: the field's trials under a competition's rules.
      baseline: whom geometric means of ratios are taken to.
      partial: whether to bound the scores while trials are missing.
      evaluations: the same as `admitted` where targets may be moved, for a ladder of them; None
        for none.
      since: compares these standings with an earlier field.
    Raises: ScoringError for what the rules or the data do not allow.
    """
    admission = admitted(competition)
    standings = Standings(competition, admission.pool)
    doubt = Doubt(standings)
    tuning = competition.rules.tuning.under(ruleset)
    pools = (
        pools_by_rung(competition, lambda easier: evaluations(easier).pool)
        if evaluations and admission.pool.submissions else {}
    )
    return Review(
        standings=standings,
        board=score_field(
            doubt, ruleset, framework=admission.framework, notes=admission.notes,
            baseline=baseline,
        ),
        readings=other_readings(competition, lambda other: admitted(other).pool),
        pairs=pairs(doubt),
        absences=absences(standings),
        costs=costs(admission.pool),
        bounds=bounds(standings, tuning.trials) if partial else (),
        ladder=ladder(competition, pools),
        runtimes=(
            runtime_distribution(competition, pools.values(), budget_factor=tuning.budget_factor)
            if pools else None
        ),
        since=since(standings) if since else None,
        problems=problems,
    )


def review_trials(
    competition: Competition, trials: Iterable[Trial], ruleset: Ruleset,
    framework: str | None = None,
) -> Review:
    """The review of trials that are at hand, with a ladder of targets where the rules have any."""
    trials = list(trials)

    def admitted(rules: Competition) -> Admission:
        return admit(rules, trials, ruleset, framework)

    return review(
        competition, ruleset, admitted,
        evaluations=admitted if has_targets(competition) else None,
    )
