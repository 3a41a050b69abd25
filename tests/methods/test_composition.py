import numpy as np
import pytest
from frameworks import AS_ARRAY, image_batch, rng

from mlgolf.core.errors import MethodError, UnknownName
from mlgolf.core.spec import ShapeTuple
from mlgolf.methods import EMA, LAWA, METHODS, ColOut, Cutout, Methods, Mixup, compose, from_point
from mlgolf.methods import numpy_generator as generator
from mlgolf.methods.protocol import Transform


class Facade:
    param_shapes = {"fc.bias": ShapeTuple((10,))}  # noqa: RUF012

    def is_output_params(self, key):
        return True


def test_methods_are_found_by_name_with_the_knobs_that_are_given():
    methods = compose("colout", "ema", knobs={"ema": {"half_life": 50}})
    assert methods.members == (ColOut(), EMA(half_life=50))
    assert methods.get(EMA) == EMA(half_life=50)
    assert methods.get(Cutout) is None


def test_a_record_stands_beside_names():
    assert compose("colout", EMA(half_life=9)).names == ("colout", "ema")


def test_they_act_in_one_order_whatever_the_order_they_were_named_in():
    assert compose("cutout", "colout").members == compose("colout", "cutout").members
    assert compose(*METHODS.keys() - {"lawa", "small_model_selection"}).names == tuple(
        name for name in METHODS if name not in ("lawa", "small_model_selection")
    )


def test_a_transform_of_ones_own_acts_after_ours():
    class Negated(Transform):
        name = "negated"

        def at(self, progress):
            return -1

        def transform(self, batch, rng, progress):
            return {**batch, "inputs": -batch["inputs"]}

    methods = compose(Negated(), "colout")
    assert methods.names == ("colout", "negated")
    assert (methods.transform(image_batch(AS_ARRAY["torch"]), rng(), 0.0)["inputs"] < 0).all()


def test_without_methods_nothing_changes():
    batch, point = image_batch(AS_ARRAY["jax"]), {"learning_rate": 0.1}
    assert Methods().transform(batch, rng(), 0.5) is batch
    assert Methods().point(point, 0.5) == point
    assert compose().at(0.5) == {}


def test_settings_are_told_by_name():
    assert compose("colout", "label_smoothing").at(0.0) == {
        "colout": (0.15, 0.15), "label_smoothing": 0.1,
    }  # fmt: skip


def test_a_point_of_a_search_space_lists_methods_and_their_knobs():
    point = {"learning_rate": 0.1, "methods": ["ema", "colout"], "ema__half_life": 20}
    assert from_point(point).members == (ColOut(), EMA(half_life=20))
    assert from_point({"methods": "ema+colout"}).names == ("colout", "ema")
    assert from_point({"methods": ""}).members == ()
    assert from_point({"learning_rate": 0.1}).members == ()


def test_knobs_of_methods_that_are_switched_off_are_ignored():
    assert from_point({"methods": [], "ema__half_life": 20}).members == ()


def test_the_number_of_classes_comes_from_the_workload_where_it_is_not_given():
    assert compose("mixup", workload=Facade()).members == (Mixup(classes=10),)
    assert compose(Mixup(classes=3), workload=Facade()).members == (Mixup(classes=3),)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: compose("colouts"), UnknownName, "Did you mean colout"),
        (lambda: from_point({"emma__half_life": 1}), UnknownName, "Did you mean ema"),
        (lambda: compose("ema", knobs={"ema": {"halflife": 1}}), MethodError, "mean half_life"),
        (lambda: compose("ema", EMA()), MethodError, "found ema twice"),
        (lambda: compose("ema", LAWA()), MethodError, "both average weights"),
        (lambda: compose("ema", knobs={"lawa": {}}), MethodError, "knobs of lawa"),
    ],
)
def test_what_cannot_be_composed_is_refused_with_what_to_do(make, kind, message):
    with pytest.raises(kind, match=message):
        make()


def test_a_key_of_a_step_gives_a_generator_in_both_frameworks():
    for key in (np.array([3, 4], np.int32), AS_ARRAY["jax"](np.array([3, 4], np.uint32))):
        assert generator(key).integers(1000) == generator(np.array([3, 4])).integers(1000)
    assert generator(np.array([3, 4])).random() != generator(np.array([4, 3])).random()


def test_a_method_that_a_submission_does_not_act_on_is_refused_by_name():
    with pytest.raises(MethodError, match="found growing in the point, on which this submission"):
        from_point({"methods": ["ema", "growing"]}, serves=["ema", "colout"])
    assert from_point({"methods": ["ema"]}, serves=["ema"]).names == ("ema",)
