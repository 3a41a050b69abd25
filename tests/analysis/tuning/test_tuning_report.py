"""What is said of results of several workloads and methods together."""

import pytest

from mlgolf.analysis.tuning.report import judge
from mlgolf.analysis.tuning.results import read_results
from mlgolf.core.errors import ScoringError
from mlgolf.report.tuning import sentences


def read(tmp_path, rows, columns="method,workload,study,quality,time"):
    path = tmp_path / "search.csv"
    path.write_text("\n".join([columns, *rows]) + "\n")
    return read_results(path)


@pytest.mark.parametrize("unit", [1.0, 1024.0])
def test_the_loss_of_quality_does_not_depend_on_the_unit_of_a_workload(tmp_path, unit):
    rows = [
        f"m,{workload},{study},{quality * scale},{time}"
        for workload, scale in (("a", 1.0), ("b", unit))
        for study in (0, 1)
        for quality, time in ((0.9, 20), (0.8, 10), (0.5, 30))
    ]
    (found,) = judge(read(tmp_path, rows)).chosen
    assert found.choices.quality_lost == pytest.approx(1.0)  # 0.1, where the spread is 0.1


def test_if_no_trial_has_a_result_the_file_is_named(tmp_path):
    with pytest.raises(ScoringError, match=r"search\.csv: none of 1 trials has a result"):
        judge(read(tmp_path, ["m,a,0,,"]))


def test_with_many_bands_it_is_said_how_many_may_miss(tmp_path):
    rows = [f"{name},{value}" for name in "abcd" for value in (0.1, 0.2, 0.3)]
    said = sentences(judge(read(tmp_path, rows, "method,quality")))
    assert any(line.startswith("of 4 bands, each at 95%, up to 0.2 ") for line in said)
