"""Commands that another package adds to `mlgolf`."""

import pytest
from installed import install

CODE = '''
import typer

group = typer.Typer()

@group.command()
def inner() -> None:
    print("of the group")

@group.command()
def other() -> None:
    """So that it is a group."""

def single(word: str, times: int = 1) -> None:
    """One command."""
    print(word * times)

NUMBER = 3
'''
LINES = """grouped = offering:group
once = offering:single
number = offering:NUMBER
absent = no_such_module:f"""


@pytest.fixture(autouse=True)
def _offered(tmp_path, monkeypatch):
    install(tmp_path, "offering", CODE, commands=LINES)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_a_function_is_one_command(mlgolf_process):
    assert mlgolf_process("once", "ab", "--times", 2).stdout == "abab\n"


def test_an_application_is_a_group_of_commands(mlgolf_process):
    assert mlgolf_process("grouped", "inner").stdout == "of the group\n"


@pytest.mark.parametrize(("command", "words"), [
    (("absent", "x", "--y"), "No module named"), (("number",), "it is a int, expected a Typer"),
])  # fmt: skip
def test_what_cannot_be_loaded_says_so_and_breaks_no_other_command(mlgolf_process, command, words):
    said = mlgolf_process(*command, expect=2).stderr
    assert "of offering cannot be loaded" in said
    assert words in said
    assert "Traceback" not in said
    mlgolf_process("once", "ab")
