"""Attacks as records: what a folder of the suite says of its trick, and of what looks like it."""

from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mlgolf.core.errors import UnknownName
from mlgolf.core.status import Status
from mlgolf.core.toml_files import read_toml

TRICKS = Path(str(files("mlgolf.testing.attacks"))) / "tricks"
Family = Literal[
    "time and budget", "evaluator tampering", "data leakage", "gaming the score",
    "resources and escape", "state between runs", "golf entries",
]  # fmt: skip
FAMILIES: tuple[str, ...] = Family.__args__
REFUSED = "REFUSED"  # before it was played
_Strict = ConfigDict(extra="forbid", frozen=True)


class Expected(BaseModel):
    """The verdict that a submission must get, in each of its trials."""

    model_config = _Strict
    status: Status | Literal["REFUSED"]
    reason: str = ""  # a part of it
    qualifies: bool | None = None  # whether a model counts; None: the bounds say nothing of it
    paid_share: float = 0.0  # of its time, that evaluations must have cost at least


class Needs(BaseModel):
    """What it is played with. Bounds and evaluations are the trick's; else those of the suite."""

    model_config = _Strict
    kind: Literal["submission", "entry"] = "submission"
    framework: Literal["torch", "jax"] = "torch"
    bounds: dict[str, float] = Field(default_factory=dict)
    eval_every_steps: int | None = None
    studies: int = 1
    links: dict[str, str] = Field(default_factory=dict)  # in the trick's folder: name -> target
    level: Literal["process", "bubblewrap"] = "process"  # the weakest that stops the trick


class Attack(BaseModel):
    """A folder of the suite. The verdict is right because of `why`."""

    model_config = _Strict
    name: str = ""
    family: Family
    tries: str
    why: str
    trick: Expected
    honest: Expected
    needs: Needs = Needs()

    def code(self, which: Literal["trick", "honest"], folder: Path = TRICKS) -> Path:
        """The file, or the folder of files, of one of the two."""
        file = folder / self.name / f"{which}.py"
        return file if file.exists() else folder / self.name / which


def load_attack(folder: Path) -> Attack:
    """Raises: RulesError naming file and key."""
    read = read_toml(folder / "expected.toml", Attack)
    return read.model_copy(update={"name": folder.name})


def all_attacks(folder: Path = TRICKS) -> tuple[Attack, ...]:
    """In the order of families, then of names."""
    found = [load_attack(file.parent) for file in sorted(folder.glob("*/expected.toml"))]
    return tuple(sorted(found, key=lambda attack: FAMILIES.index(attack.family)))


def chosen_attacks(
    names: tuple[str, ...], family: str | None, folder: Path = TRICKS
) -> tuple[Attack, ...]:
    """All, or those of a family, or those named. Raises: UnknownName."""
    attacks = all_attacks(folder)
    known = [attack.name for attack in attacks]
    for name in names:
        if name not in known:
            raise UnknownName("attack", name, known=known)
    if family is not None and family not in FAMILIES:
        raise UnknownName("family of attacks", family, known=FAMILIES)
    return tuple(
        attack
        for attack in attacks
        if (not names or attack.name in names) and family in (None, attack.family)
    )
