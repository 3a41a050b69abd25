"""Which ONNX files are read, what is refused, and in which words."""

import re
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import onnx_files as files
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from mlgolf.core.errors import ModelError
from mlgolf.measures.onnx_models import Model, canonical, protobuf, read_model
from mlgolf.measures.onnx_models.operators import (
    ATTRIBUTES,
    CONSTANT,
    IDENTITY,
    OPERATORS,
    OPSETS,
    TENSOR_TYPES,
)
from mlgolf.measures.onnx_models.protobuf import MAX_FIELDS, field
from mlgolf.measures.onnx_models.reader import MAX_NODES

SCHEMAS = {
    "ModelProto": protobuf.MODEL, "OperatorSetIdProto": protobuf.OPSET,
    "GraphProto": protobuf.GRAPH, "NodeProto": protobuf.NODE,
    "AttributeProto": protobuf.ATTRIBUTE, "TensorProto": protobuf.TENSOR,
    "ValueInfoProto": protobuf.VALUE, "TypeProto": protobuf.TYPE,
}  # fmt: skip
KIND = {"Float": "f", "Int": "i", "String": "s", "Tensor": "t"}


def read(model: onnx.ModelProto | bytes) -> Model:
    data = model if isinstance(model, bytes) else model.SerializeToString()
    return read_model(data, max_bytes=10**7)


def perceptron() -> onnx.ModelProto:
    return files.network(np.random.default_rng(0))


def with_node(*args, **attributes) -> onnx.ModelProto:
    """The perceptron with one more node, before all others."""
    model = perceptron()
    model.graph.node.insert(0, helper.make_node(*args, **attributes))
    return model


@pytest.mark.parametrize("message", SCHEMAS)
def test_fields_are_numbered_as_in_the_official_description(message):
    official = getattr(onnx, message).DESCRIPTOR.fields_by_number
    for number, (name, _) in SCHEMAS[message].items():
        if number in official:  # a newer field may be refused before it exists
            assert official[number].name == name


def test_every_operator_exists_in_an_allowed_version_of_the_standard():
    for name in OPERATORS:
        assert onnx.defs.get_schema(name, OPSETS[-1], "").since_version <= OPSETS[-1]


def test_attributes_are_of_the_kind_that_the_standard_says():
    kinds = {"FLOAT": "f", "INT": "i", "STRING": "s", "TENSOR": "t"}
    for operator in OPERATORS:
        for name, attribute in onnx.defs.get_schema(operator, OPSETS[-1], "").attributes.items():
            kind = attribute.type.name
            assert ATTRIBUTES[name] == kinds.get(kind, kind.lower())


def test_places_in_the_lists_stay_so_that_scores_do():
    assert (OPERATORS.index("Gemm"), OPERATORS.index("Xor"), len(OPERATORS)) == (52, 145, 146)
    assert (list(ATTRIBUTES).index("axis"), list(ATTRIBUTES).index("activations")) == (3, 86)


def test_a_perceptron_is_read_as_constants_and_operators_in_order():
    steps = read(perceptron()).steps
    kinds = ["" if isinstance(step, np.ndarray) else step.operator for step in steps]
    assert [kind for kind in kinds if kind][0::2] == ["MatMul", kinds[4], "Add"]
    assert kinds[:4] == ["", "MatMul", "", "Add"]


@given(st.integers(0, 2**32), st.lists(st.sampled_from(files.SAME_GRAPH), max_size=12))
@settings(max_examples=100, deadline=None)
def test_what_changes_no_graph_changes_no_bit_of_the_code(seed, rewrites):
    rng = np.random.default_rng(seed)
    model = files.network(rng, rng.integers(1, 20, rng.integers(0, 4)))
    code = canonical(read(model))
    for rewrite in rewrites:
        rewrite(model, rng)
        assert canonical(read(model)) == code


@pytest.mark.parametrize("text", TENSOR_TYPES.values())
@pytest.mark.parametrize("raw", [True, False])
def test_a_constant_of_each_type_is_read_from_raw_bytes_and_from_numbers(text, raw):
    dtype = np.dtype(text)
    values = np.array([[0, 1, 3]], dtype) if dtype.kind == "u" else np.array([[0, 1, -3]], dtype)
    tensor = numpy_helper.from_array(values, "c")
    if not raw:
        tensor = helper.make_tensor("c", tensor.data_type, values.shape, values.ravel())
        assert not tensor.raw_data
    nodes = [
        helper.make_node("Cast", ["c"], ["f"], to=1), helper.make_node("Add", ["x", "f"], ["y"])
    ]  # fmt: skip
    model = files.file_of(nodes, {})
    model.graph.initializer.append(tensor)
    found = read(model).steps[0]
    assert found.dtype == dtype
    assert found.tolist() == values.tolist()


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"value_float": 1.5}, np.array(1.5, "f4")),
        ({"value_floats": [1.5, 2.5]}, np.array([1.5, 2.5], "f4")),
        ({"value_int": -3}, np.array(-3, "i8")),
        ({"value_ints": [-3, 2**40]}, np.array([-3, 2**40], "i8")),
        ({"value": numpy_helper.from_array(np.eye(2, dtype="f4"))}, np.eye(2, dtype="f4")),
    ],
)
def test_a_constant_node_is_a_constant_whatever_its_attribute(attributes, expected):
    nodes = [
        helper.make_node("Constant", [], ["c"], **attributes),
        helper.make_node("ConstantOfShape", ["c"], ["y"]),
    ]
    found = read(files.file_of(nodes, {})).steps[0]
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(found, expected)


def test_the_tensor_of_an_attribute_is_a_constant_like_any_other():
    value = numpy_helper.from_array(np.array([7], "f4"))
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["filled"], value=value),
        helper.make_node("Add", ["filled", "seven"], ["y"]),
    ]
    constants = {"shape": np.array([3, 5]), "seven": np.array([7], "f4")}
    model = read(files.file_of(nodes, constants))
    assert len(model.steps) == 4
    assert model.steps[2].attributes == (("value", 3),)


def test_initializers_that_are_also_listed_as_inputs_are_no_inputs():
    model = perceptron()
    for tensor in model.graph.initializer:
        model.graph.input.append(
            helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        )
    assert canonical(read(model)) == canonical(read(perceptron()))


def test_a_long_chain_is_read():
    nodes = [
        helper.make_node("Relu", [f"h{n}" if n else "x"], [f"h{n + 1}"]) for n in range(5000)
    ]
    assert len(read(files.file_of(nodes, {}, output="h5000")).steps) == 5000


def subgraph() -> onnx.ModelProto:
    return with_node(
        "If", ["x"], ["z"], name="choice", then_branch=perceptron().graph,
        else_branch=perceptron().graph,
    )  # fmt: skip


def with_subgraph_in_an_allowed_operator() -> onnx.ModelProto:
    return with_node("Relu", ["x"], ["z"], body=perceptron().graph)


def with_function() -> onnx.ModelProto:
    model = perceptron()
    model.functions.append(
        helper.make_function(
            "mine", "Twice", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])],
            [helper.make_opsetid("", 20)],
        )
    )  # fmt: skip
    return model


def with_external_data() -> onnx.ModelProto:
    model = perceptron()
    entry = model.graph.initializer[0].external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    return model


def with_location() -> onnx.ModelProto:
    model = perceptron()
    model.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    return model


def with_sparse() -> onnx.ModelProto:
    model = perceptron()
    model.graph.sparse_initializer.append(
        helper.make_sparse_tensor(
            numpy_helper.from_array(np.ones(1, "f4"), "s"),
            numpy_helper.from_array(np.zeros(1, "i8")), [4],
        )
    )  # fmt: skip
    return model


def with_tensor(**changed) -> onnx.ModelProto:
    model = perceptron()
    for name, value in changed.items():
        if name == "dims":
            model.graph.initializer[0].dims[:] = value
        elif name == "float_data":
            model.graph.initializer[0].float_data[:] = value
        else:
            setattr(model.graph.initializer[0], name, value)
    return model


def with_input(type_proto: onnx.TypeProto) -> onnx.ModelProto:
    model = perceptron()
    model.graph.input.append(helper.make_value_info("s", type_proto))
    return model


def with_cycle() -> onnx.ModelProto:
    nodes = [
        helper.make_node("Add", ["x", "b"], ["a"], name="first"),
        helper.make_node("Relu", ["a"], ["b"], name="second"),
        helper.make_node("Relu", ["b"], ["y"]),
    ]
    return files.file_of(nodes, {})


def with_cycle_of_identities() -> onnx.ModelProto:
    nodes = [
        helper.make_node("Identity", ["b"], ["a"]), helper.make_node("Identity", ["a"], ["b"]),
        helper.make_node("Relu", ["b"], ["y"]),
    ]  # fmt: skip
    return files.file_of(nodes, {})


def twice_an_attribute() -> onnx.ModelProto:
    model = with_node("LeakyRelu", ["x"], ["z"], alpha=0.5)
    model.graph.node[0].attribute.append(helper.make_attribute("alpha", 0.25))
    return model


def without_output() -> onnx.ModelProto:
    model = perceptron()
    del model.graph.output[:]
    return model


def other_opset(*versions: int) -> onnx.ModelProto:
    model = perceptron()
    del model.opset_import[:]
    model.opset_import.extend(helper.make_opsetid("", version) for version in versions)
    return model


TEXTS = helper.make_tensor("t", onnx.TensorProto.STRING, [1], [b"labels"])
HALF = helper.make_tensor("t", onnx.TensorProto.BFLOAT16, [1], [1.0])
REFUSED = {
    "random": (with_node("RandomNormalLike", ["x"], ["z"], name="noise", seed=1.0),
               r"node 'noise' \('RandomNormalLike'\) is not allowed. Did you .*Allowed are [0-9]+"),
    "dropout": (with_node("Dropout", ["x"], ["z"]), "'Dropout'.* is not allowed"),
    "subgraph": (subgraph(), "node 'choice' .* is not allowed. .* subgraphs"),
    "hidden subgraph": (with_subgraph_in_an_allowed_operator(),
                        "an attribute of node 'z' .* has 'g', which is not allowed: .*If, Loop"),
    "custom domain": (with_node("Relu", ["x"], ["z"], domain="com.microsoft"),
                      "of the domain 'com.microsoft'; only standard operators"),
    "function": (with_function(), "has 'functions', which is not allowed: inline them"),
    "external data": (with_external_data(), "'external_data', which is not allowed: save all"),
    "location": (with_location(), "is stored in another file; save all tensors inside"),
    "sparse": (with_sparse(), "'sparse_initializer', which is not allowed: store the tensor"),
    "texts": (with_node("Constant", [], ["z"], value=TEXTS), "'string_data', which is not allowed"),
    "bfloat16": (with_node("Constant", [], ["z"], value=HALF),
                 "data_type 16; allowed are float32, .*cast it"),
    "cast to texts": (with_node("Cast", ["x"], ["z"], to=8), "to=8 is a type of tensor that"),
    "sequence": (with_input(helper.make_sequence_type_proto(
                 helper.make_tensor_type_proto(1, None))), "the input 's' has 'sequence_type'"),
    "optional": (with_input(helper.make_optional_type_proto(
                 helper.make_tensor_type_proto(1, None))), "the input 's' has 'optional_type'"),
    "training mode": (with_node("BatchNormalization", ["x", "a", "b", "c", "d"], ["z"],
                      training_mode=1), "is in training mode; export .* evaluation mode"),
    "attribute": (with_node("Relu", ["x"], ["z"], smuggled=[1, 2]),
                  "has the attribute 'smuggled', which no allowed operator has"),
    "attribute of another kind": (with_node("LeakyRelu", ["x"], ["z"], alpha=[0.5]),
                                  "'alpha' holds floats; it is of the kind 'f'"),
    "negative attribute": (with_node("GatherND", ["x", "w0"], ["z"], batch_dims=-2),
                           r"batch_dims=-2; allowed is 0 to 2147483647"),
    "flag": (with_node("Cast", ["x"], ["z"], to=1, saturate=2), "saturate=2; allowed is 0 to 1"),
    "table as attribute": (with_node("MaxPool", ["x"], ["z"], pads=[1] * 65),
                           "pads has 65 numbers; at most 64 are allowed. Store a table as an init"),
    "huge attribute": (with_node("MaxPool", ["x"], ["z"], kernel_shape=[2**40]),
                       "kernel_shape=.1099511627776,.; allowed is 0 to"),
    "outputs that are not counted": (with_node("Split", ["x"], ["z", "zz"], num_outputs=1),
                                     "has 2 outputs, not num_outputs"),
    "attribute twice": (twice_an_attribute(), "has the attribute 'alpha' twice"),
    "constant without value": (with_node("Constant", [], ["z"]), "a Constant has one of value"),
    "constant of text": (with_node("Constant", [], ["z"], value_string="labels"),
                         "a Constant has one of value"),
    "constant with inputs": (with_node("Constant", ["x"], ["z"], value_int=1), "too many inputs"),
    "cycle": (with_cycle(), r"a cycle through node '(first|second)'"),
    "cycle of identities": (with_cycle_of_identities(), "a cycle through '(a|b)'"),
    "missing input": (files.file_of([helper.make_node("Relu", ["nothing"], ["y"])], {}),
                      "node 'y' .* uses 'nothing', which nothing in the graph gives"),
    "missing output": (files.file_of([], {}), "the output uses 'y', which nothing"),
    "name twice": (with_node("Relu", ["x"], ["w0"]), "the name 'w0' of an output .* is taken"),
    "no output": (without_output(), "has 0 outputs; give one: the logits"),
    "old opset": (other_opset(11), "opset.* is 11; allowed is one of 18 to 23. Export"),
    "no opset": (other_opset(), "is not given; allowed"),
    "two opsets": (other_opset(18, 19), "is 18 and 19; allowed"),
    "huge shape": (with_tensor(dims=[2**31 - 1] * 8), "does not have the numbers that it should"),
    "negative shape": (with_tensor(dims=[-1, -4]), "a shape of 2 dimensions that is not allowed"),
    "many dimensions": (with_tensor(dims=[1] * 9), "a shape of 9 dimensions"),
    "short data": (with_tensor(raw_data=b"\0\0\0"), "does not have the numbers"),
    "data twice": (with_tensor(float_data=[1.0]), "numbers twice, as float_data and raw_data"),
    "too many nodes": (files.file_of([helper.make_node("Relu", ["x"], [""])] * (MAX_NODES + 1), {}),
                       f"has {MAX_NODES + 1} nodes; at most {MAX_NODES}"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_allowed_is_refused_in_words(case):
    model, message = REFUSED[case]
    with pytest.raises(ModelError, match=message):
        read(model)


def test_an_operator_off_the_list_is_told_the_nearest_and_not_the_whole_list():
    with pytest.raises(ModelError, match=r"Did you mean .*Softmax") as caught:
        read(with_node("SoftMax", ["x"], ["z"]))
    assert len(str(caught.value)) < 250


def test_the_documentation_lists_every_operator_that_is_allowed():
    text = (Path(__file__).parents[2] / "docs" / "games.md").read_text()
    listed = text.partition("### Operators\n")[2].partition("\n## ")[0]
    assert {*re.findall(r"[A-Z]\w+", listed.partition("```")[2])} == {
        *OPERATORS, CONSTANT, IDENTITY
    }  # fmt: skip


@pytest.mark.parametrize("data", [b"hello", b"\x80", bytes(1000)])
def test_bytes_that_are_no_onnx_are_called_that(data):
    with pytest.raises(ModelError, match=r"^this is no ONNX file \("):
        read(data)


def test_a_file_with_more_bytes_than_allowed_is_not_read():
    with pytest.raises(ModelError, match="has 1000 bytes; at most 999 are allowed"):
        read_model(bytes(1000), max_bytes=999)


def test_millions_of_empty_nodes_are_refused_before_they_fill_the_memory():
    with pytest.raises(ModelError, match=f"more than {MAX_FIELDS} fields"):
        read(field(8, field(2, 20)) + field(7, field(1, b"") * 3_000_000))


def test_a_field_that_nobody_knows_is_refused():
    with pytest.raises(ModelError, match="the model has 'field 99', which is not allowed"):
        read(perceptron().SerializeToString() + field(99, b"labels"))


def test_a_graph_given_twice_is_refused_where_others_would_merge_the_two():
    data = perceptron().SerializeToString()
    with pytest.raises(ModelError, match="the model has 'graph' twice"):
        read(data + field(7, field(10, b"labels")))


def test_names_in_messages_are_short_and_harmless_on_a_terminal():
    with pytest.raises(ModelError) as caught:
        read(with_node("Loop", ["x"], ["z"], name="\x1b[2J" + "é" * 1000))
    assert "\x1b" not in str(caught.value)
    assert str(caught.value).isascii()
    assert len(str(caught.value)) < 2500  # most of it is the list of operators


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_file_is_read_or_refused_and_nothing_else(data):
    whole = bytearray(perceptron().SerializeToString())
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(whole) - 1))
        if data.draw(st.booleans()):
            whole[place] = data.draw(st.integers(0, 255))
        else:
            del whole[place : place + data.draw(st.integers(1, 40))]
    with suppress(ModelError):
        canonical(read(bytes(whole)))


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_refused(data):
    with pytest.raises(ModelError):
        read(data)
