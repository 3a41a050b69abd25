"""Raw data of small workloads, made once for the tests that damage or prepare them."""

import shutil
from pathlib import Path

import pytest
from tiny_workloads import tiny

from mlgolf.data import layout


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory):
    """A data folder for each workload, with raw data alone. Not to be written to."""
    folders = {}
    for name in ("criteo1tb", "imagenet_resnet"):
        folders[name] = tmp_path_factory.mktemp(name)
        layout.make(tiny(name), "tiny", folders[name])
    return folders


@pytest.fixture
def copied(tiny_data, tmp_path):
    """A copy of the data folder of a workload, by its name."""
    return lambda name: Path(shutil.copytree(tiny_data[name], tmp_path / name))
