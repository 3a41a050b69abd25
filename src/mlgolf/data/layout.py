"""Where datasets lie, and how they come to lie there.

    <data_dir>/<dataset>/<folder>/raw                                 as published, or made
    <data_dir>/<dataset>/<folder>/prepared/{train,validation,test}    what batches are read from
    <data_dir>/<dataset>/<folder>/prepared/checksums.json
    <data_dir>/<dataset>/<folder>/prepared.pieces                 of a `prepare` that was cut short
    <data_dir>/<dataset>/<folder>/seed                            that raw data were made with
    <data_dir>/<dataset>/<folder>/raw.checksums.json              of raw data that were made
    <data_dir>/<dataset>/<folder>/*.made_from.json                see made_from.py
    <data_dir>/<dataset>/<folder>/drawn/                          see held_out.py

`folder` is the size's name, unless its `data` record has a `folder` of its own: variants that
differ in the network alone name the same one. A record with `is_made` False says that the raw data
are published, and never made; a `drawn` names the splits that depend on the draw of a run, in place
of the module's DRAWN. What is written is written beside its place and renamed when it is
complete, so that an interrupted command leaves nothing half-made; of several processes that write
the same data, one writes and the others wait. Where a data module offers `pieces`, what a `prepare`
that was cut short had completed is kept for the next one.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from mlgolf.core.disk import naming
from mlgolf.core.errors import DataError
from mlgolf.core.text import quoted
from mlgolf.core.workload import Workload
from mlgolf.data import checksums, made_from, pieces
from mlgolf.data.bad_records import BadRecords
from mlgolf.data.pieces import Pieces, Tell, read_all, write_rest

SHOWN_IN_A_CHECK = 1_000  # bad records
DEFAULT_SEED = 0  # published: what it makes is for practice


def default_data_dir() -> Path:
    """`$MLGOLF_DATA_DIR`, or a folder in the user's cache: ~/.cache/mlgolf/data."""
    chosen = os.environ.get("MLGOLF_DATA_DIR")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mlgolf" / "data"


def raw_folder(workload: Workload, size_name: str, data_dir: Path) -> Path:
    return _folder(workload, size_name, data_dir) / "raw"


def prepared_folder(workload: Workload, size_name: str, data_dir: Path) -> Path:
    return _folder(workload, size_name, data_dir) / "prepared"


def ensure(
    workload: Workload, size_name: str, data_dir: Path,
    tell: Callable[[str], None] = lambda _: None, *, called: str = "",
) -> str:
    """Verify the prepared data, and make them first if there are none.

    Args:
      tell: hears a sentence before each step that lasts.
      called: what the sentence calls the workload, if not by its name.
    Returns: their fingerprint, a SHA-256.
    Raises: DataError if they are damaged, or published and not there; UnknownName.
    """
    if check_source := getattr(workload.data(), "check_source", None):
        check_source(workload.size(size_name))  # or prepared data of an earlier file would be used
    prepared = prepared_folder(workload, size_name, data_dir)
    if is_made(workload, size_name) and not prepared.exists():
        with alone(prepared.parent):
            name = called or workload.name
            if not raw_folder(workload, size_name, data_dir).exists():
                tell(f"making the data of {name} in {prepared.parent} (only once)")
                _make(workload, size_name, data_dir, DEFAULT_SEED)
            if not prepared.exists():
                tell(f"preparing the data of {name}")
                _prepare(workload, size_name, data_dir)
    return check(workload, size_name, data_dir)


def make(workload: Workload, size_name: str, data_dir: Path, seed: int = DEFAULT_SEED) -> Path:
    """Write small raw data, in place of those made before. Returns: their folder.

    Raises: DataError if data of this size are published, not made; UnknownName.
    """
    if not is_made(workload, size_name):
        raise DataError(
            f"data of {workload.name} at size {size_name} are published, not made. "
            f"{_remedy(workload, size_name, data_dir)}"
        )
    with alone(_folder(workload, size_name, data_dir)):
        return _make(workload, size_name, data_dir, seed)


def _make(workload: Workload, size_name: str, data_dir: Path, seed: int) -> Path:
    raw = raw_folder(workload, size_name, data_dir)
    new_sums = raw.with_name(f".{_sums_file(raw).name}.new")
    with replacing(raw) as unfinished:
        workload.data().make(unfinished, workload.size(size_name), seed, draw=seed)
        checksums.write_manifest(unfinished, new_sums)
        _sums_file(raw).unlink(missing_ok=True)
    new_sums.rename(_sums_file(raw))
    _seed_file(raw).write_text(f"{seed}\n")
    made_from.write(raw, workload, workload.size(size_name))
    return raw


def seed_of(workload: Workload, size_name: str, data_dir: Path) -> int:
    """The seed that the data there were made with."""
    file = _seed_file(raw_folder(workload, size_name, data_dir))
    return int(file.read_text()) if file.exists() else DEFAULT_SEED


def _seed_file(raw: Path) -> Path:
    return raw.with_name("seed")


def _sums_file(raw: Path) -> Path:
    return raw.with_name(f"{raw.name}.{checksums.MANIFEST}")


def prepare(
    workload: Workload, size_name: str, data_dir: Path, *, skip_bad: bool = False,
    tell: Tell = lambda _: None,
) -> Path:
    """Read raw data; replace the prepared ones. Returns: the prepared folder.

    Args:
      skip_bad: leave out records that cannot be read; `left_out` says which.
      tell: hears how far it has come, where the data module prepares piece by piece.
    Raises: DataError if the raw data are missing or not in their published format; UnknownName.
    """
    raw = raw_folder(workload, size_name, data_dir)
    if not raw.is_dir():
        raise DataError(
            f"{raw}: found no such folder, expected raw data. "
            f"{_remedy(workload, size_name, data_dir)}"
        )
    with alone(raw.parent):
        return _prepare(workload, size_name, data_dir, skip_bad=skip_bad, tell=tell)


def _prepare(
    workload: Workload, size_name: str, data_dir: Path, *, skip_bad: bool = False,
    tell: Tell = lambda _: None,
) -> Path:
    prepared = prepared_folder(workload, size_name, data_dir)
    raw = raw_folder(workload, size_name, data_dir)
    size = workload.size(size_name)
    _check_what_made(raw, workload, size_name, data_dir)
    plan = _pieces(workload, size_name, data_dir)
    if plan is None:
        if skip_bad:
            raise DataError(
                f"{workload.name}: its raw data are read as a whole, so that no record can be left "
                f"out. {_again(workload, size_name, data_dir)}"
            )
        with replacing(prepared) as unfinished:
            workload.data().prepare(raw, unfinished, size)
            checksums.write_manifest(unfinished)
    else:
        with resuming(prepared) as (unfinished, scratch):
            write_rest(
                plan, raw, unfinished, scratch, described=made_from.described(workload, size),
                sums=checksums.sums_in(_sums_file(raw)), skip_bad=skip_bad,
                remedy=_again(workload, size_name, data_dir),
                skip=f"Or leave bad records out: {_skip(workload, size_name, data_dir)}", tell=tell,
            )
            checksums.write_manifest(unfinished)
    made_from.copy(raw, prepared)
    return prepared


def left_out(workload: Workload, size_name: str, data_dir: Path) -> BadRecords:
    """The bad records that the prepared data are without."""
    prepared = prepared_folder(workload, size_name, data_dir)
    return pieces.skipped(prepared, raw_folder(workload, size_name, data_dir))


def examples_left(workload: Workload, size_name: str, data_dir: Path) -> str:
    """How many of how many, by split, where bad records were left out; empty elsewhere."""
    wanted = workload.size(size_name).examples
    left = pieces.examples_left(prepared_folder(workload, size_name, data_dir))
    return ", ".join(f"{count:,} of {wanted[split]:,} {split}" for split, count in left.items())


def check_raw(
    workload: Workload, size_name: str, data_dir: Path, tell: Tell = lambda _: None
) -> None:
    """Look at every record of the raw data, if there are any.

    Args: tell: as of `prepare`.
    Raises: DataError that names files and records, unless the prepared data are known to be
      without these; UnknownName.
    """
    raw = raw_folder(workload, size_name, data_dir)
    if not raw.is_dir():
        return
    plan = _pieces(workload, size_name, data_dir)
    if plan is None:
        return
    remedy = _again(workload, size_name, data_dir)
    bad = read_all(
        plan, raw, sums=checksums.sums_in(_sums_file(raw)), remedy=remedy, tell=tell
    )
    if not bad.are_those_of(left_out(workload, size_name, data_dir)):
        skip = f"Or leave them out: {_skip(workload, size_name, data_dir)}"
        bad.refuse(f"{remedy}\n{skip}", SHOWN_IN_A_CHECK)


def _pieces(workload: Workload, size_name: str, data_dir: Path) -> Pieces | None:
    """How raw data are prepared piece by piece; None where the data module knows no pieces."""
    plan = getattr(workload.data(), "pieces", None)
    if plan is None:
        return None
    try:
        return plan(raw_folder(workload, size_name, data_dir), workload.size(size_name))
    except DataError as error:
        raise DataError(f"{error} {_again(workload, size_name, data_dir)}") from None


def _check_what_made(
    folder: Path, workload: Workload, size_name: str, data_dir: Path
) -> None:
    """Raises: DataError if data that can be made were made from another spec.py."""
    if is_made(workload, size_name):
        remedy = _command("make", workload, size_name, data_dir)
        made_from.check(folder, workload, workload.size(size_name), remedy=remedy)


def check(
    workload: Workload, size_name: str, data_dir: Path, *, contents: bool = True
) -> str:
    """Verify the prepared data. Returns: their fingerprint, a SHA-256.

    Args:
      contents: whether to read every file; otherwise only presence and sizes are checked.
    Raises: DataError naming the file, what was found and expected, and the command to run;
      UnknownName.
    """
    prepared = prepared_folder(workload, size_name, data_dir)
    remedy = _command("prepare", workload, size_name, data_dir)
    raw = raw_folder(workload, size_name, data_dir)
    if is_made(workload, size_name) and not raw.is_dir():
        remedy = _command("make", workload, size_name, data_dir)
    for folder in (prepared, *(prepared / split for split in workload.size(size_name).splits)):
        if not folder.is_dir():
            raise DataError(
                f"{folder}: found no such folder, expected prepared data. "
                f"{_remedy(workload, size_name, data_dir)}"
            )
    _check_what_made(prepared, workload, size_name, data_dir)
    checksums.verify(prepared, remedy=remedy, contents=contents)
    return checksums.fingerprint(prepared, remedy=remedy)


def _folder(workload: Workload, size_name: str, data_dir: Path) -> Path:
    size = workload.size(size_name)
    folder = getattr(size.data, "folder", size.row)
    return data_dir / workload.dataset / folder


def is_made(workload: Workload, size_name: str) -> bool:
    return getattr(workload.size(size_name).data, "is_made", True)


def drawn_splits(workload: Workload, size_name: str) -> tuple[str, ...]:
    """Splits that depend on the draw of a run's own; none where the data are published."""
    if not is_made(workload, size_name):
        return ()
    return getattr(workload.size(size_name).data, "drawn", workload.data().DRAWN)


def _remedy(workload: Workload, size_name: str, data_dir: Path) -> str:
    """What to do about data that are not there."""
    raw = raw_folder(workload, size_name, data_dir)
    prepare_it = _command("prepare", workload, size_name, data_dir)
    if raw.is_dir():
        return f"Run: {prepare_it}"
    if is_made(workload, size_name):
        return f"Run: {_command('make', workload, size_name, data_dir)}"
    return (
        f"Download them ({_readme(workload)} says what and from where), put them into {raw}, "
        f"then run: {prepare_it}{_published(workload, size_name)}"
    )


def _again(workload: Workload, size_name: str, data_dir: Path) -> str:
    """What to do about raw data that are damaged."""
    if is_made(workload, size_name):
        return f"Make them anew: {_command('make', workload, size_name, data_dir)}"
    return (
        "Download these files again, then run (what is complete is kept): "
        f"{_command('prepare', workload, size_name, data_dir)}{_published(workload, size_name)}"
    )


def _published(workload: Workload, size_name: str) -> str:
    """A line for each part of the published raw data: where, how large, under which licence."""
    return "".join(f"\n  {part}" for part in workload.size(size_name).published)


def _skip(workload: Workload, size_name: str, data_dir: Path) -> str:
    return f"{_command('prepare', workload, size_name, data_dir)} --skip-bad"


def _readme(workload: Workload) -> Path:
    package = find_spec(workload.package)
    folder = Path(package.origin).parent if package and package.origin else Path(workload.name)
    return folder / "README.md"


def _command(verb: str, workload: Workload, size_name: str, data_dir: Path) -> str:
    place = quoted(data_dir)
    return f"mlgolf data {verb} {workload.name} --size {size_name} --data-dir {place}"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until no other process writes to `folder`. The kernel lets go when a process ends."""
    folder.mkdir(parents=True, exist_ok=True)
    # A file, since folders cannot be locked on NFS, where home folders often are.
    with open(folder.with_name(f".{folder.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A new folder beside `target` that takes its place once the block is done.

    What a killed process left is removed. Only to be used under `alone`.
    """
    unfinished, replaced, _ = _beside(target)
    _remove(unfinished, replaced)
    unfinished.mkdir(parents=True)
    try:
        with naming(target):
            yield unfinished
        _take_place(unfinished, target)
    finally:
        _remove(unfinished, replaced)


@contextmanager
def resuming(target: Path) -> Iterator[tuple[Path, Path]]:
    """As `replacing`, with a scratch folder; both are kept for the next time if the block is cut.

    Only to be used under `alone`.
    """
    unfinished, replaced, scratch = _beside(target)
    if not scratch.exists():
        _remove(unfinished)  # whoever wrote it cannot go on
    _remove(replaced)
    for folder in (unfinished, scratch):
        folder.mkdir(parents=True, exist_ok=True)
    with naming(target):
        yield unfinished, scratch
    _take_place(unfinished, target)
    _remove(replaced, scratch)


def _beside(target: Path) -> tuple[Path, Path, Path]:
    """Folders for what is not finished, what was replaced, and records of complete pieces."""
    endings = ("unfinished", "replaced", "pieces")
    unfinished, replaced, scratch = (target.with_name(f"{target.name}.{e}") for e in endings)
    return unfinished, replaced, scratch


def _take_place(unfinished: Path, target: Path) -> None:
    if target.exists():
        target.rename(_beside(target)[1])
    unfinished.rename(target)


def _remove(*folders: Path) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
