from dataclasses import replace

import numpy as np
import pytest

from mlgolf.data.click_logs import read_clicks
from mlgolf.data.make_clicks import (
    HiddenMachine,
    make_clicks,
    write_clicks,
    write_stratified_clicks,
)
from mlgolf.data.recipes import ClickRecipe

RECIPE = ClickRecipe(
    rows_per_file=100,
    dense=2,
    categories=(50, 20),
    zipf_exponent=1.1,
    factors=2,
    bias=-1.0,
    linear_stddev=0.5,
    pair_stddev=1.0,
    missing=0.1,
)
EXAMPLES = {"train": 250, "validation": 120, "test": 80}


@pytest.fixture
def made(tmp_path):
    make_clicks(tmp_path, RECIPE, EXAMPLES, seed=0, draw=0)
    return tmp_path


def test_files_bear_the_published_names(made):
    assert sorted(p.name for p in made.iterdir()) == [
        "day_0_00", "day_1_00", "day_23_00", "day_23_19", "day_23_20", "day_2_00"
    ]  # fmt: skip


def test_files_hold_the_rows_that_were_asked_for(made):
    rows = {p.name: len(p.read_text().splitlines()) for p in made.iterdir()}
    assert rows["day_0_00"] + rows["day_1_00"] + rows["day_2_00"] == 250
    assert rows["day_23_19"] + rows["day_23_20"] == 120
    assert rows["day_23_00"] == 80


def test_lines_have_the_published_format(made):
    fields = (made / "day_0_00").read_text().splitlines()[0].split("\t")
    assert len(fields) == 40
    assert fields[0] in {"0", "1"}
    assert all(len(f) == 8 and int(f, 16) >= 0 for f in fields[14:16])
    assert set(fields[3:14] + fields[16:]) == {""}


def test_the_reader_reads_what_was_made(made):
    clicks = read_clicks(made / "day_0_00", (100,) * 26)
    assert clicks.inputs.shape == (100, 39)
    assert set(clicks.targets.ravel()) == {0.0, 1.0}


def test_the_same_seed_makes_the_same_bytes(made, tmp_path_factory):
    again = tmp_path_factory.mktemp("again")
    make_clicks(again, RECIPE, EXAMPLES, seed=0, draw=0)
    assert {p.name: p.read_bytes() for p in made.iterdir()} == {
        p.name: p.read_bytes() for p in again.iterdir()
    }


def test_another_seed_makes_other_clicks(made, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    make_clicks(other, RECIPE, EXAMPLES, seed=1, draw=0)
    assert (made / "day_0_00").read_bytes() != (other / "day_0_00").read_bytes()


def test_another_draw_makes_other_held_out_clicks_and_the_same_training_clicks(
    made, tmp_path_factory
):
    other = tmp_path_factory.mktemp("other")
    make_clicks(other, RECIPE, EXAMPLES, seed=0, draw=1)
    differ = {p.name for p in made.iterdir() if p.read_bytes() != (other / p.name).read_bytes()}
    assert differ == {"day_23_00", "day_23_19", "day_23_20"}


def test_pairs_of_features_add_what_the_sum_over_pairs_says():
    recipe = replace(RECIPE, bias=0.0, linear_stddev=0.0)
    machine = HiddenMachine.draw(recipe, seed=3)
    dense, values = machine.sample(np.random.default_rng(0), 5)
    vectors = np.stack(
        [dense[:, j, None] * machine.vectors[j] for j in range(2)]
        + [machine.vectors[2 + j][value] for j, value in enumerate(values)]
    )
    pairs = sum((vectors[i] * vectors[j]).sum(1) for i in range(4) for j in range(i))
    np.testing.assert_allclose(machine.logits(dense, values), pairs / np.sqrt(6 * 2))


def test_commoner_values_come_first():
    machine = HiddenMachine.draw(RECIPE, seed=0)
    _, values = machine.sample(np.random.default_rng(0), 10_000)
    counts = np.bincount(values[0], minlength=50)
    assert counts[0] > counts[1] > counts[10] > counts[40]


def test_held_out_rows_vary_less_from_draw_to_draw_than_independent_ones(tmp_path):
    machine, rows, spreads = HiddenMachine.draw(RECIPE, seed=0), 1000, {}
    for write in (write_clicks, write_stratified_clicks):
        means = []
        for draw in range(20):
            write(tmp_path / "day_0_00", machine, np.random.default_rng(draw), rows)
            means.append(read_labels(tmp_path / "day_0_00").mean())
        spreads[write] = np.std(means)
    assert spreads[write_stratified_clicks] < spreads[write_clicks] / 3


def test_held_out_rows_have_as_many_clicks_as_independent_ones(tmp_path):
    machine, rows = HiddenMachine.draw(RECIPE, seed=0), 20_000
    shares = []
    for write in (write_clicks, write_stratified_clicks):
        write(tmp_path / "day_0_00", machine, np.random.default_rng(1), rows)
        shares.append(read_labels(tmp_path / "day_0_00").mean())
    assert shares[0] == pytest.approx(shares[1], abs=0.015)


def read_labels(path):
    return np.array([int(line.split("\t")[0]) for line in path.read_text().splitlines()])
