"""One submission as it was looked over: who it is, and what its code says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlgolf.core.records import Disclosure
from mlgolf.triage.findings import Triage

NO_VERDICT = (
    "What its code could do, read from its text and not run: for hosts and jury to decide what to "
    "look at. Nothing here is a verdict. Much of it is in honest code, too, and code that hides "
    "something may show nothing."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedAt:
    """A submission by its name."""

    name: str
    sha256: str
    place: str  # of its code
    triage: Triage
    problem: str = ""  # where the code, or what is said of it, is not as it should be
    disclosure: Disclosure | None = None  # what its authors say of it
    touched: Mapping[str, int] = field(default_factory=dict)  # over its trials, by its own process
    trials: int = 0  # that told it

    def as_json(self) -> dict[str, Any]:
        return {
            "submission": self.name, "sha256": self.sha256, "place": self.place,
            "problem": self.problem,
            "disclosure": self.disclosure and self.disclosure.model_dump(mode="json"),
            "touched": {
                "told_by": "the contestant's own process: no evidence", "trials": self.trials,
                "members": dict(self.touched),
            } if self.trials else None,
            **self.triage.as_json(),
        }
