"""Which framework a script trains in, by what it has imported."""

import pytest

from mlgolf.diagnosis.probes import framework_of


@pytest.mark.parametrize(
    ("modules", "framework"),
    [
        ({"numpy"}, None),
        ({"torch"}, "torch"),
        ({"jax"}, "jax"),
        ({"jax", "torch"}, "torch"),
        ({"jax", "torch", "optax"}, "jax"),  # torch is there for its loader
    ],
)
def test_the_framework_is_the_one_that_trains(modules, framework):
    assert framework_of(modules) == framework


def test_arrays_of_jax_are_waited_for():
    jax = pytest.importorskip("jax")
    from mlgolf.diagnosis.probe_jax import JaxProbe

    kept = jax.numpy.ones(3) + 1
    JaxProbe().synchronize()
    assert kept.is_ready()


def test_steps_of_jax_are_replayed_on_the_last_batch():
    pytest.importorskip("jax")
    from mlgolf.diagnosis.probe_jax import JaxProbe

    probe = JaxProbe()
    for block in probe.experiments():
        with block:
            pass
    assert probe.facts()["replay"] > 0
