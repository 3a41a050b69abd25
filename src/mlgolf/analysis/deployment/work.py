"""What an operator has to do, by its shapes: operations of products, else the elements it touches.

Names that a runtime gives to fused or blocked forms of an operator are those of its family.
"""

import math
from collections.abc import Sequence

Shape = tuple[int, ...]
FAMILIES = {
    "FusedConv": "Conv", "NhwcFusedConv": "Conv", "NhwcConv": "Conv", "QLinearConv": "Conv",
    "ConvInteger": "Conv", "FusedMatMul": "MatMul", "FusedGemm": "Gemm", "QGemm": "Gemm",
    "QLinearMatMul": "MatMul", "MatMulInteger": "MatMul", "MatMulIntegerToFloat": "MatMul",
    "DynamicQuantizeMatMul": "MatMul", "FastGelu": "Gelu", "BiasGelu": "Gelu",
    "QuickGelu": "Gelu", "SkipLayerNormalization": "LayerNormalization",
    "SimplifiedLayerNormalization": "LayerNormalization", "QLinearAdd": "Add", "QLinearMul": "Mul",
    "QLinearSoftmax": "Softmax", "QLinearAveragePool": "AveragePool",
    "QLinearGlobalAveragePool": "GlobalAveragePool", "NhwcMaxPool": "MaxPool",
}  # fmt: skip
PRODUCTS = ("Conv", "MatMul", "Gemm")
OPERATIONS_PER_ELEMENT = 8.0  # that a product does in the time in which one element is moved


def family(operator: str) -> str:
    return FAMILIES.get(operator, operator)


def operations(operator: str, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> float:
    """Of a product, a multiply-add being two; 0 for all others."""
    kind, made = family(operator), sum(map(math.prod, outputs))
    if kind not in PRODUCTS or not inputs or not inputs[0]:
        return 0.0
    if kind == "Conv":
        kernel = next((shape for shape in inputs[1:] if len(shape) >= 3), None)
        return 2.0 * made * math.prod(kernel[1:]) if kernel else 0.0
    # A runtime that repacks weights does not list them: what is summed over is the last axis.
    return 2.0 * made * inputs[0][-1]


def elements(inputs: Sequence[Shape], outputs: Sequence[Shape]) -> float:
    return float(sum(map(math.prod, inputs)) + sum(map(math.prod, outputs)))


def work(operator: str, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> float:
    """In elements moved; at least 1."""
    done = operations(operator, inputs, outputs) / OPERATIONS_PER_ELEMENT
    return max(1.0, done + elements(inputs, outputs))
