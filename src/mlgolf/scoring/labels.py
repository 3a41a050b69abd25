"""What stands beside a leaderboard's title: reasons to trust its numbers less than usual."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy import special

from mlgolf.core.competition import Competition
from mlgolf.core.disturbance import MEANING
from mlgolf.core.quantities import quantity
from mlgolf.core.records import Disclosure
from mlgolf.core.text import number_of, quoted
from mlgolf.core.trial import Trial
from mlgolf.scoring.claimed import claimed_quantities

MOST_NAMED = 3  # trials that were disturbed
SPEED_TOLERANCE = 1.25  # probes of one machine differ by up to this ratio
OUTSIDE = (
    "Tuning outside the budget is unbounded: hyperparameters may have been found on these data, in "
    "runs that nobody counted."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The labels of one board. Empty fields need no label."""

    unofficial: tuple[str, ...] = ()  # why its trials are no official ones
    practice: bool = False  # held-out data of some trials could be known
    claimed: tuple[str, ...] = ()  # quantities that the rules use and the referee cannot measure
    self_reported: tuple[str, ...] = ()  # hardware classes that nobody can check
    machines: str = ""  # how the machines of its trials differ
    priced: str = ""  # how far the seconds of trials that played beside others may be off
    ladders: tuple[str, ...] = ()  # of each workload that is there at several budgets, a sentence
    untold_tuning: bool = False  # programs that tune themselves: nobody counts what was before
    disturbed: tuple[Trial, ...] = ()  # whose machine was slower or busier than it should be

    @property
    def titles(self) -> list[str]:
        """Short enough for a title."""
        disturbed = len(self.disturbed)
        claims = (f"{quantity(name).noun} as claimed by the submission" for name in self.claimed)
        return [
            *["unofficial"] * bool(self.unofficial), *["practice"] * self.practice,
            *["self-reported"] * bool(self.self_reported), *claims,
            *([number_of(disturbed, "disturbed trial")] if disturbed else []),
            *["budgets in place of workloads"] * bool(self.ladders),
        ]

    @property
    def notes(self) -> list[str]:
        """A sentence for each."""
        notes = [*self.ladders]
        notes += [f"unofficial: {'; '.join(self.unofficial)}"] if self.unofficial else []
        if self.practice:
            notes.append(
                "practice: the held-out data come from the published seed, or from a draw that an "
                "earlier run has shown, so a submission could have made them"
            )
        notes += [
            f"{quantity(name).noun}: as claimed by the submission, the referee cannot measure it"
            for name in self.claimed
        ]
        notes += [
            f"self-reported: that its trials ran on {meaning} is what their contestants say"
            for meaning in self.self_reported
        ]
        notes += [note for note in (self.machines, self.priced) if note]
        notes += [disturbed_in_words(self.disturbed)] if self.disturbed else []
        return [*notes, *([OUTSIDE.removesuffix(".")] if self.untold_tuning else [])]

    def as_json(self) -> dict[str, Any]:
        disturbed = [
            {"trial": str(trial.key), "why": trial.disturbed, "repeated": trial.repeated}
            for trial in self.disturbed
        ]
        return {
            "unofficial": list(self.unofficial), "practice": self.practice,
            "claimed": list(self.claimed),
            **({"self_reported": list(self.self_reported)} if self.self_reported else {}),
            **({"disturbed": disturbed} if disturbed else {}),
        }


def labels(
    competition: Competition, trials: Sequence[Trial], unofficial: Sequence[str] = ()
) -> Labels:
    """The labels of a board that is computed from these trials."""
    known = _one_of_each_facts(trials)
    return Labels(
        unofficial=tuple(unofficial),
        practice=any(trial.facts.held_out == "practice" for trial in known),
        claimed=claimed_quantities(competition),
        self_reported=tuple(sorted({
            trial.facts.hardware.meaning for trial in known
            if trial.facts.hardware and trial.facts.hardware.self_reported
        })),
        machines=different_machines(trials),
        priced=how_far_priced_seconds_may_be_off(trials),
        untold_tuning=competition.rules.admits_own_pace,
        ladders=tuple(_ladders(competition)),
        disturbed=tuple(trial for trial in trials if trial.disturbed),
    )


def _ladders(competition: Competition) -> Iterator[str]:
    for workload, rows in competition.ladders.items():
        yield (
            f"a ladder: {', '.join(rows)} are {len(rows)} budgets of {workload}, not {len(rows)} "
            "workloads. This score averages over budgets and leaves out the time that each took; "
            f"who is better for the time says: mlgolf curve RUN --workload {quoted(workload)}"
        )


def disclosed_in_words(submission: str, disclosed: Disclosure) -> str:
    """What the authors of a submission say of it, but for their notes."""
    runs = "" if disclosed.runs is None else f" in {number_of(disclosed.runs, 'run')}"
    where = f" on {', '.join(disclosed.tuned_on)}" if disclosed.tuned_on else ""
    what = f": {', '.join(disclosed.tuned)}" if disclosed.tuned else ""
    said = [f"tuned{where}{runs}{what}"] if where or what else []
    said += [
        f"{title} {', '.join(values)}" for title, values in (
            ("learned elsewhere:", disclosed.learned_components), ("based on", disclosed.based_on),
            ("authors", disclosed.authors),
            ("licence", [disclosed.licence] * bool(disclosed.licence)),
        ) if values
    ]  # fmt: skip
    return f"{submission} discloses: {'; '.join(said) or 'nothing was tuned or learned before'}."


def disturbed_in_words(trials: Sequence[Trial]) -> str:
    """A sentence on trials that count although they were disturbed; at least one."""
    named = "; ".join(f"{trial.key}: {trial.disturbed}" for trial in trials[:MOST_NAMED])
    others = len(trials) - MOST_NAMED
    more = f"; and {number_of(others, 'other trial')}" if others > 0 else ""
    return f"disturbed, {number_of(len(trials), 'trial')}: {MEANING} ({named}{more})"


def different_machines(trials: Sequence[Trial]) -> str:
    """A sentence if trials ran on different processors, or at speeds far apart; else empty."""
    speeds: dict[str, list[float]] = {}
    for trial in _one_of_each_facts(trials):
        found = speeds.setdefault(_processor(trial), [])
        found += [trial.speed] if trial.facts.calibration else []
    known = [speed for found in speeds.values() for speed in found]
    apart = bool(known) and max(known) > SPEED_TOLERANCE * min(known)
    if len(speeds) < 2 and not apart:
        return ""
    each = ", ".join(f"{name}{_range(found)}" for name, found in sorted(speeds.items()))
    reference = " of the reference" if known else ""
    return (
        f"trials from machines of different {'speed' if apart else 'kinds'}: {each}{reference}; "
        "times on this board are seconds on each machine's own clock"
    )


def _one_of_each_facts(trials: Sequence[Trial]) -> list[Trial]:
    """Trials that share what was known beforehand, as those of a run do, by one of them."""
    return list({id(trial.facts): trial for trial in trials}.values())


def how_far_priced_seconds_may_be_off(trials: Sequence[Trial]) -> str:
    """A sentence where trials were timed by pairs of segments; else empty. 95%, Student's t."""
    records = [trial.verdict.clock.get("paired") for trial in trials if trial.verdict]
    priced = [record for record in records if record]
    if not priced:
        return ""
    widths = [half_width([record]) for record in priced if "error" in record]
    within = (
        f"within {min(widths):.1%} to {max(widths):.1%} (95%)" if widths
        else "to an extent that nobody knows, from one pair each"
    )
    return (
        f"timed beside other trials (paired): {number_of(len(priced), 'trial')} priced by segments "
        f"that each played alone, {within}"
    )


def half_width(records: Sequence[Mapping[str, Any]], confidence: float = 0.95) -> float:
    """Of the logarithm of a priced trial's seconds, or of the ratio of two trials'.

    Args: records: what verdicts have under `clock.paired`.
    """
    degrees = sum(len(record["pairs"]) - 1 for record in records)
    by_segments = special.stdtrit(degrees, (1 + confidence) / 2) * math.hypot(
        *(record["error"] for record in records)
    )
    besides = special.ndtri((1 + confidence) / 2) * math.hypot(
        *(record.get("repeated_noise", 0.0) for record in records)
    )
    return math.hypot(by_segments, besides)


def _processor(trial: Trial) -> str:
    return str(trial.facts.machine.get("processor") or "processor not recorded")


def _range(speeds: Sequence[float]) -> str:
    if not speeds:
        return ""
    low, high = (f"{value:.2f}x" for value in (min(speeds), max(speeds)))
    return f" {low}" if low == high else f" {low} to {high}"
