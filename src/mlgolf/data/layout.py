"""Where datasets lie, and how they come to lie there.

    <data_dir>/<dataset>/<folder>/raw                                 as published, or made
    <data_dir>/<dataset>/<folder>/prepared/{train,validation,test}    what batches are read from
    <data_dir>/<dataset>/<folder>/prepared/checksums.json

`folder` is the size's name, unless its `data` record has a `folder` of its own: variants that
differ in the network alone name the same one. A record with `is_made` False says that the raw data
are published, and never made. What is written is written beside its place and renamed when it is
complete, so that an interrupted command leaves nothing half-made.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlgolf.core.errors import DataError
from mlgolf.core.workload import SPLITS, Workload
from mlgolf.data import checksums


def raw_folder(workload: Workload, size_name: str, data_dir: Path) -> Path:
    return _folder(workload, size_name, data_dir) / "raw"


def prepared_folder(workload: Workload, size_name: str, data_dir: Path) -> Path:
    return _folder(workload, size_name, data_dir) / "prepared"


def make(workload: Workload, size_name: str, data_dir: Path, seed: int = 0) -> Path:
    """Write small raw data, in place of those made before. Returns: their folder.

    Raises: DataError if data of this size are published, not made; UnknownName.
    """
    size = workload.size(size_name)
    raw = raw_folder(workload, size_name, data_dir)
    if not _is_made(workload, size_name):
        raise DataError(
            f"data of {workload.name} at size {size_name} are published, not made. The README of "
            f"the workload says where; put them into {raw} and run: "
            f"{_command('prepare', workload, size_name, data_dir)}"
        )
    with _replacing(raw) as unfinished:
        workload.data().make(unfinished, size, seed)
    return raw


def prepare(workload: Workload, size_name: str, data_dir: Path) -> Path:
    """Turn raw data into one folder per split, with checksums. Returns: the prepared folder.

    Raises: DataError if the raw data are missing or not in their published format; UnknownName.
    """
    raw = raw_folder(workload, size_name, data_dir)
    prepared = prepared_folder(workload, size_name, data_dir)
    if not raw.is_dir():
        remedy = "They are published: the README of the workload says where."
        if _is_made(workload, size_name):
            remedy = f"Run: {_command('make', workload, size_name, data_dir)}"
        raise DataError(f"{raw}: found no such folder, expected raw data. {remedy}")
    with _replacing(prepared) as unfinished:
        workload.data().prepare(raw, unfinished, workload.size(size_name))
        checksums.write_manifest(unfinished)
    return prepared


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
    if _is_made(workload, size_name) and not raw.is_dir():
        remedy = _command("make", workload, size_name, data_dir)
    for split in SPLITS:
        if not (prepared / split).is_dir():
            raise DataError(
                f"{prepared / split}: found no such folder, expected prepared data. Run: {remedy}"
            )
    checksums.verify(prepared, remedy=remedy, contents=contents)
    return checksums.fingerprint(prepared, remedy=remedy)


def _folder(workload: Workload, size_name: str, data_dir: Path) -> Path:
    folder = getattr(workload.size(size_name).data, "folder", size_name)
    return data_dir / workload.dataset / folder


def _is_made(workload: Workload, size_name: str) -> bool:
    return getattr(workload.size(size_name).data, "is_made", True)


def _command(verb: str, workload: Workload, size_name: str, data_dir: Path) -> str:
    return f"mlgolf data {verb} {workload.name} --size {size_name} --data-dir {data_dir}"


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """A new folder beside `target` that takes its place once the block is done."""
    unfinished = target.with_name(f"{target.name}.unfinished-{os.getpid()}")
    replaced = target.with_name(f"{target.name}.replaced-{os.getpid()}")
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        if target.exists():
            target.rename(replaced)
        unfinished.rename(target)
    finally:
        for leftover in (unfinished, replaced):
            shutil.rmtree(leftover, ignore_errors=True)
