"""Competitions are made here: from a folder, or from a table, by way of a draft.

A draft keeps what was uploaded and typed, so that nothing is lost while mistakes are mended. What
is made of it is a contest with its first version, or the next version of one; then the host's
baseline is entered as any entry is, and played.
"""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from mlgolf.api.games import new_game
from mlgolf.core.competition import Competition, load_competition
from mlgolf.core.errors import MLGolfError, RulesError, SubmissionError
from mlgolf.core.text import bytes_in_words, printable
from mlgolf.golf.games import differing_rules
from mlgolf_site.config import Limits
from mlgolf_site.contests.beside import write_contest
from mlgolf_site.contests.models import Board, Contest, Version
from mlgolf_site.contests.services import (
    add_contest,
    add_version,
    starter_folder,
)
from mlgolf_site.entries.models import Entry, Run
from mlgolf_site.entries.uploads import Upload, read_upload
from mlgolf_site.hosting.checking import check_folder
from mlgolf_site.hosting.models import Draft
from mlgolf_site.jobs.models import OPEN
from mlgolf_site.jobs.services import enqueue
from mlgolf_site.people.models import User
from mlgolf_site.submitting import play_again, submit

NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,59}")
MOST_PLAYED = 500  # entries of a board that are played again at a time
OF_THE_TABLE = ("name", "title", "target", "objective", "budget_seconds", "licence", "origin")
_ON_THE_PAGE = {  # options of the command line, as the form calls them
    "--target COLUMN": "the target column", "--target": "the target column",
    "--objective": "the objective", "--budget": "the budget", "--licence": "the licence",
    "--origin": "the origin", "--out": "another name", "NAME": "name",
}


def new_draft(
    owner: User, kind: str, file_name: str, content: bytes, asked: dict[str, Any],
    contest: Contest | None = None, wrong: Sequence[str] = (),
) -> Draft:
    """Keep what was uploaded and typed, and look at it.

    Args: wrong: what is wrong with what was typed; the file is then only kept.
    Raises: SubmissionError for a file that is not taken in; nothing is kept then.
    """
    limits = settings.SITE.config.limits
    if owner.drafts.count() >= limits.drafts:
        raise SubmissionError(
            f"you have {limits.drafts} drafts, which is as many as one may have. Discard one first"
        )
    draft = Draft(owner=owner, kind=kind, contest=contest, asked=asked)
    _take_in(draft, file_name, content)
    if wrong:
        draft.problem = "\n".join(wrong)
        draft.save()
    else:
        _look_at(draft, owner)
    return draft


def change_draft(
    draft: Draft, asked: dict[str, Any], file_name: str = "", content: bytes = b"", *,
    by: User, again: bool = False,
) -> None:
    """Take in what was typed, and another file if there is one; look again where that matters.

    Args: again: look again whatever was changed.
    Raises: SubmissionError for a file that is not taken in: the one before stays.
    """
    before = {key: draft.asked.get(key) for key in OF_THE_TABLE}
    draft.asked = {**draft.asked, **asked}
    draft.save(update_fields=["asked"])
    if content:
        _take_in(draft, file_name, content)
    is_table = draft.kind == Draft.Kind.TABLE
    after = {key: draft.asked.get(key) for key in OF_THE_TABLE}
    was_looked_at = bool(draft.checked or draft.guesses)
    if content or again or not was_looked_at or (is_table and before != after):
        _look_at(draft, by)


def discard(draft: Draft) -> None:
    shutil.rmtree(draft.place, ignore_errors=True)
    draft.delete()


def _take_in(draft: Draft, file_name: str, content: bytes) -> None:
    limits = settings.SITE.config.limits
    if not content:
        raise SubmissionError("the file is empty")
    if len(content) > limits.competition_bytes:
        raise SubmissionError(
            f"the file has {bytes_in_words(len(content))}; allowed are "
            f"{bytes_in_words(limits.competition_bytes)}"
        )
    base = printable(Path(file_name.replace("\\", "/")).name)[:200]
    upload = None
    if draft.kind == Draft.Kind.FOLDER:
        if not base.endswith(".zip"):
            raise SubmissionError(
                f"found {base!r}; expected is a zip of the folder: zip -r my-game.zip my-game"
            )
        upload = read_upload(base, content, _limits_of_hosts(limits))
    elif not base.lower().endswith(".csv"):
        raise SubmissionError(f"found {base!r}; expected is a table (.csv)")
    shutil.rmtree(draft.place, ignore_errors=True)
    draft.place.mkdir(parents=True)
    draft.source.write_bytes(content)
    draft.file_name = base
    if upload is not None:
        draft.folder.mkdir(parents=True)
        upload.write(draft.folder)


def _limits_of_hosts(limits: Limits) -> Limits:
    return limits.model_copy(update={
        "upload_bytes": limits.competition_bytes, "upload_files": limits.competition_files,
        "unpacked_bytes": limits.competition_unpacked_bytes,
    })


def _look_at(draft: Draft, by: User) -> None:
    """Make its folder, if it is a table, and check that. Whoever asks answers for its programs."""
    draft.problem, draft.guesses, draft.checked = "", [], {}
    try:
        if draft.kind == Draft.Kind.TABLE:
            _make_of_table(draft)
        draft.checked = check_folder(draft.folder, may_bring_programs=by.is_superuser)
    except MLGolfError as error:
        draft.problem = _in_words(draft, str(error))
    draft.save()


def _make_of_table(draft: Draft) -> None:
    """Raises: DataError, a line for each thing that is wrong."""
    asked = draft.asked
    shutil.rmtree(draft.folder.parent, ignore_errors=True)
    made = new_game(
        asked["name"], draft.source, out=draft.folder.parent, target=asked.get("target") or None,
        title=asked.get("title") or None, objective=asked.get("objective") or None,
        budget_seconds=asked.get("budget_seconds"), licence=asked.get("licence") or None,
        origin=asked.get("origin") or draft.file_name,
    )
    made.folder.rename(draft.folder)
    draft.guesses = [_in_words(draft, guess) for guess in made.guesses]


def _in_words(draft: Draft, said: str) -> str:
    """Without places of this machine, and with the words of the page."""
    for found, shown in ((str(draft.source), draft.file_name), (f"{draft.folder.parent}/", "")):
        said = said.replace(found, shown)
    for option, field in _ON_THE_PAGE.items():
        said = re.sub(rf"(?<![\w-]){re.escape(option)}(?![\w-])", field, said)
    return said


# --- what a draft would change ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A key of the rules that differs between two versions."""

    key: str
    before: str
    after: str


def differences(draft: Draft) -> list[Difference]:
    """Of the rules of a draft to those that hold now; none if either cannot be read."""
    if draft.contest is None or not draft.is_fine:
        return []
    return differing(draft.contest.current.competition, load_competition(draft.folder))


def differing(before: Competition, after: Competition) -> list[Difference]:
    """Key by key, with both values; cells and what is only said are compared, too."""
    keys = differing_rules(before, after)
    tables = [_table(rules) for rules in (before, after)]
    said = [key for key in ("title", "round", "notice", "opens", "closes")
            if tables[0].get(key) != tables[1].get(key)]
    cells = [f"cells.{name}" for name in sorted({*before.cells, *after.cells})
             if before.cells.get(name) != after.cells.get(name)]
    return [
        Difference(
            # A key that would be a word of Python's ends in an underscore there.
            key=".".join(part.removesuffix("_") for part in key.split(".")),
            before=_value(tables[0], key), after=_value(tables[1], key),
        )
        for key in dict.fromkeys([*said, *keys, *cells])
    ]


def _table(rules: Competition) -> dict[str, Any]:
    cells = {name: cell.model_dump(mode="json") for name, cell in rules.cells.items()}
    return {**rules.model_dump(mode="json"), "cells": cells}


def _value(table: dict[str, Any], key: str) -> str:
    """As text; names of workloads may have dots, so the longest part that is a key is taken."""
    parts, found = key.split("."), table
    while parts:
        for length in range(len(parts), 0, -1):
            name = ".".join(parts[:length])
            if isinstance(found, dict) and name in found:
                found, parts = found[name], parts[length:]
                break
        else:
            return "–"
    return "–" if found is None else printable(str(found))[:300]


# --- it is made ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    version: Version
    said: str  # of its baseline, and of its dates


def make(draft: Draft, by: User, today: date | None = None) -> Made:
    """A contest, or the next version of one; its baseline waits for a worker then.

    Raises: RulesError, SubmissionError for what is not fine (any more). The draft stays then.
    """
    if not draft.is_fine:
        raise RulesError("there is something to mend first: it stands above")
    today = today or datetime.now(UTC).date()
    rules = load_competition(draft.folder)
    if rules.closes and rules.closes < today:
        raise RulesError(f"closes: found {rules.closes}, which has passed; give a later day")
    asked, said = draft.asked, ""
    if rules.opens and rules.opens < today:
        said = f" It opens on {rules.opens}, which has passed: it is open at once."
    with transaction.atomic():
        if draft.contest is not None:
            version = add_version(
                draft.contest, draft.folder, note=asked.get("note", ""), by=by
            )
        else:
            name = asked.get("name") or rules.name
            if not NAME.fullmatch(name):
                raise RulesError(
                    f"name: found {printable(name)[:60]!r}; allowed are 2 to 60 small letters, "
                    "digits and dashes, the first no dash"
                )
            version = add_contest(
                draft.folder, slug=name, prose=asked.get("prose", ""), by=by,
                is_public=bool(asked.get("is_public")),
            )
    write_contest(version.contest)
    discard(draft)
    try:
        dry_run(version, by)
    except MLGolfError as error:
        return Made(version=version, said=f"Its baseline was refused: {error}.{said}")
    return Made(version=version, said=f"Its baseline is entered, and waits for a worker.{said}")


def baselines(version: Version) -> list[Entry]:
    """The host's, with their newest runs; the newest first."""
    return list(
        Entry.objects.filter(board__version=version, is_baseline=True)
        .select_related("contest").order_by("-pk")[:5]
    )


def dry_run(version: Version, by: User) -> Run:
    """Play the baseline of the folder, as any entry is played.

    Raises: RulesError where there is none, or it is played already; SubmissionError.
    """
    board = version.boards.get(name="")
    name = "baseline" if version.number == 1 else f"baseline-v{version.number}"
    entered = version.contest.entries.filter(board=board, name=name).first()
    if entered is not None:
        return play_again(entered)
    folder = starter_folder(version)
    if folder is None:
        raise RulesError("the folder has no baseline/: there is nothing to play")
    content = Upload(files={
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*")) if file.is_file()
    }).as_zip("baseline")
    refusal: MLGolfError | None = None
    for framework in ("torch", "jax"):
        try:
            return submit(
                board, owner=by, name=name, file="baseline.zip", content=content,
                framework=framework, is_baseline=True,
            )
        except SubmissionError as error:
            refusal = refusal or error
    assert refusal is not None
    raise refusal


def play_each(board: Board) -> int:
    """Queue every entry of a board that is not queued already. Returns: how many were.

    Raises: RulesError for more than may be queued at a time.
    """
    resting = board.entries.exclude(runs__job__state__in=OPEN).select_related(
        "board__version__contest"
    )
    count = resting.count()
    if count > MOST_PLAYED:
        raise RulesError(
            f"the board has {count:,} entries that would be played; allowed are {MOST_PLAYED} at "
            "a time. Play single ones again"
        )
    with transaction.atomic():
        for entry in resting:
            enqueue(entry)
    return count
