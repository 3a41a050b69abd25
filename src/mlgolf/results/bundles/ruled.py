"""Rulings of a jury in the ledger of a host: one can be lifted by another, and none be unsaid.

A line of kind "ruling" has the name of the competition and the whole ruling, so whoever has the
ledger can read it there, and files of rulings can be compared with it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from mlgolf.core.errors import BundleError
from mlgolf.core.jury_ruling import JuryRuling
from mlgolf.results.bundles.contents import Facts
from mlgolf.results.bundles.ledger import Head, Heads, Ledger
from mlgolf.results.differences import named

KIND = "ruling"


@dataclass(frozen=True, slots=True, kw_only=True)
class RulingLine:
    """A line of the ledger, and the ruling in it; None for one that cannot be read as one."""

    head: Head
    ruling: JuryRuling | None

    def __str__(self) -> str:
        if self.ruling is None:
            return "no ruling that this mlgolf can read"
        return f"{self.ruling.id}, {self.ruling.decision}, {self.ruling.subject}"


def ruling_line(head: Head) -> RulingLine:
    try:
        ruling = JuryRuling.model_validate(head.body.get("ruling"))
    except ValidationError:
        ruling = None
    return RulingLine(head=head, ruling=ruling)


def add_rulings(ledger: Ledger, competition: str, rulings: Sequence[JuryRuling]) -> list[Head]:
    """A line for each that has none yet.

    Raises: BundleError for rulings that are not as the ledger has them; no line is added then.
    """
    if problems := [*_taken_back(ledger.heads(), competition, rulings)]:
        raise BundleError(
            "\n".join(problems) + "\nRulings are not taken back: put the file back as it was, and "
            'lift the ruling by another, with decision = "reinstated".'
        )
    added = []
    for ruling in rulings:
        with ledger.at_its_end() as end:
            if ruling.id not in _by_id(end.heads, competition):
                body = {"competition": competition, "ruling": _written(ruling)}
                added.append(end.append(KIND, body))
    return added


def contradictions(heads: Heads, competition: str, rulings: Sequence[JuryRuling]) -> list[str]:
    """Where rulings that are published differ from those in a ledger, a sentence each."""
    known = _by_id(heads, competition)
    without = (
        f"ruling {ruling.id} ({ruling.file}) has no line in the ledger"
        for ruling in rulings if ruling.id not in known
    )
    return [*without, *_taken_back(heads, competition, rulings)]


def rulings_on(facts: Facts, heads: Heads) -> Iterator[str]:
    """What was ruled on submissions of a run, or their code, by its host, a sentence each."""
    for line in _lines(heads, facts.competition):
        ruling = line.ruling
        if ruling is not None and any(
            ruling.subject.submission in ("", name) and ruling.subject.sha256 in ("", sha256)
            for name, sha256 in facts.submissions.items()
        ):
            yield f"ruled in line {line.head.number} of the ledger: {line}: {ruling.reason}"


def _taken_back(
    heads: Heads, competition: str, rulings: Sequence[JuryRuling]
) -> Iterator[str]:
    """Lines of the ledger that the rulings do not have, or not as they are there."""
    now = {ruling.id: ruling for ruling in rulings}
    first = _by_id(heads, competition)
    for line in _lines(heads, competition):
        where = f"line {line.head.number} of the ledger"
        if line.ruling is None:
            yield f"{where} is {line}"
        elif (there := now.get(line.ruling.id)) is None:
            yield f"{where} has ruling {line.ruling.id}, which {competition} no longer has"
        elif line != first[line.ruling.id]:
            yield f"{where} has ruling {line.ruling.id} once more"
        elif _written(there) != _written(line.ruling):
            form = "{key} is {other} and was {one}"
            found = named(_written(line.ruling), _written(there), form, ", ")
            yield f"ruling {there.id} ({there.file}) is not as {where} has it: {found}"


def _by_id(heads: Heads, competition: str) -> Mapping[str, RulingLine]:
    """The first line of each."""
    lines = reversed(_lines(heads, competition))
    return {line.ruling.id: line for line in lines if line.ruling}


def _lines(heads: Heads, competition: str) -> list[RulingLine]:
    return [
        ruling_line(head) for head in heads.lines
        if head.kind == KIND and head.body.get("competition") == competition
    ]


def _written(ruling: JuryRuling) -> dict[str, Any]:
    return ruling.model_dump(mode="json", exclude_defaults=True)
