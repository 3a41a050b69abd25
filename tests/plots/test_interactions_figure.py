from mlgolf.analysis.ablation.experiment import analysed
from mlgolf.analysis.ablation.sources import open_experiment
from mlgolf.api.ablations import AblationResult
from mlgolf.plots.interactions import interactions_table

HALF = ("none", "a+d", "b+d", "c+d", "a+b", "a+c", "b+c", "a+b+c+d")


def found(folder, rows, columns="methods,seed,time", **asked):
    path = folder / "runs.csv"
    path.write_text("\n".join([columns, *rows]) + "\n")
    return analysed(open_experiment([path]), **asked)


def four(*times):
    return [
        f"{name},{seed},{time + 0.1 * seed if time else ''}"
        for name, time in zip(("none", "a", "b", "a+b"), times, strict=True) for seed in range(3)
    ]  # fmt: skip


def test_the_table_has_a_row_for_each_cell_of_the_matrix(tmp_path):
    table = interactions_table(found(tmp_path, four(8, 4, 8, 4)))
    cells = table.select("row", "column", "kind").rows()
    assert cells == [("a", "a", "main"), ("b", "b", "main"), ("b", "a", "interaction")]


def test_half_the_time_is_labelled_two_times(tmp_path):
    (label,) = interactions_table(found(tmp_path, four(8, 4, 8, 4))).filter(row="a")["label"]
    assert label.startswith("1.9")
    assert label.endswith("×")


def test_a_bound_is_labelled_as_one(tmp_path):
    table = interactions_table(found(tmp_path, four(None, 4, 8, 4)))
    assert table.filter(row="a")["label"][0].startswith("≥ ")
    assert table.filter(row="a")["interval"][0].startswith("from ")


def test_interactions_that_cannot_be_told_apart_are_marked(tmp_path):
    rows = [f"{cell},{seed},{n + 1 + 0.1 * seed}" for n, cell in enumerate(HALF) for seed in (0, 1)]
    table = interactions_table(found(tmp_path, rows))
    pairs = table.filter(kind="interaction")
    assert len(pairs) == 6
    assert all(label.endswith(" *") for label in pairs["label"])
    assert not any(label.endswith(" *") for label in table.filter(kind="main")["label"])


def test_without_intervals_none_is_drawn(tmp_path):
    table = interactions_table(found(tmp_path, ["none,2", "a,1"], "methods,time"))
    assert table["low"].to_list() == [None]
    assert table["interval"].to_list() == [""]


def test_an_unfair_comparison_says_so_on_its_figure(tmp_path):
    rows = ["none,8,5", "a,4,20"]
    judged = found(tmp_path, rows, "methods,time,tuning_trials", allow_unfair=True)
    AblationResult(judged).save(tmp_path / "figures")
    assert "Not a fair comparison" in (tmp_path / "figures" / "ablation.svg").read_text()
