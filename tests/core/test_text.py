import errno
import json
import math
import shlex

import pytest
from pydantic import BaseModel, ValidationError, field_validator, model_validator

from mlgolf.cli.options import print_json
from mlgolf.core.text import (
    bytes_in_words,
    enumerated,
    from_the_disk,
    invalid,
    number_of,
    printable,
    quoted,
)


@pytest.mark.parametrize(
    "text", ["adam[w]", "[/data/cache]", ":warning:", "ü ✓ 漢", "two\nlines\t."]
)
def test_ordinary_text_is_printed_as_it_is(text):
    assert printable(text) == text


@pytest.mark.parametrize(
    "text", ["\x1b[2J", "\x9b2J", "\a", "\r", "\x7f", "caf\udce9", "\u202egnp.exe"]
)
def test_what_would_command_the_terminal_is_printed_as_an_escape(text):
    shown = printable(text)
    assert shown.startswith(("\\", "caf\\"))
    shown.encode()  # no stray byte is left


@pytest.mark.parametrize("path", ["out dir ü", "a'b", "$HOME", "adam[w]", "x;ls"])
def test_a_quoted_path_is_one_word_of_a_shell(path):
    assert shlex.split(quoted(path)) == [path]


def test_a_path_that_begins_with_a_dash_is_no_option():
    assert quoted("-rf") == "./-rf"


def test_json_is_valid_whatever_it_holds(capsys):
    odd = {"caf\udce9": ["\x1b[2J", "\x00", "\ud800"], "nan": math.nan, "inf": (math.inf, 1.5)}
    print_json(odd)
    printed = capsys.readouterr().out

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    read = json.loads(printed, parse_constant=refuse)
    assert read == {
        "schema_version": 1,
        "caf\\udce9": ["\x1b[2J", "\x00", "\\ud800"], "nan": None, "inf": [None, 1.5]
    }
    assert "\x1b" not in printed


def test_a_full_disk_is_named_with_the_file_and_what_to_do():
    full = OSError(errno.ENOSPC, "No space left on device", "runs/a/run.json")
    assert from_the_disk(full) == "runs/a/run.json: no space left on its disk. Make room"


def test_of_a_copy_the_target_is_named():
    full = OSError(errno.ENOSPC, "No space left on device", "source", None, "target")
    assert (from_the_disk(full) or "").startswith("target: ")


def test_an_error_that_is_not_the_disks_has_no_such_message():
    assert from_the_disk(ConnectionResetError(errno.ECONNRESET, "reset")) is None


class _Inner(BaseModel):
    number: int


class _Outer(BaseModel):
    inner: _Inner
    name: str

    @field_validator("name")
    @classmethod
    def _short(cls, name: str) -> str:
        if len(name) > 3:
            raise ValueError(f"found {name!r}, allowed are three letters")
        return name

    @model_validator(mode="after")
    def _whole(self) -> "_Outer":
        if self.inner.number < 0:
            raise ValueError("inner.number: found -1, allowed is 0 or more")
        return self


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"inner": {"number": "x"}, "name": "a"}, "inner.number: Input should be a valid integer, "
         "unable to parse string as an integer (found 'x')"),
        ({"inner": {"number": 1}}, "name: Field required"),
        ({"inner": {"number": 1}, "name": "long"},
         "name: found 'long', allowed are three letters"),
        ({"inner": {"number": -1}, "name": "a"}, "inner.number: found -1, allowed is 0 or more"),
    ],
)
def test_what_is_invalid_has_its_key_and_what_was_found_once_and_no_whole_record(record, said):
    with pytest.raises(ValidationError) as caught:
        _Outer.model_validate(record)
    assert invalid(caught.value.errors()[0]) == said


@pytest.mark.parametrize(
    ("parts", "told"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_only_the_last_of_several_things_follows_an_and(parts, told):
    assert enumerated(parts) == told


def test_a_choice_is_enumerated_by_or():
    assert enumerated([1, 2, 3], "or") == "1, 2 or 3"


@pytest.mark.parametrize(
    ("count", "told"),
    [(12, "12 bytes"), (830_000_000, "830 MB"), (1_100_000_000_000, "1.1 TB"), (10_000, "10.0 kB")],
)
def test_bytes_are_told_in_decimal_units(count, told):
    assert bytes_in_words(count) == told


@pytest.mark.parametrize(("count", "noun", "said"), [
    (1, "day", "1 day"), (7, "day", "7 days"), (2, "study", "2 studies"), (2, "trial", "2 trials"),
])  # fmt: skip
def test_a_number_of_things_is_said_in_the_plural(count, noun, said):
    assert number_of(count, noun) == said
