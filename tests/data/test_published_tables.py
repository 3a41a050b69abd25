import pytest

from mlgolf.core.errors import UnknownName
from mlgolf.data.tables import FOLDER, published_table, table_names, table_or_file


def test_every_published_table_is_described():
    described = (FOLDER / "README.md").read_text()
    assert [name for name in table_names() if f"- **{name}**:" not in described] == []


def test_a_bare_name_is_a_published_table():
    assert table_or_file("chinchilla_runs") == published_table("chinchilla_runs")


def test_a_file_is_read_though_a_table_has_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gpus").touch()
    assert str(table_or_file("gpus")) == "gpus"


def test_a_name_that_is_none_is_answered_with_the_tables_there_are():
    with pytest.raises(UnknownName, match="chinchilla_runs"):
        table_or_file("chinchila_runs")
