"""The code of a model: what it holds, how short it is, and what cannot make it shorter."""

import numpy as np
import onnx
import onnx_files as files
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from mlgolf.measures.compression import SMALL, compress, decompress
from mlgolf.measures.onnx_models import Input, OnnxModel, canonical, code_bits, decode, read_model
from mlgolf.measures.onnx_models.code import SLACK_BITS

SIZES = st.lists(st.integers(1, 80), max_size=3)
ROUNDED = {  # kinds of weights, from those that no compressor shortens to those that it does
    "float32": lambda w: w,
    "bfloat16": lambda w: (w.view("<u4") & 0xFFFF0000).view("<f4"),
    "four bits": lambda w: np.clip(np.round(w * 8), -8, 7).astype("f4") / 8,
    "ternary": lambda w: (np.sign(w) * (abs(w) > 0.2)).astype("f4"),
    "sparse": lambda w: np.where(abs(w) > 0.5, w, np.float32(0)),  # no -0.0, which is a number
}


def read(model: onnx.ModelProto):
    return read_model(model.SerializeToString(), max_bytes=10**7)


def bits(model: onnx.ModelProto) -> int:
    return code_bits(read(model))


def rounded(model: onnx.ModelProto, kind: str) -> onnx.ModelProto:
    for tensor in model.graph.initializer:
        weights = ROUNDED[kind](numpy_helper.to_array(tensor).copy())
        tensor.CopyFrom(numpy_helper.from_array(weights, tensor.name))
    return model


def logits(model: onnx.ModelProto) -> np.ndarray:
    inputs = np.random.default_rng(1).standard_normal((7, files.FEATURES)).astype("f4")
    return OnnxModel(read(model), [Input("float32", (files.FEATURES,))], files.CLASSES).logits(
        [inputs]
    )


@given(
    st.integers(0, 2**32), SIZES, st.sampled_from(list(ROUNDED)),
    st.lists(st.sampled_from(files.SAME_FUNCTION), min_size=1, max_size=4),
    st.lists(st.sampled_from(files.SAME_GRAPH), max_size=4),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_no_rewrite_that_keeps_the_function_lowers_the_score_by_more_than_the_slack(
    seed, widths, kind, rewrites, disguises
):
    rng = np.random.default_rng(seed)
    model = rounded(files.network(rng, widths), kind)
    before = bits(model)
    for rewrite in (*rewrites, *disguises):
        rewrite(model, rng)
    assert bits(model) >= before - SLACK_BITS


@pytest.mark.parametrize("rewrite", [*files.SAME_GRAPH, *files.SAME_FUNCTION])
def test_rewrites_keep_the_function(rewrite):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        model = files.network(rng, (9, 7))
        rewritten = files.copy(model)
        rewrite(rewritten, rng)
        assert rewritten != model
        np.testing.assert_allclose(logits(rewritten), logits(model), atol=1e-5)


@given(st.integers(0, 2**32), SIZES, st.lists(st.sampled_from(files.SAME_FUNCTION), max_size=4))
@settings(max_examples=50, deadline=None)
def test_a_code_can_be_decoded_so_nothing_that_acts_is_left_out(seed, widths, rewrites):
    rng = np.random.default_rng(seed)
    model = files.network(rng, widths)
    for rewrite in rewrites:
        rewrite(model, rng)
    code = canonical(read(model))
    decoded = decode(decompress(compress(code)))
    assert canonical(decoded) == code
    assert [type(step) for step in decoded.steps] == [type(step) for step in read(model).steps]


ATTRIBUTES = {
    "auto_pad": b"SAME_UPPER", "kernel_shape": [3, 3], "pads": [-1, 0, 2**30], "axis": -2**31,
    "alpha": -0.1, "activations": [b"Relu", b""], "activation_alpha": [0.5, float("inf")],
    "value": numpy_helper.from_array(np.array([3], "f2")), "group": 0,
}  # fmt: skip


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_of_each_kind_comes_back_as_it_was(name):
    node = helper.make_node("ConvTranspose", ["x"], ["y"], **{name: ATTRIBUTES[name]})
    model = read(files.file_of([node], {}))
    decoded = decode(canonical(model))
    assert decoded.steps[-1] == model.steps[-1]
    assert len(model.steps[-1].attributes) == 1


@pytest.mark.parametrize(
    "stored",
    [
        {"constants": {"c": np.random.default_rng(0).standard_normal(500).astype("f4")}},
        {"value_floats": np.random.default_rng(0).standard_normal(500).tolist()},
        {"value_ints": np.random.default_rng(0).integers(2**31, size=500).tolist()},
    ],
)
def test_every_number_counts_wherever_it_is_stored(stored):
    constants = stored.pop("constants", {})
    nodes = [helper.make_node("Constant", [], ["c"], **stored)] if stored else []
    nodes += [
        helper.make_node("ReduceSum", ["c"], ["s"], keepdims=0),
        helper.make_node("Cast", ["s"], ["f"], to=1), helper.make_node("Add", ["x", "f"], ["y"]),
    ]  # fmt: skip
    assert bits(files.file_of(nodes, constants)) > 500 * 23


def test_numbers_in_the_attributes_of_operators_count():
    rng = np.random.default_rng(0)
    nodes = [
        helper.make_node("LeakyRelu", [f"h{n}" if n else "x"], [f"h{n + 1}"], alpha=rng.random())
        for n in range(200)
    ]
    assert bits(files.file_of(nodes, {}, output="h200")) > 200 * 23


def test_an_equal_table_costs_only_once():
    def sum_of(tables: int) -> onnx.ModelProto:
        table = files.array(np.random.default_rng(0), files.FEATURES)
        nodes = [
            helper.make_node("Add", [f"h{n}" if n else "x", f"c{n}"], [f"h{n + 1}"])
            for n in range(tables)
        ]
        return files.file_of(nodes, {f"c{n}": table for n in range(tables)}, output=f"h{tables}")

    assert bits(sum_of(3)) <= bits(sum_of(2)) + 8 * 8


@pytest.mark.parametrize("size", [0, 1, 100, SMALL, SMALL + 1])
def test_no_code_grows_by_more_than_the_byte_that_names_the_compressor(size):
    noise = np.random.default_rng(0).bytes(size)
    assert len(compress(noise)) == size + 1
    assert decompress(compress(noise)) == noise


@pytest.mark.parametrize("size", [3, 30, 3000, SMALL, 2 * SMALL])
def test_what_repeats_is_short_and_comes_back(size):
    code = (b"ab" * size)[:size]
    assert len(compress(code)) <= min(size, 20 + size // 100) + 1
    assert decompress(compress(code)) == code


def test_weights_that_use_fewer_bits_cost_fewer():
    def per_weight(kind: str) -> float:
        weights = 12 * 60 + 60 + 60 * 60 + 60 + 60 * 5 + 5
        return bits(rounded(files.network(np.random.default_rng(0), (60, 60)), kind)) / weights

    costs = [per_weight(kind) for kind in ROUNDED]
    assert costs == pytest.approx([27.4, 11.3, 3.8, 2.4, 3.4], abs=0.3)


def test_small_integers_that_are_cast_cost_little_more_than_their_entropy():
    table = np.random.default_rng(0).integers(-1, 2, (files.FEATURES, 1000)).astype("i1")
    nodes = [
        helper.make_node("Cast", ["table"], ["w"], to=1),
        helper.make_node("MatMul", ["x", "w"], ["y"]),
    ]
    assert bits(files.file_of(nodes, {"table": table})) < 1.2 * np.log2(3) * table.size
