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


@pytest.mark.parametrize(
    ("name", "parameters", "tensors"),
    [
        ("full", 539_267_457, 20),
        ("full_embed_init", 539_267_457, 20),
        ("full_layernorm", 539_275_137, 36),
    ],
)
def test_the_full_size_has_the_published_parameters(name, parameters, tensors):
    with torch.device("meta"):
        network, _ = Model(WORKLOAD.size(name)).init(SEED)
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert len(list(network.parameters())) == tensors


@pytest.mark.parametrize(
    ("name", "linear_layers"),
    [
        ("full", {"bot_mlp": [0, 2, 4], "top_mlp": [0, 2, 4, 6, 9]}),
        ("full_layernorm", {"bot_mlp": [0, 3, 6], "top_mlp": [0, 3, 6, 9, 13]}),
    ],
)
def test_linear_layers_have_the_published_names(name, linear_layers):
    with torch.device("meta"):
        network, _ = Model(WORKLOAD.size(name)).init(SEED)
    for mlp, expected in linear_layers.items():
        found = [i for i, m in enumerate(getattr(network, mlp)) if isinstance(m, torch.nn.Linear)]
        assert found == expected


def test_the_full_size_has_the_published_shapes():
    with torch.device("meta"):
        network, _ = Model(WORKLOAD.size("full")).init(SEED)
    shapes = {name: tuple(p.shape) for name, p in network.named_parameters()}
    assert shapes["embedding_chunk_3"] == (1_048_576, 128)
    assert shapes["top_mlp.0.weight"] == (1024, 506)
    assert shapes["top_mlp.9.weight"] == (1, 256)


@pytest.mark.parametrize("name", [n for n in WORKLOAD.sizes if n.startswith("mini")])
def test_every_mini_size_gives_one_logit_per_row(name):
    model = Model(WORKLOAD.size(name))
    assert forward(model, model.init(SEED)[0]).shape == (6, 1)


@pytest.mark.parametrize("name", ["full", "full_layernorm"])
def test_the_readout_is_the_last_linear_layer(name):
    with torch.device("meta"):
        model = Model(WORKLOAD.size(name))
        network, _ = model.init(SEED)
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
    bias = network.top_mlp[0].bias
    assert bias.std().item() == pytest.approx(len(bias) ** -0.5, rel=0.2)


def test_the_embed_init_variant_spreads_embeddings_over_the_unit_interval():
    network, _ = Model(WORKLOAD.size("mini_embed_init")).init(SEED)
    assert 0.99 < network.embedding_chunk_0.max() < 1


def test_ids_beyond_the_table_wrap_around(model, network):
    wrapped = batch()
    wrapped["inputs"][:, 13:] += MINI.model.table_rows
    torch.testing.assert_close(
        forward(model, network, inputs=wrapped), forward(model, network)
    )


def test_dropout_acts_in_training_only(model, network):
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
