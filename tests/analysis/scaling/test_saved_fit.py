import json
from dataclasses import replace

import numpy as np
import pytest
from scaling_runs import runs_of

from mlgolf.analysis.scaling.saved_fit import read_fit
from mlgolf.analysis.scaling.study import study
from mlgolf.api.scaling import FittedLaw
from mlgolf.core.errors import RunFolderError


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("fit") / "fit.json"
    found = FittedLaw(study(runs_of(noise=0.003), draws=200), source="runs.csv")
    path.write_text(json.dumps(found.as_json()))
    return found, read_fit(path)


def test_a_saved_fit_is_the_law(saved):
    found, read = saved
    assert read.law.loss(1e9, 1e10) == pytest.approx(found.law.loss(1e9, 1e10))


def test_a_run_lies_in_its_interval_about_as_often_as_it_says(saved):
    _, read = saved
    fresh = runs_of(noise=0.003, seed=5)
    inside = []
    for params, tokens, loss in zip(fresh.params, fresh.tokens, fresh.loss, strict=True):
        low, high = read.run_interval(lambda law, n=params, d=tokens: law.loss(n, d))
        inside.append(low <= loss <= high)
    assert 0.8 <= np.mean(inside) <= 1


def test_runs_that_end_above_their_law_widen_the_interval_upwards(saved):
    _, read = saved
    above = replace(read, residuals=np.array([-0.1, 0.0, 0.0]))  # predicted less measured
    law = float(read.law.loss(1e9, 1e10))
    low, high = above.run_interval(lambda drawn: drawn.loss(1e9, 1e10))
    assert high - law > law - low


@pytest.mark.parametrize(
    ("text", "message"),
    [("{}", "found no E, A, B"), ("[]", "found list"), ("E = 1", "found no JSON")],
)
def test_a_file_that_is_no_fit_is_refused(tmp_path, text, message):
    (tmp_path / "fit.json").write_text(text)
    with pytest.raises(RunFolderError, match=message):
        read_fit(tmp_path / "fit.json")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"A": "x"}, r"A: .*valid number.*found 'x'"),
        ({"A": -2}, r"A: .*greater than 0.*found -2"),
        ({"alpha": None}, "alpha: found null, allowed is a number above 0"),
        ({"residuals": []}, "residuals: .*at least 1"),
        ({"data": 5}, "data: .*found 5"),
        ({"data": {"tokens": [1, 2], "flop": [6, 12]}}, r"data\.params: Field required"),
        ({"data": {"params": [2, 1], "tokens": [1, 2], "flop": [6, 12]}},
         r"data\.params: found 2 and 1, allowed is the least, then the most"),
        ({"draws": {"E": [1.8], "A": [480.0]}}, "draws: found none of B"),
        ({"draws": {"E": [1.8], "A": [4.0, 5.0], "B": [2.0], "alpha": [0.3], "beta": [0.3]}},
         "draws: .* as many of each"),
        ({"draws": {name: [0.5] for name in ("E", "A", "B", "alpha", "beta", "R_D")}},
         "R_D: found null, allowed is a number above 0"),
        ({"not_identified": 3}, "not_identified: "),
    ],
)  # fmt: skip
def test_a_damaged_fit_is_refused_by_key(saved, tmp_path, changes, message):
    with pytest.raises(RunFolderError, match=rf"fit\.json: {message}"):
        read_back(saved, tmp_path / "fit.json", **changes)


def read_back(saved, path, **changes):
    path.write_text(json.dumps({**saved[0].as_json(), **changes}))
    return read_fit(path)


def test_a_saved_fit_says_what_its_runs_do_not_tell(saved, tmp_path):
    read = read_back(saved, tmp_path / "fit.json", not_identified=["E", "A"])
    assert read.not_identified == ("E", "A")


def test_an_exponent_that_is_not_identified_leaves_no_best_sizes(saved, tmp_path):
    read = read_back(saved, tmp_path / "fit.json", not_identified=["beta"])
    assert "beta is not identified" in read.why_no_sizes


def test_a_constant_that_ran_away_leaves_no_best_sizes(saved, tmp_path):
    read = read_back(saved, tmp_path / "fit.json", not_identified=["A"], A=None)
    assert "A is not identified" in read.why_no_sizes


def test_best_sizes_are_known_without_the_floor_and_one_constant(saved, tmp_path):
    assert read_back(saved, tmp_path / "fit.json", not_identified=["E", "A"]).why_no_sizes == ""


def test_what_ran_away_besides_the_law_is_no_number_of_the_fit(saved, tmp_path):
    draws = {**saved[0].as_json()["draws"], "R_D": [9.0] * 200, "R_N": [1e20] * 200}
    read = read_back(
        saved, tmp_path / "fit.json", draws=draws, R_D=9.0, R_N=None, not_identified=["R_N"]
    )
    assert read.extra == {"R_D": 9.0}
    assert [*read.extra_draws] == ["R_D"]


def test_what_is_neither_of_repeats_nor_of_precision_is_a_lever(saved, tmp_path):
    more = {"R_D": 9.0, "R_N": 5.0, "gamma_weights": 2.0, "moe": 2.9}
    draws = {**saved[0].as_json()["draws"], **{name: [one] * 200 for name, one in more.items()}}
    read = read_back(saved, tmp_path / "fit.json", draws=draws, **more)
    assert read.levers == ["moe"]
    assert read.extra_draws["moe"] == pytest.approx(np.full(200, 2.9))
