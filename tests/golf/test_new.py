"""Games made from a host's own data."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mlgolf.core.competition import load_competition
from mlgolf.core.errors import DataError
from mlgolf.data import layout
from mlgolf.golf.examples import Wishes
from mlgolf.golf.games import division
from mlgolf.golf.new import Made, Request, new_game


def write_csv(path: Path, rows: list[list[object]]) -> Path:
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def easy_rows(count: int = 30) -> list[list[object]]:
    """Three kinds, far apart."""
    rng = np.random.default_rng(0)
    kinds = ["round", "flat", "odd"]
    rows = [
        [*np.round(rng.normal(size=2) * 0.1 + 5 * (number % 3), 3), kinds[number % 3]]
        for number in range(count)
    ]
    return [["width", "height", "kind"], *rows]


def made_from(source: Path, folder: Path, **wishes) -> Made:
    return new_game(
        Request(name="mine", source=source, folder=folder, wishes=Wishes(**wishes))
    )


def played_data(game: Path, tmp_path: Path) -> dict:
    """What an entry is given to train on."""
    competition = load_competition(game)
    workload, size = competition.workload_of("mine"), competition.size
    layout.make(workload, size, tmp_path / "data")
    layout.prepare(workload, size, tmp_path / "data")
    folder = next((tmp_path / "data").rglob("train/inputs.npy")).parent
    split = workload.data().open_split(folder, workload.size(size), "train")
    (batch,) = split.eval_batches()
    return {"graph": workload.size(size).model, **batch}


@pytest.fixture
def text(tmp_path) -> Path:
    file = tmp_path / "text.txt"
    file.write_text("\n".join(f"{n} squared is {n * n}" for n in range(40)), encoding="utf-8")
    return file


@pytest.fixture
def pictures(tmp_path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(15):
            pixels = rng.integers(0, 256, (12, 10), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{number:02}.png")
    return tmp_path / "pictures"


def test_words_as_targets_become_classes_and_the_file_says_which(tmp_path):
    game = made_from(write_csv(tmp_path / "a.csv", easy_rows()), tmp_path, target="kind").folder
    assert 'class 1 is "odd": 10 examples' in (game / "data.toml").read_text()
    played = played_data(game, tmp_path)
    assert set(played["targets"]) == {0, 1, 2}
    assert played["inputs"].shape == (24, 2)


def test_classes_that_do_not_start_at_0_are_numbered_anew(tmp_path):
    rows = [["x", "kind"], *([number, 3 + 4 * (number % 2)] for number in range(30))]
    game = made_from(write_csv(tmp_path / "a.csv", rows), tmp_path).folder
    assert set(played_data(game, tmp_path)["targets"]) == {0, 1}


def test_measured_targets_are_standardised_and_the_file_says_how(tmp_path):
    rows = [["x", "y"], *([number, 10.5 + number / 3] for number in range(40))]
    game = made_from(write_csv(tmp_path / "a.csv", rows), tmp_path).folder
    said = (game / "data.toml").read_text()
    mean, spread = map(float, re.search(r"\(target - (.*)\) / (.*)", said).groups())
    values = 10.5 + np.arange(40) / 3
    assert (mean, spread) == pytest.approx((values.mean(), values.std()))
    assert load_competition(game).workloads["mine"].bounds["train_loss"] == pytest.approx(0.01)


def test_bounds_come_from_the_loss_of_a_constant_answer(tmp_path):
    game = made_from(write_csv(tmp_path / "a.csv", easy_rows()), tmp_path).folder
    bounds = load_competition(game).workloads["mine"].bounds
    assert bounds["train_loss"] == pytest.approx(0.01 * np.log(3), rel=0.05)
    assert bounds["train_loss_max"] == pytest.approx(10 * bounds["train_loss"])
    assert "1.099 nats" in (game / "competition.toml").read_text()


def test_a_fifth_of_the_examples_is_the_twin_set(tmp_path):
    game = made_from(write_csv(tmp_path / "a.csv", easy_rows(50)), tmp_path).folder
    data = load_competition(game).workloads["mine"].definition["data"]
    assert (data["train"], data["twin"]) == (40, 10)


@pytest.mark.parametrize("objective", ["l2", "nonzeros"])
def test_a_new_game_keeps_models_and_records_the_other_measures(tmp_path, objective):
    source = write_csv(tmp_path / "a.csv", easy_rows())
    request = Request(name="mine", source=source, folder=tmp_path, objective=objective)
    rules = load_competition(new_game(request).folder).rules
    measures = {"l1", "l2", "frobenius", "nuclear", "nonzeros"}
    assert {*rules.recorded} == measures - {objective}
    assert rules.keep_model
    assert rules.code_bytes == load_competition("digits-l2").rules.code_bytes


def test_players_are_told_how_ml_golf_is_installed(tmp_path):
    game = made_from(write_csv(tmp_path / "a.csv", easy_rows()), tmp_path).folder
    said = (game / "README.md").read_text()
    assert said.index("make setup") < said.index(".venv/bin/activate") < said.index("mlgolf run")


def hidden_units(made: Made) -> int:
    graph = load_competition(made.folder).workload_of("mine").size("game").model
    return graph.tensors["hidden.bias"][0]


def test_measured_targets_get_a_network_that_grows_with_the_examples(tmp_path):
    rows = [["x", "y"], *([number, 0.5 + number / 3] for number in range(600))]
    made = made_from(write_csv(tmp_path / "a.csv", rows), tmp_path)
    assert hidden_units(made) == 200
    assert any("200 hidden units: units in graph.toml" in guess for guess in made.guesses)


def test_classes_get_a_network_of_32_units_for_any_number_of_examples(tmp_path):
    made = made_from(write_csv(tmp_path / "a.csv", easy_rows(600)), tmp_path)
    assert hidden_units(made) == 32


def test_players_are_told_no_number_of_examples_that_the_next_round_changes(tmp_path):
    game = made_from(write_csv(tmp_path / "a.csv", easy_rows(47)), tmp_path).folder
    said = (game / "README.md").read_text()
    assert not re.search(r"\b(38|9)\b", said)


@pytest.fixture
def long_text(tmp_path) -> Path:
    file = tmp_path / "long.txt"
    file.write_text("\n".join(f"{n} squared is {n * n}" for n in range(600)), encoding="utf-8")
    return file


def test_a_text_whose_bits_are_to_be_small_becomes_a_game_without_a_network(tmp_path, long_text):
    request = Request(name="mine", source=long_text, folder=tmp_path, objective="bits")
    game = new_game(request).folder
    competition = load_competition(game)
    task = competition.workload_of("mine").size("game").model
    assert division(competition) == "open"
    assert task.num_classes == len(set(long_text.read_text())) + 1
    assert (game / "text.txt").read_text() == long_text.read_text()
    assert not (game / "graph.toml").exists()


def test_what_was_guessed_of_an_open_game_is_said(tmp_path, long_text):
    request = Request(name="mine", source=long_text, folder=tmp_path, objective="bits")
    first, second, *_ = new_game(request).guesses
    assert first.startswith("an example is 64 characters")
    assert second == f"all {len(long_text.read_text())} characters are used; 20 of them differ"


def test_a_text_that_is_too_short_for_bits_is_refused(tmp_path, text):
    request = Request(name="mine", source=text, folder=tmp_path, objective="bits")
    with pytest.raises(DataError, match="a game of bits needs 10,000 or more"):
        new_game(request)


def test_bits_of_a_table_are_refused_in_words(tmp_path):
    source = write_csv(tmp_path / "a.csv", easy_rows())
    request = Request(name="mine", source=source, folder=tmp_path, objective="bits")
    with pytest.raises(DataError, match=r"--objective bits is for a text, \.txt or \.md"):
        new_game(request)


def test_images_are_convolved(tmp_path, pictures):
    game = made_from(pictures, tmp_path).folder
    played = played_data(game, tmp_path)
    assert played["inputs"].shape == (24, 1, 12, 10)
    assert 0 <= played["inputs"].min() < played["inputs"].max() <= 1
    assert played["graph"].layers[0].kind == "convolution"


def test_an_npz_of_colour_images_has_its_channels_first(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (30, 9, 7, 3), np.uint8)
    np.savez(tmp_path / "a.npz", pictures=images, labels=np.arange(30) % 2)
    game = made_from(tmp_path / "a.npz", tmp_path).folder
    played = played_data(game, tmp_path)
    assert played["inputs"].shape == (24, 3, 9, 7)
    assert {tuple(a.ravel()) for a in np.round(played["inputs"] * 255)} <= {
        tuple(np.moveaxis(image, 2, 0).ravel()) for image in images
    }


def test_a_character_of_a_text_follows_from_those_before_it(tmp_path, text):
    game = made_from(text, tmp_path).folder
    played = played_data(game, tmp_path)
    assert played["inputs"].dtype == np.int32
    assert played["graph"].layers[0].kind == "embedding"
    after: dict[bytes, set[int]] = {}
    for window, target in zip(played["inputs"], played["targets"], strict=True):
        after.setdefault(window.tobytes(), set()).add(int(target))
    assert all(len(targets) == 1 for targets in after.values())


def test_all_that_is_wrong_with_a_table_is_said_at_once(tmp_path):
    rows = easy_rows()
    rows[3][0], rows[5][1], rows[7][1] = "", "tall", "small"
    rows[9] = rows[9][:2]
    with pytest.raises(DataError) as error:
        made_from(write_csv(tmp_path / "a.csv", rows), tmp_path)
    said = str(error.value).splitlines()
    assert len(said) == 3
    assert "line 10: found 2 cells, line 1 has 3" in said[0]
    assert "line 4, column 'width': the value is missing (found '')" in said[1]
    assert "line 6, column 'height': found text: 'tall', 'small'" in said[2]


def test_a_target_that_is_not_there_lists_the_columns(tmp_path):
    with pytest.raises(DataError, match=r"no column 'colour'; it has width, height, kind"):
        made_from(write_csv(tmp_path / "a.csv", easy_rows()), tmp_path, target="colour")


def test_a_row_of_empty_cells_is_missing_and_a_blank_line_is_none(tmp_path):
    source = write_csv(tmp_path / "a.csv", [*easy_rows(), []])
    made_from(source, tmp_path)
    write_csv(source, [*easy_rows(), ["", "", ""]])
    with pytest.raises(DataError, match="line 32, column 'kind': the value is missing"):
        made_from(source, tmp_path / "other")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([["x", "kind"], *([n, "a"] for n in range(30))], "all targets are 'a'"),
        ([["x", "y"], *([n, 2.5] for n in range(30))], "all targets are 2.5"),
        (easy_rows(19), "found 19 rows; a game needs 20 or more"),
        ([["x", "x", "kind"], *([n, n, n % 2] for n in range(30))], "2 columns called 'x'"),
        ([["x;kind"], *([f"{n};{n % 2}"] for n in range(30))], "columns are separated by commas"),
        ([[n, n % 2] for n in range(30)], "the first line must name the columns"),
    ],
)
def test_tables_that_make_no_game_are_refused_in_words(tmp_path, rows, said):
    with pytest.raises(DataError, match=re.escape(said)):
        made_from(write_csv(tmp_path / "a.csv", rows), tmp_path)


def test_images_of_different_sizes_are_refused_with_one_of_each(tmp_path, pictures):
    Image.new("L", (3, 4)).save(pictures / "cats" / "odd.png")
    with pytest.raises(DataError, match=r"images have 2 sizes.*3 x 4 \(.*odd.png\)"):
        made_from(pictures, tmp_path)


def test_numbers_that_are_missing_in_arrays_are_counted(tmp_path):
    inputs = np.ones((30, 2))
    inputs[[4, 6], 1] = np.nan
    np.savez(tmp_path / "a.npz", inputs=inputs, targets=np.arange(30) % 2)
    with pytest.raises(DataError, match=r"2 examples have values .* the first is number 4"):
        made_from(tmp_path / "a.npz", tmp_path)


def test_nothing_is_overwritten_and_the_request_is_checked_with_the_data(tmp_path):
    (tmp_path / "mine").mkdir()
    request = Request(
        name="mine", source=tmp_path / "none.csv", folder=tmp_path, objective="params"
    )
    with pytest.raises(DataError) as error:
        new_game(request)
    said = str(error.value)
    assert "mine: is there already, and nothing is overwritten" in said
    assert "--objective: found 'params', allowed are artifact_bytes, frobenius, l1, l2, " in said
    assert "none.csv: there is no such file or folder" in said


def test_a_game_that_could_not_be_made_leaves_nothing_behind(tmp_path, monkeypatch):
    source = write_csv(tmp_path / "a.csv", easy_rows())
    monkeypatch.setattr("mlgolf.golf.new.BASELINES", ("no_such_file.py",))
    with pytest.raises(FileNotFoundError):
        made_from(source, tmp_path / "games")
    assert list((tmp_path / "games").iterdir()) == []


# --- examples that a program makes ---

GENERATE = """\
def generate(rng):
    inputs = rng.normal(size=(60, 3))
    return {"inputs": inputs, "targets": TARGETS}
"""


def program(tmp_path: Path, targets: str) -> Path:
    file = tmp_path / "halves.py"
    file.write_text(GENERATE.replace("TARGETS", targets), encoding="utf-8")
    return file


def test_a_program_that_makes_examples_becomes_a_blind_game(tmp_path):
    made = made_from(program(tmp_path, "(inputs.sum(axis=1) > 0).astype(int)"), tmp_path)
    declared = (made.folder / "data.toml").read_text(encoding="utf-8")
    assert 'file = "generate.py"' in declared
    assert "blind = true" in declared
    assert played_data(made.folder, tmp_path)["inputs"].shape == (48, 3)


def test_numbers_that_a_program_makes_are_targets_as_they_are(tmp_path):
    made = made_from(program(tmp_path, "100 * inputs[:, 0]"), tmp_path)
    assert np.abs(played_data(made.folder, tmp_path)["targets"]).max() > 50


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ("1 + (inputs.sum(axis=1) > 0).astype(int)", "found the classes 1, 2; expected are whole"),
        ("inputs", "targets are one number for each example"),
        ("rng.nowhere()", "line 3: AttributeError"),
    ],
)
def test_a_program_whose_examples_make_no_game_is_refused(tmp_path, targets, said):
    with pytest.raises(DataError, match=said):
        made_from(program(tmp_path, targets), tmp_path)
