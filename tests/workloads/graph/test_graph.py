from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from pydantic import BaseModel, ValidationError
from random_graphs import graphs

from mlgolf.core.errors import RulesError
from mlgolf.core.toml_files import read_toml
from mlgolf.workloads.graph.graph import Graph, initial_tensors

TWO_LAYERS = """\
loss = "cross_entropy"

[inputs]
shape = [64]
dtype = "float32"

[[layers]]
name = "hidden"
kind = "dense"
units = 32

[[layers]]
name = "rectified"
kind = "relu"

[[layers]]
name = "logits"
kind = "dense"
units = 10
"""

DAMAGE = [0, -1, 2.5, True, None, "", "inputs", "layer0", "sum", [], [0], {}, ["inputs"] * 2]


def graph(*layers, shape=(8,), dtype="float32", loss="squared_error"):
    inputs = {"shape": shape, "dtype": dtype}
    return Graph.model_validate({"inputs": inputs, "layers": layers, "loss": loss})


def layer(name, kind, **fields):
    return {"name": name, "kind": kind, **fields}


def dense(name="out", units=4, **fields):
    return layer(name, "dense", units=units, **fields)


def problems(*layers, **fields):
    """Key path -> message."""
    with pytest.raises(ValidationError) as caught:
        graph(*layers, **fields)
    return {".".join(map(str, e["loc"])): e["msg"] for e in caught.value.errors()}


def read(tmp_path, text):
    file = tmp_path / "graph.toml"
    file.write_text(text)
    return read_toml(file, Graph)


def test_a_network_of_two_layers_has_the_tensors_one_counts_by_hand(tmp_path):
    found = read(tmp_path, TWO_LAYERS)
    assert list(found.tensors.items()) == [
        ("hidden.weight", (32, 64)),
        ("hidden.bias", (32,)),
        ("logits.weight", (10, 32)),
        ("logits.bias", (10,)),
    ]
    assert sum(a.size for a in initial_tensors(found, np.random.default_rng(0)).values()) == 2410
    assert (found.output_shape, found.target_shape) == ((10,), ())


def test_weights_are_neither_biases_nor_scales_of_norms():
    found = graph(
        layer("tokens", "embedding", entries=9, width=4),
        layer("places", "positions"),
        layer("norm", "layer_norm"),
        layer("mixing", "attention", heads=2),
        shape=(5,), dtype="int32",
    )  # fmt: skip
    mixing = [f"mixing.{part}.weight" for part in ("query", "key", "value", "output")]
    assert found.weights == ("tokens.weight", "places.weight", *mixing)
    assert found.tensors["norm.weight"] == found.tensors["mixing.key.bias"] == (4,)


def test_the_output_layer_is_the_last_one_with_tensors():
    found = graph(dense("hidden"), dense("logits"), layer("last", "tanh"))
    assert [name for name in found.tensors if found.is_output(name)] == [
        "logits.weight", "logits.bias",
    ]  # fmt: skip
    assert not found.is_output("logits2.weight")


def test_a_layer_takes_the_one_before_unless_it_names_another():
    both = layer("c", "sum", inputs=["a", "b"])
    found = graph(dense("a"), dense("b", input="inputs"), both, dense("d"))
    sources = [names for _, names in found.wiring]
    assert sources == [("inputs",), ("inputs",), ("a", "b"), ("c",)]


@given(graph=graphs())
def test_a_graph_goes_through_json_and_back(graph):
    again = Graph.model_validate_json(graph.model_dump_json(exclude_defaults=True))
    assert again == graph
    assert again.tensors == graph.tensors


def test_a_graph_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        graph(dense()).loss = "cross_entropy"


# --- initial tensors ---


def test_initial_values_are_those_of_torch_linear_and_depend_on_the_seed_alone():
    found = graph(dense("wide", 400), layer("norm", "layer_norm"), dense(), shape=(100,))
    first, again, other = (
        initial_tensors(found, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert list(first) == list(found.tensors)
    assert {a.dtype for a in first.values()} == {np.dtype(np.float32)}
    for name, bound in {"wide.weight": 0.1, "wide.bias": 0.1, "out.weight": 0.05}.items():
        assert 0.5 * bound < np.abs(first[name]).max() <= bound
    assert_array_equal(first["norm.weight"], 1)
    assert_array_equal(first["norm.bias"], 0)
    assert_array_equal(first["wide.weight"], again["wide.weight"])
    assert not np.array_equal(first["wide.weight"], other["wide.weight"])


def test_embeddings_and_positions_start_small_and_normal():
    found = graph(
        layer("tokens", "embedding", entries=500, width=40), layer("places", "positions"),
        shape=(300,), dtype="int32",
    )  # fmt: skip
    tensors = initial_tensors(found, np.random.default_rng(0))
    for name in ("tokens.weight", "places.weight"):
        assert tensors[name].std() == pytest.approx(0.02, rel=0.05)


# --- errors ---


@pytest.mark.parametrize(
    ("bad", "key", "message"),
    [
        (layer("x", "dens", units=2), "kind", "unknown kind; allowed: 'dense', 'convolution'"),
        ({"name": "x", "units": 2}, "kind", "Field required"),
        (layer("x", "dense"), "units", "Field required"),
        (layer("x", "dense", units=0), "units", "greater than or equal to 1"),
        (layer("x", "dense", units=2.0), "units", "valid integer"),
        (layer("x", "dense", units=2, size=3), "size", "Extra inputs"),
        (layer("x", "sum", inputs=["inputs"]), "inputs", "at least 2 items"),
        (layer("x", "sum", inputs=["a", "a"], input="a"), "input", "Extra inputs"),
        (layer("x", "dense", units=2, input="y"), "input", "'y' is no earlier layer; allowed: inp"),
        (layer("x", "dense", units=2, input="x"), "input", "'x' is no earlier layer"),
        (layer("x", "sum", inputs=["a", "z"]), "inputs", "'a' (4,), 'z' (5,)"),
        (layer("x", "positions"), "input", "given shape (5,); allowed is a shape (T, width)"),
        (layer("x", "mean"), "input", "given shape (5,); allowed is a shape (T, width)"),
        (layer("x", "flatten", input=""), "input", "'' is no earlier layer"),
        (layer("x", "flatten", input="missing"), "input", "allowed: inputs, a, z"),
        (layer("x", "embedding", entries=9, width=3), "input", "'z' is float32, but embedding"),
    ],
)
def test_an_error_names_the_layer_and_its_place(bad, key, message):
    found = problems(dense("a"), dense("z", 5, input="inputs"), bad, dense("y"))
    assert list(found) == [f"layers.2.{key}"]
    (text,) = found.values()
    assert text.startswith("layer 'x': ")
    assert message in text


@pytest.mark.parametrize("name", ["a.b", "", "2nd", "with space", "_hidden", "größe", "a\n"])
def test_a_name_is_an_identifier_without_a_dot(name):
    assert "should match pattern" in problems(dense(name))["layers.0.name"]


@pytest.mark.parametrize("name", ["inputs", "a"])
def test_a_name_is_given_once_and_the_inputs_have_theirs(name):
    found = problems(dense("a"), dense(name))
    assert found == {
        "layers.1.name": f"layer {name!r}: this name is taken; give each layer one of its own"
    }


@pytest.mark.parametrize(
    ("bad", "key", "message"),
    [
        (layer("x", "convolution", filters=2, size=[3, 9], padding="valid"), "size", "(3, 9) does"),
        (layer("x", "max_pool", size=[9, 1]), "size", "does not fit into an image of (8, 8)"),
        (layer("x", "mean_pool", size=[2]), "size.1", "Field required"),
        (layer("x", "convolution", filters=2, size=[3, 3], padding="full"), "padding", "'valid'"),
        (layer("x", "attention", heads=2), "input", "given shape (3, 8, 8)"),
    ],
)
def test_an_error_in_an_image_says_what_fits(bad, key, message):
    found = problems(bad, shape=(3, 8, 8))
    assert list(found) == [f"layers.0.{key}"]
    assert message in found[f"layers.0.{key}"]


def test_heads_divide_the_width():
    found = problems(layer("mixing", "attention", heads=4), shape=(7, 6))
    assert found == {
        "layers.0.heads": "layer 'mixing': 4 heads do not divide a width of 6; allowed: 1, 2, 3, 6"
    }


def test_integers_go_to_an_embedding_alone():
    assert "'inputs' is int32, but dense takes float32" in problems(
        dense(), shape=(5,), dtype="int32"
    )["layers.0.input"]  # fmt: skip


def test_every_layer_serves_the_output():
    found = problems(dense("a"), dense("b", input="inputs"))
    assert list(found) == ["layers.0.name"]
    assert "no later layer takes its output" in found["layers.0.name"]


def test_a_graph_has_layers_and_something_to_train():
    assert "one layer or more" in problems()["layers"]
    assert "nothing to train" in problems(layer("x", "relu"))["layers"]


def test_cross_entropy_needs_two_classes():
    found = problems(dense("logits", 1), loss="cross_entropy")
    assert "'logits', gives shape (1,)" in found["loss"]


def test_all_that_is_wrong_is_said_at_once():
    fields = problems(dense("a", 0), layer("b", "nothing"), dense("c.d"))
    assert list(fields) == ["layers.0.units", "layers.1.kind", "layers.2.name"]
    wires = problems(
        layer("a", "positions"), dense("b", input="nobody"), layer("c", "flatten", input="a"),
        dense("b", input="inputs"),
    )  # fmt: skip
    assert list(wires) == ["layers.0.input", "layers.1.input", "layers.3.name"]


@given(graph=graphs(), data=st.data())
def test_a_damaged_graph_is_refused_or_has_tensors(graph, data):
    record = graph.model_dump(mode="json", exclude_none=True)
    tables = [record, record["inputs"], *record["layers"]]
    for _ in range(data.draw(st.integers(1, 3))):
        table = data.draw(st.sampled_from(tables))
        key = data.draw(st.sampled_from([*table, "input", "more"]))
        table[key] = data.draw(st.sampled_from(DAMAGE))
    with suppress(ValidationError):
        found = Graph.model_validate(record)
        assert initial_tensors(found, np.random.default_rng(0)).keys() == found.tensors.keys()


def test_an_error_of_a_file_is_one_line_with_its_place(tmp_path):
    with pytest.raises(RulesError) as caught:
        read(tmp_path, TWO_LAYERS.replace("units = 32", "units = 0"))
    place, text = str(caught.value).split(": ", 2)[1:]
    assert place == "layers.#1.units"
    assert text == "layer 'hidden': Input should be greater than or equal to 1 (found 0)"


def test_a_record_that_holds_a_graph_says_where_it_is_wrong():
    class Game(BaseModel):
        graph: Graph

    table = {"inputs": {"shape": [2], "dtype": "float32"}, "layers": [], "loss": "squared_error"}
    with pytest.raises(ValidationError) as caught:
        Game.model_validate({"graph": table})
    assert [e["loc"] for e in caught.value.errors()] == [("graph", "layers")]
