"""Models of the open division: any ONNX graph of listed operators, and its two-part code length.

`read_model` checks a file, `code_bits` is the length of the model in bits, `OnnxModel` runs it, and
`label_bits` (in `mlgolf.measures.label_bits`) the length of the labels given its outputs. Only
running needs onnxruntime, which is imported when first used.
"""

from mlgolf.measures.onnx_models.code import canonical, code_bits, decode
from mlgolf.measures.onnx_models.graph import Model, Node
from mlgolf.measures.onnx_models.onnx_file import Input
from mlgolf.measures.onnx_models.reader import read_model
from mlgolf.measures.onnx_models.running import OnnxModel, log_probabilities

__all__ = [
    "Input", "Model", "Node", "OnnxModel", "canonical", "code_bits", "decode", "log_probabilities",
    "read_model",
]  # fmt: skip
