import pytest

from mlgolf.deployment.node_names import name_in_model

NODES = [
    ("/3/Conv", "Conv", ["/3/Conv_output_0"]), ("/4/Relu", "Relu", ["/4/Relu_output_0"]),
    ("/6/MaxPool", "MaxPool", ["/6/MaxPool_output_0"]), ("", "MatMul", ["scores"]),
    ("/8/Gemm", "Gemm", ["logits"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "operator", "expected"),
    [
        ("/8/Gemm", "Gemm", "/8/Gemm"),
        ("fused /3/Conv", "FusedConv", "/3/Conv"),
        ("/4/Relu_output_0_nchwc", "Conv", "up to /4/Relu"),
        ("/6/MaxPool_output_0_nchwc", "MaxPool", "/6/MaxPool"),
        ("scores_fused", "FusedMatMul", "scores"),
        ("ReorderOutput", "ReorderOutput", "(the runtime's)"),
        ("", "Add", ""),
    ],
)
def test_an_operator_is_called_as_the_model_calls_it(name, operator, expected):
    assert name_in_model(name, operator, NODES) == expected
