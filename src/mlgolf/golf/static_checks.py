"""All that can be said of a game's files without running anything.

Files are read one by one, so that a fault of one hides none of another.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mlgolf.core.competition import Competition, load_competition
from mlgolf.core.errors import DataError, MLGolfError, RulesError
from mlgolf.core.hardware import load_hardware
from mlgolf.core.jury_ruling import FOLDER as RULINGS
from mlgolf.core.jury_ruling import read_rulings
from mlgolf.core.registry import load_workload
from mlgolf.core.text import invalid
from mlgolf.core.workload import Workload
from mlgolf.golf.evaluation_child import FILE as OWN
from mlgolf.golf.findings import Finding, Passed, Said
from mlgolf.golf.game_files import GameFiles, keys_of
from mlgolf.golf.own_evaluation import faults_of_script
from mlgolf.golf.texts import read_characters
from mlgolf.workloads.graph.data import ANOTHER_GAME

_NO_LICENCE = ("", "?", "none", "tbd", "todo", "unknown")


def file_checks(files: GameFiles, today: date) -> Iterator[Said]:
    """Syntax, fields, names, dates, data files; not whether the rules make sense."""
    said = [
        *_of_syntax(files), *_of_rules(files, today), *unknown_hardware(files),
        *faults_of_definitions(files), *_of_data(files), *_of_classes(files), *_of_rulings(files),
        *_of_own_evaluation(files),
    ]  # fmt: skip
    yield from said
    if not any(isinstance(one, Finding) for one in said):
        names = [files.rules, *(name for name, _ in _tables(files))]
        yield Passed(f"files: {', '.join(names)} can be read as rules")


def _of_rulings(files: GameFiles) -> Iterator[Finding]:
    """Rulings of a jury that cannot be read: no run of this game could be scored."""
    try:
        read_rulings(files.folder / RULINGS)
    except RulesError as error:
        for line in str(error).split("\n"):
            path, separator, what = line.partition(": ")
            known = separator and path.endswith(".toml")
            yield Finding(
                f"{RULINGS}/{Path(path).name}" if known else RULINGS, None, what if known else line
            )


def _of_own_evaluation(files: GameFiles) -> Iterator[Said]:
    """The host's own script, which counts for nothing: it is read, and not run."""
    file = files.folder / OWN
    if not file.exists():
        return
    try:
        faults = [*faults_of_script(file.read_bytes())]
    except OSError as error:
        faults = [(None, f"{error.strerror}; a file is expected")]
    for line, what in faults:
        yield Finding(OWN, line, what)
    if not faults:
        yield Passed(f"{OWN}: it has evaluate(run), which is not run here and counts for nothing")


def loaded(files: GameFiles) -> Competition | None:
    """The competition, if its files can be read; why not is said by `file_checks`."""
    if [*_of_syntax(files)]:
        return None
    try:
        return load_competition(files.folder / files.rules)
    except MLGolfError:
        return None


def _of_syntax(files: GameFiles) -> Iterator[Finding]:
    named = [name for name, _ in _tables(files)]
    beside = [] if files.table(files.rules) else [f.name for f in files.folder.glob("*.toml")]
    for name in dict.fromkeys([files.rules, *named, *sorted(beside)]):
        if fault := files.fault(name):
            yield fault


def _of_rules(files: GameFiles, today: date) -> Iterator[Finding]:
    table = files.table(files.rules)
    if table is None:
        return
    closes = table.get("closes")
    if type(closes) is date and closes < today:  # what is no day is said with the fields
        yield files.finding(
            files.rules, ("closes",), f"closes: found {closes}, which has passed (today is "
            f"{today}); give a later day"
        )  # fmt: skip
    try:
        Competition.model_validate(table)
    except ValidationError as error:
        for one in error.errors():
            if one["loc"]:
                yield files.finding(files.rules, one["loc"], invalid(one))
            else:
                yield from files.findings_of(invalid(one))


def unknown_hardware(files: GameFiles) -> Iterator[Finding]:
    rules = (files.table(files.rules) or {}).get("rules")
    hardware = rules.get("hardware") if isinstance(rules, Mapping) else None
    if isinstance(hardware, str):
        try:
            load_hardware(hardware)
        except MLGolfError as error:
            yield files.finding(files.rules, ("rules", "hardware"), f"rules.hardware: {error}")


def faults_of_definitions(files: GameFiles) -> Iterator[Finding]:
    """What workloads say of the network and the data that a row declares."""
    table = files.table(files.rules) or {}
    for row, definition in files.definitions():
        played = table["workloads"][row].get("workload", row)
        where = ("workloads", row, "workload")
        if not isinstance(played, str):
            continue  # said with the fields
        try:
            workload = load_workload(played)
        except MLGolfError as error:
            yield files.finding(files.rules, where, f"{'.'.join(where)}: {error}")
            continue
        try:
            _defined(files, workload, definition)
        except RulesError as error:
            lines = str(error).split("\n")
            yield from _of_messages(files, row, files.named(definition), lines)


def _defined(files: GameFiles, workload: Workload, definition: Mapping[str, Any]) -> Workload:
    """Raises: RulesError, a line for each fault."""
    # What is no TOML is an empty table here: its fault is said, and what it lacks is not.
    tables = {key: files.table(file) or {} for key, file in files.named(definition).items()}
    size = (files.table(files.rules) or {}).get("size")
    return workload.defined_by({**definition, **tables}, str(size), files.folder)


def declared_workloads(files: GameFiles) -> Iterator[tuple[str, Workload]]:
    """By row, those that rows define without a fault, whatever the rules are."""
    rows = (files.table(files.rules) or {}).get("workloads", {})
    for row, definition in files.definitions():
        try:
            workload = load_workload(str(rows[row].get("workload", row)))
            yield row, _defined(files, workload, definition)
        except MLGolfError:
            continue  # said by `faults_of_definitions`


def _of_messages(
    files: GameFiles, row: str, named: Mapping[str, str], lines: list[str]
) -> Iterator[Finding]:
    """Args: lines: "definition: data.licence: ...", as workloads write them."""
    for message in (line.removeprefix("definition: ") for line in lines):
        first, *keys = keys_of(message) or ("",)
        part = str(first)
        if part not in named:
            keys = ("workloads", row, "definition", part, *keys)
            yield files.finding(files.rules, keys, f"workloads.{row}.definition: {message}")
        elif files.table(named[part]) is not None:
            shown = message.removeprefix(f"{part}.") if keys else message
            yield files.finding(named[part], keys, shown)


def has_its_examples(files: GameFiles) -> bool:
    """Whether files of examples are there, with the hashes that are written down."""
    return not any(
        isinstance(_of_examples(files, name, table), Finding)
        for name, table in _tables(files) if isinstance(table.get("file"), str)
    )  # fmt: skip


def _tables(files: GameFiles) -> list[tuple[str, Mapping[str, Any]]]:
    """What definitions name, by file."""
    names = {file for _, d in files.definitions() for file in files.named(d).values()}
    return [(name, files.table(name) or {}) for name in sorted(names)]


def _of_data(files: GameFiles) -> Iterator[Said]:
    """Files of examples that a table names with their hash; licences."""
    for name, table in _tables(files):
        licence = table.get("licence")
        if isinstance(licence, str) and licence.strip().lower() in _NO_LICENCE:
            yield files.finding(
                name, ("licence",), f"licence: found {licence!r}; name the licence under which "
                'others may use the data, such as "CC-BY-4.0"'
            )  # fmt: skip
        if isinstance(table.get("file"), str):
            yield _of_examples(files, name, table)


def _of_classes(files: GameFiles) -> Iterator[Finding]:
    """Classes that a text does not have: 0 stands before it, and each character has one."""
    for row, definition in files.definitions():
        declared = definition.get("num_classes")
        data = files.table(files.named(definition).get("data", "")) or {}
        characters = _characters(files, data.get("file"))
        if isinstance(declared, int) and characters and declared > characters + 1:
            where = ("workloads", row, "definition", "num_classes")
            yield files.finding(
                files.rules, where, f"{'.'.join(where)}: found {declared}, but {data['file']} has "
                f"{characters} different characters: with 0 for what stands before the text that "
                f"makes {characters + 1} classes. Give that number"
            )  # fmt: skip


def _characters(files: GameFiles, file: Any) -> int | None:
    """How many different ones a text has; None where there is none that can be read."""
    if not isinstance(file, str) or not file.endswith(".txt"):
        return None
    try:
        return len(set(read_characters(files.folder / file)))
    except DataError:
        return None


def _of_examples(files: GameFiles, name: str, table: Mapping[str, Any]) -> Said:
    path = files.folder / table["file"]
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        what = f"file: {table['file']}: {error.strerror}; it is expected beside {name}"
        return files.finding(name, ("file",), what)
    if table.get("sha256") not in (None, found):
        return files.finding(
            name, ("sha256",), f"sha256: found {table['sha256']}, but the SHA-256 of "
            f"{table['file']} is {found}. {ANOTHER_GAME}"
        )  # fmt: skip
    return Passed(f"data: {table['file']} has the SHA-256 that {name} says")
