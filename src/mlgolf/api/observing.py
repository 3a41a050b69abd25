"""The three lines in a person's own loop, apart from what draws: that takes long to import."""

from mlgolf.diagnosis.observe import StepWatch, observe

__all__ = ["StepWatch", "observe"]
