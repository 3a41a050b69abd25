"""The referee's own copy of the data, opened once."""

from collections.abc import Iterable
from pathlib import Path

from mlgolf.core.arrays import Batch
from mlgolf.core.workload import OpenSplit, Size, Workload

_FOLDERS = {"eval_train": "train"}  # the other splits are folders of their own name
_EVALUATED = {"train": "eval_train"}  # what a split is measured on, where that is not all of it


class Splits:
    """Batches of one workload's splits, by name: train, validation, test."""

    def __init__(self, workload: Workload, size: Size, data_folder: Path) -> None:
        self._workload, self._size, self._data_folder = workload, size, data_folder
        self._open: dict[str, OpenSplit] = {}
        self.names = size.splits

    def batches(self, split: str) -> Iterable[Batch]:
        """Raises: DataError where it is missing or damaged."""
        return self._opened(_EVALUATED.get(split, split)).eval_batches()

    def _opened(self, split: str) -> OpenSplit:
        if split not in self._open:
            folder = self._data_folder / _FOLDERS.get(split, split)
            self._open[split] = self._workload.data().open_split(folder, self._size, split)
        return self._open[split]
