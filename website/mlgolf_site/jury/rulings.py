"""Rulings as files: rulings/ID.toml in the folder of every version of a contest, and in the ledger.

The library reads them there, for the boards of the site and for whoever downloads the competition.
They are no part of the rules: `rules_digest` leaves them out, and workers are not sent any. An ID
is NUMBER-ENTRY-KEY. The number puts rulings of one day into their order; the key says for what a
ruling was asked, so that asking again, after a crash for instance, writes no second one.
"""

import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from mlgolf.core.errors import RulesError
from mlgolf.core.jury_ruling import FOLDER, JuryRuling, Subject, read_rulings
from mlgolf.core.toml_files import toml_string, validated
from mlgolf.results.bundles.ledger import Ledger
from mlgolf.results.bundles.ruled import add_rulings
from mlgolf.results.files import write_bytes
from mlgolf.scoring.jury import disqualifying
from mlgolf_site.contests.models import Contest, Version
from mlgolf_site.entries.models import Entry

_KEY = 8  # its characters in an ID
_NAME = 40  # of the entry in an ID


def rulings_of(contest: Contest) -> tuple[JuryRuling, ...]:
    """All of them, earliest first."""
    found: dict[str, JuryRuling] = {}
    for version in contest.versions.order_by("-number"):
        for ruling in read_rulings(version.folder / FOLDER):
            found.setdefault(ruling.id, ruling)
    return tuple(sorted(found.values(), key=lambda ruling: (ruling.date, ruling.id)))


def rulings_on(entry: Entry) -> list[JuryRuling]:
    """Those of its version that are about it, its code, a run of it or a trial."""
    return [
        ruling for ruling in read_rulings(entry.board.version.folder / FOLDER)
        if ruling.subject.submission in ("", entry.name)
        and ruling.subject.sha256 in ("", entry.code_sha256)
    ]


def in_force_against(entry: Entry) -> list[JuryRuling]:
    """Disqualifications that no later ruling has lifted."""
    return disqualifying(rulings_on(entry))


def of_key(rulings: Iterable[JuryRuling], key: UUID) -> JuryRuling | None:
    """The one that was written for a key."""
    return next((one for one in rulings if one.id.endswith(f"-{str(key)[:_KEY]}")), None)


def write_ruling(entry: Entry, key: UUID, decided: Mapping[str, Any]) -> JuryRuling:
    """A new ruling, dated today. One that was written for the key before stays as it is.

    Args: decided: `subject` and all else that a ruling has, but its `id` and `date`.
    Raises: RulesError for one that says too little, or cannot stand beside the others.
    """
    contest = entry.contest
    known = rulings_of(contest)
    ruling = of_key(known, key)
    if ruling is None:
        settle(contest, known)  # what stands against the ledger is told before a file is written
        name = re.sub(r"[^A-Za-z0-9_-]", "-", entry.name)[:_NAME]
        ruling = validated(
            {"id": f"{len(known) + 1:04d}-{name}-{str(key)[:_KEY]}",
             "date": timezone.now().date(), **decided},
            JuryRuling, Path("ruling"),
        )  # fmt: skip
        _check_it_stands_beside(known, ruling)
    settle(contest, (*known, ruling))
    return ruling


def settle(contest: Contest, rulings: Iterable[JuryRuling]) -> None:
    """Every version has each ruling, and the ledger a line for it; nothing that is there changes.

    Raises: BundleError for a ruling that is not as the ledger has it.
    """
    rulings = tuple(rulings)
    versions = list(contest.versions.order_by("number"))
    for version in versions:
        folder = version.folder / FOLDER
        for ruling in rulings:
            file = folder / f"{ruling.id}.toml"
            if not _is_in(ruling, folder):
                folder.mkdir(exist_ok=True)
                write_bytes(file, as_toml(ruling).encode())
    ledger = Ledger(settings.SITE.ledger)
    for name in sorted({version.competition.name for version in versions}):
        add_rulings(ledger, name, _of_competition(name))


def _is_in(ruling: JuryRuling, folder: Path) -> bool:
    return (folder / f"{ruling.id}.toml").is_file() or any(
        one.id == ruling.id for one in read_rulings(folder)
    )


def _of_competition(name: str) -> list[JuryRuling]:
    """As the ledger knows it: by the name in the rules, which several contests may have."""
    found: dict[str, JuryRuling] = {}
    for version in Version.objects.select_related("contest").order_by("-pk"):
        folder = version.folder / FOLDER
        if folder.is_dir() and version.competition.name == name:
            for ruling in read_rulings(folder):
                found.setdefault(ruling.id, ruling)
    return sorted(found.values(), key=lambda ruling: (ruling.date, ruling.id))


def _check_it_stands_beside(known: Iterable[JuryRuling], ruling: JuryRuling) -> None:
    """Raises: RulesError, as if all were read from a folder, which they will be."""
    with tempfile.TemporaryDirectory(prefix="mlgolf-rulings-") as scratch:
        for one in (*known, ruling):
            (Path(scratch) / f"{one.id}.toml").write_text(as_toml(one), "utf-8")
        try:
            together = read_rulings(Path(scratch))
        except RulesError as error:
            raise RulesError(str(error).replace(f"{scratch}/", "")) from None
    of_subject = [one for one in together if one.subject == ruling.subject]
    if of_subject[-1].id != ruling.id:
        raise RulesError(
            f"ruling {of_subject[-1].id} on the same subject is of {of_subject[-1].date} and would "
            "count in place of this one. Decide after that day"
        )


def as_toml(ruling: JuryRuling) -> str:
    """The file that `JuryRuling.read` reads back."""
    lines = [
        f"id = {toml_string(ruling.id)}",
        f"date = {ruling.date.isoformat()}",
        f"decision = {toml_string(ruling.decision)}",
        f"rule = {toml_string(ruling.rule)}",
        f"reason = {toml_string(ruling.reason)}",
        f"evidence = [{', '.join(map(toml_string, ruling.evidence))}]",
    ]
    if ruling.test:
        lines.append(f"test = {toml_string(ruling.test)}")
    lines += ["", "[subject]"]
    given = {name: getattr(ruling.subject, name) for name in Subject.model_fields}
    lines += [f"{name} = {toml_string(text)}" for name, text in given.items() if text]
    return "\n".join(lines) + "\n"
