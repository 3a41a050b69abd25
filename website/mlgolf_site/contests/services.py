"""Contests are made and changed here: folders are copied first, rows written last."""

import re
import shutil
import tempfile
from itertools import product
from pathlib import Path

from django.db import transaction

from mlgolf.core.cells import SEPARATOR
from mlgolf.core.competition import FILE, Competition, load_competition
from mlgolf.core.errors import RulesError
from mlgolf.core.jury_ruling import FOLDER as RULINGS
from mlgolf.core.jury_ruling import read_rulings
from mlgolf.core.text import printable
from mlgolf.core.toml_files import SHIPPED
from mlgolf.core.workload import FRAMEWORKS
from mlgolf.golf.evaluation_child import FILE as OWN
from mlgolf.golf.games import cells, data_of, drawn_from, time_class_of
from mlgolf.report.words import pretraining_in_words
from mlgolf.results.frozen_code import digest, files_below
from mlgolf_site.contests.beside import write_contest
from mlgolf_site.contests.models import Board, Contest, Version
from mlgolf_site.people.models import User

SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")  # a part of addresses and of paths


def add_contest(
    folder: Path, *, slug: str | None = None, prose: str = "", by: User | None = None,
    note: str = "", is_public: bool = True,
) -> Version:
    """A contest from the folder of a competition, with the first version of its rules.

    Raises: RulesError for a folder that is none, or a name that is taken.
    """
    rules = load_competition(folder)
    slug = slug or rules.name
    if not SLUG.fullmatch(slug):
        raise RulesError(
            f"name: found {printable(slug)!r}; allowed are small letters, digits, dash and "
            "underscore, the first a letter or a digit, at most 60"
        )
    if Contest.objects.filter(slug=slug).exists():
        raise RulesError(f"{slug}: there is a competition of this name. Give another name")
    with transaction.atomic():
        contest = Contest.objects.create(
            slug=slug, title=rules.title, prose=prose, is_public=is_public
        )
        if by is not None:
            contest.hosts.add(by)
        return _add(contest, folder, rules, note, by)


def add_version(
    contest: Contest, folder: Path, *, note: str = "", by: User | None = None
) -> Version:
    """New rules. Entries of before keep theirs, and their boards.

    Args: by: who asks for it; None: somebody with a shell on the machine of the site.
    Raises: RulesError for a folder that is no competition, or that changes nothing.
    """
    rules = load_competition(folder)
    current = contest.current
    if rules_digest(folder) == current.folder_sha256:
        raise RulesError(f"{contest}: nothing differs from version {current.number}")
    with transaction.atomic():
        # Two hosts may ask at the same time: one after the other, each has a number of its own.
        Contest.objects.select_for_update().get(pk=contest.pk)
        return _add(contest, folder, rules, note, by)


def _add(
    contest: Contest, folder: Path, rules: Competition, note: str, by: User | None
) -> Version:
    _check_files(folder)
    _check_programs(contest, rules, by)
    read_rulings(folder / RULINGS)  # what is wrong with them is told before anything is kept
    last = contest.versions.order_by("number").last()
    version = Version(
        contest=contest, number=last.number + 1 if last else 1, note=note,
        folder_sha256=rules_digest(folder), rules_sha256=rules.fingerprint(),
    )
    _copy(folder, version.folder)
    if last is not None:
        _keep_rulings(last.folder / RULINGS, version.folder / RULINGS)
    version.save()
    add_boards(version)
    write_contest(contest)
    return version


def add_boards(version: Version) -> None:
    """One for each cell of its rules, way of tuning, and framework where these stand apart.

    Raises: RulesError for a cell whose name another board has.
    """
    made: set[str] = set()
    for cell in cells(version.competition):
        of_cell, rulesets = cell.name.partition(SEPARATOR)[2], cell.rules.tuning.rulesets
        frameworks = FRAMEWORKS if cell.rules.frameworks == "apart" else ("",)
        for ruleset, framework in product(rulesets, frameworks):
            # What the command line chooses where nobody says goes without a word.
            parts = (of_cell, ruleset if ruleset != rulesets[0] else "",
                     framework if framework != frameworks[0] else "")
            name = "-".join(filter(None, parts))
            if name in made:
                raise RulesError(
                    f"cells: two leaderboards would be called {name!r}. Rename the cell {of_cell!r}"
                )
            made.add(name)
            Board.objects.create(
                version=version, name=name, cell=of_cell, ruleset=ruleset, framework=framework,
                hardware=cell.rules.hardware, time_class=time_class_of(cell),
                pretraining=pretraining_in_words(cell.rules.pretraining),
            )


def _check_files(folder: Path) -> None:
    """Raises: RulesError for a link: what it leads to would be copied, and handed out."""
    for file in folder.rglob("*"):
        if file.is_symlink():
            raise RulesError(
                f"{printable(file.relative_to(folder))} is a link. Put the file itself there"
            )


def _check_programs(contest: Contest, rules: Competition, by: User | None) -> None:
    """A host's measure or generator is run by the referee, outside of the sandbox, on whatever
    machine plays: an administrator vouches for it.

    Raises: RulesError.
    """
    found = [*_generators(rules)]
    if rules.rules.regulariser is not None:
        found.append("regulariser.py")
    trusted = by.is_superuser if by is not None else not contest.hosts.exists()
    if found and not (trusted or contest.hosts.filter(is_superuser=True).exists()):
        raise RulesError(
            f"{', '.join(found)} would be run outside of the sandbox: an administrator of the site "
            "has to add such a competition, or take part as its host"
        )


def _generators(rules: Competition) -> list[str]:
    files = [str(data.get("file") or "") for data in data_of(rules)]
    return [file for file in files if file.endswith(".py")]


def own_script(version: Version) -> Path | None:
    """The host's own evaluation, if these rules have one. It runs in a sandbox, on the machine of
    whoever plays, and counts for nothing: so any host may bring it."""
    script = version.folder / OWN
    return script if script.is_file() else None


def kept_from_players(version: Version) -> set[str]:
    """Files of its folder that are not handed out: the pools, or the generators, of blind games,
    from which each run's examples are drawn."""
    return drawn_from(version.competition)


def _copy(folder: Path, target: Path) -> None:
    """Whole or not at all. What lies there without a row is of an attempt that was cut short."""
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".making-", dir=target.parent))
    try:
        copied = scratch / "folder"
        shutil.copytree(folder, copied, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        shutil.rmtree(target, ignore_errors=True)
        copied.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def rules_digest(folder: Path) -> str:
    """SHA-256 of all that a competition is played by. Rulings come later, and change none of it."""
    files = files_below(folder)
    return digest(sorted((n, f) for n, f in files.items() if not n.startswith(f"{RULINGS}/")))


def _keep_rulings(before: Path, now: Path) -> None:
    """Rulings are not taken back by a new version: the ledger has them."""
    for file in sorted(before.glob("*.toml")):
        now.mkdir(exist_ok=True)
        shutil.copyfile(file, now / file.name)


def shipped_folder(name: str, scratch: Path) -> Path:
    """The folder of a competition that ships; one is made around those that are a file alone."""
    folder = Path(str(SHIPPED / name))
    if folder.is_dir():
        return folder
    made = scratch / name
    made.mkdir()
    shutil.copyfile(folder.with_name(f"{name}.toml"), made / FILE)
    return made


def starter_folder(version: Version) -> Path | None:
    """What a newcomer begins from: the host's baseline, which may be submitted as it is."""
    baseline = version.folder / "baseline"
    return baseline if baseline.is_dir() else None
