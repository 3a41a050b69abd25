import pytest

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")

from mlgolf.workloads.parts.initial_jax import normal  # noqa: E402


def test_values_are_normal_and_decided_by_their_key():
    draw = jax.jit(normal(0.5), static_argnums=1)
    first, again, other = (draw(jax.random.PRNGKey(seed), (100, 100)) for seed in (1, 1, 2))
    assert jnp.array_equal(first, again)
    assert not jnp.array_equal(first, other)
    assert first.dtype == jnp.float32
    assert float(first.std()) == pytest.approx(0.5, rel=0.03)
    assert float(first.mean()) == pytest.approx(0, abs=0.02)


def test_their_shape_is_known_before_they_are_drawn():
    shape = jax.eval_shape(lambda key: normal(1.0)(key, (3, 4)), jax.random.PRNGKey(0))
    assert shape.shape == (3, 4)
