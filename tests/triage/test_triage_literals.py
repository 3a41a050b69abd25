"""Large literals, files that are no Python, and about how much they hold."""

import base64
import random
import zlib

import numpy as np
import pytest
from reads import read, whats

from mlgolf.triage.entropy import entropy, held_bits
from mlgolf.triage.findings import Kind

NOISE = random.Random(1).randbytes(1000)


def the_literal(code: str):
    (found,) = read(code).of_kind(Kind.LITERAL)
    return found


@pytest.mark.parametrize(
    ("code", "what", "least_bits"),
    [
        (f"x = {NOISE!r}", "a byte string of 1,000 bytes", 7_700),
        (f"x = {base64.b64encode(NOISE).decode()!r}",
         "a string of 1,336 characters, which reads as base64 of 1,000 bytes with 7.8 bits", 7_700),
        (f"x = {zlib.compress(NOISE)!r}", "which begin as zlib data", 7_700),
        (f"x = {base64.b64encode(zlib.compress(NOISE)).decode()!r}", "begin as zlib data", 7_700),
        (f"x = {NOISE.hex()!r}", "which reads as hexadecimal of 1,000 bytes", 7_700),
        (f"x = 0x{NOISE.hex()}", "a whole number of", 7_700),
        (f"x = {list(NOISE)}", "a list with 1,000 numbers", 7_700),
        (f"x = [[{list(NOISE[:500])}], ({list(NOISE[500:])},)]", "with 1,000 numbers", 7_700),
        (f"x = {[-b / 7 for b in NOISE]}", "a list with 1,000 numbers", 7_700),
        (f"x = {dict(enumerate(NOISE))}", "a dict with 2,000 numbers", 7_700),
        (f"f(1, [{', '.join(map(str, NOISE))}])", "a list with 1,000 numbers", 7_700),
    ],
)
def test_a_large_literal_is_one_finding_with_what_it_holds(code, what, least_bits):
    found = the_literal(code)
    assert what in found.what
    assert least_bits <= found.bits <= 4 * least_bits


@pytest.mark.parametrize(
    "code",
    ["x = [0.1] * 10", f"x = {'a' * 5000!r}", f"x = {[0] * 5000}", "x = 'an error message'",
     f'"""{"A docstring. " * 100}"""'],
)
def test_what_holds_little_is_no_large_literal(code):
    assert whats(Kind.LITERAL, code) == []


def test_constants_that_are_spread_out_count_together():
    spread = "\n".join(f"x{n} = {byte}" for n, byte in enumerate(NOISE))
    found = read(spread)
    assert found.of_kind(Kind.LITERAL) == []
    assert found.literal_bits > 6_000


def test_prose_is_told_where_it_could_hold_a_model():
    noise = base64.b64encode(random.Random(2).randbytes(6000)).decode()
    assert "string that is no value" in whats(Kind.LITERAL, f'def f():\n    """{noise}"""')[0]
    assert "comments of the file" in whats(Kind.LITERAL, f"# {noise}\nx = 1")[0]


@pytest.mark.parametrize(
    ("data", "bits"), [(b"", 0.0), (b"aaaa", 0.0), (b"abab", 1.0), (bytes(range(256)), 8.0)]
)
def test_entropy_is_in_bits_a_byte(data, bits):
    assert entropy(data) == bits


def test_repeated_data_hold_no_more_than_their_compressed_length():
    assert held_bits(bytes(range(256)) * 100) < 8 * 1000


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("w_npy", b"\x93NUMPY\x01" + NOISE, "numpy array"),
        ("w_npz", b"PK\x03\x04" + NOISE, "zip archive (also .npz and torch's .pt)"),
        ("m_onnx", b"\x08\x09" + NOISE, "ONNX model"),
        ("m_safetensors", NOISE, "safetensors"),
        ("w_bin", NOISE, "data of an unknown kind"),
        ("a_so", b"\x7fELF" + NOISE, "native code (ELF)"),
        ("notes_txt", b"words " * 10_000, "text"),
    ],
)
def test_data_files_are_told_with_kind_size_and_entropy(name, data, kind):
    found = read("x = 1", **{name: data})
    (file,) = [file for file in found.files if file.kind != "Python"]
    assert file.kind == kind
    assert file.entropy == pytest.approx(entropy(data))
    assert any(f.what.startswith(f"{kind}, {len(data):,} bytes") for f in found.of_kind(
        Kind.DATA_FILE
    ))  # fmt: skip


def test_compiled_code_and_pickles_are_code_that_is_not_read():
    found = read("x = 1", a_so=b"\x7fELF", b_pkl=b"\x80\x04.", c_pyc=b"\xa7\r\r\n")
    assert {f.file for f in found.of_kind(Kind.DYNAMIC_CODE)} == {"a.so", "b.pkl", "c.pyc"}


def test_short_texts_beside_the_code_are_listed_and_no_finding():
    found = read("x = 1", space_json='{"lr": 1}', README_md="# Mine")
    assert [(file.name, file.kind) for file in found.files] == [
        ("README.md", "text"), ("space.json", "JSON"), ("submission.py", "Python"),
    ]
    assert found.findings == ()


def test_weights_in_a_file_are_told_with_nearly_all_of_their_bits():
    weights = np.random.default_rng(1).normal(size=1000).astype(np.float32)
    (file, _) = read("x = 1", a_bin=weights.tobytes()).files
    assert 3_000 < file.compressed_bytes <= 4_000
