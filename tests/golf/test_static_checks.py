import hashlib
import re
from datetime import date

import pytest
from small_games import checked, game, said
from written_rulings import write

from mlgolf.core.competition import load_competition
from mlgolf.golf.check import check_game
from mlgolf.workloads.graph.data import ANOTHER_GAME

L2 = 'objective = "l2"'


def places(found):
    return {(finding.file, finding.line) for finding in found.findings}


def test_a_game_that_is_fine_has_no_finding(tmp_path):
    found = checked(tmp_path)
    assert found.findings == ()
    assert found.skipped == ("baseline: not played, as --no-play asks",)


def test_faults_of_three_files_are_found_at_once(tmp_path):
    found = checked(
        tmp_path, competition=(L2, 'objective = "l3"'), graph=("units = 3", "units = 0"),
        data=('licence = "Apache-2.0"', 'licence = ""'),
    )
    assert places(found) == {("competition.toml", 9), ("graph.toml", 10), ("data.toml", 6)}


def test_syntax_errors_of_several_files_are_found_at_once(tmp_path):
    found = checked(
        tmp_path, competition=("size =", "size"), graph=("units = 3", "units = = 3"),
        data=("train = 50", "="),
    )
    assert places(found) == {("competition.toml", 5), ("graph.toml", 10), ("data.toml", 4)}
    assert all(finding.what.startswith("not TOML") for finding in found.findings)


def test_an_unknown_measure_is_named_with_those_that_there_are(tmp_path):
    found = checked(tmp_path, competition=('y = "train_loss_max"', 'y = "train_loss_mox"'))
    line = said(found, "train_loss_mox")
    assert line.startswith("competition.toml:12: rules.constraints.#2.quantity: unknown quantity")
    assert "Did you mean train_loss_max" in line


def test_all_bounds_that_are_wrong_are_found(tmp_path):
    found = checked(tmp_path, competition=("train_loss_max = 0.7", "train_los_max = 0.7"))
    unused = said(found, "found 'train_los_max', which no constraint uses")
    assert "competition.toml:33" in unused
    assert "Did you mean train_loss_max" in unused
    assert "competition.toml:33" in said(found, "found no 'train_loss_max'")


def test_a_missing_licence_is_found(tmp_path):
    found = checked(tmp_path, data=('licence = "Apache-2.0"\n', ""))
    assert said(found, "licence") == "data.toml: licence: Field required"


@pytest.mark.parametrize("licence", ["", "unknown", "TODO"])
def test_a_licence_that_says_nothing_is_none(tmp_path, licence):
    found = checked(tmp_path, data=('"Apache-2.0"', f'"{licence}"'))
    assert said(found, "name the licence").startswith("data.toml:6: licence: found")


def test_a_missing_data_file_is_found_once(tmp_path):
    found = checked(tmp_path, data=('"points.csv"', '"pionts.csv"'))
    assert said(found, "pionts.csv").startswith("data.toml:1: file: pionts.csv: No such file")
    assert len(found.findings) == 1


def test_a_hash_that_differs_is_shown_with_the_one_that_the_file_has(tmp_path):
    found = checked(tmp_path, data=("589934904175425b1b7675f65f411f6c", "0" * 32))
    line = said(found, "SHA-256")
    assert line.startswith("data.toml:2: sha256: found 00000000")
    assert "589934904175425b1b7675f65f411f6c" in line
    assert line.endswith(ANOTHER_GAME)


def test_the_key_that_is_to_be_raised_where_data_changed_is_one_of_the_rules(tmp_path):
    (key,) = re.findall("`(.*)`", ANOTHER_GAME)
    folder = game(tmp_path, competition=('size = "', f'{key} = 2\nsize = "'))
    assert load_competition(folder).round == 2


def test_a_program_that_cannot_make_its_examples_is_found_in_its_line(tmp_path):
    folder = game(tmp_path, data=('file = "points.csv"', 'file = "generate.py"'))
    text = "def generate(rng):\n    return {'inputs': rng.norm(9)}\n"
    (folder / "generate.py").write_text(text)
    data = (folder / "data.toml").read_text()
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    (folder / "data.toml").write_text(re.sub('sha256 = "[^"]*"', f'sha256 = "{sha256}"', data))
    found = check_game(str(folder), folder / "data", play=False)
    assert said(found, "AttributeError").startswith("generate.py:2")


def test_a_bad_number_in_the_data_is_found_in_its_line(tmp_path):
    points = "a,b,c,kind\n1,2,3,0\n1,x,3,1\n"
    found = checked(tmp_path, points=points, data=("train = 50\ntwin = 49", "train=2"))
    assert said(found, "found 'x', expected a number").startswith("points.csv:3")


def test_too_few_examples_are_found(tmp_path):
    found = checked(tmp_path, data=("train = 50", "train = 500"))
    assert said(found, "ask for 549").startswith("data.toml: workloads.points: found 99 examples")


def test_an_unknown_hardware_class_is_found(tmp_path):
    found = checked(tmp_path, competition=('"one-thread-cpu"', '"abacus"'))
    assert said(found, "abacus").startswith("competition.toml:18: rules.hardware: unknown hardware")


def test_an_unknown_workload_is_found(tmp_path):
    found = checked(tmp_path, competition=('workload = "graph"', 'workload = "grpah"'))
    assert said(found, "grpah").startswith("competition.toml:28: workloads.points.workload")


def test_a_definition_for_a_workload_that_takes_none_is_found(tmp_path):
    found = checked(tmp_path, competition=('workload = "graph"', 'workload = "criteo1tb"'))
    assert said(found, "takes no definition").startswith("competition.toml")


def test_a_metric_that_is_not_measured_is_found(tmp_path):
    found = checked(tmp_path, competition=('metric = "error_rate"', 'metric = "recall"'))
    line = said(found, "recall")
    assert line.startswith("competition.toml:29: workloads.points.metric: found 'recall'")
    assert "error_rate" in line


def closing(tmp_path, day, today):
    dates = f'size = "game"\nopens = 2024-01-01\ncloses = {day}'
    folder = game(tmp_path, competition=('size = "game"', dates))
    return check_game(str(folder), folder / "data", play=False, today=today)


def test_a_game_that_has_closed_is_found(tmp_path):
    found = closing(tmp_path, "2024-02-01", date(2024, 2, 2))
    assert said(found, "has passed").startswith("competition.toml:7: closes: found 2024-02-01")


def test_an_unknown_quantity_hides_no_fault_of_dates_data_or_examples(tmp_path):
    folder = game(
        tmp_path, points="a,b,c,kind\n1,2,3,0\n1,x,3,1\n", data=("train = 50", "train = 1"),
        competition=(L2, 'objective = "l3"'),
    )
    rules = folder / "competition.toml"
    rules.write_text(rules.read_text().replace('size = "', 'closes = 2024-02-01\nsize = "'))
    found = check_game(str(folder), folder / "data", play=False, today=date(2024, 2, 2))
    assert "unknown quantity 'l3'" in said(found, "objective")
    assert said(found, "closes").startswith("competition.toml:")
    assert said(found, "expected a number").startswith("points.csv:3")


def test_the_last_day_counts(tmp_path):
    assert closing(tmp_path, "2024-02-01", date(2024, 2, 1)).findings == ()


def test_a_game_does_not_close_before_it_opens(tmp_path):
    found = closing(tmp_path, "2023-12-31", date(2024, 2, 1))
    assert said(found, "allowed is 2024-01-01 (opens) or later").startswith("competition.toml:7: ")


def test_a_missing_baseline_is_found(tmp_path):
    folder = game(tmp_path)
    (folder / "baseline" / "entry.py").rename(tmp_path / "entry.py")
    found = check_game(str(folder), tmp_path / "data", play=False)
    assert said(found, "no entry.py").startswith("baseline/: ")
    (folder / "baseline").rmdir()
    found = check_game(str(folder), tmp_path / "data", play=False)
    assert said(found, "no such folder").startswith("baseline/: ")


def test_a_file_that_is_no_text_is_found(tmp_path):
    folder = game(tmp_path)
    (folder / "graph.toml").write_bytes(b"loss = 1\n\xff\n")
    found = check_game(str(folder), tmp_path / "data", play=False)
    assert said(found, "UTF-8").startswith("graph.toml:2")


def test_a_ruling_that_cannot_be_read_is_a_fault_of_the_game(tmp_path):
    folder = game(tmp_path)
    write(folder / "rulings", "R1", decision="banned")
    found = check_game(str(folder), tmp_path / "data", play=False)
    assert said(found, "Input should be 'accepted'").startswith("rulings/R1.toml: decision: ")
