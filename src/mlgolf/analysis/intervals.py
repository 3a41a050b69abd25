"""What an interval is: two ends that hold the truth with a confidence."""

CONFIDENCE = 0.95  # unless somebody asks for another

Interval = tuple[float, float]  # -inf, inf, or 0 of a factor: open; both NaN where there is none
