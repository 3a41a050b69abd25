import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgolf.core.toml_files import SHIPPED
from mlgolf.golf.toml_lines import line_of, lines_of_keys

TEXT = '''\
title = "a = [ { # no comment"   # [rules]
notes = """
[rules]
fake = 1
"""

[rules]
"objective" = "l2"
tuning.self.studies = 5
constraints = [
  { quantity = "train_loss", bound = 1.5 },   # the mean
  { quantity = "time", bound = "budget_seconds" },
]
feedback = ["train",
  "model"]

[[layers]]
name = "hidden"

[[layers]]
name = "logits"
[layers.more]
at = 1979-05-27 07:32:00
'''


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("title",), 1),
        (("rules",), 7),
        (("rules", "objective"), 8),
        (("rules", "tuning", "self", "studies"), 9),
        (("rules", "constraints"), 10),
        (("rules", "constraints", 0, "quantity"), 11),
        (("rules", "constraints", 1, "bound"), 12),
        (("rules", "feedback", 1), 15),
        (("layers", 0, "name"), 18),
        (("layers", 1), 20),
        (("layers", 1, "more", "at"), 23),
    ],
)
def test_a_key_is_found_where_it_stands(keys, line):
    assert line_of(lines_of_keys(TEXT), keys) == line


def test_a_missing_key_has_the_line_of_its_table():
    assert line_of(lines_of_keys(TEXT), ("layers", 1, "units")) == 20


def test_a_key_of_a_missing_table_has_no_line():
    assert line_of(lines_of_keys(TEXT), ("workloads", "digits")) is None


def test_text_in_a_string_is_no_key():
    assert ("rules", "fake") not in lines_of_keys(TEXT)


def paths(value, above=()):
    """Of all that tomllib found."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in parts:
        yield (*above, key)
        if isinstance(part, dict | list):
            yield from paths(part, (*above, key))


@pytest.mark.parametrize("file", sorted(Path(str(SHIPPED)).rglob("*.toml")), ids=lambda f: f.name)
def test_every_key_of_what_ships_has_a_line(file):
    text = file.read_text()
    lines = lines_of_keys(text)
    assert set(paths(tomllib.loads(text))) == set(lines)
    rows = text.splitlines()
    assert all(keys[-1] in rows[n - 1] for keys, n in lines.items() if isinstance(keys[-1], str))


@given(st.text(alphabet="ab=[]{}\"'#,.\n 1", max_size=40))
def test_no_text_keeps_it_from_ending(text):
    assert isinstance(lines_of_keys(text), dict)
