from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mlgolf.core.spec import ForwardPassMode  # noqa: E402
from mlgolf.workloads.criteo1tb import WORKLOAD  # noqa: E402
from mlgolf.workloads.criteo1tb.model_torch import Model  # noqa: E402

MINI = WORKLOAD.size("mini")
SEED = np.array([7, 0], np.int32)


@pytest.fixture
def model():
    return Model(MINI)


@pytest.fixture
def network(model):
    return model.init(SEED)[0]


def batch(rows=6):
    rng = np.random.default_rng(0)
    inputs = np.concatenate([rng.random((rows, 13)), rng.integers(8000, size=(rows, 26))], axis=1)
    return {"inputs": torch.from_numpy(inputs.astype(np.float32))}


def forward(model, network, mode=ForwardPassMode.TRAIN, dropout_rate=0.0, inputs=None):
    return model.apply(network, inputs or batch(), None, mode, None, True, dropout_rate)[0]


def on_meta(name):
    """The network of a size, of which nothing is computed and nothing takes memory."""
    with torch.device("meta"):
        return Model(WORKLOAD.size(name)).init(SEED)[0]


def shapes(network):
    return {name: tuple(p.shape) for name, p in network.named_parameters()}


FULL = [name for name in WORKLOAD.sizes if name.startswith("full")]
PUBLISHED = [  # parameters, tensors
    ("full", 539_267_457, 20),
    ("full_embed_init", 539_267_457, 20),
    ("full_layernorm", 539_275_137, 36),
    ("full_resnet", 538_121_473, 20),
    ("full_test", 10_785_153, 20),
]
INNER_PRODUCTS = [(13, 512), (512, 256), (256, 128)], [
    (506, 1024), (1024, 1024), (1024, 512), (512, 256), (256, 1)
]  # fmt: skip
RESIDUAL = [(13, 256), (256, 256), (256, 256)], [(3584, 256), *[(256, 256)] * 3, (256, 1)]
BY_TWO = "bot_mlp.{0,2,4}", "top_mlp.{0,2,4,6,9}"
BY_THREE = "bot_mlp.{0,3,6}", "top_mlp.{0,3,6,9,13}"
BLOCKS = "bot_mlp.{0,1,2}.module.0", "top_mlp.{0,1,2,3,4}.module.0"
LAYERS = {
    "full": (BY_TWO, INNER_PRODUCTS),
    "full_embed_init": (BY_TWO, INNER_PRODUCTS),
    "full_layernorm": (BY_THREE, INNER_PRODUCTS),
    "full_resnet": (BLOCKS, RESIDUAL),
    "full_test": (BY_TWO, INNER_PRODUCTS),
}


def names_in(pattern):
    """a.{0,2}.b: a.0.b, a.2.b"""
    before, _, rest = pattern.partition("{")
    numbers, _, behind = rest.partition("}")
    return [f"{before}{number}{behind}" for number in numbers.split(",")]


def published_shapes(name):
    """Of each tensor: the table in four, linear layers, and the norms behind hidden ones."""
    expected = {}
    for pattern, sizes in zip(*LAYERS[name], strict=True):
        for layer, (width_in, width_out) in zip(names_in(pattern), sizes, strict=True):
            expected[f"{layer}.weight"] = (width_out, width_in)
            expected[f"{layer}.bias"] = (width_out,)
            if name == "full_layernorm" and width_out > 1:
                perceptron, _, number = layer.rpartition(".")
                norm = f"{perceptron}.{int(number) + 2}"
                expected |= {f"{norm}.weight": (width_out,), f"{norm}.bias": (width_out,)}
    if name == "full_layernorm":
        expected |= {"embed_ln.weight": (128,), "embed_ln.bias": (128,)}
    rows = (65_536 if name == "full_test" else 4_194_304) // 4
    return expected | {f"embedding_chunk_{chunk}": (rows, 128) for chunk in range(4)}


def test_every_published_variant_is_a_size():
    assert sorted(FULL) == sorted(name for name, *_ in PUBLISHED)


@pytest.mark.parametrize(("name", "parameters", "tensors"), PUBLISHED)
def test_the_full_size_has_the_published_parameters(name, parameters, tensors):
    network = on_meta(name)
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert len(list(network.parameters())) == tensors


@pytest.mark.parametrize("name", FULL)
def test_every_tensor_of_the_full_size_has_its_published_name_and_shape(name):
    assert shapes(on_meta(name)) == published_shapes(name)


@pytest.mark.full
@pytest.mark.parametrize("name", ["full", "full_resnet"])
def test_the_full_size_makes_a_training_step(name):
    """In 5 GiB."""
    full, inputs = Model(WORKLOAD.size(name)), batch(rows=8)
    network, _ = full.init(SEED)
    labels = torch.arange(8.0)[:, None] % 2

    def mean_loss():
        loss = full.loss(labels, forward(full, network, inputs=inputs))
        return loss["summed"] / loss["n_valid_examples"]

    before = mean_loss()
    before.backward()
    untouched = network.embedding_chunk_3[-1].clone()
    assert all(p.grad is not None and p.grad.any() for n, p in network.named_parameters()
               if not n.startswith("embedding"))  # fmt: skip
    with torch.no_grad():
        for parameter in network.parameters():
            assert parameter.grad is not None
            parameter.sub_(parameter.grad, alpha=1e-3)
            parameter.grad = None
    assert mean_loss() < before
    assert torch.equal(network.embedding_chunk_3[-1], untouched)


@pytest.mark.parametrize("name", [n for n in WORKLOAD.sizes if n.startswith("mini")])
def test_every_mini_size_gives_one_logit_per_row(name):
    model = Model(WORKLOAD.size(name))
    assert forward(model, model.init(SEED)[0]).shape == (6, 1)


@pytest.mark.parametrize("name", ["full", "full_layernorm", "full_resnet"])
def test_the_readout_is_the_last_linear_layer(name):
    model, network = Model(WORKLOAD.size(name)), on_meta(name)
    readout = [key for key, _ in network.named_parameters() if model.is_output(key)]
    assert readout == [key for key, _ in network.named_parameters()][-2:]


def test_parameters_start_as_published(network):
    rows = MINI.model.table_rows
    chunk = network.embedding_chunk_0
    assert 0 <= chunk.min() < chunk.max() < rows**-0.5
    weight = network.top_mlp[0].weight
    assert weight.std().item() == pytest.approx((2 / sum(weight.shape)) ** 0.5, rel=0.05)
    bottom = network.bot_mlp[2].weight
    assert bottom.abs().max().item() <= (6 / sum(bottom.shape)) ** 0.5


@pytest.mark.parametrize("ratio", [1, 16])
def test_biases_of_a_narrow_network_start_as_large_as_those_of_the_published_one(ratio):
    size = replace(MINI, model=replace(MINI.model, width_ratio=ratio))
    bias = Model(size).init(SEED)[0].top_mlp[0].bias
    assert bias.std().item() == pytest.approx((len(bias) * ratio) ** -0.5, rel=0.2)


def test_the_embed_init_variant_spreads_embeddings_over_the_unit_interval():
    network, _ = Model(WORKLOAD.size("mini_embed_init")).init(SEED)
    assert 0.99 < network.embedding_chunk_0.max() < 1


def test_ids_beyond_the_table_wrap_around(model, network):
    wrapped = batch()
    wrapped["inputs"][:, 13:] += MINI.model.table_rows
    torch.testing.assert_close(
        forward(model, network, inputs=wrapped), forward(model, network)
    )


def test_hidden_layers_but_the_first_add_to_their_input_in_the_residual_variant():
    network, _ = Model(WORKLOAD.size("mini_resnet")).init(SEED)
    x = torch.rand(3, 32)
    for perceptron in (network.bot_mlp, network.top_mlp):
        first, second = perceptron[0], perceptron[1]
        assert torch.equal(second(x), x + second.module(x))
        y = torch.rand(3, first.module[0].in_features)
        assert torch.equal(first(y), first.module(y))


@pytest.mark.parametrize("name", ["mini", "mini_resnet"])
def test_dropout_acts_in_training_only(name):
    model = Model(WORKLOAD.size(name))
    network, _ = model.init(SEED)
    trained = [forward(model, network, dropout_rate=0.5) for _ in range(2)]
    evaluated = forward(model, network, ForwardPassMode.EVAL, dropout_rate=0.5)
    assert not torch.equal(*trained)
    torch.testing.assert_close(evaluated, forward(model, network))


LOGITS = torch.tensor([[2.0], [-1.0], [0.0]])
LABELS = torch.tensor([[1.0], [1.0], [0.0]])


def test_the_loss_is_sigmoid_cross_entropy(model):
    loss = model.loss(LABELS, LOGITS)
    y, z = LABELS[:, 0], LOGITS[:, 0]
    expected = -y * z.sigmoid().log() - (1 - y) * (1 - z.sigmoid()).log()
    torch.testing.assert_close(loss["per_example"], expected)
    torch.testing.assert_close(loss["summed"], expected.sum())
    assert loss["n_valid_examples"] == 3


def test_masked_rows_add_nothing(model):
    loss = model.loss(LABELS, LOGITS, torch.tensor([1.0, 0.0, 1.0]))
    whole = model.loss(LABELS, LOGITS)["per_example"]
    assert loss["per_example"].tolist() == [whole[0], 0, whole[2]]
    assert loss["n_valid_examples"] == 2


def test_label_smoothing_is_ignored(model):
    smoothed = model.loss(LABELS, LOGITS, label_smoothing=0.3)
    torch.testing.assert_close(smoothed["summed"], model.loss(LABELS, LOGITS)["summed"])


def test_training_is_bit_deterministic(model):
    def trained():
        network, _ = model.init(SEED)
        optimizer = torch.optim.SGD(network.parameters(), 0.1)
        for _ in range(3):
            optimizer.zero_grad()
            labels = torch.arange(6.0)[:, None] % 2
            model.loss(labels, forward(model, network, dropout_rate=0.1))["summed"].backward()
            optimizer.step()
        return network.state_dict()

    assert all(map(torch.equal, trained().values(), trained().values()))
