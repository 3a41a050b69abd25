"""Somebody's package that cannot be loaded is named, and breaks only what asks for it."""

import json
from pathlib import Path

import pytest
from conftest import LINEAR
from installed import install


@pytest.fixture(scope="module")
def broken(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    install(
        folder, "brittle", "import no_such_module\n", quantities="fluff = brittle:FLUFF",
        workloads="blurred = brittle:WORKLOAD", algorithms="limp = brittle",
    )
    return folder


@pytest.fixture(autouse=True)
def _installed(broken, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(broken))


@pytest.mark.parametrize(
    "command",
    [
        ("quantities", "show", "fluff"), ("workloads", "show", "blurred"),
        ("algorithms", "show", "limp"), ("run", "limp"), ("data", "make", "blurred"),
    ],
)
def test_who_asks_for_it_is_told_the_package_the_error_and_what_to_do(mlgolf_process, command):
    said = mlgolf_process(*command, expect=2).stderr
    assert "Traceback" not in said
    assert "of brittle cannot be loaded: ModuleNotFoundError: No module named" in said
    assert "Fix that package, or uninstall it." in said


@pytest.mark.parametrize(
    ("kind", "name"), [("quantities", "fluff"), ("workloads", "blurred"), ("algorithms", "limp")]
)
def test_lists_show_it_as_broken(mlgolf_process, kind, name):
    listed = json.loads(mlgolf_process(kind, "list", "--json").stdout)[kind]
    rows = {row["name"]: row for row in listed}
    assert "of brittle cannot be loaded" in rows.pop(name)["broken"]
    assert rows
    assert all("broken" not in row for row in rows.values())
    assert "of brittle cannot be loaded" in mlgolf_process(kind, "list").stdout


def test_others_are_played_as_ever(mlgolf_process, tmp_path):
    run = tmp_path / "run"
    mlgolf_process("run", "nadamw", "--competition", LINEAR, "--trials", 1, "--out", run)
    mlgolf_process("score", run)


def test_what_is_no_quantity_is_broken(mlgolf_process, tmp_path, monkeypatch):
    install(tmp_path, "numeric", "FLUFF = 3\n", quantities="number = numeric:FLUFF")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    said = mlgolf_process("quantities", "show", "number", expect=2).stderr
    assert "it is a int, expected a Quantity" in said
