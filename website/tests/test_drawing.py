"""Figures of a board are drawn after its table is shown, and not too often."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from mlgolf_site.boards import drawing
from mlgolf_site.boards.drawing import MANY_ROWS, draw_next
from mlgolf_site.boards.models import Snapshot
from mlgolf_site.boards.services import refresh
from populated import results_on

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown(board, person):
    """A board with some results, whose table was made."""
    results_on(board, [person("kim"), person("lee")], 6, None)
    refresh(board)
    board.refresh_from_db()
    return board


def test_a_table_is_shown_before_its_figures_are_drawn(shown):
    text = Client().get(shown.get_absolute_url()).content.decode()
    assert "Leaderboard, best first" in text
    assert "History of the record" not in text


def test_the_figures_follow_and_have_the_library_s_words(shown):
    assert draw_next(timezone.now())
    text = Client().get(shown.get_absolute_url()).content.decode()
    for title in ("History of the record", "against seconds on the clock"):
        assert title in text
    answer = Client().get(f"/c/{shown.version.contest.slug}/figures/record.svg?theme=dark")
    assert answer["Content-Type"] == "image/svg+xml"
    assert b"#16181c" in answer.content


def test_figures_that_are_drawn_are_not_drawn_again(shown):
    assert draw_next(timezone.now())
    assert not draw_next(timezone.now())


def test_a_new_table_keeps_the_figures_of_before_until_its_own_are_drawn(shown):
    draw_next(timezone.now())
    shown.has_changed()
    snapshot = refresh(shown)
    assert snapshot.figures.keys() >= {"record"}
    assert not snapshot.is_drawn


def test_a_large_board_is_drawn_at_most_every_twenty_seconds(shown):
    now = timezone.now()
    Snapshot.objects.update(rows=MANY_ROWS + 1, drawn=now - timedelta(seconds=5))
    assert not draw_next(now)
    assert draw_next(now + timedelta(seconds=16))


def test_figures_that_cannot_be_drawn_keep_no_table_from_being_shown(shown, monkeypatch):
    def broken(*_):
        raise RuntimeError("no font")

    monkeypatch.setattr(drawing, "draw_board", broken)
    assert draw_next(timezone.now())
    assert not draw_next(timezone.now())
    assert Client().get(shown.get_absolute_url()).status_code == 200


def test_a_row_opens_to_the_value_of_every_seed(shown):
    text = Client().get(shown.get_absolute_url()).content.decode()
    assert text.count("<summary>2 seeds<") == 6


def test_a_board_says_who_played_its_runs(shown):
    text = Client().get(shown.get_absolute_url()).content.decode()
    assert "5 runs played by the site&#x27;s own machine" in text
    assert "1 run played by another&#x27;s machine that the host lets in" in text


def test_a_page_with_figures_takes_as_many_queries_as_one_without(shown):
    Client().get(shown.get_absolute_url())  # what is kept for good is looked up now
    counted = []
    for draw in (False, True):
        if draw:
            draw_next(timezone.now())
        with CaptureQueriesContext(connection) as captured:
            Client().get(shown.get_absolute_url())
        counted.append(len(captured))
    assert counted[0] == counted[1]
