"""The leaderboard of trials that were written down when their runs ended: see `kept_trials.py`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mlgolf.core.competition import Competition
from mlgolf.core.jury_ruling import JuryRuling
from mlgolf.core.rules import Ruleset
from mlgolf.core.trial_key import TrialKey
from mlgolf.scoring.admission import admit_kept
from mlgolf.scoring.jury import judged
from mlgolf.scoring.kept_trials import KeptTrial, keep_trials
from mlgolf.scoring.leaderboard import Leaderboard, make_leaderboard
from mlgolf.scoring.record_history import RecordStep, record_history
from mlgolf.scoring.records import RecordTest, record_test
from mlgolf.scoring.resampling import Uncertainty
from mlgolf.scoring.shared_ranks import shared_ranks
from mlgolf.scoring.standings import Standings


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBoard:
    """A leaderboard, who shares a rank on it, and whether its best is a record."""

    board: Leaderboard
    standings: Standings
    seeds: Mapping[TrialKey, int]  # of the trials that count
    shared_ranks: Mapping[str, int] | None  # by submission; None where runs are no results alone
    record: RecordTest | None
    history: Sequence[RecordStep]  # of the record, oldest first


def board_of_kept(
    competition: Competition, kept: Iterable[KeptTrial], ruleset: Ruleset, *,
    framework: str | None = None, rulings: Sequence[JuryRuling] = (),
    run_of: Mapping[TrialKey, str] | None = None,
) -> KeptBoard:
    """As `score_competition`, but for near misses, which take evaluations.

    Args:
      rulings: of a jury, earliest first. run_of: the name of the run that each trial is of.
    Raises: as `score_competition`.
    """
    kept = list(kept)
    jury = judged((one.trial for one in kept), rulings, run_of or {})
    if rulings:
        of_trial = {id(one.trial): one for one in kept}
        kept = [
            of_trial.get(id(trial)) or next(keep_trials(competition, [trial], ruleset))
            for trial in jury.trials
        ]
    found = admit_kept(competition, kept, ruleset, framework)
    admission = replace(found, tombstones=jury.tombstones, rulings=jury.rulings)
    standings = Standings(competition, admission.pool)
    board = make_leaderboard(Uncertainty(standings), admission, ruleset)
    return KeptBoard(
        board=board, standings=standings,
        seeds={one.key: one.seed for one in admission.trials},
        shared_ranks=shared_ranks(standings, ruleset),
        record=record_test(standings, ruleset, labelled=board.labels),
        history=record_history(
            standings, ruleset, {e.submission: e.tie_break.received for e in board.entries}
        ),
    )
