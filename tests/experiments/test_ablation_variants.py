import json

import pytest

from mlgolf.core.errors import (
    MethodError,
    ScoringError,
    SearchSpaceError,
    SubmissionError,
    UnknownName,
)
from mlgolf.experiments.ablations import chosen_design, parse_methods, variants, with_methods
from mlgolf.tuning.quasirandom import points
from mlgolf.tuning.space import parse_search_space, read_search_space

BOX = {
    "learning_rate": {"min": 1e-3, "max": 1e-1, "scaling": "log"},
    "ema__half_life": {"feasible_points": [10, 20]},
}
READS = "from mlgolf.methods import from_point\nmethods = from_point({})\n"


def submission(folder, space=BOX, code=READS):
    made = folder / "mine"
    made.mkdir()
    (made / "submission.py").write_text(code)
    (made / "part.py").write_text("x = 1\n")
    if space is not None:
        (made / "tuning_search_space.json").write_text(json.dumps(space))
    return str(made)


def played(folder, methods=("ema", "colout"), resolution=None, **made):
    return variants(submission(folder, **made), "torch", chosen_design(methods, resolution))


def test_there_is_a_copy_for_each_combination_named_by_its_methods(tmp_path):
    with played(tmp_path) as folders:
        assert {folder.name for folder in folders} == {"none", "ema", "colout", "ema+colout"}
        assert all((folder / "part.py").exists() for folder in folders)
    assert not any(folder.exists() for folder in folders)


def test_all_combinations_are_tried_at_the_same_points(tmp_path):
    with played(tmp_path) as folders:
        drawn = [
            points(read_search_space(folder / "tuning_search_space.json"), 5, seed=3)
            for folder in folders
        ]
    methods = {tuple(point.pop("methods")) for of_one in drawn for point in of_one}
    assert all(of_one == drawn[0] for of_one in drawn)
    assert methods == {(), ("colout",), ("ema",), ("ema", "colout")}


def test_points_of_a_list_that_differ_in_methods_alone_become_one():
    listed = [{"methods": [], "rate": 1}, {"methods": ["ema"], "rate": 1}, {"rate": 2}]
    assert with_methods(listed, ["mixup"]) == [
        {"methods": ["mixup"], "rate": 1}, {"rate": 2, "methods": ["mixup"]},
    ]  # fmt: skip
    parse_search_space(with_methods(listed, []))


def test_a_submission_that_does_not_read_methods_is_refused(tmp_path):
    with pytest.raises(SubmissionError, match="cannot be told which methods"):
        played(tmp_path, code="x = 1\n").__enter__()


def test_a_submission_without_a_search_space_is_refused(tmp_path):
    with pytest.raises(SearchSpaceError, match=r"found no tuning_search_space\.json"):
        played(tmp_path, space=None).__enter__()


def test_a_knob_that_a_method_has_not_is_named_before_anything_is_played(tmp_path):
    with pytest.raises(MethodError, match="half"):
        played(tmp_path, space=[{"ema__half": 3}]).__enter__()


def test_methods_that_exclude_one_another_are_no_design():
    with pytest.raises(MethodError, match="both average weights"):
        chosen_design(("ema", "lawa"), None)


def test_an_unknown_method_is_named():
    with pytest.raises(UnknownName, match="colour"):
        chosen_design(("colour",), None)


@pytest.mark.parametrize("text", ["", ",", "none,ema"])
def test_methods_are_names(text):
    with pytest.raises(ScoringError, match="--methods: found"):
        parse_methods(text)


def test_a_fraction_has_fewer_combinations(tmp_path):
    methods = ("ema", "colout", "mixup", "cutout", "label_smoothing")
    with played(tmp_path, methods, 5) as folders:
        assert len(folders) == 16
        assert "none" in {folder.name for folder in folders}
