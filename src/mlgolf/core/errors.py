"""Errors that a person can act on: each says what was found, what is allowed, what to do next.

The command line prints an `MLGolfError` as one message and exits with 2. Anything else that
escapes is a defect of ours and keeps its traceback.
"""

from collections.abc import Iterable
from difflib import get_close_matches

from mlgolf.core.text import enumerated


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question, with a space behind it, that offers the nearest names; empty if none is near."""
    near = get_close_matches(name, [*known], n=3, cutoff=0.5)
    return f"Did you mean {enumerated(near, 'or')}? " if near else ""


class MLGolfError(Exception):
    """Base of every error whose message is meant for the person who made the mistake."""


class UnknownName(MLGolfError):
    """A workload, algorithm, competition … that nobody offers."""

    def __init__(self, kind: str, name: str, *, known: Iterable[str], remedy: str = "") -> None:
        known = sorted(known)
        hint = did_you_mean(name, known)
        message = f"unknown {kind} {name!r}. {hint}Known: {', '.join(known) or 'none'}. {remedy}"
        super().__init__(message.rstrip())


class AmbiguousName(MLGolfError):
    """One name that several installed distributions claim."""

    def __init__(self, kind: str, name: str, *, offered_by: Iterable[str]) -> None:
        super().__init__(
            f"{kind} {name!r} is offered by {enumerated(sorted(offered_by))}. "
            "Uninstall all but one."
        )


class BrokenPackage(MLGolfError):
    """An installed package that offers something which cannot be loaded."""


class WorkloadError(MLGolfError):
    """A workload whose package lacks a part that it must have, or a network that cannot be."""


class RulesError(MLGolfError):
    """A competition file, or a hardware class, that cannot be read as rules."""


class SubmissionError(MLGolfError):
    """A submission that breaks the contract of its five functions."""


class ModelError(MLGolfError):
    """A model handed over as a graph that is not allowed, or that cannot be run as declared."""


class MethodError(MLGolfError):
    """A speed-up method with a knob out of range, or for a batch or model that it does not fit."""


class SearchSpaceError(MLGolfError):
    """A tuning_search_space.json that cannot be read as a search space."""


class DataError(MLGolfError):
    """A dataset that is missing, incomplete or not what its checksums say."""


class RunFolderError(MLGolfError):
    """A run folder that cannot be read, or that belongs to something else."""


class DifferentRules(RunFolderError):
    """Runs that have no common board."""


class TrialTaken(RunFolderError):
    """A trial that somebody else is playing."""


class BundleError(MLGolfError):
    """A bundle, a key or a ledger that is none, or that cannot be made."""


class ScoringError(MLGolfError):
    """Trials or tables that cannot be scored as they stand."""


class DiagnosisError(MLGolfError):
    """A training step, or a script, whose time cannot be split up as it stands."""


class DeploymentError(MLGolfError):
    """A model, its data, its reference or a budget that cannot be checked as they stand."""


class SandboxError(MLGolfError):
    """A level of isolation that this machine does not give."""


class WorkerEnded(MLGolfError):
    """A process that played trials, and ended before they did."""


class FrameworkMissing(MLGolfError):
    """A framework, or another part of its extra, that is not installed."""

    def __init__(self, framework: str, part: str = "") -> None:
        super().__init__(
            f"{part or framework} is not installed. "
            f"Install it with: pip install 'mlgolf[{framework}]'"
        )
