from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from mlgolf.core.errors import DataError
from mlgolf.workloads.criteo1tb import WORKLOAD, data

MINI = WORKLOAD.size("mini")
TINY = replace(
    MINI,
    name="tiny",
    examples={"train": 250, "eval_train": 70, "validation": 50, "test": 40},
    eval_batch_size=32,
    data=replace(
        MINI.data,
        folder="tiny",
        recipe=replace(MINI.data.recipe, rows_per_file=100, dense=2, categories=(50, 20)),
    ),
)


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    data.make(folder, TINY, seed=0, draw=0)
    return folder


@pytest.fixture(scope="module")
def prepared(raw, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    data.prepare(raw, folder, TINY)
    return folder


def train(prepared, number, batch_size=25, seed=0):
    split = data.open_split(prepared / "train", TINY, "train")
    return list(islice(split.train_batches(batch_size, seed), number))


def evaluate(prepared, split):
    folder = prepared / ("train" if split == "eval_train" else split)
    return list(data.open_split(folder, TINY, split).eval_batches())


def rows(batches, key="inputs"):
    return np.concatenate([b[key] for b in batches])


def test_files_are_prepared_into_the_folder_of_their_split(prepared):
    names = {split: data.file_names(prepared / split) for split in ("train", "validation", "test")}
    assert names == {
        "train": ["day_0_00", "day_1_00", "day_2_00"],
        "validation": ["day_23_19"],
        "test": ["day_23_00"],
    }


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("day_0_00", "train"),
        ("day_22_41", "train"),
        ("day_23_18", "test"),
        ("day_23_19", "validation"),
    ],
)
def test_the_name_of_a_file_decides_its_split(name, split):
    assert data.split_of(Path(name)) == split


def test_a_file_of_another_name_is_refused():
    with pytest.raises(DataError, match="notes: found a name that is not day_"):
        data.split_of(Path("notes"))


def test_batches_have_39_inputs_and_a_column_of_targets(prepared):
    (batch,) = train(prepared, 1)
    assert batch["inputs"].shape == (25, 39)
    assert batch["targets"].shape == (25, 1)
    assert batch["inputs"].dtype == batch["targets"].dtype == np.float32


def test_an_epoch_shows_every_row_once(prepared):
    files = [data.open_file(prepared / "train", n) for n in data.file_names(prepared / "train")]
    shown, stored = rows(train(prepared, 10)), rows(files)
    assert sorted(map(bytes, shown)) == sorted(map(bytes, stored))


def test_lines_within_a_file_keep_their_order(prepared):
    shown = rows(train(prepared, 10))
    for name in data.file_names(prepared / "train"):
        stored = data.open_file(prepared / "train", name)["inputs"]
        start = next(i for i in range(len(shown)) if np.array_equal(shown[i : i + 3], stored[:3]))
        np.testing.assert_array_equal(shown[start : start + len(stored)], stored)


def test_the_order_of_files_depends_on_the_seed_alone(prepared):
    orders = [rows(train(prepared, 10, seed=seed)).tobytes() for seed in (0, 0, *range(8))]
    assert orders[0] == orders[1]
    assert len(set(orders)) > 1


def test_batches_that_span_files_and_epochs_are_full(prepared):
    batches = train(prepared, 12, batch_size=60)
    assert {len(b["targets"]) for b in batches} == {60}


def test_a_batch_may_span_many_files(prepared):
    assert len(train(prepared, 1, batch_size=600)[0]["targets"]) == 600


def test_a_batch_is_a_copy_that_may_be_written_to(prepared):
    before = rows(train(prepared, 10)).copy()
    for batch in train(prepared, 10):
        batch["inputs"][:] = -1
    np.testing.assert_array_equal(rows(train(prepared, 10)), before)


@pytest.mark.parametrize(("split", "sizes"), [("validation", [32, 18]), ("test", [32, 8])])
def test_evaluation_sees_every_row_in_order_and_pads_the_last_batch(prepared, split, sizes):
    batches = evaluate(prepared, split)
    assert [len(b["targets"]) for b in batches] == [32, 32]
    assert [b["weights"].sum() if "weights" in b else 32 for b in batches] == sizes
    (name,) = data.file_names(prepared / split)
    stored = data.open_file(prepared / split, name)["inputs"]
    np.testing.assert_array_equal(rows(batches)[: len(stored)], stored)


def test_eval_train_sees_as_many_rows_as_it_should(prepared):
    batches = evaluate(prepared, "eval_train")
    assert sum(b["weights"].sum() if "weights" in b else 32 for b in batches) == 70


def test_too_few_rows_are_refused(raw, tmp_path):
    more = replace(TINY, examples={**TINY.examples, "validation": 51})
    with pytest.raises(DataError, match="found 50 rows of the validation split, expected 51"):
        data.prepare(raw, tmp_path, more)
