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
    [("{}", "found no A, B"), ("[]", "found list"), ("E = 1", "found no JSON")],
)
def test_a_file_that_is_no_fit_is_refused(tmp_path, text, message):
    (tmp_path / "fit.json").write_text(text)
    with pytest.raises(RunFolderError, match=message):
        read_fit(tmp_path / "fit.json")
