"""What `--json` prints."""

import json
import math

import pytest
from conftest import TESTS

from mlgolf.cli.options import print_json
from mlgolf.core.competition import competition_names

TABLE = TESTS / "golden" / "trials.csv"
COMMANDS = [
    ("workloads", "list"), ("workloads", "show", "linear"),
    ("algorithms", "list"), ("algorithms", "show", "nadamw"),
    ("quantities", "list"), ("quantities", "show", "l2"),
    ("competitions", "list"), ("competitions", "show", "mini"),
    ("game", "list"), ("game", "show", "digits-l2"), ("game", "show", "digits-l2", "--board"),
    ("data", "check", "linear"), ("triage", "nadamw"),
    ("score", TABLE, "--competition", "algoperf-0.5", "--tuning", "self"),
    ("tuning", TABLE, "--competition", "algoperf-0.5", "--tuning", "self"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: " ".join(map(str, words[:2])))
def test_every_command_prints_an_object_with_its_schema_version_first(mlgolf, command):
    said = json.loads(mlgolf(*command, "--json").stdout)
    assert next(iter(said.items())) == ("schema_version", 1)


def test_a_list_stands_under_the_name_of_what_is_listed(mlgolf):
    said = json.loads(mlgolf("competitions", "list", "--json").stdout)
    assert [row["name"] for row in said["competitions"]] == list(competition_names())


def test_what_is_no_number_is_null(capsys):
    print_json({"values": [math.nan, math.inf, 1.5]})
    assert json.loads(capsys.readouterr().out)["values"] == [None, None, 1.5]
