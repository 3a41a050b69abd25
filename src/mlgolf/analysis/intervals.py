"""What an interval is: two ends that hold the truth with a confidence."""

from mlgolf.core.errors import ScoringError

CONFIDENCE = 0.95  # unless somebody asks for another

LEAST, MOST = 0.5, 0.999  # confidence that is asked for


def checked_confidence(confidence: float) -> float:
    """Raises: ScoringError for a percentage, or what no interval has."""
    if not LEAST <= confidence <= MOST:
        raise ScoringError(
            f"confidence: found {confidence:g}, allowed is a share from {LEAST:g} to {MOST:g}"
        )
    return confidence


Interval = tuple[float, float]  # -inf, inf, or 0 of a factor: open; both NaN where there is none
