"""Examples of a game: from a host's file to splits, and what is wrong with a file."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlgolf.core.errors import DataError, RulesError
from mlgolf.core.registry import played_workload
from mlgolf.core.workload import Outputs, Workload
from mlgolf.data import held_out, layout
from mlgolf.workloads.graph.metrics import Metrics

GRAPH = {
    "loss": "cross_entropy", "inputs": {"shape": [2], "dtype": "float32"},
    "layers": [{"name": "linear", "kind": "dense", "units": 2}],
}
CSV = "a,b,kind\n" + "".join(f"{n},{-n},{n % 2}\n" for n in range(10))


def workload(
    folder: Path, text: str | bytes = CSV, file: str = "d.csv", *,
    graph: Mapping[str, Any] = GRAPH, **more: Any,
) -> Workload:
    content = text.encode() if isinstance(text, str) else text
    (folder / file).write_bytes(content)
    data = {
        "file": file, "sha256": hashlib.sha256(content).hexdigest(), "targets": "kind",
        "train": 6, "twin": 4, "licence": "CC0-1.0", "origin": "this test", **more,
    }
    return played_workload("graph", "game", {"graph": graph, "data": data}, folder)


def open_task(folder: Path, text: str | bytes, *, classes: int, **data: Any) -> Workload:
    """A text whose model the contestant brings."""
    content = text.encode() if isinstance(text, str) else text
    (folder / "d.txt").write_bytes(content)
    data = {
        "file": "d.txt", "sha256": hashlib.sha256(content).hexdigest(), "licence": "CC0-1.0",
        "origin": "this test", **data,
    }
    task = {"inputs": {"shape": [data.get("window", 2)], "dtype": "int32"}, "num_classes": classes}
    return played_workload("onnx", "game", {"data": data, **task}, folder)


def split(game: Workload, folder: Path, name: str) -> dict[str, np.ndarray]:
    layout.ensure(game, "game", folder)
    place = layout.prepared_folder(game, "game", folder) / name
    return next(iter(game.data().open_split(place, game.size("game"), name).eval_batches()))


def test_every_example_is_in_the_training_split_or_the_twin_set(tmp_path):
    game = workload(tmp_path)
    train, twin = (split(game, tmp_path / "data", name) for name in ("train", "test"))
    assert train["inputs"].shape == (6, 2)
    assert sorted([*train["inputs"][:, 0], *twin["inputs"][:, 0]]) == list(range(10))
    assert (train["inputs"][:, 0] % 2 == train["targets"]).all()


def test_each_split_says_which_rows_of_the_source_it_has(tmp_path):
    game = workload(tmp_path)
    train = split(game, tmp_path / "data", "train")
    folder = layout.prepared_folder(game, "game", tmp_path / "data")
    assert np.load(folder / "train" / "rows.npy").tolist() == train["inputs"][:, 0].tolist()


def test_rows_that_a_host_left_out_are_in_no_split_and_the_others_stay(tmp_path):
    before = split(workload(tmp_path), tmp_path / "data", "train")["inputs"][:, 0]
    fewer = workload(tmp_path, train=5, leave_out=[int(before[2])])
    after = split(fewer, tmp_path / "data", "train")["inputs"][:, 0]
    assert after.tolist() == np.delete(before, 2).tolist()


def test_an_npz_is_read_by_the_names_of_its_arrays(tmp_path):
    np.savez(tmp_path / "d.npz", x=np.ones((10, 2)), kind=np.zeros(10))
    content = (tmp_path / "d.npz").read_bytes()
    game = workload(tmp_path, content, "d.npz", inputs="x")
    assert split(game, tmp_path / "data", "train")["inputs"].tolist() == [[1, 1]] * 6


def test_a_text_is_one_example_for_each_character_after_those_before_it(tmp_path):
    data = {"window": 2, "train": 5, "twin": 2, "order": "as_given"}
    game = open_task(tmp_path, "abcab\nc", classes=5, **data)
    train = split(game, tmp_path / "data", "train")
    # In order of their code points: line feed 1, a 2, b 3, c 4. 0 is before the text.
    assert train["inputs"].tolist() == [[0, 0], [0, 2], [2, 3], [3, 4], [4, 2]]
    assert train["targets"].tolist() == [2, 3, 4, 2, 3]
    assert split(game, tmp_path / "data", "test")["targets"].tolist() == [1, 4]


def test_a_text_that_is_no_utf_8_is_refused_with_the_byte(tmp_path):
    game = open_task(tmp_path, b"ab\xff", classes=5, window=2, train=2, order="as_given")
    with pytest.raises(DataError, match=r"d\.txt, byte 2: no UTF-8"):
        layout.ensure(game, "game", tmp_path / "data")


def test_a_text_without_a_window_is_refused(tmp_path):
    with pytest.raises(RulesError, match=r"a \.txt needs a window"):
        open_task(tmp_path, "abc", classes=5, train=2)


def test_standardised_inputs_have_mean_0_and_spread_1_over_the_training_data(tmp_path):
    inputs = split(workload(tmp_path, standardise=True), tmp_path / "data", "train")["inputs"]
    assert inputs.mean(axis=0) == pytest.approx(0, abs=1e-6)
    assert inputs.std(axis=0) == pytest.approx(1, abs=1e-6)


def test_other_data_lie_in_another_folder(tmp_path):
    one, other = workload(tmp_path), workload(tmp_path, CSV + "10,-10,0\n")
    folders = {layout.prepared_folder(game, "game", tmp_path) for game in (one, other)}
    assert len(folders) == 2


def test_a_blind_game_draws_all_its_splits_anew(tmp_path):
    game = workload(tmp_path, blind=True)
    layout.ensure(game, "game", tmp_path / "data")
    seen = set()
    for draw in (1, 2):
        held_out.ensure(game, "game", tmp_path / "data", draw)
        folder = held_out.folder(game, "game", tmp_path / "data", draw)
        seen.add(tuple(np.load(folder / "train" / "inputs.npy")[:, 0]))
    assert len(seen) == 2


GENERATE = """
import numpy as np

def generate(rng):
    inputs = rng.normal(size=(10, 2))
    return {"inputs": inputs, "kind": inputs[:, 0] > 0}
"""


def inputs_of(game: Workload, folder: Path, draw: int) -> list:
    layout.ensure(game, "game", folder)
    held_out.ensure(game, "game", folder, draw)
    drawn = held_out.folder(game, "game", folder, draw)
    return np.load(drawn / "train" / "inputs.npy").tolist()


def test_a_program_of_the_host_makes_both_splits(tmp_path):
    game = workload(tmp_path, GENERATE, "generate.py")
    for part, count in (("train", 6), ("test", 4)):
        found = split(game, tmp_path / "data", part)
        assert found["targets"].tolist() == (found["inputs"][:, 0] > 0).tolist()
        assert len(found["inputs"]) == count


def test_a_program_of_the_host_makes_other_examples_for_each_draw(tmp_path):
    game = workload(tmp_path, GENERATE, "generate.py", blind=True)
    one, other = (inputs_of(game, tmp_path / "data", draw) for draw in (1, 2))
    assert not np.isin(one, other).any()


def test_a_program_of_the_host_makes_the_same_examples_for_the_same_draw(tmp_path):
    game = workload(tmp_path, GENERATE, "generate.py", blind=True)
    one, two = (inputs_of(game, tmp_path / name, 1) for name in ("one", "two"))
    assert one == two


def test_a_split_seed_decides_what_is_made_where_a_game_is_not_blind(tmp_path):
    found = [
        split(workload(tmp_path, GENERATE, "generate.py", split_seed=seed), tmp_path / "data",
              "train")["inputs"].tolist()
        for seed in (1, 2)
    ]  # fmt: skip
    assert not np.isin(*found).any()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def generate(rng):\n    return {'x': 1 / 0}", r"generate\.py, line 2: ZeroDivisionError"),
        ("import json\n\njson.loads('x')", r"generate\.py, line 3: JSONDecodeError"),
        ("def generate(rng)\n", r"generate\.py, line 1: SyntaxError"),
        ("import no_such_module_anywhere", r"generate\.py, line 1: ModuleNotFoundError"),
        ("make = 1", r"has no function generate\(rng\)"),
        ("def generate(rng):\n    return 3", r"returned int, expected arrays by name"),
        ("def generate(rng):\n    return {'inputs': [1]}", r"no array of numbers.* as 'inputs'"),
        (GENERATE.replace('"kind"', '"label"'), r"no array 'kind'; it has inputs, label"),
        (GENERATE.replace("> 0}", "[:9] > 0}"), r"found 10 inputs and 9 targets"),
        (GENERATE.replace("rng.normal", "np.random.normal"), r"'inputs' differs from call to call"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_program_is_said_with_its_place(tmp_path, text, said):
    with pytest.raises(DataError, match=said):
        layout.ensure(workload(tmp_path, text, "generate.py"), "game", tmp_path / "data")


def test_rows_of_examples_that_each_run_has_for_itself_cannot_be_left_out(tmp_path):
    with pytest.raises(RulesError, match="leave_out names rows"):
        workload(tmp_path, GENERATE, "generate.py", blind=True, leave_out=[1])


TEN = "a,b,kind\n" + "".join(f"{n},{-n},{n}\n" for n in range(10))
TEN_CLASSES = {**GRAPH, "layers": [{"name": "linear", "kind": "dense", "units": 10}]}


def names_of(game: Workload, folder: Path, draw: int) -> list[int]:
    """What each class of the file is called in both splits of a draw."""
    layout.ensure(game, "game", folder)
    held_out.ensure(game, "game", folder, draw)
    drawn = held_out.folder(game, "game", folder, draw)
    names = {}
    for part in ("train", "test"):
        rows, targets = (np.load(drawn / part / f"{name}.npy") for name in ("rows", "targets"))
        names |= dict(zip(rows.tolist(), targets.tolist(), strict=True))
    return [names[row] for row in range(10)]


@pytest.mark.parametrize("draw", [0, 1, 2**128 - 1])
def test_classes_are_renamed_by_a_permutation_that_the_draw_alone_determines(tmp_path, draw):
    game = workload(tmp_path, TEN, graph=TEN_CLASSES, blind=True, permute_labels=True)
    names = names_of(game, tmp_path / "one", draw)
    assert sorted(names) == list(range(10))
    assert names_of(game, tmp_path / "two", draw) == names


def test_each_draw_has_its_own_names_of_classes(tmp_path):
    game = workload(tmp_path, TEN, graph=TEN_CLASSES, blind=True, permute_labels=True)
    one, other = (names_of(game, tmp_path / "data", draw) for draw in (1, 2))
    assert one != other


def test_classes_keep_their_names_where_nothing_else_is_asked(tmp_path):
    game = workload(tmp_path, TEN, graph=TEN_CLASSES, blind=True)
    assert names_of(game, tmp_path / "data", 1) == list(range(10))


def test_a_draw_has_the_same_examples_with_renamed_classes_and_without(tmp_path):
    found = []
    for renamed in (False, True):
        game = workload(tmp_path, blind=True, permute_labels=renamed)
        layout.ensure(game, "game", tmp_path / "data")
        held_out.ensure(game, "game", tmp_path / "data", 1)
        folder = held_out.folder(game, "game", tmp_path / "data", 1)
        found.append(np.load(folder / "train" / "rows.npy").tolist())
    assert found[0] == found[1]


def test_a_target_that_does_not_count_is_renamed_to_nothing_else(tmp_path):
    one = TEN.replace("3,-3,3", "3,-3,-1")
    game = workload(tmp_path, one, graph=TEN_CLASSES, blind=True, permute_labels=True)
    assert names_of(game, tmp_path / "data", 1).index(-1) == 3


def test_the_names_of_classes_are_only_drawn_where_examples_are(tmp_path):
    with pytest.raises(RulesError, match="permute_labels needs blind = true"):
        workload(tmp_path, permute_labels=True)


def test_measured_numbers_have_no_names_to_permute(tmp_path):
    with pytest.raises(RulesError, match="found the loss 'squared_error', allowed is 'cross_en"):
        workload(
            tmp_path, graph={**GRAPH, "loss": "squared_error"}, blind=True, permute_labels=True
        )


@pytest.mark.parametrize(
    ("text", "more", "said"),
    [
        (CSV.replace("3,-3", "3,x"), {}, r"line 5, column b: found 'x', expected a number"),
        (CSV.replace("3,-3,1", "3,-3"), {}, r"line 5: found 2 cells, line 1 has 3"),
        (CSV, {"targets": "label"}, r"line 1: no column 'label'; it has a, b, kind"),
        (CSV.replace("3,-3,1", "3,-3,2"), {}, r"found the class 2, the model's output has classes"),
        (CSV.replace("3,-3", "nan,-3"), {}, r"inputs of example 3 .* are not all finite"),
        (CSV, {"train": 8}, r"found 10 examples; train = 8 and twin = 4 ask for 12"),
        (CSV, {"sha256": "0" * 64}, r"its SHA-256 is .*, data.toml has 000"),
        ("a,kind\n" + "1,0\n" * 10, {}, r"an example has the shape \(1,\), the model's inputs"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_said_with_its_place(tmp_path, text, more, said):
    with pytest.raises(DataError, match=said):
        layout.ensure(workload(tmp_path, text, **more), "game", tmp_path / "data")


def test_a_definition_lists_all_that_is_wrong_with_it(tmp_path):
    with pytest.raises(RulesError) as caught:
        workload(tmp_path, train=0, colour="red")
    assert "data.train" in str(caught.value)
    assert "data.colour" in str(caught.value)


def test_the_worst_example_counts_in_whatever_batch_it_is(tmp_path):
    size = workload(tmp_path).size("game")
    metrics = Metrics(size)
    for losses in ([0.1, 2.0], [0.3, 0.2]):
        logits = np.array([[1.0, 0.0], [1.0, 0.0]])
        batch = {"inputs": np.zeros((2, 2)), "targets": np.array([0, 1])}
        metrics.update(Outputs(logits, np.array(losses)), batch)
    assert metrics.result() == pytest.approx({"loss": 0.65, "loss_max": 2.0, "error_rate": 0.5})


def test_a_loss_that_is_nan_is_the_worst(tmp_path):
    metrics = Metrics(workload(tmp_path).size("game"))
    batch = {"inputs": np.zeros((2, 2)), "targets": np.array([0, 1])}
    metrics.update(Outputs(np.zeros((2, 2)), np.array([np.nan, 0.1])), batch)
    assert np.isnan(metrics.result()["loss_max"])
    assert np.isnan(metrics.result()["loss"])
