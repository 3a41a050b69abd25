import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from torch import nn

from mlgolf.backends import load_backend
from mlgolf.core.errors import SubmissionError
from mlgolf.core.spec import ForwardPassMode, LossType, ParameterType, ShapeTuple

BACKEND = load_backend("torch")


def small_net() -> nn.Module:
    net = nn.Sequential()
    net.add_module("conv", nn.Conv2d(3, 4, 3))
    net.add_module("bn", nn.BatchNorm2d(4))
    net.add_module("fc", nn.Linear(4, 2))
    return net


class Wrapper(nn.Module):
    """What torch.compile makes of a module, without compiling."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self._orig_mod = module


class MeanModel:
    """Logits are normalised inputs; the loss is their square."""

    def init(self, rng):
        return nn.BatchNorm1d(3), None

    def apply(self, params, batch, model_state, mode, rng, update_batch_norm, dropout_rate):
        params.train(mode is ForwardPassMode.TRAIN)
        return params(batch["inputs"]), None

    def loss(self, label_batch, logits_batch, mask_batch=None, label_smoothing=0.0):
        per_example = (logits_batch**2).sum(1) * (1 if mask_batch is None else mask_batch)
        return {"per_example": per_example}

    def is_output(self, key):
        return False


def test_named_arrays_are_parameters_and_buffers_in_the_order_of_their_names():
    arrays = BACKEND.named_arrays(small_net(), None)
    assert list(arrays) == sorted(arrays)
    assert arrays.keys() == {
        "conv.weight", "conv.bias", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var",
        "bn.num_batches_tracked", "fc.weight", "fc.bias",
    }  # fmt: skip


def test_parameter_arrays_leave_out_buffers():
    arrays = BACKEND.parameter_arrays(small_net())
    assert list(arrays) == [
        "bn.bias", "bn.weight", "conv.bias", "conv.weight", "fc.bias", "fc.weight",
    ]  # fmt: skip


def test_named_arrays_are_views_that_see_later_steps():
    net = small_net()
    arrays = BACKEND.named_arrays(net, None)
    with torch.no_grad():
        net.get_parameter("fc.bias").fill_(7.0)
    assert_array_equal(arrays["fc.bias"], [7.0, 7.0])


def test_arrays_come_back_from_bytes_into_the_same_module():
    source, template = small_net(), small_net()
    source.get_buffer("bn.running_mean").fill_(0.5)
    arrays = BACKEND.named_arrays(source, None)
    frozen = {k: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape) for k, a in arrays.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # torch warns of memory that it must not write to
        loaded, state = BACKEND.load_arrays(template, None, frozen)
    assert loaded is template
    assert state is None
    for name, array in BACKEND.named_arrays(template, None).items():
        assert_array_equal(array, arrays[name])
    assert all(p.requires_grad and p.is_leaf for p in template.parameters())


def test_names_do_not_show_that_a_module_was_compiled():
    net = small_net()
    names = list(BACKEND.named_arrays(net, None))
    assert list(BACKEND.named_arrays(Wrapper(net), None)) == names
    net.add_module("fc", Wrapper(nn.Linear(4, 2)))  # or a part of it
    assert list(BACKEND.named_arrays(net, None)) == names
    assert BACKEND.param_shapes(Wrapper(net)) == BACKEND.param_shapes(net)


def test_arrays_of_another_model_are_refused():
    net = small_net()
    arrays = BACKEND.named_arrays(net, None)
    with pytest.raises(SubmissionError, match="every parameter and buffer"):
        BACKEND.load_arrays(net, None, {k: a for k, a in arrays.items() if k != "fc.bias"})
    with pytest.raises(SubmissionError, match=r"'fc.bias' has shape \(3,\)"):
        BACKEND.load_arrays(net, None, {**arrays, "fc.bias": np.zeros(3, np.float32)})


def test_shapes_and_types_are_flat_by_name():
    net = small_net()
    assert BACKEND.param_shapes(net)["conv.weight"] == ShapeTuple((4, 3, 3, 3))
    assert BACKEND.param_types(net)["bn.weight"] is ParameterType.BATCH_NORM_SCALE
    assert BACKEND.param_types(net).keys() == BACKEND.param_shapes(net).keys()


def test_integer_targets_become_what_cross_entropy_wants_and_other_arrays_stay():
    batch = {
        "inputs": np.zeros((2, 3), np.uint8),
        "targets": np.array([1, 0], np.uint8),
        "weights": np.ones(2, np.float32),
    }
    tensors = BACKEND.to_device(batch)
    assert [tensors[name].dtype for name in batch] == [torch.uint8, torch.int64, torch.float32]
    assert BACKEND.to_device({"targets": np.ones(2, np.float32)})["targets"].dtype is torch.float32


def test_nested_batches_stay_nested_and_all_of_their_integer_targets_become_int64():
    labels, lengths = np.zeros((2, 3), np.uint8), np.ones(2, np.int32)
    batch = {"inputs": {"audio": np.ones(2), "lengths": lengths}, "targets": (labels, [lengths])}
    tensors = BACKEND.to_device(batch)
    assert tensors["inputs"]["lengths"].dtype is torch.int32
    found, (found_lengths,) = tensors["targets"]
    assert found.dtype is found_lengths.dtype is torch.int64


class Deciding(MeanModel):
    """Decodes to the place of the largest logit, and shows what else it was given."""

    def decode(self, params, batch, model_state, logits):
        assert not torch.is_grad_enabled()
        assert not params.training
        return {"places": logits.argmax(1), "seen": (params.num_batches_tracked, batch["targets"])}


def test_a_model_that_decodes_is_evaluated_by_what_it_decodes_to():
    model = Deciding()
    params, state = model.init(BACKEND.key(0))
    batch = {"inputs": np.eye(3, dtype=np.float32), "targets": np.array([7, 8, 9])}
    predictions, per_example = BACKEND.evaluate(model, params, state, batch)
    assert_array_equal(predictions["places"], [0, 1, 2])
    assert_array_equal(predictions["seen"][0], 0)
    assert_array_equal(predictions["seen"][1], [7, 8, 9])
    assert isinstance(predictions["places"], np.ndarray)
    assert per_example.shape == (3,)


def test_evaluation_leaves_running_statistics_alone_and_keeps_no_graph():
    model = MeanModel()
    params, state = model.init(BACKEND.key(0))
    params.train()
    before = {k: a.copy() for k, a in BACKEND.named_arrays(params, state).items()}
    batch = {
        "inputs": np.full((2, 3), 2.0, np.float32),
        "targets": np.zeros(2, np.int64),
        "weights": np.array([1.0, 0.0], np.float32),
    }
    logits, per_example = BACKEND.evaluate(model, params, state, batch)
    assert logits.shape == (2, 3)
    np.testing.assert_allclose(per_example, [12.0, 0.0], rtol=1e-4)  # batch norm's epsilon is 1e-5
    for name, array in BACKEND.named_arrays(params, state).items():
        assert_array_equal(array, before[name])


@pytest.mark.parametrize(
    ("loss_type", "expected"),
    [
        (LossType.SOFTMAX_CROSS_ENTROPY, [0.5, 0.5]),
        (LossType.SIGMOID_CROSS_ENTROPY, [0.5, 0.5]),
        (LossType.MEAN_ABSOLUTE_ERROR, [0.0, 0.0]),
    ],
)
def test_the_type_of_the_loss_says_what_makes_probabilities(loss_type, expected):
    assert_array_equal(BACKEND.output_activation(torch.zeros(2), loss_type), expected)


def test_bfloat16_goes_to_numpy_as_float32_with_the_same_values():
    array = BACKEND.to_numpy(torch.tensor([0.5, -2.0], dtype=torch.bfloat16, requires_grad=True))
    assert array.dtype == np.float32
    assert_array_equal(array, [0.5, -2.0])
