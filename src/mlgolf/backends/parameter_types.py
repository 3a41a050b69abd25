"""What kind of parameter a name stands for: AlgoPerf's inference, in its two forms.

Substrings of names decide, and the first rule that matches wins; so a linear layer inside a module
called `conv` is a CONV_WEIGHT, as in AlgoPerf. Published submissions were written against that.

Source: mlcommons/algorithmic-efficiency, algoperf/param_utils.py (the table, not the code).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from mlgolf.core.spec import ParameterType

BATCH_NORM = (ParameterType.BATCH_NORM_SCALE, ParameterType.BATCH_NORM_BIAS)
LAYER_NORM = (ParameterType.LAYER_NORM_SCALE, ParameterType.LAYER_NORM_BIAS)

ATTENTION = {  # in this order: "kv_proj" contains "v_proj"
    "in_proj": ParameterType.ATTENTION_QKV,
    "kv_proj": ParameterType.ATTENTION_KV,
    "k_proj": ParameterType.ATTENTION_K,
    "key": ParameterType.ATTENTION_K,
    "q_proj": ParameterType.ATTENTION_Q,
    "query": ParameterType.ATTENTION_Q,
    "v_proj": ParameterType.ATTENTION_V,
    "value": ParameterType.ATTENTION_V,
    "out": ParameterType.ATTENTION_OUT,
}


def torch_parameter_types(names: Iterable[str]) -> dict[str, ParameterType]:
    """Types by full dotted name, such as "layer1.0.bn1.weight".

    Raises: ValueError for a parameter of a normalisation that is neither scale nor bias.
    """
    return {name: _torch_type(name) for name in names}


def jax_parameter_types(params: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Types in a tree like `params`, every key of it in lower case.

    `path` is that of `params` within the whole tree: a rule may rest on any name above the leaf.
    Raises: ValueError for a parameter of a normalisation that is neither scale nor bias.
    """
    return {
        name.lower(): jax_parameter_types(value, f"{path}/{name.lower()}")
        if isinstance(value, Mapping)
        else _jax_type(path, name.lower())
        for name, value in params.items()
    }


def _torch_type(name: str) -> ParameterType:
    if "bn" in name:
        return _normalisation_type(BATCH_NORM, name)
    if "norm" in name or "ln" in name:
        return _normalisation_type(LAYER_NORM, name)
    if "conv" in name:
        return _plain_type(name, weight=ParameterType.CONV_WEIGHT)
    if "embed" in name and "weight" in name:
        return ParameterType.EMBEDDING
    if "attn" in name or "attention" in name:
        return _attention_type(name)
    return _plain_type(name)


def _jax_type(path: str, name: str) -> ParameterType:
    if "batchnorm" in path or "bn" in path:
        return _normalisation_type(BATCH_NORM, name)
    if "layernorm" in path or "ln" in path:
        return _normalisation_type(LAYER_NORM, name)
    if "conv" in path:
        return _plain_type(name, weight=ParameterType.CONV_WEIGHT)
    if "embedding" in name or ("embedding" in path and name == "kernel"):
        return ParameterType.EMBEDDING
    if "attention" in path:
        return _attention_type(f"{path}/{name}")
    return _plain_type(name)


def _normalisation_type(types: tuple[ParameterType, ParameterType], name: str) -> ParameterType:
    scale, bias = types
    if "weight" in name or "scale" in name:
        return scale
    if "bias" in name:
        return bias
    raise ValueError(
        f"parameter {name!r} is named like one of a normalisation layer, but is neither its scale "
        "nor its bias. Rename it in the model."
    )


def _attention_type(name: str) -> ParameterType:
    if "bias" in name:
        return ParameterType.ATTENTION_BIAS
    kinds = (kind for marker, kind in ATTENTION.items() if marker in name)
    return next(kinds, ParameterType.WEIGHT)  # a learned scale, or a layer by another name


def _plain_type(name: str, weight: ParameterType = ParameterType.WEIGHT) -> ParameterType:
    return ParameterType.BIAS if "bias" in name else weight
