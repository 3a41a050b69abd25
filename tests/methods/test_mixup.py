import numpy as np
import pytest
from frameworks import AS_ARRAY, image_batch, in_both, numpy_of, rng, tokens
from numpy.testing import assert_allclose

from mlgolf.core.errors import MethodError
from mlgolf.core.spec import ShapeTuple
from mlgolf.methods import Mixup
from mlgolf.methods.mixup import classes_of
from mlgolf.workloads.parts import losses_jax


@in_both
def test_inputs_and_targets_are_blended_by_the_same_share_with_the_same_partner(as_array):
    before = numpy_of(image_batch(as_array))
    after = numpy_of(Mixup(classes=3).transform(image_batch(as_array), rng(2), 0.0))
    draws = rng(2)
    share = draws.beta(0.2, 0.2)
    share, partners = max(share, 1 - share), draws.permutation(3)
    labels = np.eye(3)[before["targets"]]
    for found, array in ((after["inputs"], before["inputs"]), (after["targets"], labels)):
        assert_allclose(found, share * array + (1 - share) * array[partners], rtol=1e-5, atol=1e-6)


@in_both
def test_targets_become_probabilities(as_array):
    targets = numpy_of(Mixup(classes=5).transform(image_batch(as_array), rng(), 0.0))["targets"]
    assert targets.shape == (3, 5)
    assert (targets >= 0).all()
    assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)


def test_the_loss_of_mixed_targets_is_the_mixture_of_both_losses():
    logits = rng(1).normal(size=(3, 3)).astype(np.float32)
    batch = Mixup(alpha=1.0, classes=3).transform(image_batch(AS_ARRAY["jax"]), rng(2), 0.0)
    draws = rng(2)
    share = draws.beta(1.0, 1.0)
    share, partners = max(share, 1 - share), draws.permutation(3)
    mixed = losses_jax.softmax_cross_entropy(batch["targets"], AS_ARRAY["jax"](logits))
    own, other = (
        losses_jax.softmax_cross_entropy(AS_ARRAY["jax"](labels), AS_ARRAY["jax"](logits))
        for labels in (np.arange(3), np.arange(3)[partners])
    )
    assert_allclose(mixed, share * own + (1 - share) * other, rtol=1e-5)


def test_targets_that_are_numbers_are_blended_as_they_are():
    numbers = AS_ARRAY["torch"](np.arange(4, dtype=np.float32))
    batch = {"inputs": numbers, "targets": numbers}
    after = numpy_of(Mixup(any_inputs=True).transform(batch, rng(), 0.0))
    assert_allclose(after["targets"], after["inputs"])


def test_integer_targets_without_classes_are_refused_with_what_to_say():
    with pytest.raises(MethodError, match=r"Say Mixup\(classes="):
        Mixup().transform(image_batch(AS_ARRAY["torch"]), rng(), 0.0)


@in_both
def test_tokens_are_refused(as_array):
    with pytest.raises(MethodError, match="integers as inputs"):
        Mixup(classes=3, any_inputs=True).transform(tokens(as_array), rng(), 0.0)


def test_clicks_whose_numbers_are_names_of_categories_are_refused():
    clicks = AS_ARRAY["torch"](np.ones((4, 39), np.float32))
    batch = {"inputs": clicks, "targets": clicks[:, :1]}
    with pytest.raises(MethodError, match=r"shape \(4, 39\) as inputs; it is for images"):
        Mixup().transform(batch, rng(), 0.0)


def test_padding_is_refused():
    batch = image_batch(AS_ARRAY["torch"]) | {"weights": AS_ARRAY["torch"](np.ones(3))}
    with pytest.raises(MethodError, match="weights"):
        Mixup(classes=3).transform(batch, rng(), 0.0)


class Facade:
    def __init__(self, shapes, output):
        self.param_shapes, self.is_output_params = shapes, lambda key: key.startswith(output)


@pytest.mark.parametrize(
    "facade",
    [
        Facade({"conv.bias": ShapeTuple((7,)), "fc.weight": ShapeTuple((10, 4)),
                "fc.bias": ShapeTuple((10,))}, "fc."),
        Facade({"Conv": {"bias": ShapeTuple((7,))},
                "Dense": {"kernel": ShapeTuple((4, 10)), "bias": ShapeTuple((10,))}}, "Dense"),
    ],
    ids=["torch", "jax"],
)  # fmt: skip
def test_the_number_of_classes_is_the_length_of_the_bias_of_the_readout(facade):
    assert classes_of(facade) == 10


def test_without_a_bias_of_the_readout_the_number_of_classes_is_unknown():
    assert classes_of(Facade({"embed": {"embedding": ShapeTuple((512, 4))}}, "embed")) is None
