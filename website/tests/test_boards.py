"""Leaderboards: made of results, written down, shown, and never shown old."""

import json
import uuid
from dataclasses import asdict

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from filled import fill, people, results_of, trials_of
from mlgolf_site.boards import services
from mlgolf_site.boards.models import Snapshot, Standing
from mlgolf_site.boards.services import as_json, refresh, refresh_all
from mlgolf_site.entries.models import Run
from mlgolf_site.jobs.models import Job, State
from numpy.random import default_rng

from mlgolf.report.view import board_view
from mlgolf.scoring.leaderboard import score_competition

pytestmark = pytest.mark.django_db


@pytest.fixture
def filled(board):
    """A board with twelve entries, and its leaderboard."""
    fill(board, 12, owners=people(3))
    refresh_all()
    board.refresh_from_db()
    return board


def improve(entry, value):
    """A new run of an entry, as when one is delivered."""
    entry.runs.update(counts=False)
    trials = trials_of(entry.board, entry.name, value, default_rng(1))
    run = Run.objects.create(
        entry=entry, counts=True, bundle_sha256=2 * uuid.uuid4().hex, ended=entry.created,
        results=results_of(entry.board, trials),
    )
    Job.objects.create(run=run, hardware=entry.board.hardware, state=State.DONE)
    entry.board.has_changed()
    return run


def rows(board):
    return list(Standing.objects.filter(snapshot__shown_on=board).select_related("entry"))


def test_what_is_written_down_is_what_the_library_says_of_the_same_trials(board):
    rng = default_rng(5)
    trials = [
        one for n in range(5) for one in trials_of(board, f"entry-{n:05d}", 8.0 + n % 3, rng)
    ]
    fill(board, 5, owners=people(1))
    for n in range(5):
        own = [one for one in trials if one.key.submission == f"entry-{n:05d}"]
        Run.objects.filter(entry__name=f"entry-{n:05d}").update(results=results_of(board, own))
    snapshot = refresh(board)
    view = as_json(asdict(board_view(
        board.competition, score_competition(board.competition, trials, board.ruleset)
    )))
    shown = [dict(row.view) for row in snapshot.standings.all()]
    assert [len(row.pop("seeds")) for row in shown] == [2] * 5
    assert shown == view["rows"]
    assert [row.entry.name for row in snapshot.standings.all()] == [
        row["submission"] for row in view["rows"]
    ]
    told = {name: value for name, value in snapshot.view.items() if name != "figures"}
    assert {**told, "misses": []} == {
        name: value for name, value in view.items() if name != "rows"
    }


def test_values_of_a_leaderboard_never_get_better_further_down(filled):
    values = [row.value for row in rows(filled) if row.value is not None]
    assert len(values) > 5
    assert values == sorted(values)


def test_a_board_that_has_not_changed_is_not_made_again(filled):
    assert refresh(filled) is None
    assert refresh_all() == 0


def test_a_new_result_moves_its_entry(filled):
    last = rows(filled)[-1].entry
    improve(last, 1.0)
    refresh(filled)
    assert rows(filled)[0].entry == last


def test_results_of_a_run_that_were_made_anew_are_read_anew(filled):
    run = rows(filled)[-1].entry.runs.get()
    Run.objects.filter(pk=run.pk).update(results=results_of(
        filled, trials_of(filled, run.entry.name, 1.0, default_rng(1))
    ))
    services._kept.forget(run.pk)
    filled.has_changed()
    refresh(filled)
    assert rows(filled)[0].entry == run.entry


def test_who_reads_the_leaderboard_of_before_still_finds_its_rows(filled):
    before = filled.snapshot
    improve(rows(filled)[-1].entry, 1.0)
    refresh(filled)
    assert before.standings.count() == before.rows
    improve(rows(filled)[-1].entry, 0.9)
    refresh(filled)
    assert not Snapshot.objects.filter(pk=before.pk).exists()


def test_a_board_that_cannot_be_made_is_left_alone_until_it_changes(filled, caplog):
    run = rows(filled)[0].entry.runs.get()
    good = run.results
    Run.objects.filter(pk=run.pk).update(results="{}")
    services._kept.forget(run.pk)
    filled.has_changed()
    assert [refresh_all(), refresh_all()] == [0, 0]
    assert caplog.text.count("could not be made") == 1
    Run.objects.filter(pk=run.pk).update(results=good)
    filled.has_changed()
    assert refresh_all() == 1


def test_finding_what_has_changed_takes_one_query_that_reads_no_leaderboard(filled):
    with CaptureQueriesContext(connection) as captured:
        refresh_all()
    assert len(captured) == 1
    assert "figures" not in captured[0]["sql"]


# --- pages ---


def test_no_page_shows_an_old_leaderboard_after_the_new_one_is_made(filled):
    last, page = rows(filled)[-1].entry, filled.get_absolute_url()
    shown = [Client().get(page).content.decode() for _ in range(2)]
    assert shown[0] == shown[1]
    improve(last, 1.0)
    refresh(filled)
    text = Client().get(page).content.decode()
    assert text.index(f">{last.name}<") < text.index(f">{rows(filled)[1].entry.name}<")


def test_who_has_a_page_already_is_told_whether_it_is_as_it_was(filled):
    page = filled.get_absolute_url()
    first = Client().get(page)
    assert first["Cache-Control"] == "private, no-cache"
    asked = {"If-None-Match": first["ETag"]}
    assert Client().get(page, headers=asked).status_code == 304
    improve(rows(filled)[-1].entry, 1.0)
    refresh(filled)
    assert Client().get(page, headers=asked).status_code == 200


def test_a_person_and_a_stranger_share_rows_and_nothing_else(filled, person):
    page, kim = filled.get_absolute_url(), Client()
    kim.force_login(person("kim"))
    assert "Sign out" in kim.get(page).content.decode()
    stranger = Client().get(page).content.decode()
    assert "Sign out" not in stranger
    assert stranger.count("<tr id=") == kim.get(page).content.decode().count("<tr id=") == 12


def test_each_page_of_a_leaderboard_has_its_own_rows(board, monkeypatch):
    monkeypatch.setattr("mlgolf_site.pages.paging.ROWS", 5)
    fill(board, 12, owners=people(1))
    refresh(board)
    shown = [
        Client().get(board.get_absolute_url(), {"page": page}).content.decode().count("<tr id=")
        for page in (1, 2, 3)
    ]
    assert shown == [5, 5, 2]


@pytest.mark.parametrize("name", ["home", "contest", "entry", "status", "mine"])
def test_a_page_takes_as_many_queries_however_much_there_is(board, person, name):
    owner, client, found = person("kim"), Client(), []
    client.force_login(owner)
    for first in (0, 6):
        fill(board, 6, owners=[owner], first=first)
        improve(board.entries.get(name=f"entry-{first:05d}"), 2.0 + first)
        refresh(board)
        address = {
            "contest": board.get_absolute_url(),
            "entry": reverse("entry", args=[board.version.contest.slug, "entry-00000"]),
        }.get(name) or reverse(name)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        found.append(len(captured))
    assert found[0] == found[1]
    assert found[0] <= 16


def test_the_first_page_takes_as_many_queries_however_many_competitions_there_are(
    contest, game_folder
):  # fmt: skip
    from mlgolf_site.contests.services import add_contest

    found = []
    for number in range(2):
        with CaptureQueriesContext(connection) as captured:
            assert Client().get("/").status_code == 200
        found.append(len(captured))
        add_contest(game_folder, slug=f"other-{number}")
    assert found[0] == found[1]


def test_no_page_of_an_entry_reads_what_scoring_needs_of_its_runs(filled):
    entry = rows(filled)[0].entry
    with CaptureQueriesContext(connection) as captured:
        Client().get(entry.get_absolute_url())
    assert not any('"results"' in query["sql"] for query in captured)
    assert json.loads(entry.runs.get().results)["trials"]


def test_results_that_were_read_ahead_are_not_read_again_for_the_leaderboard(board):
    fill(board, 12, owners=people(1))
    kept = services._Kept()
    assert not kept.read_ahead()
    runs = list(Run.objects.values_list("pk", "bundle_sha256"))
    with CaptureQueriesContext(connection) as captured:
        assert len(kept.of(runs)) == 12
    assert len(captured) == 0


def test_all_results_are_read_ahead_some_at_a_time(board, monkeypatch):
    fill(board, 12, owners=people(1))
    monkeypatch.setattr(services._Kept, "MANY", 5)
    kept = services._Kept()
    assert [kept.read_ahead() for _ in range(3)] == [True, True, False]
    assert len(kept._of_run) == 12


def test_a_start_makes_leaderboards_where_there_is_none_and_leaves_others_to_the_keeper(filled):
    filled.has_changed()
    assert refresh_all(only_new=True) == 0
    assert refresh_all() == 1
