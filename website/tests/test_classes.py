"""Which leaderboards a version has, on which of them an entry stands, and what is kept of it."""

import shutil
import zipfile
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from mlgolf_site.contests.services import add_contest, add_version, shipped_folder, starter_folder
from mlgolf_site.submitting import improved_name, submit
from uploads import folder_zip

from mlgolf.core.errors import RulesError, SubmissionError

pytestmark = pytest.mark.django_db


@pytest.fixture
def handed_in(board, person):
    content = folder_zip(starter_folder(board.version))
    kim = person("kim")

    def hand_in(name, framework):
        return submit(
            board, owner=kim, name=name, file="a.zip", content=content, framework=framework
        ).entry

    return hand_in


def changed(folder, tmp_path, old, new):
    made = tmp_path / folder.name
    shutil.copytree(folder, made)
    rules = made / "competition.toml"
    assert old in rules.read_text()
    rules.write_text(rules.read_text().replace(old, new, 1))
    return made


def names(version):
    return [board.name for board in version.boards.all()]


def test_an_entry_stands_among_those_of_its_framework(handed_in):
    assert [handed_in(*one).board.name for one in (("a", "torch"), ("b", "jax"))] == ["", "jax"]


def test_a_framework_is_shown_once_somebody_has_submitted_in_it(handed_in, contest):
    def links():
        page = Client().get(contest.get_absolute_url()).content.decode()
        return f'href="{contest.get_absolute_url()}?board=jax"' in page

    before = links()
    handed_in("b", "jax")
    assert (before, links()) == (False, True)


def test_where_frameworks_are_compared_there_is_one_board_of_both(contest, game_folder, tmp_path):
    folder = changed(game_folder, tmp_path, "[rules]", '[rules]\nframeworks = "together"')
    assert names(add_version(contest, folder)) == [""]


def test_each_way_of_tuning_has_a_board(db, tmp_path):
    version = add_contest(shipped_folder("mini", tmp_path))
    assert names(version) == ["", "jax", "self", "self-jax"]
    assert version.boards.get(name="self").ruleset == "self"


def test_a_cell_that_is_called_as_another_board_is_refused(contest, game_folder, tmp_path):
    folder = changed(
        game_folder, tmp_path, "[rules]", '[cells.jax]\nbounds.cancer.budget_seconds = 2\n\n[rules]'
    )
    with pytest.raises(RulesError, match="two leaderboards would be called 'jax'"):
        add_version(contest, folder)


def test_the_form_asks_for_class_and_framework(contest, person):
    client = Client()
    client.force_login(person("kim"))
    page = client.get(f"{contest.get_absolute_url()}submit/?board=jax").content.decode()
    assert '<option value="jax" selected>JAX</option>' in page
    assert page.count('<option value="" selected>main: ') == 1


# --- what is kept of an upload ---


def test_a_module_of_any_name_is_kept_as_it_was_checked(board, person):
    code = b"def play(game):\n    game.submit({})\n"
    entry = submit(board, owner=person("kim"), name="mine", file="sgd.py", content=code).entry
    with default_storage.open(entry.archive) as file, zipfile.ZipFile(file) as archive:
        assert archive.namelist() == ["mine/submission.py"]


# --- when nothing is taken, and what it is called ---


def test_a_contest_whose_boards_are_final_takes_no_entries(board, contest, person):
    contest.final_after = timezone.now() - timedelta(minutes=1)
    contest.save()
    board.refresh_from_db()
    kim, code = person("kim"), b"def play(game):\n    game.submit({})\n"
    with pytest.raises(SubmissionError, match="its boards are final since"):
        submit(board, owner=kim, name="late", file="a.py", content=code)
    client = Client()
    client.force_login(kim)
    page = client.get(f"{contest.get_absolute_url()}submit/").content.decode()
    assert "No entry is taken now: its boards are final since" in page


@pytest.mark.parametrize(("name", "improved"), [
    ("sgd", "sgd-2"), ("sgd-1", "sgd-2"), ("sgd-7", "sgd-8"), ("sgd-2026x", "sgd-2026x-2"),
])  # fmt: skip
def test_an_improved_version_has_the_next_number(board, person, name, improved):
    code = b"def play(game):\n    game.submit({})\n"
    run = submit(board, owner=person("kim"), name=name, file="a.py", content=code)
    assert improved_name(run.entry) == improved
