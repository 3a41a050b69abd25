import numpy as np
import pytest

from mlgolf.analysis.tracking.spikes import is_loss, spikes_of


def found(values, others=None):
    steps = 100 * np.arange(1, len(values) + 1)
    return list(spikes_of("loss", steps, np.asarray(values, float), others))


def falling(count, noise=0.01):
    rng = np.random.default_rng(0)
    return np.exp(-0.02 * np.arange(count) + noise * rng.standard_normal(count))


def test_a_loss_that_falls_with_noise_has_no_spike():
    assert found(falling(200)) == []


def test_a_rise_far_beyond_the_noise_is_one_spike_until_it_is_down_again():
    values = falling(60)
    values[40:43] *= [3.0, 5.0, 2.0]
    (spike,) = found(values)
    assert (spike.step, spike.lasted) == (4200, 300)
    assert spike.before == pytest.approx(values[37:40].mean(), rel=0.1)


def test_a_rise_that_stays_is_one_spike_that_never_ended():
    values = falling(60)
    values[40:] *= 4
    (spike,) = found(values)
    assert spike.lasted == 0


def test_small_rises_of_a_quiet_loss_are_none():
    values = falling(60, noise=0.0)
    values[40] *= 1.05
    assert found(values) == []


def test_a_loss_that_is_not_finite_is_none():
    values = falling(60)
    values[40:] = np.nan
    assert found(values) == []


def test_too_few_values_tell_nothing():
    assert found([1, 1, 1, 9, 1]) == []


def test_what_was_logged_last_before_it_is_told_beside_its_median():
    values = falling(60)
    values[40] *= 5
    steps = np.arange(1, 6001)
    norms = np.where(steps < 4050, 1.0, 9.0)
    (spike,) = found(values, {"grad_norm": (steps, norms)})
    assert spike.preceded == {"grad_norm": (9.0, 1.0)}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("loss", True), ("train/loss", True), ("train_loss", True), ("trainLoss", True),
     ("loss_validation", True), ("loss_scale", False), ("lossScale", False), ("lossless", False),
     ("grad_norm", False)],
)  # fmt: skip
def test_a_loss_has_the_word_in_its_name_and_is_no_setting(name, expected):
    assert is_loss(name) is expected
