from dataclasses import replace

import pytest

from mlgolf.analysis.curves.changes import base_and_change
from mlgolf.analysis.curves.measurements import read_table
from mlgolf.core.errors import ScoringError
from mlgolf.core.target import Goal

GOALS = (Goal.MAXIMISE, Goal.MAXIMISE)


def read(tmp_path, name, method):
    path = tmp_path / name
    path.write_text(f"method,time,quality\n{method},1,0.5\n{method},2,0.6\n")
    return read_table(path)


def test_base_and_change_are_one_table_of_two_methods(tmp_path):
    found = base_and_change(
        read(tmp_path, "a.csv", "sgd"), read(tmp_path, "b.csv", "sgd"), goals=GOALS
    )
    assert [*found.points] == ["base", "change"]
    assert [point.time for point in found.points["change"]] == [1, 2]


@pytest.mark.parametrize(
    ("other", "goals", "told"),
    [
        ({"quality": "validation/loss"}, GOALS, "quality quality and validation/loss"),
        ({"time": "seconds on the clock"}, GOALS, "time time and seconds on the clock"),
        ({}, (Goal.MAXIMISE, Goal.MINIMISE), "goal maximise and minimise"),
    ],
)
def test_a_change_measured_in_other_terms_than_its_base_is_refused(tmp_path, other, goals, told):
    base = read(tmp_path, "a.csv", "sgd")
    with pytest.raises(ScoringError, match=told):
        base_and_change(base, replace(base, **other), goals=goals)
