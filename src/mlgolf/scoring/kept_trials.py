"""What a board needs of one trial, so that boards of many runs need not read their folders again.

A trial's evaluations come down to one `TrialResult` under the rules it was played by. The numbers
of other trials do not enter it, so it may be written down once, when the run has ended. A board
from what was written down is the board of the folders, but for how near those came who did not
reach a target: that is told by the evaluations.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np

from mlgolf.core.competition import Competition
from mlgolf.core.hardware import HardwareClass
from mlgolf.core.records import TrialFacts, VerdictRecord
from mlgolf.core.rules import Ruleset
from mlgolf.core.status import Status
from mlgolf.core.text import number_of
from mlgolf.core.trial import Trial
from mlgolf.core.trial_key import TrialKey
from mlgolf.scoring.objective import TrialResult, TrialResults

MOST_STUDIES = 1000  # arrays have room for every number below the largest
UNEVALUATED = "ended before their first evaluation"
TOO_MANY_STUDIES = f"of a study whose number is not below {MOST_STUDIES}"
_UNUSED = ("versions", "touched", "load_average", "background", "problems", "sandbox")  # by boards


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTrial:
    """A trial, what it came to, and whether the rules leave it out."""

    trial: Trial  # perhaps without its evaluations
    result: TrialResult | None  # None if it is left out, unless for want of an evaluation
    reason: str | None  # why the rules leave it out, as words after "left out: "; None: they do not

    @property
    def may_count(self) -> bool:
        """Whether it has ended under the rules of the board."""
        return self.reason in (None, UNEVALUATED)

    def left_out(self, reason: str) -> "KeptTrial":
        return replace(self, reason=reason)


def keep_trials(
    competition: Competition, trials: Iterable[Trial], ruleset: Ruleset
) -> Iterator[KeptTrial]:
    """What each trial comes to under a competition's rules."""
    tuning = competition.rules.tuning.under(ruleset)
    on = {
        name: TrialResults(competition.rules, row, budget_factor=tuning.budget_factor)
        for name, row in competition.workloads.items()
    }
    for trial in trials:
        reason = exclusion(trial, competition, ruleset)
        kept = KeptTrial(trial=trial, result=None, reason=reason)
        if kept.may_count:
            result = on[trial.key.workload].of(trial, counts=reason is None)
            kept = replace(kept, result=result)
        yield kept


def exclusion(trial: Trial, competition: Competition, ruleset: Ruleset) -> str | None:
    """Why the rules leave a trial out, as words after "left out: "; None if they do not.

    Whether it is official is decided for a board as a whole, in `admit_kept`.
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


# --- written down ---


def as_records(kept: Sequence[KeptTrial]) -> dict[str, Any]:
    """As JSON that `from_records` takes back. What several trials have in common stands once."""
    shared: list[dict[str, Any]] = []
    return {"facts": shared, "trials": [_as_record(one, shared) for one in kept]}


def _as_record(kept: KeptTrial, shared: list[dict[str, Any]]) -> dict[str, Any]:
    trial, result = kept.trial, kept.result
    facts = {k: v for k, v in trial.facts.as_json().items() if k in TrialFacts.model_fields}
    if facts not in shared:
        shared.append(facts)
    verdict = None
    if trial.verdict is not None:
        verdict = {k: v for k, v in trial.verdict.as_json().items() if k not in _UNUSED}
    return {
        "key": asdict(trial.key), "seed": trial.seed, "facts": shared.index(facts),
        "status": trial.status and trial.status.value, "reason": trial.reason,
        "unofficial": trial.unofficial,
        "received": trial.received and trial.received.isoformat(),
        "verdict": verdict, "left_out": kept.reason,
        "result": None if result is None else {
            name: None if value == math.inf else value for name, value in _numbers(result).items()
        },
    }


def _numbers(result: TrialResult) -> dict[str, Any]:
    """Without what the key says."""
    return {name: getattr(result, name) for name in _NUMBERS}


_NUMBERS = [f.name for f in fields(TrialResult) if f.name not in TrialKey.__dataclass_fields__]


def from_records(records: Mapping[str, Any]) -> list[KeptTrial]:
    """What `as_records` wrote down. Its trials have no evaluations.

    Raises: pydantic.ValidationError, KeyError or ValueError for what it did not write.
    """
    facts = [_facts(one) for one in records["facts"]]
    return [_from_record(record, facts) for record in records["trials"]]


def _facts(fields: Mapping[str, Any]) -> TrialFacts:
    """Those of many runs are of one class of hardware, which is kept once."""
    hardware = fields.get("hardware")
    known = {"hardware": _hardware(json.dumps(hardware))} if hardware else {}
    return TrialFacts.model_validate({**fields, **known})


@lru_cache(maxsize=1000)
def _hardware(text: str) -> HardwareClass:
    return HardwareClass.model_validate_json(text)


# Of trials without evaluations.
_NONE, _NO_STEPS = np.empty(0), np.empty(0, dtype=np.int64)


def _from_record(record: Mapping[str, Any], facts: Sequence[TrialFacts]) -> KeptTrial:
    key, found, verdict = TrialKey(**record["key"]), record["result"], record["verdict"]
    trial = Trial(
        key=key, seed=record["seed"], hyperparameters={},
        status=None if record["status"] is None else Status(record["status"]),
        reason=record["reason"], steps=_NO_STEPS, seconds=_NONE, cpu_seconds=_NONE,
        wall_seconds=_NONE, metrics={}, unofficial=record["unofficial"],
        received=datetime.fromisoformat(record["received"]) if record["received"] else None,
        facts=facts[record["facts"]],
        verdict=None if verdict is None else VerdictRecord.model_validate(verdict),
    )
    numbers: dict[str, Any] = {
        name: math.inf if value is None else value for name, value in (found or {}).items()
    }
    result = None if found is None else TrialResult(
        submission=key.submission, workload=key.workload, study=key.study, trial=key.trial,
        **numbers,
    )
    return KeptTrial(trial=trial, result=result, reason=record["left_out"])
