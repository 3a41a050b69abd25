from dataclasses import replace

import numpy as np
import pytest

from mlgolf.core.errors import DataError
from mlgolf.data.token_files import write_tokens
from mlgolf.workloads.finewebedu_lm import WORKLOAD
from mlgolf.workloads.finewebedu_lm.data import open_split, prepare

COUNTS = {"train": 5, "eval_train": 3, "validation": 3, "test": 2}
FULL = WORKLOAD.size("full")
TINY = replace(
    WORKLOAD.size("mini"), examples=COUNTS, eval_batch_size=2,
    data=replace(FULL.data, length=4, vocabulary=100),
)


@pytest.fixture
def folders(tmp_path):
    write_tokens(tmp_path / "raw" / "train", [list(range(7)), list(range(7, 28))], per_file=1)
    write_tokens(tmp_path / "raw" / "val", [list(range(50, 65))], per_file=1)
    write_tokens(tmp_path / "raw" / "test", [list(range(70, 80))], per_file=1)
    (tmp_path / "prepared").mkdir()
    return tmp_path / "raw", tmp_path / "prepared"


def batches(folders, split, size=TINY):
    raw, prepared = folders
    prepare(raw, prepared, size)
    folder = prepared / ("train" if split == "eval_train" else split)
    return list(open_split(folder, size, split).eval_batches())


def test_rows_go_on_over_the_ends_of_documents_and_targets_are_the_next_tokens(folders):
    first, second = batches(folders, "validation")
    assert first["inputs"].tolist() == [[50, 51, 52, 53], [55, 56, 57, 58]]
    assert first["targets"].tolist() == [[51, 52, 53, 54], [56, 57, 58, 59]]
    assert first["inputs"].dtype == np.int32
    assert second["weights"].tolist() == [1, 0]


def test_each_epoch_has_every_row_once(folders):
    raw, prepared = folders
    prepare(raw, prepared, TINY)
    train = open_split(prepared / "train", TINY, "train").train_batches(5, seed=1)
    for _ in range(2):
        assert sorted(next(train)["inputs"][:, 0].tolist()) == [0, 5, 10, 15, 20]


def test_the_training_rows_that_are_evaluated_are_the_same_each_time(folders):
    first = batches(folders, "eval_train")
    prepared = folders[1]
    again = list(open_split(prepared / "train", TINY, "eval_train").eval_batches())
    assert all(np.array_equal(a["inputs"], b["inputs"]) for a, b in zip(first, again, strict=True))
    assert sum(len(b["inputs"]) for b in first) == 4


def test_the_published_data_have_no_test_split(folders):
    raw, prepared = folders
    size = replace(FULL, examples={"train": 5, "validation": 3}, data=TINY.data)
    prepare(raw, prepared, size)
    assert sorted(path.name for path in prepared.iterdir()) == ["train", "validation"]


def test_a_split_with_too_few_tokens_is_refused(folders):
    raw, prepared = folders
    size = replace(TINY, examples=COUNTS | {"validation": 4})
    with pytest.raises(DataError, match="val: found tokens for 3 rows of 5, expected 4 rows"):
        prepare(raw, prepared, size)
