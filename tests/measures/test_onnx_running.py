"""Running a model on the host's inputs, and what it may not depend on."""

import itertools

import numpy as np
import onnx
import onnx_files as files
import pytest
from onnx import helper

from mlgolf.core.errors import ModelError
from mlgolf.measures.label_bits import log_softmax
from mlgolf.measures.onnx_models import (
    Input,
    OnnxModel,
    canonical,
    decode,
    log_probabilities,
    read_model,
    running,
)

FEATURES, CLASSES = files.FEATURES, files.CLASSES
INPUTS = np.random.default_rng(0).standard_normal((101, FEATURES)).astype("f4")
WEIGHTS = {"w": files.array(np.random.default_rng(1), FEATURES, CLASSES)}
PRODUCT = helper.make_node("MatMul", ["x", "w"], ["m"])


def loaded(model: onnx.ModelProto, **options) -> OnnxModel:
    checked = read_model(model.SerializeToString(), max_bytes=10**7)
    return OnnxModel(checked, [Input("float32", (FEATURES,))], CLASSES, **options)


def after_the_product(*nodes: onnx.NodeProto, **constants: np.ndarray) -> OnnxModel:
    return loaded(files.file_of([PRODUCT, *nodes], WEIGHTS | constants))


def test_logits_are_those_of_plain_numpy():
    model = after_the_product(helper.make_node("Relu", ["m"], ["y"]))
    np.testing.assert_allclose(
        model.logits([INPUTS]), np.maximum(INPUTS @ WEIGHTS["w"], 0), atol=1e-5
    )


def test_what_runs_is_decoded_from_the_code_that_is_scored(monkeypatch):
    codes = []
    monkeypatch.setattr(running, "decode", lambda code: decode(codes.append(code) or code))
    model = files.file_of([helper.make_node("MatMul", ["x", "w"], ["y"])], WEIGHTS)
    loaded(model)
    assert codes == [canonical(read_model(model.SerializeToString(), max_bytes=10**7))]


def test_an_output_that_is_the_input_or_a_constant_is_an_output_all_the_same():
    model = files.file_of([], {}, output="x")
    checked = read_model(model.SerializeToString(), max_bytes=10**7)
    found = OnnxModel(checked, [Input("float32", (FEATURES,))], FEATURES).logits([INPUTS])
    np.testing.assert_array_equal(found, INPUTS)


def test_several_inputs_are_handed_over_by_position():
    nodes = [helper.make_node("Sub", ["x", "other"], ["y"])]
    model = files.file_of(nodes, {})
    model.graph.input.append(helper.make_tensor_value_info("other", 1, ("batch", CLASSES)))
    checked = read_model(model.SerializeToString(), max_bytes=10**7)
    runner = OnnxModel(checked, [Input("float32", (CLASSES,))] * 2, CLASSES)
    a, b = INPUTS[:, :CLASSES], INPUTS[:, -CLASSES:]
    np.testing.assert_array_equal(runner.logits([a, b]), a - b)
    with pytest.raises(ModelError, match=r"2 inputs; the game hands over 1: float32 \(batch, 5\)"):
        OnnxModel(checked, [Input("float32", (CLASSES,))], CLASSES)


REFUSED = {
    "classes": ([helper.make_node("Concat", ["m", "m"], ["y"], axis=1)],
                r"gives float32 \(3, 10\) for 3 examples; give logits, float32 \(3, 5\)"),
    "rows": ([helper.make_node("Concat", ["m", "m"], ["y"], axis=0)], r"gives float32 \(6, 5\)"),
    "type": ([helper.make_node("Cast", ["m"], ["y"], to=11)], "cannot be loaded: .*double"),
    "shapes that do not fit": ([helper.make_node("MatMul", ["m", "w"], ["y"])],
                               "(failed on a batch of 3|cannot be loaded)"),
    "attribute of another operator": ([helper.make_node("Relu", ["m"], ["y"], epsilon=0.5)],
                                      "cannot be loaded: .*Unrecognized attribute: epsilon"),
    "text that is no mode": ([helper.make_node("Gelu", ["m"], ["y"], approximate="labels")],
                             "(failed on a batch of 3|cannot be loaded)"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_graph_that_does_not_do_what_the_game_asks_is_refused(case):
    nodes, message = REFUSED[case]
    with pytest.raises(ModelError, match=message):
        after_the_product(*nodes).logits([INPUTS[:3]])


def test_a_model_of_one_batch_size_is_refused_with_the_reason():
    model = after_the_product(
        helper.make_node("Reshape", ["m", "shape"], ["y"]), shape=np.array([101, CLASSES])
    )
    assert model.logits([INPUTS]).shape == (101, CLASSES)
    with pytest.raises(ModelError, match="export it with a dynamic batch axis"):
        log_probabilities(model, [INPUTS], batch_size=50, seed=0)


def test_a_model_that_asks_for_more_memory_than_there_is_fails_alone():
    huge = np.array([4 * running.MEMORY_BYTES // CLASSES, 1, 1])
    nodes = [
        helper.make_node("Expand", ["m", "huge"], ["h"]),
        helper.make_node("ReduceSum", ["h", "first"], ["y"], keepdims=0),
    ]
    model = after_the_product(*nodes, huge=huge, first=np.array([0]))
    with pytest.raises(ModelError, match=r"failed on a batch of 3 examples: .*smaller than re"):
        model.logits([INPUTS[:3]])
    assert after_the_product(helper.make_node("Relu", ["m"], ["y"])).logits([INPUTS]).any()


def test_a_model_that_lasts_too_long_is_ended():
    nodes, names = [], ["big"]
    for n in range(3000):
        nodes.append(helper.make_node("MatMul", [names[-1], "big"], [f"p{n}"]))
        names.append(f"p{n}")
    nodes += [
        helper.make_node("ReduceSum", [names[-1]], ["s"], keepdims=0),
        helper.make_node("Add", ["m", "s"], ["y"]),
    ]
    model = loaded(
        files.file_of([PRODUCT, *nodes], WEIGHTS | {"big": np.zeros((1000, 1000), "f4")}),
        seconds=0.2,
    )
    with pytest.raises(ModelError, match=r"took more than 0.2 s for 3 examples; make it smaller"):
        model.logits([INPUTS[:3]])


def test_log_probabilities_of_an_honest_model_are_those_of_its_logits():
    model = after_the_product(helper.make_node("Tanh", ["m"], ["y"]))
    found = log_probabilities(model, [INPUTS], batch_size=16, seed=0)
    np.testing.assert_allclose(found, log_softmax(model.logits([INPUTS])), atol=1e-5)


@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e3, 1e6])
def test_an_honest_model_of_any_scale_passes_whatever_the_batches(factor):
    model = after_the_product(
        helper.make_node("Mul", ["m", "factor"], ["y"]), factor=np.array(factor, "f4")
    )
    for batch_size, seed in itertools.product((1, 7, 1000), range(3)):
        log_probabilities(model, [INPUTS], batch_size=batch_size, seed=seed)


COUPLED = {
    "a statistic of the batch": (
        [helper.make_node("ReduceMean", ["m", "axis"], ["c"]),
         helper.make_node("Sub", ["m", "c"], ["y"])], {"axis": np.array([0])}),
    "the place in the batch": (
        [helper.make_node("Shape", ["m"], ["s"], start=0, end=1),
         helper.make_node("Squeeze", ["s"], ["n"]),
         helper.make_node("Range", ["zero", "n", "one"], ["r"]),
         helper.make_node("Cast", ["r"], ["f"], to=1),
         helper.make_node("Unsqueeze", ["f", "axis"], ["u"]),
         helper.make_node("Mul", ["m", "u"], ["y"])],
        {"zero": np.array(0), "one": np.array(1), "axis": np.array([1])}),
    "the size of the batch": (
        [helper.make_node("Shape", ["m"], ["s"], start=0, end=1),
         helper.make_node("Cast", ["s"], ["f"], to=1),
         helper.make_node("Mul", ["m", "f"], ["y"])], {}),
    "the example before": (
        [helper.make_node("CumSum", ["m", "axis"], ["y"])], {"axis": np.array([0])}),
}  # fmt: skip


@pytest.mark.parametrize("case", COUPLED)
@pytest.mark.parametrize("batch_size", [1, 16, 101, 1000])
def test_a_model_that_uses_more_than_its_own_example_is_refused(case, batch_size):
    nodes, constants = COUPLED[case]
    model = after_the_product(*nodes, **constants)
    with pytest.raises(ModelError, match="another probability when they stand in other batches"):
        log_probabilities(model, [INPUTS], batch_size=batch_size, seed=3)


def test_a_large_common_logit_hides_no_difference():
    """The tolerance is one of log probabilities: that of logits would be 1000 nats here."""
    nodes, constants = COUPLED["the place in the batch"]
    model = after_the_product(
        *nodes[:-1], helper.make_node("Mul", ["m", "u"], ["z"]),
        helper.make_node("Add", ["z", "million"], ["y"]), million=np.array(1e6, "f4"), **constants,
    )  # fmt: skip
    with pytest.raises(ModelError, match="another probability"):
        log_probabilities(model, [INPUTS], batch_size=16, seed=0)
