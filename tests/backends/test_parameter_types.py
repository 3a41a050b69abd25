import pytest

from mlgolf.backends.parameter_types import jax_parameter_types, torch_parameter_types
from mlgolf.core.spec import ParameterType

TORCH = {
    "bn1.weight": "BATCH_NORM_SCALE",
    "layer1.0.bn2.bias": "BATCH_NORM_BIAS",
    "encoder.net.0.layer_norm0.weight": "LAYER_NORM_SCALE",
    "embed_ln.scale": "LAYER_NORM_SCALE",
    "encoder_norm.bias": "LAYER_NORM_BIAS",
    "layer1.0.conv1.weight": "CONV_WEIGHT",
    "conv.lin1.weight": "CONV_WEIGHT",  # a linear layer by its nature
    "conv_patch_extract.bias": "BIAS",
    "shared_embedding.weight": "EMBEDDING",
    "embed.weight": "EMBEDDING",
    "embedding_chunk_0": "WEIGHT",  # Criteo's, which has no "weight" in its name
    "attn.bias": "ATTENTION_BIAS",
    "self_attn.in_proj_weight": "ATTENTION_QKV",
    "attention.kv_proj.weight": "ATTENTION_KV",
    "attention.k_proj.weight": "ATTENTION_K",
    "self_attention1.key.weight": "ATTENTION_K",
    "attention.q_proj.weight": "ATTENTION_Q",
    "self_attention1.query.weight": "ATTENTION_Q",
    "attention.v_proj.weight": "ATTENTION_V",
    "self_attention1.value.weight": "ATTENTION_V",
    "self_attention1.out.weight": "ATTENTION_OUT",
    "self_attention1.out.bias": "ATTENTION_BIAS",
    "attention.scale": "WEIGHT",
    "fc.weight": "WEIGHT",
    "fc.bias": "BIAS",
}

JAX = {
    "BatchNorm_init/scale": "BATCH_NORM_SCALE",
    "Block_0/bn/bias": "BATCH_NORM_BIAS",
    "encoder_layernorm/scale": "LAYER_NORM_SCALE",
    "Transformer/encoderblock_0/LayerNorm_2/bias": "LAYER_NORM_BIAS",
    "Conv_init/kernel": "CONV_WEIGHT",
    "conv_patch_extract/bias": "BIAS",
    "embedding_table": "EMBEDDING",
    "shared_embedding/kernel": "EMBEDDING",
    "shared_embedding/scale": "WEIGHT",
    "MultiHeadDotProductAttention_1/query/kernel": "ATTENTION_Q",
    "MultiHeadDotProductAttention_1/key/kernel": "ATTENTION_K",
    "MultiHeadDotProductAttention_1/value/kernel": "ATTENTION_V",
    "MultiHeadDotProductAttention_1/out/kernel": "ATTENTION_OUT",
    "MultiHeadDotProductAttention_1/out/bias": "ATTENTION_BIAS",
    "Dense_0/kernel": "WEIGHT",
    "Dense_0/bias": "BIAS",
}


@pytest.mark.parametrize(("name", "expected"), TORCH.items())
def test_a_torch_name_says_its_type(name, expected):
    assert torch_parameter_types([name]) == {name: ParameterType[expected]}


@pytest.mark.parametrize(("path", "expected"), JAX.items())
def test_a_jax_path_says_its_type_in_lower_case_keys(path, expected):
    types = jax_parameter_types(nested(path))
    for key in path.lower().split("/"):
        types = types[key]
    assert types is ParameterType[expected]


@pytest.mark.parametrize("name", ["bn1.momentum", "layer_norm.gain"])
def test_a_normalisation_has_a_scale_and_a_bias_and_nothing_else(name):
    with pytest.raises(ValueError, match="neither its scale"):
        torch_parameter_types([name])
    with pytest.raises(ValueError, match="neither its scale"):
        jax_parameter_types(nested(name.replace("_", "").replace(".", "/")))


def nested(path: str) -> dict:
    tree: object = None
    for key in reversed(path.split("/")):
        tree = {key: tree}
    assert isinstance(tree, dict)
    return tree
