import math
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mlgolf.backends import load_backend  # noqa: E402
from mlgolf.core.spec import ForwardPassMode  # noqa: E402
from mlgolf.workloads.finewebedu_lm import WORKLOAD  # noqa: E402
from mlgolf.workloads.finewebedu_lm.model_torch import (  # noqa: E402
    Model,
    Transformer,
    rotary_turns,
    rotated,
    unit,
)

MINI, FULL = WORKLOAD.size("mini"), WORKLOAD.size("full")
# Table, twelve blocks (queries, keys, values and output; gate, values and output; norms;
# scale), norm.
FULL_PARAMETERS = (
    50_257 * 1024 + 12 * (4 * 1024**2 + 3 * 1024 * 4096 + 2 * 1024 + 1) + 1024
)  # fmt: skip


def logits_of(model, network, inputs):
    mode = ForwardPassMode.EVAL
    return model.apply(network, {"inputs": inputs}, None, mode, None, False, 0.0)[0].detach()


def test_the_full_size_has_the_parameters_of_its_formula():
    assert FULL.model.parameters == FULL_PARAMETERS == 252_815_372


def test_parameters_have_the_published_names():
    narrow = replace(FULL.model, vocabulary=3, length=4, width=16, hidden=4)
    names = {name for name, _ in Transformer(narrow).named_parameters()}
    attention = ["attn_norm.weight", "attn.w_qkv.weight", "attn.w_out.weight", "attn.attn_scale"]
    feed_forward = ["mlp_norm.weight", "mlp.fc1.weight", "mlp.fc2.weight"]
    assert names == {"embed_tokens.weight", "out_norm.weight"} | {
        f"layers.{layer}.{name}" for layer in range(12) for name in attention + feed_forward
    }


@pytest.mark.parametrize(("name", "times"), [("mini", 1), ("mini_x4", 4), ("mini_x16", 16)])
def test_sizes_have_as_many_parameters_as_their_names_say(name, times):
    size = WORKLOAD.size(name)
    network, _ = Model(size).init([0, 0])
    found = sum(p.numel() for p in network.parameters())
    assert found == size.model.parameters
    assert found == pytest.approx(times * MINI.model.parameters, rel=0.02)


def test_a_published_width_multiplies_nothing():
    assert FULL.model.multiplier == 1
    assert FULL.model.initial_stddev == 0.02
    assert FULL.model.residual_stddev == pytest.approx(0.02 / math.sqrt(24))


def test_initial_values_have_the_deviations_of_their_layers():
    network, _ = Model(MINI).init([0, 0])
    block = network.layers[0]
    assert block.mlp.fc1.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert block.mlp.fc2.weight.std().item() == pytest.approx(0.02 / math.sqrt(4), rel=0.05)
    assert block.attn.attn_scale.item() == pytest.approx(math.log2(64 * 63))


def test_no_logit_depends_on_later_tokens():
    model = Model(MINI)
    network, _ = model.init([0, 0])
    inputs = torch.randint(512, (2, 64), generator=torch.manual_seed(0))
    changed = inputs.clone()
    changed[:, 40:] = (changed[:, 40:] + 1) % 512
    first, other = (logits_of(model, network, x) for x in (inputs, changed))
    torch.testing.assert_close(first[:, :40], other[:, :40])
    assert not torch.allclose(first[:, 40], other[:, 40])


def test_an_evaluation_hands_out_losses_and_no_logits():
    backend, model = load_backend("torch"), Model(MINI)
    rows = np.random.default_rng(0).integers(512, size=(2, 65)).astype(np.int32)
    batch = {"inputs": rows[:, :-1], "targets": rows[:, 1:]}
    outputs = backend.evaluate(model, model.init([0, 0])[0], None, batch)
    assert outputs.predictions == ()
    assert outputs.per_example.shape == (2,)


def test_a_turned_pair_is_the_product_of_complex_numbers():
    x = torch.randn(1, 5, 2, 8, generator=torch.manual_seed(0))
    turns = rotary_turns(FULL.model)[:, :5, :, :4]
    found = torch.view_as_complex(rotated(x, turns).unflatten(3, (4, 2)))
    numbers = torch.view_as_complex(x.unflatten(3, (4, 2)))
    torch.testing.assert_close(found, numbers * torch.complex(turns[0], turns[1]))


def test_products_of_turned_vectors_depend_on_their_distance_alone():
    turns = rotary_turns(MINI.model)
    query, key = torch.randn(2, 1, 1, 1, MINI.model.head_width, generator=torch.manual_seed(0))
    queries, keys = (rotated(x.expand(1, 64, 1, -1), turns)[0, :, 0] for x in (query, key))
    products = queries @ keys.T
    torch.testing.assert_close(products[10, 3], products[60, 53], rtol=1e-4, atol=1e-5)


def test_unit_vectors_have_length_one_and_that_of_zero_is_zero():
    lengths = unit(torch.tensor([[3.0, 4.0], [1e-3, 0.0], [0.0, 0.0]]), 1e-6).norm(dim=1)
    torch.testing.assert_close(lengths, torch.tensor([1.0, 1.0, 0.0]))


def test_the_loss_of_a_row_is_the_sum_over_its_tokens_and_tokens_are_counted():
    logits = torch.randn(2, 3, 5, generator=torch.manual_seed(0))
    labels = torch.tensor([[0, 1, 2], [3, 4, 0]])
    loss = Model(MINI).loss(labels, logits)
    chosen = logits.log_softmax(-1).gather(2, labels[..., None])[..., 0]
    torch.testing.assert_close(loss["per_example"], -chosen.sum(1))
    assert loss["n_valid_examples"] == 6


@pytest.mark.parametrize("mask", [[1.0, 0.0], [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]])
def test_a_mask_is_of_rows_or_of_tokens(mask):
    logits, labels = torch.randn(2, 3, 5), torch.ones(2, 3, dtype=torch.int32)
    loss = Model(MINI).loss(labels, logits, torch.tensor(mask))
    assert loss["n_valid_examples"] == 3
    assert loss["per_example"][1] == 0
    assert loss["summed"] == loss["per_example"][0] > 0


def test_label_smoothing_mixes_in_all_tokens():
    logits, labels = torch.randn(1, 1, 4), torch.tensor([[2]])
    logs = logits.log_softmax(-1)[0, 0]
    loss = Model(MINI).loss(labels, logits, label_smoothing=0.2)
    torch.testing.assert_close(loss["summed"], -(0.8 * logs[2] + 0.2 * logs.mean()))


@pytest.mark.full
def test_the_full_size_makes_a_training_step_that_changes_every_parameter():
    network, _ = Model(FULL).init([0, 0])
    assert sum(p.numel() for p in network.parameters()) == FULL_PARAMETERS
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    rows = np.random.default_rng(0).integers(50_257, size=(1, 1025))
    inputs, targets = torch.from_numpy(rows[:, :-1]), torch.from_numpy(rows[:, 1:])
    logits, _ = Model(FULL).apply(
        network, {"inputs": inputs}, None, ForwardPassMode.TRAIN, None, False, 0.0
    )
    loss = Model(FULL).loss(targets, logits)
    mean = loss["summed"] / loss["n_valid_examples"]
    mean.backward()
    torch.optim.SGD(network.parameters(), lr=1.0).step()
    assert mean.item() == pytest.approx(math.log(50_257), rel=0.05)
    assert all(not torch.equal(before[name], p) for name, p in network.named_parameters())
