"""Competitions: rules, workloads, targets. A TOML file that ships, or a folder that holds one."""

import hashlib
import json
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mlgolf.core.cells import Cell, split_name
from mlgolf.core.competition_upgrades import upgraded
from mlgolf.core.errors import RulesError, UnknownName, did_you_mean
from mlgolf.core.quantities import quantities
from mlgolf.core.registry import played_workload
from mlgolf.core.rules import Constraint, PinnedModel, Rules, WorkloadRules
from mlgolf.core.text import invalid
from mlgolf.core.toml_files import SHIPPED, read_table, read_text, read_toml
from mlgolf.core.workload import FRACTION_MARK, Workload

FILE = "competition.toml"  # in a folder of a competition's own


class Competition(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    _folder: Path | None = None  # where files that definitions name lie; no part of the record

    schema_version: Literal[2]
    name: str
    title: str
    size: str  # which size of each workload is played
    round: int = 1  # a host that changes the data or the rules of a game begins another
    published_as: str = ""  # what published tables call this version, e.g. "v0.5"
    notice: str = ""  # to stand on every board
    opens: date | None = None  # first and last day of the competition in UTC, if it has any
    closes: date | None = None
    rules: Rules
    workloads: dict[str, WorkloadRules]
    # Each is a competition of its own, so a run of this one keeps nothing of them.
    cells: dict[str, Cell] = Field(default_factory=dict, exclude=True)

    def __eq__(self, other: object) -> bool:
        """As data, wherever they were read from."""
        return isinstance(other, Competition) and self.as_record() == other.as_record()

    __hash__ = None  # type: ignore[assignment]  # it holds dictionaries

    @model_validator(mode="before")
    @classmethod
    def _of_today(cls, record: Any) -> Any:
        return upgraded(record) if isinstance(record, dict) else record

    @model_validator(mode="after")
    def _can_be_played(self) -> "Competition":
        """What is wrong between its parts, all at once."""
        problems = [*self._problems_of_dates(), *self._problems_of_bounds()]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _problems_of_dates(self) -> Iterator[str]:
        if self.opens and self.closes and self.closes < self.opens:
            yield f"closes: found {self.closes}, allowed is {self.opens} (opens) or later"

    def _problems_of_bounds(self) -> Iterator[str]:
        """A name that nothing uses is a slip of the pen; only budgets may be left open."""
        constraints = (*self.rules.constraints, *self.rules.trial_chosen_by)
        used = {str(constraint.bound) for constraint in constraints}
        allowed = used | {quantity.usual_bound for quantity in quantities().values()}
        for name, row in self.workloads.items():
            where = f"workloads.{name}.bounds"
            for bound in sorted({*row.bounds, *row.sources} - used - allowed):
                yield (
                    f"{where}: found {bound!r}, which no constraint uses. "
                    f"{did_you_mean(bound, sorted(allowed))}Known: {', '.join(sorted(allowed))}"
                )
            for constraint in constraints:
                yield from self._problems_of(where, constraint, row.number(constraint.bound))
            yield from self._problems_of_its_end(name, row)
        for constraint in constraints:
            yield from self._problems_of_name(constraint)

    def _problems_of_its_end(self, name: str, row: WorkloadRules) -> Iterator[str]:
        """Where nothing has to be reached, only what is used up ends a trial."""
        if self.rules.objective_quantity.accumulates:
            return
        spent = [c for c in self.rules.constraints if c.bounded.accumulates]
        bounded = any(row.number(constraint.bound) is not None for constraint in spent)
        if not bounded and math.isinf(self.rules.seconds_allowed(row)):
            yield (
                f"workloads.{name}: nothing ends a trial that minimises {self.rules.objective}: "
                "give budget_seconds in its bounds"
            )

    def _problems_of_name(self, constraint: Constraint) -> Iterator[str]:
        given = any(row.number(constraint.bound) is not None for row in self.workloads.values())
        if self.workloads and not given and constraint.bound != constraint.bounded.usual_bound:
            yield (
                f"rules.constraints: no workload has a bound {constraint.bound!r} for "
                f"{constraint.quantity}, which is usually called "
                f"{constraint.bounded.usual_bound!r}"
            )

    def _problems_of(
        self, where: str, constraint: Constraint, number: float | None
    ) -> Iterator[str]:
        bounded = constraint.bounded
        if number is None and bounded.is_target:
            yield (
                f"{where}: found no {constraint.bound!r}, which the rules bound "
                f"{constraint.quantity} by"
            )
        if number is not None and bounded.accumulates and not number > 0:
            yield (
                f"{where}.{constraint.bound}: found {number:g}, allowed is more than 0: "
                f"{bounded.noun} only grows"
            )

    @model_validator(mode="after")
    def _holds_out_variants_of_its_own(self) -> "Competition":
        for name, workload_rules in self.workloads.items():
            base = workload_rules.held_out_of
            if base is not None and (
                base not in self.workloads or self.workloads[base].held_out_of is not None
            ):
                raise ValueError(
                    f"workloads.{name}.held_out_of: found {base!r}; allowed are the scored "
                    f"workloads of this competition: {', '.join(self.scored_workloads)}"
                )
        return self

    @model_validator(mode="after")
    def _tunes_at_rows_of_its_own(self) -> "Competition":
        for name, row in self.workloads.items():
            allowed = [
                other for other, found in self.workloads.items()
                if found.tuned_at is None
                and self.played_in_words(other) == self.played_in_words(name)
            ]
            if row.tuned_at is not None and row.tuned_at not in allowed:
                raise ValueError(
                    f"workloads.{name}.tuned_at: found {row.tuned_at!r}; allowed are rows that "
                    "train the same and are tuned themselves: "
                    f"{', '.join(allowed) or 'there are none'}"
                )
        return self

    @property
    def scored_workloads(self) -> tuple[str, ...]:
        """Those that enter the score by their own times: all but held-out variants."""
        return tuple(n for n, row in self.workloads.items() if row.held_out_of is None)

    def played_as(self, name: str) -> tuple[str, str]:
        """The workload, and the name of its size, that a workload of this competition plays."""
        row = self.workloads[name]
        size = f"{self.size}_{row.variant}" if row.variant else self.size
        part = f"{FRACTION_MARK}{row.data_fraction:g}" if row.data_fraction is not None else ""
        return row.workload or name, size + part

    def played_in_words(self, name: str) -> str:
        """The workload and size of a row: "imagenet_resnet", "finewebedu_lm mini_x4"."""
        workload, size = self.played_as(name)
        return workload if size == self.size else f"{workload} {size}"

    @property
    def ladders(self) -> dict[str, tuple[str, ...]]:
        """Workloads that several rows train for different numbers of steps, with these rows."""
        rows: dict[str, list[str]] = {}
        for name in self.scored_workloads:
            rows.setdefault(self.played_in_words(name), []).append(name)
        return {
            workload: tuple(names) for workload, names in rows.items()
            if len({self.workloads[name].step_hint for name in names}) == len(names) > 1
        }

    @property
    def tuned_at(self) -> tuple[str, ...]:
        """The rows that choose the points of others."""
        rows = self.workloads.values()
        return tuple(sorted({row.tuned_at for row in rows if row.tuned_at is not None}))

    def workload_of(self, name: str) -> Workload:
        """What a workload of this competition plays. Raises: UnknownName, RulesError."""
        workload, size = self.played_as(name)
        return played_workload(workload, size, self.workloads[name].definition, self._folder)

    @property
    def folder(self) -> Path | None:
        """Where it was read from; None for one from a record, which has no files of its own."""
        return self._folder

    def with_round(self, called: str) -> str:
        """The name or the title as it is shown: with the round, unless it is the first."""
        return f"{called}, round {self.round}" if self.round > 1 else called

    def with_files_in(self, folder: Path | None) -> "Competition":
        """The same, with the folder in which files that its definitions name lie."""
        found = self.model_copy()
        found._folder = folder
        return found

    def as_record(self) -> dict[str, Any]:
        """As JSON that `model_validate` takes back, without what is as by default.

        So a field that comes later, with a default, changes no record of a run before it.
        """
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    def fingerprint(self) -> str:
        """SHA-256 of the rules as data: equal for files that differ in comments only."""
        return hashlib.sha256(json.dumps(self.as_record(), sort_keys=True).encode()).hexdigest()

    def why_not_open(self, moment: datetime) -> str:
        """Why a run begun at a moment is no official one; empty from `opens` to `closes`.

        Args: moment: with its time zone.
        """
        day = moment.astimezone(UTC).date()
        if self.opens and day < self.opens:
            return f"played before the competition opens on {self.opens}"
        if self.closes and day > self.closes:
            return f"played after the competition closed on {self.closes}"
        return ""

    def select(self, workloads: list[str] | None) -> "Competition":
        """The same competition on some of its workloads. Raises: UnknownName."""
        for name in workloads or ():
            if name not in self.workloads:
                raise UnknownName(f"workload of {self.name}", name, known=self.workloads)
        chosen = workloads or list(self.workloads)
        for name in chosen:
            base = self.workloads[name].held_out_of
            if base not in (None, *chosen):
                raise RulesError(
                    f"{self.name}: {name} counts only beside {base}, which it can strike out. "
                    f"Choose {base}, too."
                )
            tuned_at = self.workloads[name].tuned_at
            if tuned_at not in (None, *chosen):
                raise RulesError(
                    f"{self.name}: {name} is played with the point that is best at {tuned_at}. "
                    f"Choose {tuned_at}, too."
                )
        return self.model_copy(update={"workloads": {n: self.workloads[n] for n in chosen}})

    def check_pinned_model(self) -> None:
        """Raises: RulesError if the model that pre-training is pinned to is here as another file.

        One that is not here is a contestant's to bring.
        """
        pinned = self.rules.pretraining
        if not isinstance(pinned, PinnedModel) or self._folder is None:
            return
        file = self._folder / pinned.model
        if not file.is_file():
            return
        with file.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if found != pinned.sha256:
            raise RulesError(
                f"{file}: its SHA-256 is {found}, rules.pretraining has {pinned.sha256}. Another "
                "model is another competition: correct the hash, or put the model back"
            )

    def in_cell(self, name: str) -> "Competition":
        """The competition that a cell of this one is. Raises: UnknownName, RulesError."""
        if name not in self.cells:
            raise UnknownName(
                f"cell of {self.name}", name, known=self.cells,
                remedy=f"Each is a table [cells.NAME] in its {FILE}.",
            )
        for key in ("bounds", "eval_every_seconds", "par"):
            for row in getattr(self.cells[name], key):
                if row not in self.workloads:
                    raise RulesError(
                        f"{self.name}: cells.{name}.{key}: found {row!r}, allowed are "
                        f"{', '.join(self.workloads)}"
                    )
        try:
            cell = Competition.model_validate(self.cells[name].applied(self.as_record(), name))
        except ValidationError as error:
            raise RulesError("\n".join(
                f"{self.name}: cells.{name}: {invalid(e)}" for e in error.errors()
            )) from None  # fmt: skip
        return cell.with_files_in(self._folder)


def competition_names() -> list[str]:
    shipped = Path(str(SHIPPED))
    files, folders = shipped.glob("*.toml"), shipped.glob(f"*/{FILE}")
    return sorted([*(file.stem for file in files), *(file.parent.name for file in folders)])


def shipped_folder(name: str) -> Path:
    """Of a competition that ships with files of its own. Raises: UnknownName."""
    folder = Path(str(SHIPPED / name))
    if not name or not folder.is_dir():
        known = [folder.parent.name for folder in Path(str(SHIPPED)).glob(f"*/{FILE}")]
        raise UnknownName("competition with a folder", name, known=known)
    return folder


def load_competition(name: str | Path) -> Competition:
    """By the name of one that ships, the path of a TOML file, or of a folder with competition.toml.

    "NAME@CELL" is a cell of any of them.

    Raises: UnknownName; RulesError naming file, key, what was found and what is allowed.
    """
    path = Path(name)
    game, cell = split_name(str(name))
    if cell and not path.exists():
        return load_competition(game).in_cell(cell)
    if path.is_dir():
        return _read(path / FILE)
    if path.suffix == ".toml":
        return _read(path)
    if str(name) not in competition_names():
        raise UnknownName(
            "competition", str(name), known=competition_names(),
            remedy="If it is yours, give its folder, or the path of its .toml file.",
        )
    folder = Path(str(SHIPPED / str(name)))
    return _read(folder / FILE if folder.is_dir() else folder.with_name(f"{name}.toml"))


def _read(path: Path) -> Competition:
    """With the files that it names, such as `graph = "graph.toml"`, in their place."""
    competition = read_toml(path, Competition)
    rows = {
        name: row.model_copy(update={"definition": {
            key: read_table(path.parent / value) if _names_a_table(value) else value
            for key, value in row.definition.items()
        }}) if row.definition else row
        for name, row in competition.workloads.items()
    }  # fmt: skip
    update: dict[str, Any] = {"workloads": rows}
    if (named := competition.rules.regulariser) is not None and named.endswith(".py"):
        text = read_text(path.parent / named)
        update["rules"] = competition.rules.model_copy(update={"regulariser": text})
    read = competition.model_copy(update=update).with_files_in(path.parent)
    for cell in read.cells:
        read.in_cell(cell)
    return read


def _names_a_table(value: Any) -> bool:
    return isinstance(value, str) and value.endswith(".toml")
