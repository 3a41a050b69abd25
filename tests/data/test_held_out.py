"""Draws of held-out data: unknown to a submission, the same for whoever knows the draw."""

import os
import stat
from dataclasses import replace

import numpy as np
import pytest

from mlgolf.core.errors import DataError
from mlgolf.core.registry import load_workload
from mlgolf.data import held_out, layout

DRAW = 12345


@pytest.fixture(scope="module")
def linear():
    return load_workload("linear")


@pytest.fixture
def data(linear, tmp_path):
    layout.ensure(linear, "mini", tmp_path)
    return tmp_path


def rows(linear, data_dir, split, draw=None):
    folder = (
        layout.prepared_folder(linear, "mini", data_dir)
        if draw is None
        else held_out.folder(linear, "mini", data_dir, draw)
    )
    return np.load(folder / split / "rows.npy")


def test_the_key_of_a_machine_is_for_its_owner_alone(tmp_path):
    held_out.draw_of(tmp_path, "run")
    assert stat.S_IMODE(os.stat(tmp_path / "held_out.key").st_mode) == 0o600


def test_a_run_has_one_draw_on_one_machine_and_another_on_another(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    assert held_out.draw_of(one, "run") == held_out.draw_of(one, "run")
    assert held_out.draw_of(one, "run") != held_out.draw_of(one, "next run")
    assert held_out.draw_of(one, "run") != held_out.draw_of(other, "run")


def test_held_out_rows_are_drawn_and_training_rows_stay_as_they_are(linear, data):
    held_out.ensure(linear, "mini", data, DRAW)
    same = {
        split: np.array_equal(rows(linear, data, split), rows(linear, data, split, DRAW))
        for split in ("train", "validation", "test")
    }
    assert same == {"train": True, "validation": False, "test": False}


def test_who_knows_the_draw_makes_the_same_data_elsewhere(linear, data, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    layout.ensure(linear, "mini", elsewhere)
    here = held_out.ensure(linear, "mini", data, DRAW)
    assert held_out.ensure(linear, "mini", elsewhere, DRAW) == here


def test_the_name_of_a_folder_does_not_tell_the_draw(linear, data):
    folder = held_out.folder(linear, "mini", data, DRAW)
    assert f"{DRAW:x}" not in str(folder)
    assert str(DRAW) not in str(folder)


def test_what_one_process_uses_another_does_not_remove(linear, data):
    held_out.ensure(linear, "mini", data, DRAW)
    folder = held_out.folder(linear, "mini", data, DRAW)
    child = os.fork()
    if child == 0:
        held_out._used.clear()  # the child's own hold, as another process has one
        held_out._use(folder.parent)
        held_out.remove(linear, "mini", data, DRAW)
        os._exit(0)
    os.waitpid(child, 0)
    assert folder.exists()
    held_out.remove(linear, "mini", data, DRAW)
    assert not folder.exists()


def test_several_processes_may_make_and_remove_one_draw_over_and_over(linear, data):
    def go_round() -> int:
        held_out._used.clear()
        for _ in range(150):
            held_out.ensure(linear, "mini", data, DRAW)
            held_out.remove(linear, "mini", data, DRAW)
        return 0

    children = []
    for _ in range(3):
        children.append(os.fork())
        if children[-1] == 0:
            code = 1
            try:
                code = go_round()
            finally:
                os._exit(code)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]


def in_another_process(act) -> None:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            held_out._used.clear()
            act()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_what_plans_need_is_kept_until_the_last_of_their_runs_has_ended(linear, data):
    of_draw = (linear, "mini", data, DRAW)
    one, other = data / "runs" / "one", data / "runs" / "an\nother"

    def planned() -> None:
        held_out.ensure(*of_draw)
        held_out.keep_for_plans(*of_draw, one)
        held_out.keep_for_plans(*of_draw, other)
        held_out.remove(*of_draw)

    in_another_process(planned)
    left = held_out.folder(*of_draw)
    held_out.ensure(linear, "mini", data, DRAW + 1)
    assert left.exists()
    held_out.ensure(*of_draw)
    held_out.plans_ended(*of_draw, one)
    held_out.remove(*of_draw)
    assert left.exists()
    held_out.plans_ended(*of_draw, other)
    held_out.ensure(linear, "mini", data, DRAW + 2)
    assert not left.exists()
    assert not list(left.parents[1].glob(f"{left.parent.name}*"))


def test_what_plans_need_is_named_with_their_run_beside_it(linear, data):
    held_out.keep_for_plans(linear, "mini", data, DRAW, data / "run")
    drawn = held_out.folder(linear, "mini", data, DRAW).parent
    assert drawn.with_name(f"{drawn.name}.planned").read_text() == f'"{data / "run"}"\n'


def test_what_a_killed_run_left_is_removed_by_the_next_draw(linear, data):
    child = os.fork()
    if child == 0:
        held_out.ensure(linear, "mini", data, DRAW)
        os._exit(0)
    os.waitpid(child, 0)
    left = held_out.folder(linear, "mini", data, DRAW)
    assert left.exists()
    held_out.ensure(linear, "mini", data, DRAW + 1)
    assert not left.exists()


def test_a_draw_from_other_numbers_than_spec_py_has_now_is_refused(linear, data):
    held_out.ensure(linear, "mini", data, DRAW)
    mini = linear.size("mini")
    noisier = replace(mini, data=replace(mini.data, noise=0.2))
    changed = replace(linear, sizes={**linear.sizes, "mini": noisier})
    with pytest.raises(DataError, match=r"data\.noise 0\.1 -> 0\.2\. Run: rm -r "):
        held_out.ensure(changed, "mini", data, DRAW)


def test_a_draw_is_known_as_shown_though_a_full_disk_cut_an_earlier_line(tmp_path):
    (tmp_path / "held_out.shown").write_text(f"{DRAW:x}\nabc")
    held_out.mark_as_shown(tmp_path, DRAW + 1)
    assert held_out.is_shown(tmp_path, DRAW)
    assert held_out.is_shown(tmp_path, DRAW + 1)


def test_a_key_that_was_cut_short_is_refused(tmp_path):
    held_out.draw_of(tmp_path, "run")
    key = tmp_path / held_out.KEY_NAME
    key.write_bytes(key.read_bytes()[:7])
    with pytest.raises(DataError, match=r"held_out\.key: has 7 bytes, .* has 32"):
        held_out.draw_of(tmp_path, "run")
