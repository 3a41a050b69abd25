"""Boards for their hosts: frozen, judged anew, taken out; and draws that nobody can choose."""

import csv
import io
import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from mlgolf_site.boards.models import Standing
from mlgolf_site.boards.services import (
    counting,
    judge_anew,
    judge_waiting,
    made_again,
    refresh,
    take_in,
)
from mlgolf_site.contests.services import add_version, starter_folder
from mlgolf_site.entries.models import Entry, Run
from mlgolf_site.hosting import draws
from mlgolf_site.hosting.costs import costs_of
from mlgolf_site.hosting.editing import EditRefused, Settings, edit
from mlgolf_site.hosting.exporting import board_as_csv, bundles_as_zip
from mlgolf_site.jobs.models import Job, State
from mlgolf_site.jobs.services import enqueue
from mlgolf_site.submitting import submit
from uploads import ENTRY, folder_zip

from mlgolf.api.bundles import make_ledger
from mlgolf.results.bundles.writing import write_bundle

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="session")
def game_folder(game_folder, tmp_path_factory) -> Path:
    """The game of a second with bounds that its baseline keeps on any machine."""
    folder = tmp_path_factory.mktemp("easy") / "quick"
    shutil.copytree(game_folder, folder)
    rules = folder / "competition.toml"
    text = rules.read_text()
    for old, new in (("train_loss = 0.03 ", "train_loss = 0.65 "),
                     ("train_loss_max = 0.69 ", "train_loss_max = 90 ")):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    rules.write_text(text)
    return folder


@pytest.fixture(autouse=True)
def _no_ledger_is_left():
    yield
    shutil.rmtree(settings.SITE.ledger, ignore_errors=True)


@pytest.fixture(scope="session")
def played(game_folder, tmp_path_factory) -> Path:
    """A folder with mine, a shorter starter kit, and the bundle of a run of it."""
    place = tmp_path_factory.mktemp("played")
    shutil.copytree(game_folder / "baseline", place / "mine")
    entry = place / "mine" / "entry_torch.py"
    text = entry.read_text()
    assert text.count("range(2000)") == 1
    entry.write_text(text.replace("range(2000)", "range(100)"))
    subprocess.run(
        [sys.executable, "-m", "mlgolf.cli.main", "run", "mine", "--competition", str(game_folder),
         "--out", str(place / "run")],
        cwd=place, check=True, capture_output=True,
    )
    write_bundle(place / "run", place / "run.mlgolf.zip", None)
    return place


@pytest.fixture
def judged(board, person, played) -> Run:
    """A run with its result, on the board."""
    run = submit(board, owner=person("kim"), name="mine", file="a.zip",
                 content=folder_zip(played / "mine"))
    take_in(run, played / "run.mlgolf.zip")
    refresh(board)
    board.refresh_from_db()
    return Run.objects.get(pk=run.pk)


def test_a_board_that_is_final_keeps_the_runs_that_ended_in_time(judged, board, contest):
    late = enqueue(judged.entry)
    Run.objects.filter(pk=judged.pk).update(ended=timezone.now() - timedelta(hours=2), counts=False)
    Run.objects.filter(pk=late.pk).update(ended=timezone.now(), counts=True)
    contest.final_after = timezone.now() - timedelta(hours=1)
    contest.save()
    board.version.contest.refresh_from_db()
    assert list(counting(board)) == [judged]
    board.has_changed()
    refresh(board)
    assert board.entries.get().standings.filter(snapshot__shown_on=board).count() == 1
    page = Client().get(contest.get_absolute_url()).content.decode()
    assert "<strong>Final</strong>" in page
    contest.final_after = None
    contest.save()
    board.version.contest.refresh_from_db()
    assert list(counting(board)) == [late]


def test_judging_anew_gives_the_same_result_and_moves_nothing(judged, board, host, contest):
    before = (judged.results, judged.ended, judged.counts)
    standing = Standing.objects.get().view
    Run.objects.filter(pk=judged.pk).update(results="[]")
    answer = host.post(f"/c/{contest.slug}/host/judge/", {"board": str(board.pk), "entry": ""})
    assert answer.status_code == 302
    assert "1 run waits to be judged anew" in host.get(f"/c/{contest.slug}/host/").content.decode()
    assert judge_waiting() == 1
    judged.refresh_from_db()
    assert (judged.results, judged.ended, judged.counts, judged.judging_anew) == (*before, "")
    assert refresh(board).standings.get().view == standing


def test_a_run_that_is_judged_anew_does_not_come_back_in_place_of_a_newer_one(judged):
    read_before = Run.objects.select_related("entry__board__version__contest").get(pk=judged.pk)
    Run.objects.filter(pk=judged.pk).update(counts=False)  # a newer one was delivered meanwhile
    made_again(read_before)
    judged.refresh_from_db()
    assert not judged.counts


def test_a_run_whose_bundle_is_gone_keeps_its_result_and_says_so(judged):
    (settings.SITE.files / judged.bundle).unlink()
    assert judge_anew(Run.objects.all()) == 1
    judge_waiting()
    before = judged.results
    judged.refresh_from_db()
    assert judged.results == before
    assert judged.judging_anew.startswith("could not be judged anew")


def test_a_board_is_played_again_without_what_waits_already(judged, board, host, contest, lee):
    at = f"/c/{contest.slug}/host/judge/"
    Job.objects.update(state=State.DONE)
    content = folder_zip(starter_folder(board.version))
    waiting = submit(board, owner=lee, name="waits", file="a.zip", content=content)
    answer = host.post(at, {"board": str(board.pk), "entry": "", "play": "1"}, follow=True)
    assert "1 entry will be played again." in answer.content.decode()
    assert judged.entry.runs.count() == 2
    assert waiting.entry.runs.count() == 1
    answer = host.post(at, {"board": "", "entry": "waits", "play": "1"})
    assert "waits waits for a worker already" in answer.content.decode()


def test_an_entry_that_there_is_not_is_not_judged(host, contest):
    answer = host.post(f"/c/{contest.slug}/host/judge/", {"board": "", "entry": "nobodys"})
    assert answer.status_code == 422
    assert "has no entry &#x27;nobodys&#x27;" in answer.content.decode()


def test_a_board_is_taken_out_as_it_is_shown(judged, board, contest):
    answer = Client().get(f"/c/{contest.slug}/board.json").json()
    (row,) = answer["rows"]
    assert (row["entry"], row["row"]) == ("mine", Standing.objects.get().view)
    assert row["runs"][0]["bundle_sha256"] == judged.bundle_sha256
    (line,) = csv.DictReader(io.StringIO(board_as_csv(board)))
    assert (line["entry"], line["rank"]) == ("mine", row["rank"])
    assert float(line["value"]) == row["value"]


def test_no_cell_of_a_table_is_a_formula(judged, board):
    Standing.objects.update(rank="=1+1")
    (line,) = csv.DictReader(io.StringIO(board_as_csv(board)))
    assert line["rank"] == "'=1+1"


def test_all_bundles_of_a_board_are_in_one_zip(judged, board, host, contest):
    content = b"".join(bundles_as_zip(board))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        bundle = archive.read(f"{contest.slug}/{judged.folder_name}.mlgolf.zip")
    assert names[:2] == [f"{contest.slug}/board.json", f"{contest.slug}/board.csv"]
    assert bundle == (settings.SITE.files / judged.bundle).read_bytes()
    answer = host.get(f"/c/{contest.slug}/bundles.zip")
    assert len(b"".join(answer)) == len(content)


def test_a_host_sees_which_examples_cost_most(judged, host):
    shutil.rmtree(judged.folder)
    (found,) = costs_of(judged)
    losses = [one["loss"] for one in found.costliest]
    assert losses == sorted(losses, reverse=True)
    assert found.examples > len(losses) > 0
    page = host.get(judged.entry.get_absolute_url()).content.decode()
    assert "Which examples cost most" in page


# --- draws ---


def test_commitments_of_the_ledger_stand_on_the_page_of_a_competition(
    host, contest, game_folder, tmp_path
):
    assert host.post(f"/c/{contest.slug}/host/commit/", {"runs": "2"}).status_code == 404
    make_ledger(settings.SITE.ledger)
    folder = shutil.copytree(game_folder, tmp_path / "fresh")
    rules = (folder / "competition.toml").read_text()
    (folder / "competition.toml").write_text(
        rules.replace("[rules]", '[rules]\ndraws = "fresh"', 1)
    )
    add_version(contest, folder)
    answer = host.post(f"/c/{contest.slug}/host/commit/", {"runs": "2"})
    assert answer.status_code == 302
    made = draws.commitments()
    assert len(made) == 2
    page = Client().get(contest.get_absolute_url()).content.decode()
    for one in made:
        assert one.value_sha256 in page
        assert one.time in page
    assert "2 are left" in host.get(f"/c/{contest.slug}/host/").content.decode()
    assert host.post(f"/c/{contest.slug}/host/commit/", {"runs": "0"}).status_code == 422


# --- when code is shown ---


@pytest.mark.parametrize(("shown", "is_final", "seen"), [
    ("owner", True, False), ("closed", False, False), ("closed", True, True),
    ("at once", False, True),
])  # fmt: skip
def test_code_is_shown_when_the_competition_says_so(judged, contest, shown, is_final, seen):
    contest.code_shown = shown
    contest.final_after = timezone.now() - timedelta(seconds=1) if is_final else None
    contest.save()
    answer = Client().get(f"{judged.entry.get_absolute_url()}code/")
    assert answer.status_code == (200 if seen else 404)
    assert ("Download the code" in Client().get(judged.entry.get_absolute_url()).content.decode()) \
        == seen


def test_code_stays_hidden_while_newer_rules_keep_the_competition_open(
    contest, lee, game_folder, tmp_path
):  # fmt: skip
    seen = []
    for day in ("2020-01-01", "2999-01-01"):
        folder = tmp_path / day / "quick"
        shutil.copytree(game_folder, folder)
        rules = folder / "competition.toml"
        rules.write_text(f"closes = {day}\n{rules.read_text()}")
        add_version(contest, folder)
        contest.code_shown = "closed"
        contest.save()
        board = contest.versions.get(number=2).boards.get(name="")
        entry = Entry.objects.get_or_create(
            board=board, contest=contest, name="a", owner=lee, code_sha256="0" * 64
        )[0]
        seen.append(Entry.objects.get(pk=entry.pk).shows_code)
    assert seen == [True, False]


def test_when_code_is_shown_stays_once_somebody_has_submitted(contest, lee, person, board):
    wanted = Settings(
        title=contest.title, prose="", is_public=True, code_shown="at once", hosts=[lee], jury=[],
        results_hidden_until=None, final_after=None,
    )
    edit(contest, by=lee, seen=0, to=wanted)
    submit(board, owner=person("kim"), name="a", file="a.py", content=ENTRY)
    with pytest.raises(EditRefused, match="somebody has submitted, and was told at once"):
        edit(contest, by=lee, seen=1, to=replace(wanted, code_shown="owner"))


def test_who_submits_is_told_before_when_the_code_is_shown(contest, person):
    contest.code_shown = "closed"
    contest.save()
    client = Client()
    client.force_login(person("kim"))
    page = client.get(f"{contest.get_absolute_url()}submit/").content.decode()
    assert "Everybody sees your code when the competition has closed." in page


def test_that_code_was_made_public_is_kept_beside_its_bundle(
    judged, lee, host, django_capture_on_commit_callbacks
):  # fmt: skip
    with django_capture_on_commit_callbacks(execute=True):
        host.post(f"{judged.entry.get_absolute_url()}publish/")
    with default_storage.open(f"{judged.bundle}.json") as file:
        assert json.load(file)["is_code_public"]
