"""What every workload promises, as tests: derive a class that names yours, in a file of tests.

    class TestMine(WorkloadContract):
        workload, framework = "mine", "torch"

Needs pytest. The size is one whose data are made, and small: they are made for these tests.
"""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mlgolf.backends import load_backend
from mlgolf.core.arrays import Batch, map_arrays
from mlgolf.core.registry import load_workload
from mlgolf.core.workload import OpenSplit, Size, Workload
from mlgolf.data import layout
from mlgolf.data.batches import num_rows, slice_batch


class WorkloadContract:
    """Override the test of padding where batches cannot be sliced, as of graphs."""

    workload: str
    size: str = "mini"
    framework: str = "torch"

    @pytest.fixture(scope="class")
    @classmethod
    def prepared(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder, workload = tmp_path_factory.mktemp("contract"), load_workload(cls.workload)
        layout.ensure(workload, cls.size, folder)
        return layout.prepared_folder(workload, cls.size, folder)

    def test_seed_and_draw_alone_decide_what_the_drawn_splits_hold(self, tmp_path: Path):
        first, again, other = (
            self._drawn(tmp_path / name, draw)
            for name, draw in (("first", 1), ("again", 1), ("other", 2))
        )
        assert _same(first, again)
        assert not _same(first, other)

    def test_training_batches_are_full_and_their_order_depends_on_the_seed_alone(
        self, prepared: Path
    ):
        first, again, other = (self._trained_on(prepared, seed) for seed in (1, 1, 2))
        assert {_examples(batch) for batch in first} == {3}
        assert _same(first, again)
        assert not _same(first, other)

    @pytest.mark.parametrize("split", ["eval_train", "validation", "test"])
    def test_an_evaluation_sees_as_many_examples_as_the_split_has(
        self, prepared: Path, split: str
    ):
        batches = self._open(prepared, split).eval_batches()
        assert sum(float(_weights(batch).sum()) for batch in batches) == self._size.examples[split]

    def test_examples_of_weight_zero_count_for_nothing(self, prepared: Path):
        batch = next(iter(self._open(prepared, "validation").eval_batches()))
        rows = np.arange(_examples(batch))
        kept = len(rows) // 2
        masked = {**batch, "weights": np.where(rows < kept, _weights(batch), np.float32(0))}
        alone = self._metrics([slice_batch(batch, 0, kept)])
        assert self._metrics([masked]) == pytest.approx(alone, rel=1e-5, nan_ok=True)

    def test_metrics_have_the_same_names_after_any_batch_and_the_loss_is_among_them(
        self, prepared: Path
    ):
        batches = list(self._open(prepared, "validation").eval_batches())
        metrics = self._metrics(batches)
        assert metrics.keys() == self._metrics(batches[:1]).keys()
        assert np.isfinite(metrics["loss"])

    @property
    def _workload(self) -> Workload:
        return load_workload(self.workload)

    @property
    def _size(self) -> Size:
        return self._workload.size(self.size)

    def _open(self, prepared: Path, split: str) -> OpenSplit:
        folder = prepared / ("train" if split == "eval_train" else split)
        return self._workload.data().open_split(folder, self._size, split)

    def _trained_on(self, prepared: Path, seed: int) -> list[Batch]:
        return list(islice(self._open(prepared, "train").train_batches(3, seed), 4))

    def _drawn(self, folder: Path, draw: int) -> list[Batch]:
        """The first batch of a held-out split of this draw."""
        data = self._workload.data()
        (folder / "raw").mkdir(parents=True)
        data.make(folder / "raw", self._size, 0, draw, data.DRAWN)
        data.prepare(folder / "raw", folder, self._size, data.DRAWN)
        return [next(iter(self._open(folder, "validation").eval_batches()))]

    def _metrics(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Of a model that is not trained."""
        backend, metrics = load_backend(self.framework), self._workload.metrics(self._size)
        model = self._workload.model(self.framework, self._size)
        params, model_state = model.init(backend.key(0))
        for batch in batches:
            metrics.update(backend.evaluate(model, params, model_state, batch), batch)
        return metrics.result()


def _examples(batch: Batch) -> int:
    return num_rows({"targets": batch["targets"]})


def _weights(batch: Batch) -> NDArray:
    return batch.get("weights", np.ones(_examples(batch), np.float32))


def _same(one: list[Batch], other: list[Batch]) -> bool:
    equal: list[bool] = []
    map_arrays(lambda a, b: equal.append(np.array_equal(a, b)), one, other)
    return all(equal)
