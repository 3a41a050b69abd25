"""The types that AlgoPerf's five functions speak, without importing any framework.

Names and members are those of AlgoPerf's `spec` module, so that a published submission finds here
what it looks for. Source: mlcommons/algorithmic-efficiency, algoperf/spec.py (names and values).
"""

import enum
from typing import Any


class LossType(enum.Enum):
    SOFTMAX_CROSS_ENTROPY = 0
    SIGMOID_CROSS_ENTROPY = 1
    MEAN_SQUARED_ERROR = 2
    CTC_LOSS = 3
    MEAN_ABSOLUTE_ERROR = 4


class ForwardPassMode(enum.Enum):
    TRAIN = 0
    EVAL = 1


class ParameterType(enum.Enum):
    WEIGHT = 0
    BIAS = 1
    CONV_WEIGHT = 2
    BATCH_NORM_SCALE = 3
    BATCH_NORM_BIAS = 4
    LAYER_NORM_SCALE = 5
    LAYER_NORM_BIAS = 6
    EMBEDDING = 7
    ATTENTION_Q = 8
    ATTENTION_K = 9
    ATTENTION_V = 10
    ATTENTION_OUT = 11
    ATTENTION_QKV = 12
    ATTENTION_KV = 13
    ATTENTION_BIAS = 14


class ShapeTuple:
    """A shape as a leaf, so that tree maps do not walk into it. Equal by value, not hashable."""

    __hash__ = None  # type: ignore[assignment]  # as in AlgoPerf

    def __init__(self, shape_tuple: tuple[int, ...]) -> None:
        self.shape_tuple = shape_tuple

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ShapeTuple) and self.shape_tuple == other.shape_tuple

    def __repr__(self) -> str:
        return f"ShapeTuple({self.shape_tuple})"


class TrainingCompleteError(Exception):
    """Raised by `update_params` to end a trial; the step still counts and is evaluated."""


Workload = Any  # the facade in player/workload.py
Tensor = Any
RandomState = Any
Hyperparameters = Any
ModelAuxiliaryState = Any
OptimizerState = Any
ParameterContainer = Any
ParameterKey = Any
ParameterShapeTree = Any
ParameterTypeTree = Any
Shape = tuple[int, ...]
Timing = int
Steps = int
UpdateReturn = tuple[OptimizerState, ParameterContainer, ModelAuxiliaryState]
ModelInitState = tuple[ParameterContainer, ModelAuxiliaryState]
InitOptimizerFn = Any
UpdateParamsFn = Any
PrepareForEvalFn = Any
DataSelectionFn = Any
