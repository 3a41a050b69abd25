from dataclasses import replace

import numpy as np
import pytest
from scaling_runs import runs_of

from mlgolf.analysis.scaling.form import Form, ScalingRuns


def of_everything() -> Form:
    runs = runs_of()
    rng = np.random.default_rng(0)
    return Form(
        runs=ScalingRuns(
            params=runs.params, tokens=runs.tokens, loss=runs.loss,
            unique_tokens=runs.tokens / rng.integers(1, 30, len(runs)),
            bits={"weights": rng.choice([4.0, 8.0, 16.0], len(runs))},
            levers={"mixture": rng.integers(0, 2, len(runs)).astype(float)},
        ),
    )  # fmt: skip


THETA = np.array([[6.1, 7.6, 0.6, -1.05, -1.02, 1.0, 2.5, 1.5, 0.4]])
ONCE = [0, 1, 2, 3, 4, 5, 8]  # without R_D and R_N


def slopes_of(form, theta):
    """As they are told, and by small steps: (parameters, runs) each."""
    step = 1e-6 * np.eye(len(form.names))
    numeric = (form.predicted(theta + step)[0] - form.predicted(theta - step)[0]) / 2e-6
    return form.predicted(theta)[1][0], numeric


def test_slopes_are_those_of_the_prediction():
    form = of_everything()
    told, numeric = slopes_of(Form(runs=replace(form.runs, unique_tokens=None)), THETA[:, ONCE])
    assert told == pytest.approx(numeric, abs=1e-7)


def test_slopes_are_those_of_the_prediction_where_the_base_is_held():
    told, numeric = slopes_of(of_everything(), THETA)
    assert told[5:] == pytest.approx(numeric[5:], abs=1e-7)


def test_each_fit_of_repeats_has_its_own_law_of_data_seen_once():
    form = of_everything()
    other = THETA + np.array([0.5, -0.5, 0, 0.1, -0.1, 0, 0, 0, 0])
    together = form.predicted(np.concatenate([THETA, other]))[0]
    assert together[1] == pytest.approx(form.predicted(other)[0][0], rel=1e-12)


def test_the_base_form_predicts_the_law():
    form = Form(runs=runs_of())
    theta = form.theta_of({"E": 1.8, "A": 480, "B": 2100, "alpha": 0.35, "beta": 0.37})
    assert form.predicted(theta[None])[0][0] == pytest.approx(np.log(form.runs.loss))


def test_values_and_theta_are_inverse():
    form = of_everything()
    values = {name: float(value) for name, value in form.values(THETA[0]).items()}
    assert form.theta_of(values) == pytest.approx(THETA[0])


def test_data_seen_once_count_fully():
    runs, theta = runs_of(), THETA[:, :5]
    law = Form(runs=runs).law(theta[0])
    once = Form(
        runs=ScalingRuns(
            params=np.minimum(runs.params, law.params_for(runs.tokens)), tokens=runs.tokens,
            loss=runs.loss, unique_tokens=runs.tokens,
        ),
    )  # fmt: skip
    plain = Form(runs=ScalingRuns(params=once.runs.params, tokens=runs.tokens, loss=runs.loss))
    with_repeats = np.concatenate([theta, [[2.0, 1.0]]], axis=1)
    assert once.predicted(with_repeats)[0] == pytest.approx(plain.predicted(theta)[0])


def test_a_lever_multiplies_effective_compute():
    runs = runs_of()
    on = ScalingRuns(
        params=runs.params, tokens=runs.tokens, loss=runs.loss, levers={"x": np.ones(len(runs))}
    )
    theta = THETA[:, :5]
    four_times = np.concatenate([theta, [[np.log(4)]]], axis=1)
    larger = ScalingRuns(params=2 * runs.params, tokens=2 * runs.tokens, loss=runs.loss)
    assert Form(runs=on).predicted(four_times)[0] == pytest.approx(
        Form(runs=larger).predicted(theta)[0]
    )
