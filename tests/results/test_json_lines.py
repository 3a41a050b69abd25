import pytest

from mlgolf.core.errors import RunFolderError
from mlgolf.results.files import read_lines


def read(tmp_path, text: str, *, torn_end: bool = False) -> list:
    file = tmp_path / "lines.jsonl"
    file.write_text(text)
    return [*read_lines(file, torn_end=torn_end)]


def test_every_line_is_one_value(tmp_path):
    assert read(tmp_path, '{"a": 1}\n[2, 3]\n4\n') == [{"a": 1}, [2, 3], 4]
    assert read(tmp_path, "") == []


def test_a_last_line_without_an_end_is_dropped_where_that_is_allowed(tmp_path):
    assert read(tmp_path, "1\n2", torn_end=True) == [1]
    assert read(tmp_path, "1\n2") == [1, 2]


@pytest.mark.parametrize(
    ("text", "line"), [("1\n{\n", 2), ("[1\n2]\n", 1), ("1,2\n3\n", 1), ("1\n\n2\n", 2)]
)
def test_a_line_that_is_no_json_is_named_by_its_number(tmp_path, text, line):
    with pytest.raises(RunFolderError, match=rf"lines.jsonl, line {line}: not JSON"):
        read(tmp_path, text)


def test_bytes_that_are_no_text_are_said(tmp_path):
    file = tmp_path / "lines.jsonl"
    file.write_bytes(b"\xff\n")
    with pytest.raises(RunFolderError, match=r"lines.jsonl: not text"):
        [*read_lines(file, torn_end=False)]
