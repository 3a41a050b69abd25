"""Whatever is in the files is a finding, and never an exception."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reads import NAMES, read, whats

from mlgolf.triage.findings import Kind
from mlgolf.triage.reading import triage_files
from mlgolf.triage.syntax import MOST_CODE

PIECES = st.sampled_from([
    "import os", "from a.b import *", "getattr(", "x", ".", "(", ")", "[", "]", "{", "}", ":", "=",
    "\n", "    ", "def f(a, *, b=1):", "class A(B):", "lambda:", "'s'", "b'\\xff'", "f'{x!r:{y}}'",
    "1e999", "0xffffffffffffffffffffffffffffffffffffff", "...", "*", "**", "@", "# c", "match x:",
    "case {'a': 1, **r}:", "await", "yield", "global x", "del x.y", "x.y += 1", "for a.b in c:",
    "with open(x) as f.g:", "setattr(", "workload._x", "'\\ud800'", "-", "not ", ",", ";", "\\\n",
    "\t", "\x0c", "\r", "\ufeff", "\u202e", "é", "\x00", "x: int = 3", "import_module('a.b')",
])  # fmt: skip


def in_json(triage) -> dict:
    return json.loads(json.dumps(triage.as_json(), allow_nan=False))


@given(code=st.lists(PIECES, max_size=40).map("".join))
@settings(max_examples=300)
def test_random_python_never_fails(code):
    assert in_json(read(code.encode("utf-8", "surrogatepass")))["files"]


@given(code=st.lists(PIECES, max_size=25).map(" ".join) | st.text(max_size=80))
def test_random_text_never_fails(code):
    in_json(read(code.encode("utf-8", "surrogatepass")))


@given(data=st.binary(max_size=300), name=st.sampled_from(["a_py", "w_npy", "m_onnx", "x_json"]))
def test_random_bytes_never_fail(data, name):
    in_json(read(**{name: data}))


@given(value=st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner),
))  # fmt: skip
def test_any_literal_has_a_size(value):
    code = f"x = {value!r}".replace("inf", "1e999").replace("nan", "0.0")
    assert in_json(read(code.encode("utf-8", "backslashreplace")))["totals"]["literal_bits"] >= 0


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def f(:\n", "no Python: invalid syntax"),
        ("(" * 100_000, "no Python: too many nested parentheses"),
        ("-" * 100_000 + "1", "nested too deeply to be taken apart"),
        ("a" + ".b" * 100_000, "nested too deeply to be taken apart"),
        ("x" + "[0]" * 100_000, "nested too deeply to be taken apart"),
        ("lambda:" * 40_000 + "1", "nested too deeply to be taken apart"),
        ("x = 1\x00", "null bytes"),
        (b"# coding: nowhere\nx = 1", "no Python: unknown encoding: nowhere"),
        (b"x = '\xff'", "no Python: "),
        ("x = " + "9" * 5000, "no Python: Exceeds the limit"),
        ("#" * (MOST_CODE + 1), "code of over 400,000 is not taken apart"),
    ],
)
def test_what_cannot_be_taken_apart_is_a_finding(code, said):
    found = whats(Kind.UNREADABLE, code)
    assert len(found) == 1
    assert said in found[0]


def test_a_syntax_error_is_told_with_its_line():
    (found,) = read("x = 1\ndef f(:\n").of_kind(Kind.UNREADABLE)
    assert found.lines == (2,)


def test_text_that_reads_differently_than_it_looks_is_told():
    latin = "# coding: latin-1\nx = 'é'".encode("latin-1")
    assert whats(Kind.ENCODING, latin) == ["written in the encoding iso-8859-1"]
    assert whats(Kind.ENCODING, "x = 1  # \u202e") == ["the invisible character U+202E"]
    assert whats(Kind.ENCODING, "\ufeffx = 1") == []


def test_a_file_that_cannot_be_read_is_a_finding(tmp_path):
    found = triage_files({"gone.py": tmp_path / "gone.py"}, NAMES)
    assert [f.what for f in found.of_kind(Kind.UNREADABLE)] == ["No such file or directory"]


def test_others_are_read_where_one_file_is_broken():
    found = read("def f(:\n", b_py="import socket")
    assert [f.what for f in found.of_kind(Kind.NETWORK)] == ["socket"]
