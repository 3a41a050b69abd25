"""Speed-up methods for submissions, golf entries and people's own loops; docs/methods.md is the
guide.

A method is a frozen record of its knobs. What needs PyTorch or JAX stands in modules of their own:
`losses`, `layer_freezing`, `weight_averaging`, `growing`, `distillation` and `switches`, each
followed by _torch or _jax.
"""

from mlgolf.methods.col_out import ColOut
from mlgolf.methods.composition import METHODS, Methods, compose, from_point, numpy_generator
from mlgolf.methods.cutout import Cutout
from mlgolf.methods.data_echoing import DataEchoing
from mlgolf.methods.distillation import Distillation
from mlgolf.methods.growing import Growing
from mlgolf.methods.label_smoothing import LabelSmoothing
from mlgolf.methods.layer_freezing import LayerFreezing
from mlgolf.methods.mixup import Mixup
from mlgolf.methods.progressive_resizing import ProgressiveResizing
from mlgolf.methods.protocol import Method, Selection, Transform
from mlgolf.methods.regularisation_curriculum import RegularisationCurriculum, Stage
from mlgolf.methods.selective_backprop import SelectiveBackprop, selected
from mlgolf.methods.sequence_length import SequenceLengthWarmup
from mlgolf.methods.small_model_selection import SmallModelSelection, reducible
from mlgolf.methods.switches import ChannelsLast, Compile, MixedPrecision
from mlgolf.methods.weight_averaging import EMA, LAWA

__all__ = [
    "EMA",
    "LAWA",
    "METHODS",
    "ChannelsLast",
    "ColOut",
    "Compile",
    "Cutout",
    "DataEchoing",
    "Distillation",
    "Growing",
    "LabelSmoothing",
    "LayerFreezing",
    "Method",
    "Methods",
    "MixedPrecision",
    "Mixup",
    "ProgressiveResizing",
    "RegularisationCurriculum",
    "Selection",
    "SelectiveBackprop",
    "SequenceLengthWarmup",
    "SmallModelSelection",
    "Stage",
    "Transform",
    "compose",
    "from_point",
    "numpy_generator",
    "reducible",
    "selected",
]
