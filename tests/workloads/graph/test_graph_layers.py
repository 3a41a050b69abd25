import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from mlgolf.workloads.graph.layers import AnyLayer, Convolution

LAYER = TypeAdapter(AnyLayer)


def layer(kind, **fields):
    return LAYER.validate_python({"name": "x", "kind": kind, **fields})


@pytest.mark.parametrize(
    ("kind", "fields", "given", "expected"),
    [
        ("dense", {"units": 5}, (7, 3), (7, 5)),
        ("convolution", {"filters": 6, "size": [3, 3]}, (3, 9, 8), (6, 9, 8)),
        ("convolution", {"filters": 6, "size": [3, 3], "stride": [2, 3]}, (3, 9, 8), (6, 5, 3)),
        ("convolution", {"filters": 6, "size": [3, 2], "padding": "valid"}, (3, 9, 8), (6, 7, 7)),
        ("embedding", {"entries": 10, "width": 4}, (12,), (12, 4)),
        ("positions", {}, (12, 4), (12, 4)),
        ("attention", {"heads": 2}, (12, 4), (12, 4)),
        ("layer_norm", {}, (3, 2), (3, 2)),
        ("gelu", {}, (3, 2, 1), (3, 2, 1)),
        ("flatten", {}, (3, 2, 5), (30,)),
        ("mean_pool", {"size": [2, 2]}, (3, 9, 8), (3, 4, 4)),
        ("max_pool", {"size": [3, 2], "stride": [2, 1]}, (3, 9, 8), (3, 4, 7)),
        ("mean", {}, (12, 4), (4,)),
    ],
)
def test_a_kind_gives_the_shape_one_counts_by_hand(kind, fields, given, expected):
    assert layer(kind, **fields).output_shape(given) == expected


@pytest.mark.parametrize(
    ("kind", "fields", "given", "expected"),
    [
        ("dense", {"units": 5}, (7, 3), {"weight": (5, 3), "bias": (5,)}),
        ("dense", {"units": 5, "bias": False}, (3,), {"weight": (5, 3)}),
        (
            "convolution", {"filters": 6, "size": [3, 2]}, (4, 9, 8),
            {"weight": (6, 4, 3, 2), "bias": (6,)},
        ),
        ("embedding", {"entries": 10, "width": 4}, (12,), {"weight": (10, 4)}),
        ("positions", {}, (12, 4), {"weight": (12, 4)}),
        (
            "attention", {"heads": 2, "bias": False}, (12, 4),
            {f"{part}.weight": (4, 4) for part in ("query", "key", "value", "output")},
        ),
        ("layer_norm", {}, (7, 3), {"weight": (3,), "bias": (3,)}),
        ("max_pool", {"size": [2, 2]}, (3, 9, 8), {}),
    ],
)  # fmt: skip
def test_a_kind_learns_tensors_of_these_shapes(kind, fields, given, expected):
    found = layer(kind, **fields).tensors(given)
    assert {name: spec.shape for name, spec in found.items()} == expected


@given(
    image=st.tuples(*[st.integers(1, 12)] * 2),
    size=st.tuples(*[st.integers(1, 6)] * 2),
    stride=st.tuples(*[st.integers(1, 4)] * 2),
)
def test_same_padding_makes_room_for_as_many_windows_as_the_shape_says(image, size, stride):
    convolution = Convolution(name="x", kind="convolution", filters=1, size=size, stride=stride)
    padded = tuple(n + sum(pad) for n, pad in zip(image, convolution.pads(image), strict=True))
    valid = convolution.model_copy(update={"padding": "valid"})
    assert valid.output_shape((1, *padded)) == convolution.output_shape((1, *image))
    assert all(0 <= after - before <= 1 for before, after in convolution.pads(image))
