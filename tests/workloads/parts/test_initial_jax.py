import numpy as np
import pytest

jax = pytest.importorskip("jax")

from flax import linen as nn  # noqa: E402

from mlgolf.workloads.parts import initial_jax as initial  # noqa: E402

KEY = jax.random.PRNGKey(3)
SHAPE = (3, 3, 100, 150)  # 900 inputs and 1,350 outputs
EACH = {
    "uniform": initial.uniform(0.5),
    "normal": initial.normal(0.5),
    "glorot_uniform": initial.glorot_uniform(),
    "glorot_normal": initial.glorot_normal(),
    "lecun_normal": initial.lecun_normal(),
    "he_normal": initial.he_normal(),
}
REFERENCE = {
    "uniform": nn.initializers.uniform(0.5),
    "normal": nn.initializers.normal(0.5),
    "glorot_uniform": nn.initializers.glorot_uniform(),
    "glorot_normal": nn.initializers.glorot_normal(),
    "lecun_normal": nn.initializers.lecun_normal(),
    "he_normal": nn.initializers.he_normal(),
}


@pytest.mark.parametrize("name", EACH)
def test_values_are_spread_as_flax_spreads_them(name):
    found, expected = (np.sort(f[name](KEY, SHAPE).ravel()) for f in (EACH, REFERENCE))
    stddev, tail = expected.std(), len(expected) // 20
    assert np.abs(found - expected)[tail:-tail].max() < 0.05 * stddev
    assert found.std() == pytest.approx(stddev, rel=0.02)
    if name != "normal":  # which has no ends
        np.testing.assert_allclose(found[[0, -1]], expected[[0, -1]], atol=0.01 * stddev)


@pytest.mark.parametrize("name", EACH)
def test_a_key_decides_the_values_also_when_compiled(name):
    start = EACH[name]
    found = start(KEY, (4, 5))
    compiled = jax.jit(start, static_argnums=1)
    np.testing.assert_array_equal(found, compiled(KEY, (4, 5)))
    assert not np.array_equal(found, compiled(jax.random.PRNGKey(4), (4, 5)))


def test_no_value_is_drawn_for_a_shape_alone():
    shape = (10**6, 10**6)
    assert jax.eval_shape(lambda key: initial.normal(1.0)(key, shape), KEY).shape == shape


class Two(nn.Module):
    """Two layers of one shape."""

    width: int

    @nn.compact
    def __call__(self, x):
        for _ in range(2):
            x = nn.Dense(self.width, kernel_init=initial.lecun_normal())(x)
        return x


def test_parameters_of_one_module_differ_and_follow_its_key():
    start = initial.compiled_init(Two, 4, (1, 4))
    first, again, other = (start(jax.random.PRNGKey(seed))["params"] for seed in (1, 1, 2))
    kernels = [np.asarray(p[d]["kernel"]) for p in (first, other) for d in ("Dense_0", "Dense_1")]
    assert len({kernel.tobytes() for kernel in kernels}) == 4
    assert jax.tree.all(jax.tree.map(np.array_equal, first, again))


class Weighed(nn.Module):
    width: int

    @nn.compact
    def __call__(self, ids, weights):
        table = self.param("table", initial.normal(1.0), (8, self.width))
        return nn.Dense(self.width, kernel_init=initial.lecun_normal())(table[ids] * weights)


def test_a_network_may_have_several_inputs_of_other_types():
    start = initial.compiled_init(Weighed, 4, jax.ShapeDtypeStruct((3,), np.int32), (3, 1))
    shapes = jax.tree.map(np.shape, dict(start(jax.random.PRNGKey(0))["params"]))
    assert shapes == {"table": (8, 4), "Dense_0": {"kernel": (4, 4), "bias": (4,)}}


def test_equal_networks_are_compiled_once():
    first, again = (initial.compiled_init(Two, 4, (1, 4)) for _ in range(2))
    assert first is again
