"""What `mlgolf --version` prints."""

import platform
from importlib.metadata import PackageNotFoundError, version

import pytest

from mlgolf import __version__
from mlgolf.referee.freeze import package_fingerprint


def test_the_version_names_code_python_and_frameworks_in_one_line(mlgolf):
    assert mlgolf("--version").stdout == (
        f"mlgolf {__version__} (code {package_fingerprint()[:12]}…), "
        f"Python {platform.python_version()}, jax {version('jax')}, torch {version('torch')}\n"
    )


def test_the_version_is_that_of_the_installed_package():
    assert version("mlgolf") == __version__


@pytest.mark.parametrize("missing", ["jax", "torch"])
def test_a_framework_that_is_not_installed_is_left_out(mlgolf, monkeypatch, missing):
    def found(name):
        if name == missing:
            raise PackageNotFoundError(name)
        return "9.9"

    monkeypatch.setattr("mlgolf.cli.version.version", found)
    (there,) = {"jax", "torch"} - {missing}
    said = mlgolf("--version").stdout
    assert f"{there} 9.9" in said
    assert missing not in said
