"""The database, made again from the files of a site: people, teams, contests, entries, runs,
challenges, and who decided on them.

Files say who a person is by name alone. Their addresses and passwords are nowhere but in the
database, so a person who is made again has no password, and is inactive until an administrator
gives an address (`--people`): to that address a new password can be asked for, by mail. Nobody can
take the name meanwhile, and nobody is let in by a file.
"""

import csv
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.validators import validate_email
from django.db import transaction

from mlgolf.core.competition import load_competition
from mlgolf.core.errors import MLGolfError, RulesError
from mlgolf.results.bundles.reading import ENDING
from mlgolf_site.boards.services import refresh_all
from mlgolf_site.config import Site
from mlgolf_site.contests.beside import FILE as CONTEST
from mlgolf_site.contests.beside import contest_folder, restore, write_contest
from mlgolf_site.contests.models import Board, Contest, Version
from mlgolf_site.contests.services import add_boards, rules_digest
from mlgolf_site.importing.bundles import import_run
from mlgolf_site.importing.first_start import make_administrator
from mlgolf_site.jobs import beside
from mlgolf_site.jobs.worker import ensure_ledger
from mlgolf_site.jury.beside import CHALLENGES, DECISIONS, restore_challenge, restore_decisions
from mlgolf_site.people import beside as teams
from mlgolf_site.people.models import Team, User

BUNDLES = "bundles"


@dataclass
class Imported:
    """What was brought back, and what could not be."""

    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    password: str = ""  # of an administrator who was made

    def add(self, what: str, number: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + number

    def lines(self) -> list[str]:
        made = ", ".join(f"{number} {what}" for what, number in self.counts.items() if number)
        lines = [f"brought back: {made or 'nothing that was not there'}"]
        lines += [f"NOT brought back: {problem}" for problem in self.problems]
        if self.password:
            lines.append(f"administrator: {self.password} (shown once)")
        return lines


def import_site(site: Site, sources: Iterable[Path] = (), people: Path | None = None) -> Imported:
    """Raises: RulesError for a source that is none, or a table of people that cannot be read."""
    found = Imported()
    addresses = _addresses(people) if people else {}
    site.runs.mkdir(parents=True, exist_ok=True)
    for source in sources:
        _bring(source, site)
    ensure_ledger(site.ledger)
    _administrator(site, found)
    contests, runs = _contest_files(site), _besides(found)
    made_teams, challenges, decisions = (
        _tables(folder, found) for folder in (teams.FOLDER, CHALLENGES, DECISIONS)
    )
    for name in _names(contests, runs, made_teams, challenges, decisions):
        _person(name, found)
    for table in made_teams:
        _team(table, found)
    for slug, table in contests:
        try:
            _contest(slug, table, found)
        except MLGolfError as error:
            found.problems.append(f"competition {slug}: {error}")
    for table in runs:
        named = f"run {table.get('entry')}-{table['key'][:8]}"
        _bring_back("runs", _run, table, named, found)
    for table in sorted(challenges, key=lambda table: table.get("created", "")):
        named = f"challenge {str(table.get('key'))[:8]}"
        _bring_back("challenges", restore_challenge, table, named, found)
    for table in decisions:
        named = f"decisions in {table.get('contest')}"
        _bring_back("decisions", restore_decisions, table, named, found)
    for name, address in addresses.items():
        _let_in(name, address, found)
    found.add("boards", refresh_all())
    return found


def _bring_back(
    what: str, restore: Callable[[dict[str, Any]], int], table: dict[str, Any], named: str,
    found: Imported,
) -> None:
    """Or say why it could not be."""
    try:
        found.add(what, restore(table))
    except (MLGolfError, OSError, KeyError, ValueError) as error:
        said = f"it says nothing of {error}" if isinstance(error, KeyError) else error
        found.problems.append(f"{named}: {said}")


def bring_back_if_lost(site: Site) -> Imported | None:
    """Before a site is served: a database without a contest, and files of some."""
    is_lost = not Contest.objects.exists() and any(
        (site.files / "competitions").glob(f"*/{CONTEST}")
    )
    return import_site(site) if is_lost else None


# --- files of elsewhere ---


def _bring(source: Path, site: Site) -> None:
    """Copy what this site lacks. Raises: RulesError for what is neither a site nor a bundle."""
    if source.is_file() and source.name.endswith(ENDING):
        note = source.with_name(source.name + beside.ENDING)
        if not note.is_file():
            raise RulesError(
                f"{source}: {note.name} does not lie beside it, so nobody can say whose it is. "
                "Copy both from the files of the site"
            )
        for file in (source, note):
            _store(file, f"{BUNDLES}/{file.name}")
        return
    root = source / "files" if (source / "files").is_dir() else source
    if not (root / "competitions").is_dir() and not (root / BUNDLES).is_dir():
        raise RulesError(
            f"{source}: found no folder competitions or {BUNDLES}. Give the folder of a site, its "
            f"files, or bundles (*{ENDING})"
        )
    if root.resolve() == site.files:
        return
    for file in sorted(root.rglob("*")):
        inside = file.relative_to(root)
        if file.is_symlink() or not file.is_file() or file.name.startswith("."):
            continue
        if inside.parts[0] == "competitions":
            target = site.files / inside
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                scratch = target.with_name(f".{target.name}.copied")
                shutil.copyfile(file, scratch)
                scratch.replace(target)
        else:
            _store(file, str(inside))
    if (source / "ledger" / "heads.jsonl").is_file() and not site.ledger.exists():
        shutil.copytree(source / "ledger", site.ledger)


def _store(file: Path, name: str) -> None:
    if not default_storage.exists(name):
        with open(file, "rb") as content:
            default_storage.save(name, File(content))


def _addresses(path: Path) -> dict[str, str]:
    """Raises: RulesError naming the line that is wrong."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RulesError(f"{path}: {error}. Give a CSV file with username and email") from None
    found = {}
    for number, row in enumerate(rows, 2):
        name, address = row.get("username"), row.get("email")
        try:
            validate_email(address)
        except ValidationError:
            name = None
        if not name or not address:
            raise RulesError(
                f"{path}, line {number}: found {dict(row)}; expected the columns username and "
                "email, and an address in each line"
            )
        found[name.strip()] = address.strip()
    return found


# --- what files say ---


def _contest_files(site: Site) -> list[tuple[str, dict[str, Any]]]:
    """By when they were made. Without contest.json a folder of versions is a contest, too."""
    found = []
    for folder in sorted((site.files / "competitions").glob("*")):
        if not any(folder.glob("v[0-9]*")):
            continue
        try:
            table = json.loads((folder / CONTEST).read_text())
        except (OSError, ValueError):
            table = {}
        found.append((folder.name, table))
    return sorted(found, key=lambda one: (one[1].get("created", ""), one[0]))


def _besides(found: Imported) -> list[dict[str, Any]]:
    """Of runs, by when they were begun: an entry comes after the one that it is based on."""
    read = []
    for name in _listed(BUNDLES):
        if not name.endswith(beside.ENDING):
            if name.endswith(ENDING) and not default_storage.exists(
                f"{BUNDLES}/{name}{beside.ENDING}"
            ):
                found.problems.append(
                    f"{BUNDLES}/{name}: {name}{beside.ENDING} does not lie beside it, so nobody "
                    "can say whose it is"
                )
            continue
        try:
            table = _json(f"{BUNDLES}/{name}")
            read.append({**table, "key": str(UUID(table["key"]))})
        except (OSError, ValueError, KeyError, TypeError) as error:
            found.problems.append(f"{BUNDLES}/{name}: {error}")
    return sorted(read, key=lambda table: (table.get("begun", ""), table["key"]))


def _tables(folder: str, found: Imported) -> list[dict[str, Any]]:
    """All JSON files of a folder."""
    read = []
    for name in _listed(folder):
        if name.endswith(".json"):
            try:
                read.append({**_json(f"{folder}/{name}")})
            except (OSError, ValueError, TypeError) as error:
                found.problems.append(f"{folder}/{name}: {error}")
    return read


def _listed(folder: str) -> list[str]:
    try:
        return sorted(
            name for name in default_storage.listdir(folder)[1] if not name.startswith(".")
        )
    except FileNotFoundError:
        return []


def _json(name: str) -> dict[str, Any]:
    with default_storage.open(name, "rb") as file:
        return json.load(file)


# --- rows of it ---


def _names(
    contests: Iterable[tuple[str, dict[str, Any]]], runs: Iterable[dict[str, Any]],
    made_teams: Iterable[dict[str, Any]], challenges: Iterable[dict[str, Any]],
    decisions: Iterable[dict[str, Any]],
) -> Iterator[str]:
    found: dict[str, None] = {}  # in order
    for _, table in contests:
        found |= dict.fromkeys([*table.get("hosts", ()), *table.get("jury", ())])
    for table in made_teams:
        found |= dict.fromkeys([table["founder"], *table["members"]])
    found |= dict.fromkeys(table["owner"] for table in runs if table.get("owner"))
    said = [one for table in challenges for one in (table, *table.get("remarks", ()))]
    said += [one for table in decisions for one in table.get("decisions", ())]
    found |= dict.fromkeys(one["by"] for one in said if one.get("by"))
    yield from found


def _administrator(site: Site, found: Imported) -> None:
    password = make_administrator(site)
    if password:
        name = User.objects.filter(is_superuser=True).order_by("pk")[0].username
        found.password = f"{name}, password: {password}"


def _person(name: str, found: Imported) -> None:
    person, is_new = User.objects.get_or_create(username=name, defaults={"is_active": False})
    if is_new:
        person.set_unusable_password()
        person.save()
        found.add("people")


def _let_in(name: str, address: str, found: Imported) -> None:
    """Somebody may ask for a new password by mail; who can sign in already is left alone."""
    person = User.objects.filter(username=name).first()
    if person is None:
        found.problems.append(f"{name} of the table of people: nobody of this name is here")
    elif not person.has_usable_password() and not person.is_active:
        with transaction.atomic():
            person.email, person.is_active = address, True
            person.save()
            EmailAddress.objects.update_or_create(
                user=person, email=address.lower(), defaults={"verified": True, "primary": True}
            )
        found.add("addresses")


def _team(table: dict[str, Any], found: Imported) -> None:
    with transaction.atomic():
        team, is_new = Team.objects.get_or_create(name=table["name"], defaults={
            "founder": User.objects.get(username=table["founder"]),
        })  # fmt: skip
        if is_new:
            Team.objects.filter(pk=team.pk).update(created=table["created"])
            team.members.set(User.objects.filter(username__in=table["members"]))
            found.add("teams")


def _contest(slug: str, table: dict[str, Any], found: Imported) -> None:
    if Contest.objects.filter(slug=slug).exists():
        return
    folders = {int(f.name[1:]): f for f in contest_folder(slug).glob("v*") if f.name[1:].isdigit()}
    last = load_competition(folders[max(folders)])
    said = {version["number"]: version for version in table.get("versions", ())}
    if missing := sorted(said.keys() - folders.keys()):
        raise RulesError(f"version {missing[0]} is missing: {contest_folder(slug)}/v{missing[0]}")
    with transaction.atomic():
        contest = Contest.objects.create(
            slug=slug, title=table.get("title", last.title), prose=table.get("prose", "")
        )
        restore(contest, table)
        if "created" in table:
            Contest.objects.filter(pk=contest.pk).update(created=table["created"])
            contest.refresh_from_db()
        for number, folder in sorted(folders.items()):
            _version(contest, number, folder, said.get(number, {}))
        write_contest(contest)
    found.add("contests")


def _version(contest: Contest, number: int, folder: Path, said: dict[str, Any]) -> None:
    rules = load_competition(folder)
    if said and rules.fingerprint() != said["rules_sha256"]:
        raise RulesError(
            f"{folder}: its rules are not those that its entries were played by. Put the folder "
            "back as it was"
        )
    version = Version.objects.create(
        contest=contest, number=number, note=said.get("note", ""),
        folder_sha256=said.get("folder_sha256") or rules_digest(folder),
        rules_sha256=rules.fingerprint(),
    )
    if said:
        Version.objects.filter(pk=version.pk).update(created=said["created"])
    add_boards(version)


def _run(table: dict[str, Any]) -> int:
    """Returns: how many runs were not there."""
    board = Board.objects.select_related("version__contest").filter(
        version__contest__slug=table["contest"], version__number=table["version"],
        cell=table["cell"], ruleset=table["ruleset"], framework__in=["", table["framework"]],
    ).first()
    if board is None:
        raise RulesError(
            f"version {table['version']} of {table['contest']}, cell {table['cell'] or 'none'!r}, "
            f"{table['ruleset']}, {table['framework']}, is not here"
        )
    return import_run(board, table)
