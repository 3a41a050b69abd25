"""What every workload promises, as tests: derive a class that names yours, in a file of tests.

    class TestMine(WorkloadContract):
        workload, framework = "mine", "torch"

Data need not be tested again for a second framework or a variant:

    class TestVariantInJax(ModelContract):
        workload, size, framework = "mine", "mini_gelu", "jax"

Needs pytest. The size is one whose data are made, and small: they are made for these tests.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mlgolf.backends import load_backend
from mlgolf.core.arrays import Batch, map_arrays
from mlgolf.core.protocols import Backend
from mlgolf.core.registry import load_workload
from mlgolf.core.spec import ForwardPassMode
from mlgolf.core.workload import FRACTION_MARK, Model, OpenSplit, Size, Workload
from mlgolf.data import layout
from mlgolf.data.batches import is_counted, num_rows, pad_batch, slice_batch, weights_of
from mlgolf.testing.step import descended
from mlgolf.testing.training import TrainingPass, training_pass

STEP_EXAMPLES = 8
EPOCH_EXAMPLES = 1024  # at once, where order and batch do not matter


class _Contract:
    workload: str
    size: str = "mini"
    framework: str = "torch"

    @pytest.fixture(scope="class")
    @classmethod
    def prepared(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """Made once: it serves every class whose data are the same."""
        folder, workload = tmp_path_factory.getbasetemp() / "contract", load_workload(cls.workload)
        layout.ensure(workload, cls.size, folder)
        return layout.prepared_folder(workload, cls.size, folder)

    @property
    def _workload(self) -> Workload:
        return load_workload(self.workload)

    @property
    def _size(self) -> Size:
        return self._workload.size(self.size)

    def _open(self, prepared: Path, split: str) -> OpenSplit:
        folder = prepared / ("train" if split == "eval_train" else split)
        return self._workload.data().open_split(folder, self._size, split)


class DataContract(_Contract):
    """What batches and splits promise.

    Override `test_half_of_the_training_data_holds_half_of_the_examples` where arrays do
    not have one row per example, as with graphs.
    """

    def test_seed_and_draw_alone_decide_what_the_drawn_splits_hold(self, tmp_path: Path):
        first, again, other = (
            self._drawn(tmp_path / name, draw)
            for name, draw in (("first", 1), ("again", 1), ("other", 2))
        )
        assert _same(first, again)
        assert not any(_same([one], [another]) for one, another in zip(first, other, strict=True))

    def test_training_batches_are_full_and_their_order_depends_on_the_seed_alone(
        self, prepared: Path
    ):
        first, again, other = (self._trained_on(prepared, seed) for seed in (1, 1, 2))
        assert {_examples(batch) for batch in first} == {3}
        assert _same(first, again)
        assert not _same(first, other)

    def test_training_batches_have_the_shapes_that_the_size_tells(self, prepared: Path):
        shapes = getattr(self._size.data, "shapes", {})
        (batch, *_) = self._trained_on(prepared, 1)
        assert {name: batch[name].shape[1:] for name in shapes} == shapes

    def test_a_part_of_the_training_data_is_other_data(self, prepared: Path):
        size = self._workload.size(f"{self.size}{FRACTION_MARK}0.5")
        half = self._workload.data().open_split(prepared / "train", size, "train")
        found = list(islice(half.train_batches(3, 1), 4))
        assert {_examples(batch) for batch in found} == {3}
        assert not _same(found, self._trained_on(prepared, 1)), "see Size.data_fraction"

    def test_half_of_the_training_data_holds_half_of_the_examples(self, prepared: Path):
        whole, half = (self._evaluated_of_training(prepared, part) for part in (1.0, 0.5))
        assert half < whole, "see Size.data_fraction"
        assert len(half) / len(whole) == pytest.approx(0.5, abs=0.1)
        trained_on = self._epoch_of_half(prepared)
        # An example that was augmented is none of them, unless by chance.
        assert trained_on & whole <= half
        assert trained_on == half or not trained_on <= whole

    def test_an_evaluation_sees_as_many_examples_as_the_split_has(self, prepared: Path):
        counts = {split: n for split, n in self._size.examples.items() if split != "train"}
        found = {
            split: sum(is_counted(b).sum() for b in self._open(prepared, split).eval_batches())
            for split in counts
        }
        assert found == counts

    def _trained_on(self, prepared: Path, seed: int) -> list[Batch]:
        return list(islice(self._open(prepared, "train").train_batches(3, seed), 4))

    def _evaluated_of_training(self, prepared: Path, fraction: float) -> set[int]:
        """Every example of this part of the training data, as evaluated: see `_hashes`."""
        size = self._size
        everything = {**size.examples, "eval_train": size.examples["train"]}
        part = replace(size, examples=everything, data_fraction=fraction)
        opened = self._workload.data().open_split(prepared / "train", part, "eval_train")
        return {code for batch in opened.eval_batches() for code in _hashes(batch)}

    def _epoch_of_half(self, prepared: Path) -> set[int]:
        """The examples of one epoch, with as much of the next as fills its last batch."""
        size = replace(self._size, data_fraction=0.5)
        opened = self._workload.data().open_split(prepared / "train", size, "train")
        count = -(-size.examples["train"] // (2 * EPOCH_EXAMPLES)) + 1
        batches = islice(opened.train_batches(EPOCH_EXAMPLES, 1), count)
        return {code for batch in batches for code in _hashes(batch)}

    def _drawn(self, folder: Path, draw: int) -> list[Batch]:
        """The first batch of each split of this draw, as evaluated."""
        data = self._workload.data()
        (folder / "raw").mkdir(parents=True)
        data.make(folder / "raw", self._size, 0, draw, data.DRAWN)
        data.prepare(folder / "raw", folder, self._size, data.DRAWN)
        splits = [split for split in self._size.splits if split in data.DRAWN]
        return [next(iter(self._open(folder, split).eval_batches())) for split in splits]


class ModelContract(_Contract):
    """What the model and the metrics promise.

    Override `test_examples_of_weight_zero_count_for_nothing` and
    `test_metrics_do_not_depend_on_how_a_split_is_cut_into_batches` where arrays do not have one row
    per example, as with graphs: a method of the same name tests it in its own way, or is None. A
    model that changes its inputs at random in training, as by masking parts of a spectrogram, says
    so by `augments_in_model`: then training may differ from evaluation by that as well.
    """

    augments_in_model: bool = False

    @pytest.mark.parametrize("padding", ["other examples", "the first again"])
    def test_examples_of_weight_zero_count_for_nothing(self, prepared: Path, padding: str):
        batch = next(iter(self._open(prepared, "validation").eval_batches()))
        rows = np.arange(_examples(batch))
        kept = len(rows) // 2
        alone = slice_batch(batch, 0, kept)
        weights = weights_of(batch)
        is_kept = (rows < kept).reshape(-1, *[1] * (weights.ndim - 1))
        masked = {**batch, "weights": np.where(is_kept, weights, np.float32(0))}
        padded = pad_batch(alone, len(rows)) if padding == "the first again" else masked
        expected = self._metrics([alone])
        assert self._metrics([padded]) == pytest.approx(expected, rel=1e-5, nan_ok=True)

    def test_metrics_do_not_depend_on_how_a_split_is_cut_into_batches(self, prepared: Path):
        batch = next(iter(self._open(prepared, "validation").eval_batches()))
        rows = _examples(batch)
        uneven = [slice_batch(batch, 0, rows // 4), slice_batch(batch, rows // 4, rows)]
        whole = self._metrics([batch])
        assert self._metrics(uneven) == pytest.approx(whole, rel=1e-5, nan_ok=True)

    def test_metrics_have_the_same_names_after_any_batch_and_the_loss_is_among_them(
        self, prepared: Path
    ):
        batches = list(self._open(prepared, "validation").eval_batches())
        metrics = self._metrics(batches)
        assert metrics.keys() == self._metrics(batches[:1]).keys()
        assert np.isfinite(metrics["loss"])

    @pytest.mark.parametrize("mask", ["no mask", "the weights"])
    def test_the_loss_is_the_sum_of_the_losses_of_all_examples(self, prepared: Path, mask: str):
        batch = next(iter(self._open(prepared, "validation").eval_batches()))
        weights = weights_of(batch) if mask == "the weights" else None
        loss = self._losses(batch["targets"], self._logits(batch), weights)
        assert loss.keys() >= {"summed", "n_valid_examples", "per_example"}
        assert loss["per_example"].shape == (_examples(batch),)
        assert float(loss["summed"]) == pytest.approx(loss["per_example"].sum(), rel=1e-4)
        assert float(loss["n_valid_examples"]) > 0

    def test_the_loss_that_is_reported_is_the_mean_that_is_trained_on(self, prepared: Path):
        # Override it where a metric called loss is meant to be another one.
        batch = next(iter(self._open(prepared, "validation").eval_batches()))
        loss = self._losses(batch["targets"], self._logits(batch), weights_of(batch))
        mean = float(loss["summed"]) / float(loss["n_valid_examples"])
        assert self._metrics([batch])["loss"] == pytest.approx(mean, rel=1e-4)

    def test_targets_of_weight_zero_do_not_matter(self, prepared: Path):
        # Of examples, or of their parts where the weights are of these.
        batch = next(iter(self._open(prepared, "validation").eval_batches()))
        logits, weights = self._logits(batch), weights_of(batch)
        kept = np.random.default_rng(0).integers(2, size=weights.shape) > 0

        def elsewhere(targets: NDArray) -> NDArray:
            if targets.shape[: kept.ndim] != kept.shape:
                return targets
            mask = kept.reshape(*kept.shape, *[1] * (targets.ndim - kept.ndim))
            return np.where(mask, targets, targets[::-1])

        other = map_arrays(elsewhere, batch["targets"])
        masked = (weights * kept).astype(weights.dtype)
        expected = self._losses(batch["targets"], logits, masked)
        found = self._losses(other, logits, masked)
        assert _same([found], [expected])
        whole = self._losses(batch["targets"], logits, weights)
        assert float(found["n_valid_examples"]) < float(whole["n_valid_examples"])

    def test_initial_parameters_follow_their_key_alone(self):
        first, again, other = (self._initial(seed) for seed in (1, 1, 2))
        assert _same([first], [again])
        assert not _same([first], [other])

    def test_a_training_step_has_a_finite_loss_and_gradients_that_are_not_all_zero(
        self, prepared: Path
    ):
        batch = next(self._open(prepared, "train").train_batches(3, 1))
        params, model_state = self._model.init(self._backend.key(0))
        gradients = import_module(f"mlgolf.{self.framework}").gradients
        loss, slopes, _ = gradients(
            _AsSubmissionsSeeIt(self._model, self._size), params, model_state,
            self._backend.to_device(batch), self._backend.key(1), {},
        )
        found: list[NDArray] = []
        map_arrays(lambda slope: found.append(self._numpy(slope)), slopes)
        assert np.isfinite(self._numpy(loss))
        assert all(np.isfinite(slope).all() for slope in found)
        assert any(slope.any() for slope in found)

    def test_two_steps_give_every_parameter_a_gradient(self, prepared: Path):
        # In one step, a scale that starts at 0 hides what lies behind it.
        batches = self._open(prepared, "train").train_batches(STEP_EXAMPLES, 1)
        rate = self._size.dropout_rate
        params, model_state = self._model.init(self._backend.key(0))
        without = set(self._initial(0))
        for step in range(2):
            passed = self._trained(params, model_state, next(batches), step, rate)
            without -= {name for name, slope in passed.gradients.items() if slope.any()}
            arrays = self._backend.named_arrays(params, passed.model_state)
            params, model_state = self._backend.load_arrays(
                params, passed.model_state, descended(arrays, passed.gradients)
            )
        assert not without

    def test_training_differs_from_evaluation_by_statistics_and_dropout_alone(
        self, prepared: Path
    ):
        batch = next(self._open(prepared, "train").train_batches(STEP_EXAMPLES, 1))
        params, model_state = self._model.init(self._backend.key(0))
        evaluated = self._evaluated(params, model_state, batch)
        before = self._copied(params, model_state)
        passed = self._trained(params, model_state, batch, 0, dropout_rate=0.0)
        moves_statistics = not _same([before], [self._copied(params, passed.model_state)])
        if not self.augments_in_model:
            assert _is_close(evaluated, passed.outputs["per_example"]) != moves_statistics
        if rate := self._size.dropout_rate:
            dropped = self._trained(params, model_state, batch, 0, rate)
            assert not _is_close(passed.outputs["per_example"], dropped.outputs["per_example"])

    def test_some_parameter_belongs_to_the_readout(self):
        # By full name in torch, by the key at the top of the tree in JAX.
        keys = {name.partition("/")[0] for name in self._initial(0)}
        assert any(self._model.is_output(key) for key in keys), keys

    @property
    def _backend(self) -> Backend:
        return load_backend(self.framework)

    @property
    def _model(self) -> Model:
        """One for all tests of a class: evaluation is compiled once per model and shape."""
        return _model_of(type(self))

    def _initial(self, seed: int) -> dict[str, NDArray]:
        """Copies: arrays of a model may be views of what it goes on with."""
        params, _ = self._model.init(self._backend.key(seed))
        return {n: a.copy() for n, a in self._backend.parameter_arrays(params).items()}

    def _copied(self, params: Any, model_state: Any) -> dict[str, NDArray]:
        named = self._backend.named_arrays(params, model_state)
        return {name: array.copy() for name, array in named.items()}

    def _trained(
        self, params: Any, model_state: Any, batch: Batch, seed: int, dropout_rate: float
    ) -> TrainingPass:
        return training_pass(
            self.framework, self._model, params, model_state, self._backend.to_device(batch),
            self._backend.key(seed), dropout_rate,
        )

    def _evaluated(self, params: Any, model_state: Any, batch: Batch) -> NDArray:
        """Losses, (batch,)."""
        return self._backend.evaluate(self._model, params, model_state, batch).per_example.copy()

    def _numpy(self, value: Any) -> NDArray:
        return np.asarray(self._backend.to_numpy(value))

    def _logits(self, batch: Batch) -> Any:
        """Of a model that is not trained, in evaluation; as the framework has them."""
        backend, model = self._backend, self._model
        params, model_state = model.init(backend.key(0))
        logits, _ = model.apply(
            params, backend.to_device(batch), model_state, ForwardPassMode.EVAL, backend.key(1),
            False, 0.0,
        )
        return logits

    def _losses(self, targets: Any, logits: Any, weights: NDArray | None) -> dict[str, NDArray]:
        mask = {} if weights is None else {"weights": weights}
        tensors = self._backend.to_device({"targets": targets, **mask})
        loss = self._model.loss(tensors["targets"], logits, tensors.get("weights"))
        return {name: self._numpy(value).copy() for name, value in loss.items()}

    def _metrics(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Of a model that is not trained."""
        backend, model = self._backend, self._model
        metrics = self._workload.metrics(self._size)
        params, model_state = model.init(backend.key(0))
        for batch in batches:
            metrics.update(backend.evaluate(model, params, model_state, batch), batch)
        return metrics.result()


class WorkloadContract(DataContract, ModelContract):
    """Both."""


@lru_cache(maxsize=1)
def _model_of(contract: type[ModelContract]) -> Model:
    workload = load_workload(contract.workload)
    return workload.model(contract.framework, workload.size(contract.size))


class _AsSubmissionsSeeIt:
    """As much of the facade as a training step needs."""

    def __init__(self, model: Model, size: Size) -> None:
        self._model, self._dropout_rate, self.loss_fn = model, size.dropout_rate, model.loss

    def model_fn(
        self, params: Any, augmented_and_preprocessed_input_batch: Any, model_state: Any,
        mode: ForwardPassMode, rng: Any, update_batch_norm: bool,
    ) -> tuple[Any, Any]:
        return self._model.apply(
            params, augmented_and_preprocessed_input_batch, model_state, mode, rng,
            update_batch_norm, self._dropout_rate,
        )


def _examples(batch: Batch) -> int:
    return num_rows({"targets": batch["targets"]})


def _hashes(batch: Batch) -> list[int]:
    """A number for each example that is no padding, the same wherever its bytes are the same."""
    kept = is_counted(batch)
    codes = np.zeros(_examples(batch), np.uint64)

    def add(array: NDArray) -> None:
        nonlocal codes
        words = np.ascontiguousarray(array.reshape(len(array), -1)).view(np.uint8)
        words = np.pad(words, ((0, 0), (0, -words.shape[1] % 4))).view(np.uint32)
        factors = np.random.default_rng(0).integers(2**64, size=words.shape[1], dtype=np.uint64)
        codes = codes * np.uint64(31) + words.astype(np.uint64) @ (factors | np.uint64(1))

    map_arrays(add, {name: values for name, values in batch.items() if name != "weights"})
    return codes[kept].tolist()


def _is_close(one: NDArray, other: NDArray) -> bool:
    return np.allclose(one, other, rtol=1e-4, atol=1e-5)


def _same(one: list[Batch], other: list[Batch]) -> bool:
    equal: list[bool] = []
    map_arrays(lambda a, b: equal.append(np.array_equal(a, b)), one, other)
    return all(equal)
