from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mlgolf.core.spec import ForwardPassMode  # noqa: E402
from mlgolf.testing.step import assert_step_lowers_the_loss  # noqa: E402
from mlgolf.workloads.imagenet_resnet import WORKLOAD  # noqa: E402
from mlgolf.workloads.imagenet_resnet.model_torch import Model  # noqa: E402

FULL, MINI = WORKLOAD.size("full"), WORKLOAD.size("mini")
SEED = np.array([7, 0], np.int32)


@pytest.fixture
def model():
    return Model(MINI)


@pytest.fixture
def network(model):
    return model.init(SEED)[0]


def batch(examples=8, side=20):
    generator = torch.Generator().manual_seed(0)
    return {"inputs": torch.randn(examples, 3, side, side, generator=generator)}


def forward(model, network, mode=ForwardPassMode.TRAIN, update_batch_norm=True, **inputs):
    logits, state = model.apply(
        network, inputs or batch(), None, mode, None, update_batch_norm, 0.0
    )
    assert state is None
    return logits


@pytest.mark.parametrize("name", [n for n in WORKLOAD.sizes if n.startswith("full")])
def test_the_full_size_has_the_published_parameters(name):
    with torch.device("meta"):
        network, _ = Model(WORKLOAD.size(name)).init(SEED)
    assert sum(p.numel() for p in network.parameters()) == 25_557_032
    assert len(list(network.parameters())) == 161


def test_the_full_size_has_the_published_names_and_shapes():
    with torch.device("meta"):
        network, _ = Model(FULL).init(SEED)
    shapes = {name: tuple(p.shape) for name, p in network.named_parameters()}
    assert shapes["conv1.weight"] == (64, 3, 7, 7)
    assert shapes["layer1.0.conv2.weight"] == (64, 64, 3, 3)
    assert shapes["layer2.0.downsample.conv.weight"] == (512, 256, 1, 1)
    assert shapes["layer2.0.downsample.bn.bias"] == (512,)
    assert shapes["layer4.2.bn3.weight"] == (2048,)
    assert shapes["fc.weight"] == (1000, 2048)


def test_the_full_size_shrinks_an_image_thirty_two_fold():
    with torch.device("meta"):
        network, _ = Model(FULL).init(SEED)
        features = []
        network.layer4.register_forward_hook(lambda *a: features.append(a[2].shape))
        assert network(torch.empty(2, 3, 224, 224)).shape == (2, 1000)
    assert features == [(2, 2048, 7, 7)]


@pytest.mark.parametrize("name", [n for n in WORKLOAD.sizes if n.startswith("mini")])
def test_every_mini_size_gives_one_logit_per_class(name):
    model = Model(WORKLOAD.size(name))
    assert forward(model, model.init(SEED)[0]).shape == (8, MINI.model.classes)


@pytest.mark.parametrize("variant", ["mini_silu", "mini_gelu", "mini_large_bn_init"])
def test_variants_compute_something_else(variant):
    base, other = Model(WORKLOAD.size("mini_large_bn_init")), Model(WORKLOAD.size(variant))
    if variant == "mini_large_bn_init":
        base = Model(MINI)
    assert not torch.equal(
        forward(base, base.init(SEED)[0]), forward(other, other.init(SEED)[0])
    )


def test_convolutions_start_as_lecuns_truncated_normal():
    layer = Model(FULL).init(SEED)[0].layer4[0].conv2.weight
    fan_in = 512 * 9
    assert layer.std().item() == pytest.approx(fan_in**-0.5, rel=0.01)
    assert layer.abs().max().item() <= 2 * fan_in**-0.5 / 0.87962566 * 1.0001


def test_readout_and_last_norms_start_as_published(network):
    assert network.fc.weight.std().item() == pytest.approx(0.01, rel=0.1)
    assert not network.fc.bias.any()
    assert not network.layer1[0].bn3.weight.any()
    assert (network.layer1[0].bn2.weight == 1).all()


def test_the_variant_starts_its_last_norms_at_eight():
    network, _ = Model(WORKLOAD.size("mini_large_bn_init")).init(SEED)
    assert (network.layer2[0].bn3.weight == 8).all()


@pytest.mark.parametrize("name", ["mini_plain", "mini_no_batch_norm"])
def test_without_batch_norm_convolutions_have_biases_that_start_at_zero(name):
    network, _ = Model(WORKLOAD.size(name)).init(SEED)
    layers = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    assert all(layer.bias is not None and not layer.bias.any() for layer in layers)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules())
    assert not list(network.buffers())


def test_without_batch_norm_convolutions_start_with_hes_variance():
    size = WORKLOAD.size("mini_plain")
    wide = replace(size, model=replace(size.model, width=64))
    layer = Model(wide).init(SEED)[0].layer3[0].conv2.weight
    assert layer.std().item() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.01)


def test_without_batch_norm_the_last_scale_is_of_a_blocks_last_convolution():
    network, _ = Model(WORKLOAD.size("mini_no_batch_norm")).init(SEED)
    assert not network.layer2[0].conv3.weight.any()
    plain, _ = Model(WORKLOAD.size("mini_plain")).init(SEED)
    assert plain.layer2[0].conv3.weight.any()


@pytest.mark.parametrize("name", ["mini_plain", "mini_no_residual"])
def test_without_residuals_no_block_has_a_shortcut(name):
    network, _ = Model(WORKLOAD.size(name)).init(SEED)
    assert not any("downsample" in key for key, _ in network.named_parameters())
    block = network.layer2[0]
    torch.nn.init.zeros_(block.conv3.weight)
    assert not block(torch.ones(2, 32, 4, 4)).any()


@pytest.mark.parametrize("name", ["mini_plain", "mini_no_residual", "mini_no_batch_norm"])
def test_a_step_of_a_network_without_ideas_lowers_the_loss_of_its_images(name):
    inputs = np.random.default_rng(0).standard_normal((8, 3, 20, 20), np.float32)
    images = {"inputs": inputs, "targets": np.arange(8)}
    assert_step_lowers_the_loss(WORKLOAD, WORKLOAD.size(name), "torch", images)


def test_the_readout_is_the_last_layer(model, network):
    readout = {key for key, _ in network.named_parameters() if model.is_output(key)}
    assert readout == {"fc.weight", "fc.bias"}


def test_equal_seeds_give_equal_parameters(model):
    first, again, other = (model.init(np.array([s, 0]))[0] for s in (7, 7, 8))
    assert all(map(torch.equal, first.state_dict().values(), again.state_dict().values()))
    assert not torch.equal(first.conv1.weight, other.conv1.weight)


def test_running_statistics_move_a_tenth_of_the_way(model, network):
    seen = []
    network.bn1.register_forward_hook(lambda module, args, out: seen.append(args[0]))
    forward(model, network)
    torch.testing.assert_close(network.bn1.running_mean, 0.1 * seen[0].mean(dim=(0, 2, 3)))


def test_batch_norm_buffers_stay_when_they_are_not_to_be_updated(model, network):
    before = {name: value.clone() for name, value in network.named_buffers()}
    forward(model, network, update_batch_norm=False)
    assert all(torch.equal(before[name], value) for name, value in network.named_buffers())


def test_training_normalises_by_the_batch_whether_or_not_buffers_move(model, network):
    kept = forward(model, network, update_batch_norm=False)
    moved = forward(model, network, update_batch_norm=True)
    torch.testing.assert_close(kept, moved)


def test_evaluation_treats_each_example_alone(model, network):
    forward(model, network)  # so that running statistics are not those of the start
    together = forward(model, network, ForwardPassMode.EVAL)
    alone = forward(model, network, ForwardPassMode.EVAL, inputs=batch()["inputs"][:1])
    torch.testing.assert_close(together[:1], alone)


def test_evaluation_leaves_buffers_alone(model, network):
    before = {name: value.clone() for name, value in network.named_buffers()}
    forward(model, network, ForwardPassMode.EVAL)
    assert all(torch.equal(before[name], value) for name, value in network.named_buffers())


LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 0.5]])
LABELS = torch.tensor([0, 2])


def test_the_loss_is_softmax_cross_entropy(model):
    loss = model.loss(LABELS, LOGITS)
    expected = -LOGITS.log_softmax(1)[[0, 1], LABELS]
    torch.testing.assert_close(loss["per_example"], expected)
    torch.testing.assert_close(loss["summed"], expected.sum())
    assert loss["n_valid_examples"] == 2


def test_integer_and_one_hot_labels_give_the_same_loss(model):
    one_hot = torch.nn.functional.one_hot(LABELS, 3)
    torch.testing.assert_close(
        model.loss(one_hot, LOGITS, label_smoothing=0.1)["per_example"],
        model.loss(LABELS, LOGITS, label_smoothing=0.1)["per_example"],
    )


def test_smoothed_labels_give_every_class_a_share(model):
    smoothed = 0.9 * torch.nn.functional.one_hot(LABELS, 3) + 0.1 / 3
    torch.testing.assert_close(
        model.loss(LABELS, LOGITS, label_smoothing=0.1)["per_example"],
        -(smoothed * LOGITS.log_softmax(1)).sum(1),
    )


def test_masked_examples_add_nothing(model):
    loss = model.loss(LABELS, LOGITS, torch.tensor([1.0, 0.0]))
    assert loss["n_valid_examples"] == 1
    assert loss["per_example"][1] == 0
    torch.testing.assert_close(loss["summed"], model.loss(LABELS, LOGITS)["per_example"][0])


def test_training_is_bit_deterministic(model):
    def trained():
        network, _ = model.init(SEED)
        optimizer = torch.optim.SGD(network.parameters(), 0.1)
        for _ in range(3):
            optimizer.zero_grad()
            labels = torch.arange(8) % 10
            model.loss(labels, forward(model, network))["summed"].backward()
            optimizer.step()
        return network.state_dict()

    assert all(map(torch.equal, trained().values(), trained().values()))


def test_replacing_the_blocks_of_a_size_replaces_the_stages():
    size = replace(MINI, model=replace(MINI.model, blocks=(2, 1)))
    names = {name.split(".")[0] for name, _ in Model(size).init(SEED)[0].named_parameters()}
    assert names == {"conv1", "bn1", "layer1", "layer2", "fc"}
