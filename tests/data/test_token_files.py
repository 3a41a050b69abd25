import json

import numpy as np
import polars as pl
import pytest

from mlgolf.core.errors import DataError
from mlgolf.data.bad_records import BadRecords
from mlgolf.data.token_files import file_names, read_tokens, write_tokens

NAME = "data-00000-of-00001.arrow"


@pytest.fixture
def folder(tmp_path):
    write_tokens(tmp_path / "train", [[1, 2, 3], [], [4, 5]], per_file=3)
    return tmp_path / "train"


def read(path, vocabulary=6):
    """The tokens of a file, and what is said of its bad records."""
    bad = BadRecords(path.parent)
    tokens = read_tokens(path, vocabulary, bad)
    assert tokens.dtype == np.uint16
    return tokens.tolist(), [(record.record, record.found) for record in bad.records]


def of_lists(path, lists, dtype=pl.Int64):
    pl.DataFrame({"text": [""] * len(lists), "input_ids": pl.Series(lists, dtype=pl.List(dtype))}
                 ).write_ipc_stream(path)  # fmt: skip
    return path


def test_tokens_of_all_documents_come_one_after_the_other(folder):
    assert read(folder / NAME) == ([1, 2, 3, 4, 5], [])


@pytest.mark.parametrize("dtype", [pl.UInt16, pl.Int32, pl.Int64])
def test_tokens_of_any_integers_are_read(tmp_path, dtype):
    path = of_lists(tmp_path / "a.arrow", [[0, 50_000 if dtype != pl.UInt16 else 7]], dtype)
    tokens, said = read(path, 50_257)
    assert (tokens[0], said) == (0, [])


def test_a_narrow_type_that_cannot_exceed_the_vocabulary_is_read(tmp_path):
    path = of_lists(tmp_path / "a.arrow", [[0, 100], [-1]], pl.Int8)
    assert read(path, 50_257) == (
        [0, 100], [("document 2", "found -1 as a token, expected 0 to 50,256")]
    )


def test_documents_are_written_to_as_many_files_as_they_fill(tmp_path):
    write_tokens(tmp_path / "val", [[1], [2], [3], [4], [5]], per_file=2)
    names = file_names(tmp_path / "val")
    assert names == [f"data-0000{n}-of-00003.arrow" for n in range(3)]
    assert [read(tmp_path / "val" / name)[0] for name in names] == [[1, 2], [3, 4], [5]]


def test_files_come_in_the_order_of_the_list(tmp_path):
    files = [{"filename": "b.arrow"}, {"filename": "a.arrow"}]
    (tmp_path / "state.json").write_text(json.dumps({"_data_files": files}))
    assert file_names(tmp_path) == ["b.arrow", "a.arrow"]


def test_a_file_that_was_cut_short_is_left_out_and_named(folder):
    path = folder / NAME
    path.write_bytes(path.read_bytes()[:-20])
    assert read(path) == ([], [("", "ends within the stream, as if cut short")])


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"nothing of the kind" + b"\xff\xff\xff\xff\x00\x00\x00\x00", "found no Arrow stream"),
        (pl.DataFrame({"input_ids": [1, 2]}), "found input_ids of type Int64, expected lists"),
        (pl.DataFrame({"input_ids": [["a"]]}), "found input_ids of type String, expected integers"),
        (pl.DataFrame({"text": ["a"]}), "found no Arrow stream with a column input_ids"),
    ],
)
def test_a_file_of_another_format_is_left_out_and_named(folder, content, found):
    if isinstance(content, bytes):
        (folder / NAME).write_bytes(content)
    else:
        content.write_ipc_stream(folder / NAME)
    tokens, [(record, said)] = read(folder / NAME)
    assert (tokens, record) == ([], "")
    assert said.startswith(found)


def test_a_file_that_is_listed_and_not_there_is_named(folder):
    (folder / NAME).unlink()
    assert read(folder / NAME) == ([], [("", "found no file, but state.json beside it lists it")])


def test_documents_with_tokens_beyond_the_vocabulary_are_left_out_and_named(tmp_path):
    path = of_lists(tmp_path / "a.arrow", [[1], [2, 9, 7], [], [3], [-1], [None], [4]])
    found = [("document 2", "9"), ("document 5", "-1"), ("document 6", "nothing")]
    assert read(path) == (
        [1, 3, 4],
        [(record, f"found {what} as a token, expected 0 to 5") for record, what in found],
    )


def test_a_document_that_is_no_list_is_left_out_and_named(tmp_path):
    path = of_lists(tmp_path / "a.arrow", [[1], None, [2], [6]])
    assert read(path) == (
        [1, 2],
        [("document 2", "found no list of tokens"),
         ("document 4", "found 6 as a token, expected 0 to 5")],
    )  # fmt: skip


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"state\.json: No such file"):
        file_names(tmp_path)
    (tmp_path / "state.json").write_text("{}")
    with pytest.raises(DataError, match="found no list of files"):
        file_names(tmp_path)
