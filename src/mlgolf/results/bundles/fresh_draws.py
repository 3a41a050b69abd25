"""Draws that nobody could know or choose: from all frozen code, and a value fixed before it.

The value is secret, or public and not known yet. A line of the ledger commits the host to it
before code is taken in: to the hash of the secret one, or to where the public one will stand. Once
the code is frozen, seed and held-out data follow from both. The value is shown when the run has
ended, and anybody can compute them again.
"""

import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlgolf.core.disk import naming
from mlgolf.core.errors import BundleError
from mlgolf.core.records import FreshDraw
from mlgolf.core.text import quoted
from mlgolf.results.bundles.canonical import canonical
from mlgolf.results.bundles.ledger import Head, Heads, Ledger
from mlgolf.results.files import sync_folder

PREFIX = b"mlgolf draw 1\n"
SECRETS = "secrets"  # in the folder of a ledger: values by their hashes, for the host alone
LONGEST = 1000  # characters of a public value


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    record: FreshDraw
    value: str
    seed: int  # of the run
    draw: int  # of its held-out data


def derived(value: str, submissions: Mapping[str, str]) -> tuple[int, int]:
    """The seed of a run, and the draw of its held-out data.

    Args: submissions: name -> SHA-256 of the code.
    """
    found = hashlib.sha256(
        PREFIX + canonical({"submissions": dict(submissions), "value": value})
    ).digest()
    return int.from_bytes(found[:4], "big"), int.from_bytes(found[4:20], "big")


def hash_of(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def commit(ledger: Ledger, submissions: Mapping[str, str], public: str = "") -> Head:
    """Add a line that fixes a value for one run to come.

    Args:
      submissions: those that will be played, by name with the SHA-256 of their code; empty: any.
      public: where the value will stand, and when, in words; empty: a secret is drawn.
    Raises: BundleError for a public value without the code: who knows it could still choose code.
    """
    if public and not submissions:
        raise BundleError(
            "--public needs the submissions: whoever knows the value could still choose their "
            "code. Name them, before the value is known"
        )
    named = {"submissions": dict(submissions)} if submissions else {}
    if public:
        return ledger.add("committed", {"public": public, **named})
    value = secrets.token_hex(32)
    folder = ledger.folder / SECRETS
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / hash_of(value)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with naming(file), open(descriptor, "w") as content:
        content.write(value)
        content.flush()
        os.fsync(content.fileno())
    sync_folder(folder)
    return ledger.add("committed", {"value_sha256": hash_of(value), **named})


def drawn(ledger: Ledger, submissions: Mapping[str, str], public_value: str | None) -> Drawn:
    """For a new run: by the first commitment that no run has used.

    Raises: BundleError if there is none for these submissions, or its value is not to be had.
    """
    line = _open_commitment(ledger.heads(), ledger.folder, submissions)
    record = FreshDraw(
        line=line.number, value_sha256=str(line.body.get("value_sha256", "")),
        public=str(line.body.get("public", "")),
    )
    return drawn_as_recorded(ledger, record, submissions, public_value)


def drawn_as_recorded(
    ledger: Ledger, record: FreshDraw, submissions: Mapping[str, str], public_value: str | None
) -> Drawn:
    """As `drawn`, by the commitment that a run was begun with."""
    value = _public(record, public_value) if record.public else _secret(ledger.folder, record)
    seed, draw = derived(value, submissions)
    return Drawn(record=record, value=value, seed=seed, draw=draw)


def _open_commitment(heads: Heads, folder: Path, submissions: Mapping[str, str]) -> Head:
    used = [line.body.get("committed") for line in heads.lines if line.kind == "started"]
    waiting = [
        line for line in heads.lines if line.kind == "committed" and line.number not in used
    ]
    for line in waiting:
        if line.body.get("submissions", dict(submissions)) == dict(submissions):
            return line
    if waiting:
        raise BundleError(
            f"{folder}: line {waiting[0].number} commits to other submissions, or to other code of "
            "theirs. Play those, or commit once more: mlgolf ledger commit"
        )
    raise BundleError(
        f"{folder} has no commitment that is not used: the rules say draws = \"fresh\". Type "
        f"mlgolf ledger commit {quoted(folder)}, publish heads.jsonl, and only then take code in"
    )


def _public(record: FreshDraw, value: str | None) -> str:
    if not value or len(value) > LONGEST or not value.isprintable():
        raise BundleError(
            f"line {record.line} of the ledger names a public value ({record.public}). Give it by "
            "--public-value, as it stands there"
        )
    return value


def _secret(folder: Path, record: FreshDraw) -> str:
    file = folder / SECRETS / record.value_sha256
    try:
        value = file.read_text()
    except (OSError, UnicodeDecodeError):
        value = ""
    if hash_of(value) != record.value_sha256:
        raise BundleError(
            f"{file}: the value that line {record.line} of the ledger commits to is not there. Put "
            "the file back; without it that line can never be used"
        )
    return value
