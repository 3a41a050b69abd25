"""The ledger of a host: lines are only added, and whatever else happens to it is seen."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import FileIO
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis.strategies import integers, sampled_from

from mlgolf.core.errors import BundleError
from mlgolf.results.bundles.ledger import (
    HEADS,
    KEY,
    Ledger,
    LedgerEnd,
    new_ledger,
    read_heads,
)
from mlgolf.results.bundles.signatures import Signer, known_keys
from mlgolf.results.bundles.starting import write_start
from mlgolf.results.bundles.writing import write_bundle
from mlgolf.results.run_folder import RunFolder

STORED = Path(__file__).parents[1] / "golden" / "run_of_schema_2" / "run"
RUN = {"run": 64 * "a", "competition": "mini", "submissions": {"adamw": 64 * "b"}}


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    """Of a host that started two runs, and bundled the first."""
    made = new_ledger(tmp_path / "host")
    made.add("started", RUN)
    made.add("started", {**RUN, "run": 64 * "c"})
    made.add("bundled", {"run": RUN["run"], "merkle_root": 64 * "d", "sha256": 64 * "e"})
    return made


@pytest.fixture(scope="module")
def content(tmp_path_factory) -> bytes:
    """Of a ledger of four lines."""
    made = new_ledger(tmp_path_factory.mktemp("host"))
    for _ in range(3):
        made.add("started", RUN)
    return (made.folder / HEADS).read_bytes()


def test_the_key_is_for_its_owner_alone(ledger):
    assert stat.S_IMODE((ledger.folder / KEY).stat().st_mode) == 0o600


def test_a_ledger_that_is_there_is_not_made_anew(ledger):
    before = (ledger.folder / HEADS).read_bytes()
    with pytest.raises(BundleError, match="has a ledger"):
        new_ledger(ledger.folder)
    assert (ledger.folder / HEADS).read_bytes() == before


def test_one_that_was_cut_short_while_it_was_made_is_completed(tmp_path):
    made = new_ledger(tmp_path / "host")
    (tmp_path / "host" / HEADS).write_bytes(b"")
    again = new_ledger(tmp_path / "host")
    assert again.signer.public == made.signer.public


def test_lines_follow_one_another(ledger):
    lines = ledger.heads().lines
    assert [line.number for line in lines] == [0, 1, 2, 3]
    assert [line.previous for line in lines[1:]] == [line.hash for line in lines[:-1]]


def test_a_run_that_was_started_and_never_bundled_is_a_gap(ledger):
    assert [head.body["run"] for head in ledger.heads().gaps()] == [64 * "c"]


@given(at=integers(0, 10**6), bit=integers(0, 7))
def test_no_changed_bit_is_overlooked(tmp_path_factory, content, at, bit):
    at %= len(content)
    changed = content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]
    assert _is_found(tmp_path_factory.mktemp("changed") / HEADS, changed)


@given(number=sampled_from([0, 1, 2]))
def test_no_line_that_was_taken_away_is_overlooked(tmp_path_factory, content, number):
    lines = content.splitlines(keepends=True)
    del lines[number]
    assert _is_found(tmp_path_factory.mktemp("fewer") / HEADS, b"".join(lines))


def _is_found(file: Path, content: bytes) -> bool:
    file.write_bytes(content)
    try:
        found = read_heads(file)
    except BundleError:
        return True
    return bool(found.problem) or found.is_torn


def test_a_line_of_another_host_is_found(ledger, tmp_path):
    other = new_ledger(tmp_path / "other")
    (other.folder / HEADS).write_bytes((ledger.folder / HEADS).read_bytes())
    with pytest.raises(BundleError, match="is the ledger of another key"):
        Ledger(other.folder)


def test_a_line_that_was_torn_at_any_byte_is_said_and_the_rest_is_kept(content, tmp_path):
    file, start = tmp_path / HEADS, content[:-1].rindex(b"\n") + 1
    for end in range(start, len(content)):
        file.write_bytes(content[:end])
        found = read_heads(file)
        assert (len(found.lines), found.problem, found.is_torn) == (3, "", end > start)


def test_the_next_line_takes_the_place_of_a_torn_one(ledger):
    with open(ledger.folder / HEADS, "ab") as file:
        file.write(b'{"body":{"ru')
    assert ledger.heads().is_torn
    ledger.add("started", RUN)
    found = ledger.heads()
    assert (len(found.lines), found.problem, found.is_torn) == (5, "", False)


def test_a_disk_that_takes_a_part_at_a_time_gets_the_whole_line(ledger):
    class Slow(FileIO):
        def write(self, content):
            return super().write(content[:7])

    with Slow(ledger.folder / HEADS, "r+") as file:
        LedgerEnd(file, ledger.signer, ledger.heads()).append("started", RUN)
    found = ledger.heads()
    assert (len(found.lines), found.problem, found.is_torn) == (5, "", False)


def test_lines_of_several_processes_do_not_mix(ledger):
    ledgers = [Ledger(ledger.folder) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: ledgers[number % 4].add("started", RUN), range(24)))
    found = ledger.heads()
    assert (len(found.lines), found.problem) == (28, "")


def test_after_kill_9_it_can_be_read_and_goes_on(ledger):
    code = (
        "import sys; from pathlib import Path\n"
        "from mlgolf.results.bundles.ledger import Ledger\n"
        "ledger = Ledger(Path(sys.argv[1])); print('ready', flush=True)\n"
        "while True: ledger.add('started', {'run': 'x' * 5000})\n"
    )
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", code, str(ledger.folder)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout.readline() == b"ready\n"
            heads = ledger.folder / HEADS
            before, tries = heads.stat().st_size, 0
            while heads.stat().st_size == before and tries < 10**7:
                tries += 1
            os.kill(process.pid, signal.SIGKILL)
        ledger.add("started", RUN)
        found = ledger.heads()
        assert (found.problem, found.is_torn) == ("", False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", "is no ledger"), (b"hello\n", "line 1 is no line"), (b"{}\n", "line 1 is no line"),
        (b'{"a":' * 10**5 + b"\n", "is no ledger"), (b"\xff\xfe\n", "is no ledger"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_ledger_is_told(tmp_path, text, expected):
    (tmp_path / HEADS).write_bytes(text)
    with pytest.raises(BundleError, match=expected):
        read_heads(tmp_path / HEADS)


def test_a_ledger_of_a_newer_version_says_what_to_do(content, tmp_path):
    (tmp_path / HEADS).write_bytes(content.replace(b'"ledger":1', b'"ledger":2'))
    with pytest.raises(BundleError, match=r"a ledger of version 2.*Update mlgolf"):
        read_heads(tmp_path / HEADS)


def test_a_bundle_has_its_line_and_the_number_of_it(ledger, tmp_path):
    made = write_bundle(STORED, tmp_path / "a.zip", ledger)
    line = ledger.heads().lines[-1]
    assert (made.manifest.number, made.manifest.previous) == (line.number, line.previous)
    assert line.body["merkle_root"] == made.seal.merkle_root


def test_a_run_is_said_to_start_once(ledger, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.json").write_bytes((STORED / "run.json").read_bytes())
    for _ in range(2):
        write_start(ledger, RunFolder(run))
    assert [line.kind for line in ledger.heads().lines[4:]] == ["started"]
    shutil.copytree(STORED, run, dirs_exist_ok=True)
    made = write_bundle(run, tmp_path / "b.zip", ledger)
    assert made.manifest.run == ledger.heads().lines[4].body["run"]


def test_a_run_with_trials_is_not_said_to_start_afterwards(ledger):
    with pytest.raises(BundleError, match="was begun without the ledger"):
        write_start(ledger, RunFolder(STORED))


def _pem(key, encryption) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def test_what_is_no_key_is_told(ledger, tmp_path):
    mine = (ledger.folder / KEY).read_bytes()
    key, other = ledger.signer._key, generate_private_key(SECP256R1())
    for content, mode, expected in (
        (b"hello", 0o600, "no private key in PEM"),
        (mine[:60], 0o600, "no private key in PEM"),
        (mine, 0o640, "others may read this key"),
        (_pem(key, BestAvailableEncryption(b"secret")), 0o600, "is encrypted"),
        (_pem(other, NoEncryption()), 0o600, "expected Ed25519"),
    ):
        file = tmp_path / "key.pem"
        file.write_bytes(content)
        file.chmod(mode)
        with pytest.raises(BundleError, match=expected):
            Signer(file)
    with pytest.raises(BundleError, match="expected a file of keys"):
        Signer(tmp_path / "missing.pem")


def test_no_bytes_of_a_key_make_its_reader_fail(ledger, tmp_path):
    file, mine, random = tmp_path / "key.pem", (ledger.folder / KEY).read_bytes(), Random(1)
    file.touch(0o600)
    for _ in range(200):
        at = random.randrange(len(mine))
        file.write_bytes(mine[:at] + random.randbytes(3) + mine[at + random.randrange(9) :])
        with contextlib.suppress(BundleError):
            Signer(file)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", "not TOML"), ("a = 1", "a: found 1, which is no public key"),
        ('a = "12"', "64 hexadecimal digits"), (f'a = "{64 * "G"}"', "64 hexadecimal digits"),
        (f'a = "{64 * "1"}"\nb = "{64 * "1"}"', "b and a are one key"), ("[a]\n", "a: found {}"),
        ("a = " + 10**5 * "[", "not TOML"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_keys_is_told(tmp_path, text, expected):
    (tmp_path / "known.toml").write_text(text)
    with pytest.raises(BundleError, match=expected):
        known_keys(tmp_path / "known.toml")
