"""Rulings of a jury: what people decided about a submission, a run or a trial, in public.

A file each in `rulings/` of a competition's folder. The rulings of the referee on rows and clocks
are others (`referee/rulings.py`), which no person makes. What these do to a board is in
`scoring/jury.py`.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from mlgolf.core.competition import Competition, competition_names
from mlgolf.core.errors import RulesError
from mlgolf.core.toml_files import SHIPPED, check_keys, read_toml
from mlgolf.core.trial_key import TrialKey

FOLDER = "rulings"  # in the folder of a competition
Decision = Literal["accepted", "disqualified", "warning", "reinstated"]
Line = Annotated[str, Field(min_length=1, max_length=2000)]


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _has_known_keys(cls, table: Any) -> Any:
        check_keys(table, cls.model_fields)
        return table


class Subject(_Asked):
    """What is ruled on: all that agrees with everything that is given."""

    submission: str = Field(default="", max_length=200)  # its name on boards
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")  # of its frozen code
    run: str = Field(default="", max_length=200)  # the name of the run's folder; empty: all
    trial: str = Field(default="", pattern=r"^(study_\d+/[^/]+/trial_\d+)?$")  # empty: all

    @model_validator(mode="after")
    def _names_somebody(self) -> "Subject":
        if not (self.submission or self.sha256):
            raise ValueError("give submission, sha256, or both: whose code it is about")
        return self

    def is_of(self, key: TrialKey, sha256: str, run: str) -> bool:
        """Args: sha256: of the code that was played; empty if nobody wrote it down."""
        given = (
            (self.submission, key.submission), (self.sha256, sha256), (self.run, run),
            (self.trial, str(key).removeprefix(f"{key.submission}/")),
        )
        return all(asked in ("", found) for asked, found in given)

    def __str__(self) -> str:
        parts = [
            self.submission, f"code {self.sha256}" if self.sha256 else "",
            f"run {self.run}" if self.run else "", self.trial,
        ]
        return ", ".join(filter(None, parts))


class JuryRuling(_Asked):
    """One file: what was decided, when, by which rule, why, and on what evidence."""

    id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,60}$")
    date: date
    subject: Subject
    decision: Decision
    rule: Line  # the rule that it applies, by its key or in words
    reason: Line
    evidence: tuple[Line, ...] = ()  # links, or files with lines
    test: str = Field(default="", max_length=200)  # the test that it became
    _file: Path | None = PrivateAttr(default=None)

    @classmethod
    def read(cls, file: Path) -> Self:
        """Raises: RulesError for a file that is no ruling."""
        found = read_toml(file, cls)
        found._file = file
        return found

    @property
    def file(self) -> Path | None:
        """That it was read from, if it was."""
        return self._file

    @model_validator(mode="after")
    def _shows_its_evidence(self) -> "JuryRuling":
        if self.decision == "disqualified" and not self.evidence:
            raise ValueError(
                "evidence: nothing given; a disqualification names what others can look at, such "
                'as evidence = ["entry.py, line 12"]'
            )
        return self


def read_rulings(folder: Path) -> tuple[JuryRuling, ...]:
    """All rulings in a folder, earliest first; none where there is no such folder.

    Raises: RulesError for files that are no rulings, and rulings that cannot stand together, with
      file, key, what was found and what is allowed, a line each.
    """
    found: list[JuryRuling] = []
    problems: list[str] = []
    for file in sorted(folder.glob("*.toml")):
        try:
            found.append(JuryRuling.read(file))
        except RulesError as error:
            problems.append(str(error))
    found.sort(key=lambda ruling: (ruling.date, ruling.id))
    problems += _conflicts(found)
    if problems:
        raise RulesError("\n".join(problems))
    return tuple(found)


def check_rulings_are_of_runs(rulings: object, table: object) -> None:
    """Args: rulings: a folder that was given, or None. table: in place of runs, for the error.

    Raises: RulesError for rulings that nothing in a table could be compared with.
    """
    if rulings is not None:
        raise RulesError(f"{table}: --rulings is for runs; take rows out of a table")


def _conflicts(found: Sequence[JuryRuling]) -> list[str]:
    known: dict[str, str] = {}
    disqualified: set[Subject] = set()
    problems = []
    for ruling in found:
        file = ruling.file
        if ruling.id in known:
            problems.append(f"{file}: id: found {ruling.id!r}, which {known[ruling.id]} has")
        known.setdefault(ruling.id, file.name if file else "another")
        if ruling.decision == "disqualified":
            disqualified.add(ruling.subject)
        if ruling.decision == "reinstated" and ruling.subject not in disqualified:
            problems.append(
                f"{file}: decision: found 'reinstated', and no earlier ruling disqualifies the "
                f"same subject ({ruling.subject}). Give subject as that ruling has it"
            )
    return problems


def rulings_of(competition: Competition, folder: Path | None = None) -> tuple[JuryRuling, ...]:
    """Those in its folder; of one that a run recorded, in the folder of that name that ships.

    Args: folder: of rulings, in place of these.
    Raises: RulesError for a folder that is not there, and as `read_rulings`.
    """
    if folder is not None:
        if folder.is_dir():
            return read_rulings(folder)
        raise RulesError(f"{folder}: there is no such folder; give one of rulings, a .toml each")
    if competition.folder is not None:
        return read_rulings(competition.folder / FOLDER)
    shipped = competition.name in competition_names()
    return read_rulings(Path(str(SHIPPED)) / competition.name / FOLDER) if shipped else ()
