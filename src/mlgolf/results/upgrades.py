"""Records of earlier schema versions, brought up to date one step at a time.

Each change of what a file of a run means has functions here that take it one version further. The
rules within a run are brought up to date by `core/competition_upgrades.py`.
"""

from collections.abc import Callable, Mapping
from typing import Any

Fields = dict[str, Any]

# What the referee's own constants were before hardware classes had them.
_LIMITS_OF_2 = {
    "setup_seconds": 600.0, "wall_time_factor": 5.0, "hung_seconds": 60.0, "hung_steps": 20.0,
}


def _trial_from_2(fields: Fields) -> Fields:
    """Limits stand in the hardware class; a machine's speed is computed from its probe."""
    hardware, calibration = fields.get("hardware"), fields.get("calibration")
    changed = dict(fields)
    if isinstance(hardware, Mapping):
        changed["hardware"] = {"limits": _LIMITS_OF_2, **hardware}
    if isinstance(calibration, Mapping):
        changed["calibration"] = {n: v for n, v in calibration.items() if n != "speed"}
    return changed


def _as_it_is(fields: Fields) -> Fields:
    return fields


# By file: version -> what makes it one of the next.
UPGRADES: Mapping[str, Mapping[int, Callable[[Fields], Fields]]] = {
    "run.json": {2: _as_it_is},
    "plan.json": {},
    "trial.json": {2: _trial_from_2},
    "verdict.json": {2: _as_it_is},
}
