"""How long a run will still take."""

from collections.abc import Mapping

from mlgolf.core.trial_key import TrialKey


class Remaining:
    """An estimate from the trials that have ended; until one has, the budgets are the bound.

    Workloads differ in length, so each trial counts by its budget.
    """

    def __init__(self, budgets: Mapping[TrialKey, float], workers: int = 1) -> None:
        """budgets: seconds that each trial may take. workers: trials at a time."""
        self._left, self._workers = dict(budgets), workers
        self._ended_budgets = self._last_end = 0.0

    def ended(self, key: TrialKey, now: float) -> None:
        """A trial ended; `now` are seconds since the first one began."""
        self._ended_budgets += self._left.pop(key, 0.0)  # of a dropped one that was under way
        self._last_end = now

    def dropped(self, submission: str) -> None:
        """Its other trials will not be played."""
        self._left = {k: v for k, v in self._left.items() if k.submission != submission}

    def in_words(self, now: float) -> str:
        """Such as "about 12 min left"; empty if nothing can be said."""
        if self._ended_budgets:
            rate = self._last_end / self._ended_budgets
            seconds = rate * sum(self._left.values()) - (now - self._last_end)
            return f"about {_duration(max(seconds, 1))} left" if seconds > 0 else ""
        seconds = sum(self._left.values()) / self._workers - now
        return f"at most {_duration(seconds)} left" if seconds >= 1 else ""


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 36 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} days"
