import numpy as np
import pytest
from planned import LAW

from mlgolf.analysis.planning.spending import Demand
from mlgolf.analysis.scaling.form import Form, ScalingRuns


@pytest.mark.parametrize("unique", [1e8, 1e9, 1e11])
def test_repeats_and_excess_count_as_in_a_fit(unique):
    params, tokens = np.array([1e7, 1e9, 3e10]), np.array([1e9, 1e10, 3e11])
    runs = ScalingRuns(
        params=params, tokens=tokens, loss=np.ones(3), unique_tokens=np.minimum(unique, tokens)
    )
    form = Form(runs=runs)
    values = {name: float(getattr(LAW, name)) for name in ("E", "A", "B", "alpha", "beta")}
    theta = form.theta_of({**values, "R_D": 15.0, "R_N": 5.0})
    predicted = np.exp(form.predicted(theta[None])[0][0])
    for n, d, loss in zip(params, tokens, predicted, strict=True):
        demand = Demand(unique_tokens=min(unique, d), repeats_worth=15.0, excess_worth=5.0)
        assert demand.loss(LAW, n, d) == pytest.approx(loss)


def test_without_a_bound_on_unique_tokens_all_counts():
    params, tokens = np.array([1e9]), np.array([1e11])
    demand = Demand(repeats_worth=15.0, excess_worth=5.0)
    assert demand.loss(LAW, params, tokens) == LAW.loss(params, tokens)
