"""The section of a report on loss spikes."""

from collections.abc import Sequence

from mlgolf.analysis.tracking.spikes import BEFORE, LEAST, THRESHOLD, Spike, spikes
from mlgolf.core.trial import Trial
from mlgolf.report.html import Html, section, table, tag, text
from mlgolf.results.logged import LARGEST

MOST_SPIKES = 20  # rows


def spikes_section(trials: Sequence[Trial]) -> Html:
    """Where losses rose far beyond their usual changes, the largest first; nothing if nowhere."""
    found = [(trial, spike) for trial in trials for spike in spikes(trial)]
    if not found:
        return Html("")
    found.sort(key=lambda pair: pair[1].before / pair[1].peak)
    head = ["Submission", "Workload", "Study, trial", "Loss", "At step", "From", "To", "Before it"]
    rows = [
        [
            tag("th", text(trial.key.submission)), text(trial.key.workload),
            text(f"{trial.key.study}, {trial.key.trial}"), text(spike.loss), text(spike.step),
            text(f"{spike.before:.4g}"), text(f"{spike.peak:.4g}"),
            tag("td", text(before_in_words(spike)), css="reason"),
        ]
        for trial, spike in found[:MOST_SPIKES]
    ]
    more = len(found) - len(rows)
    about = (
        f"A spike is a loss above the median of the {BEFORE} values before it by more than "
        f"{THRESHOLD:g} times its usual change (median absolute change of the logarithm, as a "
        f"standard deviation), and by at least {LEAST:.0%}. Before it: the last values that the "
        "submission had logged, as multiples of their medians. Losses at or below 0 and logs above "
        f"{LARGEST // 1_000_000} MB are not looked at."
        + (f" {more} smaller ones are left out." if more else "")
    )
    return section(
        "Loss spikes", table([text(title) for title in head], rows),
        tag("p", text(about), css="aside"),
    )


def before_in_words(spike: Spike) -> str:
    """What was logged last before the rise, with its multiple of the usual: "grad_norm 9 (4x)"."""
    return ", ".join(
        f"{name} {last:.3g}" + (f" ({last / usual:.2g}×)" if usual else "")
        for name, (last, usual) in spike.preceded.items()
    ) or "nothing logged"
