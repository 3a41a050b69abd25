import json

import numpy as np
import polars as pl
import pytest

from mlgolf.core.errors import DataError
from mlgolf.data.token_files import read_tokens, write_tokens

NAME = "data-00000-of-00001.arrow"


@pytest.fixture
def folder(tmp_path):
    write_tokens(tmp_path / "train", [[1, 2, 3], [], [4, 5]])
    return tmp_path / "train"


def test_tokens_of_all_documents_come_one_after_the_other(folder):
    (tokens,) = read_tokens(folder, 6)
    assert tokens.tolist() == [1, 2, 3, 4, 5]
    assert tokens.dtype == np.uint16


def test_files_are_read_in_the_order_of_the_list(folder):
    (folder / "a.arrow").write_bytes((folder / NAME).read_bytes())
    column = pl.Series("input_ids", [[0]], dtype=pl.List(pl.Int64))
    pl.DataFrame({"text": ["x"], "input_ids": column}).write_ipc_stream(folder / "b.arrow")
    files = [{"filename": "b.arrow"}, {"filename": "a.arrow"}]
    (folder / "state.json").write_text(json.dumps({"_data_files": files}))
    assert np.concatenate([*read_tokens(folder, 6)]).tolist() == [0, 1, 2, 3, 4, 5]


def test_a_file_that_was_cut_short_is_named(folder):
    path = folder / NAME
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=rf"{NAME}: ends within the stream, as if cut short"):
        list(read_tokens(folder, 6))


def test_a_file_of_another_format_is_named(folder):
    (folder / NAME).write_bytes(b"nothing of the kind" + b"\xff\xff\xff\xff\x00\x00\x00\x00")
    with pytest.raises(DataError, match=rf"{NAME}: not an Arrow stream"):
        list(read_tokens(folder, 6))


def test_a_file_that_is_listed_and_not_there_is_named(folder):
    (folder / NAME).unlink()
    with pytest.raises(DataError, match=rf"{NAME}: No such file"):
        list(read_tokens(folder, 6))


def test_a_column_of_another_type_is_refused(folder):
    pl.DataFrame({"input_ids": [1, 2]}).write_ipc_stream(folder / NAME)
    with pytest.raises(DataError, match="of type Int64, expected lists"):
        list(read_tokens(folder, 6))


def test_a_file_without_the_column_is_refused(folder):
    pl.DataFrame({"text": ["a"]}).write_ipc_stream(folder / NAME)
    with pytest.raises(DataError, match="input_ids"):
        list(read_tokens(folder, 6))


def test_tokens_beyond_the_vocabulary_are_refused(folder):
    with pytest.raises(DataError, match="found tokens from 1 to 5, expected 0 to 4"):
        list(read_tokens(folder, 5))


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"state\.json: No such file"):
        list(read_tokens(tmp_path, 5))
    (tmp_path / "state.json").write_text("{}")
    with pytest.raises(DataError, match="found no list of files"):
        list(read_tokens(tmp_path, 5))
