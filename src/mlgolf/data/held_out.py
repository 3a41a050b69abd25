"""Held-out data that no submission can have made: drawn for one run, from a secret.

Small data ship with their generator, so on a published seed a submission could make the validation
split and train on it. A run therefore has its own draw of the held-out splits. The draw comes from
a key of this machine, which is never shown, and from the run's name for it; the ledger shows the
draw itself once the run has ended, so that anybody can make the same data and replay.

    <data_dir>/held_out.key                             the key: 32 bytes, for its owner alone
    <data_dir>/held_out.shown                           draws that have been shown, one a line
    <data_dir>/<dataset>/<folder>/drawn/<name>/prepared as layout.py says of prepared data
    <data_dir>/<dataset>/<folder>/drawn/<name>.in_use   locked by every process that uses them
    <data_dir>/<dataset>/<folder>/drawn/<name>.planned  runs whose plans need them, one a line

Data that nobody uses and no plan needs are removed. They can be made again from the draw.
"""

import fcntl
import hashlib
import hmac
import json
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from mlgolf.core.disk import naming
from mlgolf.core.errors import DataError
from mlgolf.core.text import quoted
from mlgolf.core.workload import Workload
from mlgolf.data import checksums, layout, made_from

KEY_NAME = "held_out.key"
_KEY_BYTES = 32
_DRAW_BYTES = 16
_used: dict[Path, int] = {}  # folders of draws that this process uses, and the locks it holds


def draw_of(data_dir: Path, run: str) -> int:
    """The draw of a run by its name: always the same on this machine, unknown without its key."""
    digest = hmac.digest(_key(data_dir), run.encode(), "sha256")
    return int.from_bytes(digest[:_DRAW_BYTES], "big")


def has_key(data_dir: Path) -> bool:
    return _key_file(data_dir).exists()


def _key_file(data_dir: Path) -> Path:
    return data_dir / KEY_NAME


def _key(data_dir: Path) -> bytes:
    path = _key_file(data_dir)
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(new, path)  # the first of several processes wins
        except FileExistsError:
            pass
        finally:
            new.unlink()
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise DataError(
            f"{path}: has {len(key)} bytes, and the key of the held-out data has {_KEY_BYTES}. "
            "Put it back from a copy, or delete it: the next run makes a new one, and unfinished "
            "runs of the old one cannot be resumed"
        )
    return key


def digest(draw: int) -> str:
    """SHA-256 of a draw, by which it is known again and not told."""
    return hashlib.sha256(f"{draw:x}".encode()).hexdigest()


def folder(workload: Workload, size_name: str, data_dir: Path, draw: int) -> Path:
    """Where the prepared data of a draw lie, made or not. Its name does not tell the draw."""
    name = digest(draw)[:16]
    prepared = layout.prepared_folder(workload, size_name, data_dir)
    return prepared.parent / "drawn" / name / "prepared"


def ensure(
    workload: Workload, size_name: str, data_dir: Path, draw: int,
    tell: Callable[[str], None] = lambda _: None, *, called: str = "",
) -> str:
    """Make the data of a draw unless they are there, and verify them.

    The training data must be prepared already; where a draw does not change them, they are shared.
    Args: tell, called: as of `layout.ensure`.
    Returns: their fingerprint, a SHA-256. Raises: DataError; UnknownName.
    """
    prepared = folder(workload, size_name, data_dir, draw)
    with layout.alone(prepared.parents[2]):
        _use(prepared.parent)
        _remove_unused(prepared.parents[1])  # of runs that were cut short
        if not prepared.exists():
            tell(f"drawing the held-out data of {called or workload.name}")
            _make(workload, size_name, data_dir, draw, prepared)
    remedy = f"rm -r {quoted(prepared)}"
    made_from.check(prepared, workload, workload.size(size_name), remedy=remedy)
    checksums.verify(prepared, remedy=remedy)
    return checksums.fingerprint(prepared, remedy=remedy)


def _make(
    workload: Workload, size_name: str, data_dir: Path, draw: int, prepared: Path
) -> None:
    data, size = workload.data(), workload.size(size_name)
    drawn = layout.drawn_splits(workload, size_name)
    seed = layout.seed_of(workload, size_name, data_dir)
    shared = layout.prepared_folder(workload, size_name, data_dir)
    with layout.replacing(prepared) as unfinished:
        raw = unfinished.with_name("raw")
        shutil.rmtree(raw, ignore_errors=True)  # of a process that was killed
        raw.mkdir()
        data.make(raw, size, seed, draw, drawn)
        data.prepare(raw, unfinished, size, drawn)
        shutil.rmtree(raw)
        for split in size.splits:
            if split not in drawn:
                shutil.copytree(shared / split, unfinished / split, copy_function=os.link)
        checksums.write_manifest(unfinished)
    made_from.write(prepared, workload, size)


def keep(prepared: Path) -> None:
    """As `ensure` does for what it made: no other process removes these data while we live."""
    if prepared.parent.parent.name == "drawn":
        _use(prepared.parent)


def _use(drawn: Path) -> None:
    """Keep other processes from removing a draw for as long as this one lives, or removes it."""
    if drawn not in _used:
        drawn.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(_lock_of(drawn), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        _used[drawn] = descriptor


def _lock_of(drawn: Path) -> Path:
    """Beside what it keeps, so that it is not removed before."""
    return drawn.with_name(f"{drawn.name}.in_use")


def keep_for_plans(
    workload: Workload, size_name: str, data_dir: Path, draw: int, run: Path
) -> None:
    """Keep a draw for the plans of a run after this process, until `plans_ended` of that run."""
    drawn = folder(workload, size_name, data_dir, draw).parent
    with layout.alone(drawn.parents[1]):
        _write_plans_of(drawn, {*_plans_of(drawn), _line(run)})


def plans_ended(
    workload: Workload, size_name: str, data_dir: Path, draw: int, run: Path
) -> None:
    """A run needs its draw no longer; `remove` removes it unless plans of another run do."""
    drawn = folder(workload, size_name, data_dir, draw).parent
    with layout.alone(drawn.parents[1]):
        _write_plans_of(drawn, {*_plans_of(drawn)} - {_line(run)})


def _planned(drawn: Path) -> Path:
    return drawn.with_name(f"{drawn.name}.planned")


def _plans_of(drawn: Path) -> list[str]:
    """A line for each run that has plans on a draw."""
    file = _planned(drawn)
    return file.read_text().splitlines() if file.exists() else []


def _line(run: Path) -> str:
    return json.dumps(str(run.resolve()))  # any name is one line


def _write_plans_of(drawn: Path, lines: set[str]) -> None:
    file = _planned(drawn)
    if lines:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{line}\n" for line in sorted(lines)))
    else:
        file.unlink(missing_ok=True)


def _remove_unused(draws: Path) -> None:
    """Draws that nobody uses: who goes on with a run makes its own again. Only under `alone`."""
    for lock in draws.glob("*.in_use"):
        drawn = lock.with_suffix("")
        if drawn not in _used:
            _remove_if_free(drawn, os.open(lock, os.O_RDWR | os.O_CLOEXEC))


def _remove_if_free(drawn: Path, descriptor: int) -> None:
    try:
        if _planned(drawn).exists():
            return
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        if drawn.exists():
            shutil.rmtree(drawn)
        _lock_of(drawn).unlink()
    finally:
        os.close(descriptor)


def remove(workload: Workload, size_name: str, data_dir: Path, draw: int) -> None:
    """Once a run has ended its draw is no longer needed: whoever replays it makes it again.

    Nothing happens while another process uses it, or plans need it.
    """
    prepared = folder(workload, size_name, data_dir, draw)
    descriptor = _used.pop(prepared.parent, None)
    if descriptor is not None:
        with layout.alone(prepared.parents[2]):
            _remove_if_free(prepared.parent, descriptor)


def is_shown(data_dir: Path, draw: int) -> bool:
    """Whether an earlier run has shown this draw, so that a submission may know it."""
    path = data_dir / "held_out.shown"
    return path.exists() and f"{draw:x}" in path.read_text().split()


def mark_as_shown(data_dir: Path, draw: int) -> None:
    if is_shown(data_dir, draw):
        return
    path = data_dir / "held_out.shown"
    is_torn = path.exists() and not f"\n{path.read_text()}".endswith("\n")  # by a full disk
    with naming(path), open(path, "a") as file:
        file.write(f"\n{draw:x}\n" if is_torn else f"{draw:x}\n")
