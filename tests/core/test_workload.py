from dataclasses import replace

import pytest

from mlgolf.core.errors import WorkloadError
from mlgolf.core.registry import load_workload
from mlgolf.testing.linear import data
from mlgolf.workloads.imagenet_resnet import metrics

IMAGES = load_workload("imagenet_resnet")


def test_a_workload_has_the_data_and_metrics_of_its_folder():
    assert IMAGES.data().__name__ == "mlgolf.workloads.imagenet_resnet.data"
    assert isinstance(IMAGES.metrics(IMAGES.size("mini")), metrics.Metrics)


def test_a_workload_may_name_the_data_of_another():
    assert replace(IMAGES, data_module="mlgolf.testing.linear.data").data() is data


def test_a_workload_may_name_the_metrics_of_another():
    other = replace(load_workload("linear"), metrics_module=metrics.__name__)
    assert isinstance(other.metrics(other.size("mini")), metrics.Metrics)


def stranger(tmp_path, monkeypatch, name: str, **modules: str):
    """A workload whose package holds these modules."""
    package = tmp_path / name
    package.mkdir()
    for module, code in {"__init__": "", **modules}.items():
        (package / f"{module}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    return replace(load_workload("linear"), name="mine", package=name, metrics_module=None)


def test_a_module_that_is_missing_is_named_with_what_to_write(tmp_path, monkeypatch):
    mine = stranger(tmp_path, monkeypatch, "bare_package")
    with pytest.raises(WorkloadError, match=r"mine: bare_package\.data: .* Write DRAWN, make,"):
        mine.data()
    with pytest.raises(WorkloadError, match=r"package\.metrics.* Write Metrics there, or name"):
        mine.metrics(mine.size("mini"))
    with pytest.raises(WorkloadError, match=r"bare_package\.model_jax: .* Write Model there: docs"):
        mine.model("jax", mine.size("mini"))


def test_a_part_that_a_module_lacks_is_named(tmp_path, monkeypatch):
    mine = stranger(tmp_path, monkeypatch, "half_package", data="def make(): ...\nDRAWN = ()\n")
    with pytest.raises(WorkloadError, match="it has no prepare and no open_split"):
        mine.data()


def test_what_a_module_itself_fails_to_import_is_no_missing_module(tmp_path, monkeypatch):
    mine = stranger(tmp_path, monkeypatch, "needy_package", data="import no_such_module\n")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        mine.data()


def test_a_package_that_is_nowhere_is_named():
    lost = replace(load_workload("linear"), package="no_such_package.linear")
    with pytest.raises(WorkloadError, match=r"package='no_such_package\.linear'"):
        _ = lost.frameworks


def test_a_size_with_a_part_of_its_data_keeps_the_row_that_it_is_of():
    quarter = load_workload("linear").size("mini_large_init@0.25")
    assert (quarter.row, quarter.data_fraction) == ("mini_large_init", 0.25)
    assert quarter.model == load_workload("linear").size("mini_large_init").model


@pytest.mark.parametrize("part", ["0", "1.5", "half", "nan"])
def test_a_part_that_is_no_share_is_refused(part):
    with pytest.raises(WorkloadError, match="above 0 and at most 1"):
        load_workload("linear").size(f"mini@{part}")
