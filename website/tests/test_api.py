"""The API: what programs of people are told, and how often."""

import json
import threading
import uuid
from datetime import timedelta

import pytest
from django.core.cache import caches
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from mlgolf_site.api.routes import api
from mlgolf_site.boards.models import Snapshot, Standing
from mlgolf_site.boards.services import refresh
from mlgolf_site.contests.services import starter_folder
from mlgolf_site.entries.models import Entry, Run, SubmissionKey
from mlgolf_site.jobs.models import Job, State, Worker
from mlgolf_site.jobs.services import cancel
from mlgolf_site.people.models import Team, Token
from mlgolf_site.rules import RULES
from uploads import ENTRY, folder_zip

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_requests_yet():
    caches["requests"].clear()


class Program:
    """A client of the API with a token, or without one."""

    def __init__(self, user=None, scope=Token.Scope.SUBMIT):
        self.user = user
        self.headers = {}
        if user is not None:
            _, text = Token.issue(user, "t", scope)
            self.headers = {"Authorization": f"Bearer {text}"}
        self.client = Client()

    def get(self, at, **headers):
        return self.client.get(f"/api/{at}", headers={**self.headers, **headers})

    def post(self, at, fields=None, **headers):
        return self.client.post(f"/api/{at}", fields or {}, headers={**self.headers, **headers})

    def send(self, contest, name="mine", file="entry.py", content=ENTRY, to="entries", key=None,
             **fields):  # fmt: skip
        return self.post(
            f"competitions/{contest.slug}/{to}",
            {"name": name, "file": SimpleUploadedFile(file, content), **fields},
            **({} if key is None else {"Idempotency-Key": key}),
        )


@pytest.fixture
def kim(person):
    return Program(person("kim"))


@pytest.fixture
def lee(person):
    return Program(person("lee"))


def told(answer):
    found = answer.json()
    assert list(found) == ["detail"]
    assert isinstance(found["detail"], str)
    return found["detail"]


# --- competitions ---


def test_public_competitions_are_listed_for_everybody(contest):
    found = Program().get("competitions").json()
    assert [row["name"] for row in found["rows"]] == ["quick"]
    assert (found["page"], found["pages"], found["total"]) == (1, 1, 1)
    assert found["rows"][0]["is_open"]


def test_a_competition_that_is_not_public_is_listed_for_its_hosts_alone(contest, kim, lee):
    contest.is_public = False
    contest.save()
    contest.hosts.add(kim.user)
    totals = [who.get("competitions").json()["total"] for who in (kim, lee, Program())]
    assert totals == [1, 0, 0]


def test_a_competition_has_its_rules_in_words_its_boards_and_its_limits(contest):
    found = Program().get("competitions/quick").json()
    assert any("Closed division" in paragraph for paragraph in found["rules"])
    assert [board["name"] for board in found["boards"]].count("") == 1
    assert found["limits"]["upload_files"] == 200
    assert found["limits"]["left_today"] is None


def test_whose_token_it_is_is_told_what_is_left_of_the_day(contest, kim):
    before = kim.get("competitions/quick").json()["limits"]["left_today"]
    kim.send(contest)
    assert kim.get("competitions/quick").json()["limits"]["left_today"] == before - 1


def test_the_list_takes_as_many_queries_however_many_competitions_there_are(
    contest, game_folder
):  # fmt: skip
    from mlgolf_site.contests.services import add_contest

    counts = []
    for slug in ("second", "third", "fourth"):
        add_contest(game_folder, slug=slug)
        with CaptureQueriesContext(connection) as captured:
            assert Program().get("competitions").status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[-1]


# --- leaderboards ---

ROW = {
    "rank": "1", "submission": "a", "score": "", "bounds": "", "facts": ["a", "b"],
    "cells": [{"value": "1", "details": [], "failed": False, "best": False}],
}  # fmt: skip


@pytest.fixture
def filled(board, person):
    """A board with entries e0, e1 …"""
    refresh(board)
    board.refresh_from_db()
    owner = person("many")

    def fill(start, stop):
        for number in range(start, stop):
            entry = Entry.objects.create(
                board=board, contest=board.version.contest, name=f"e{number}", owner=owner,
                code_sha256="0" * 64,
            )
            Standing.objects.create(
                snapshot=board.snapshot, place=number + 1, rank="1", entry=entry, view=ROW,
                value=float(number),
            )
        Snapshot.objects.filter(pk=board.snapshot.pk).update(rows=stop)

    return fill


def test_a_leaderboard_comes_in_pages(contest, filled):
    filled(0, 5)
    found = Program().get("competitions/quick/leaderboard?page=2&size=2").json()
    assert [row["entry"] for row in found["rows"]] == ["e2", "e3"]
    assert (found["page"], found["pages"], found["total"]) == (2, 3, 5)


def test_a_page_after_the_last_is_an_error_in_words(contest, filled):
    filled(0, 5)
    answer = Program().get("competitions/quick/leaderboard?page=4&size=2")
    assert (answer.status_code, told(answer)) == (404, "page: found 4; there are 3, of 5 rows.")


def test_a_leaderboard_without_results_is_one_empty_page(contest):
    found = Program().get("competitions/quick/leaderboard").json()
    assert (found["rows"], found["pages"], found["total"], found["made"]) == ([], 1, 0, None)


def test_a_page_takes_as_many_queries_however_many_stand_on_it(contest, filled):
    counts = []
    for start, stop in ((0, 2), (2, 9)):
        filled(start, stop)
        with CaptureQueriesContext(connection) as captured:
            assert len(Program().get("competitions/quick/leaderboard").json()["rows"]) == stop
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 5


@pytest.mark.parametrize(("query", "words"), [
    ("board=none", "There is no board 'none'. Known: none, for the main one"),
    ("version=7", "There is no version 7 of these rules. Known: 1."),
])  # fmt: skip
def test_what_there_is_stands_in_the_error(contest, query, words):
    answer = Program().get(f"competitions/quick/leaderboard?{query}")
    assert answer.status_code == 404
    assert words in told(answer)


# --- handing in ---


def test_a_check_says_what_there_is_and_keeps_nothing(contest, board, kim):
    content = folder_zip(starter_folder(board.version))
    found = kim.send(contest, file="a.zip", content=content, to="check").json()
    assert found["module"] == "entry_torch.py"
    assert found["looked_at"]
    assert Entry.objects.count() == 0


def test_what_would_be_refused_is_said_by_a_check(contest, kim):
    answer = kim.send(contest, content=b"def play(:\n", to="check")
    assert answer.status_code == 422
    assert "line 1: invalid syntax" in told(answer)


def test_an_entry_that_is_submitted_waits_and_one_knows_why(contest, kim):
    answer = kim.send(contest)
    assert answer.status_code == 201
    made = answer.json()
    assert (made["entry"], made["url"]) == ("mine", "http://testserver/c/quick/e/mine/")
    found = kim.get("entries/quick/mine").json()
    (run,) = found["runs"]
    assert (run["run"], run["state"], run["has_ended"]) == (made["run"], "queued", False)
    assert run["waiting"]["why"] == "no worker of the class one-thread-cpu is there"
    assert run["verdict"] is None


def test_the_code_is_hashed_as_the_referee_does(contest, board, kim, tmp_path):
    from mlgolf.referee.freeze import find_submission, fingerprint

    folder = starter_folder(board.version)
    made = kim.send(contest, file="a.zip", content=folder_zip(folder)).json()
    assert made["code_sha256"] == fingerprint(find_submission(str(folder), "torch"))


def test_a_token_that_reads_does_not_submit(contest, person):
    reader = Program(person("reader"), Token.Scope.READ)
    for to in ("entries", "check"):
        answer = reader.send(contest, to=to)
        assert answer.status_code == 403
        assert "has the scope read; this needs submit" in told(answer)
    assert reader.get("entries").status_code == 200
    assert Entry.objects.count() == 0


def test_who_submits_too_often_is_told_so_and_not_to_ask_again_at_once(contest, kim, limits):
    limits(submissions=1)
    kim.send(contest, "a")
    answer = kim.send(contest, "b")
    assert (answer.status_code, answer.headers.get("Retry-After")) == (429, None)
    assert "1 times in 24 hours" in told(answer)


def test_a_team_has_to_be_ones_own(contest, kim, lee):
    team = Team.objects.create(name="ours", founder=kim.user)
    team.members.add(kim.user)
    assert kim.send(contest, team="ours").status_code == 201
    answer = lee.send(contest, "other", team="ours")
    assert (answer.status_code, told(answer)) == (422, "team: found 'ours'; your teams are: none")


def test_what_an_entry_improves_on_has_to_be_there(contest, kim):
    kim.send(contest)
    kim.send(contest, "better", based_on="mine")
    assert kim.get("entries/quick/better").json()["based_on"] == "mine"
    answer = kim.send(contest, "third", based_on="none\x00")
    assert (answer.status_code, told(answer)) == (
        422, "based_on: quick has no entry 'none\\x00'"
    )  # fmt: skip


# --- keys ---


def test_what_is_sent_again_under_its_key_gives_the_same_answer_and_one_entry(contest, kim):
    first, second = (kim.send(contest, key="a1") for _ in range(2))
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert first.status_code == 201
    assert (Entry.objects.count(), Run.objects.count()) == (1, 1)


def test_it_gives_the_same_answer_though_the_days_limit_is_reached(contest, kim, limits):
    limits(submissions=1)
    kim.send(contest, key="a1")
    assert kim.send(contest, key="a1").status_code == 201


@pytest.mark.parametrize("changes", [
    {"name": "other"}, {"content": ENTRY + b"\n"}, {"framework": "jax"}, {"file": "other.py"},
])  # fmt: skip
def test_a_key_that_came_with_something_else_is_refused(contest, kim, changes):
    kim.send(contest, key="a1")
    answer = kim.send(contest, key="a1", **changes)
    assert answer.status_code == 409
    assert "it came before with another submission, quick/mine" in told(answer)
    assert Entry.objects.count() == 1


def test_a_key_is_one_persons_own(contest, kim, lee):
    kim.send(contest, key="a1")
    assert lee.send(contest, "other", key="a1").status_code == 201
    assert Entry.objects.count() == 2


def test_a_key_is_forgotten_after_a_day(contest, kim):
    kim.send(contest, key="a1")
    SubmissionKey.objects.update(created=timezone.now() - timedelta(days=1, seconds=1))
    assert kim.send(contest, "other", key="a1").status_code == 201
    assert SubmissionKey.objects.count() == 1


def test_what_was_refused_may_be_sent_again_under_its_key(contest, kim):
    assert kim.send(contest, content=b"def play(:\n", key="a1").status_code == 422
    assert kim.send(contest, key="a1").status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 201, "é"])
def test_a_key_has_plain_characters(contest, kim, key):
    answer = kim.send(contest, key=key)
    assert answer.status_code == 422
    assert "Idempotency-Key: found" in told(answer)


@pytest.mark.django_db(transaction=True)
def test_what_comes_twice_at_the_same_time_makes_one_entry(contest, kim):
    if connection.vendor != "postgresql":
        pytest.skip("threads of a test share the one connection of SQLite in memory")
    answers, together = [], threading.Barrier(2)

    def send():
        together.wait()
        answers.append(kim.send(contest, key="a1"))
        connection.close()

    senders = [threading.Thread(target=send) for _ in range(2)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (201, answers[0].content)
    }
    assert Entry.objects.count() == 1


# --- entries and runs ---


def test_ones_own_entries_are_listed_and_nobody_elses(contest, kim, lee):
    kim.send(contest, "a")
    kim.send(contest, "b")
    lee.send(contest, "c")
    found = kim.get("entries").json()
    assert [row["entry"] for row in found["rows"]] == ["b", "a"]
    assert found["rows"][0]["latest"]["state"] == "queued"


def test_ones_own_run_is_cancelled_and_nobody_elses(contest, kim, lee):
    run = kim.send(contest).json()["run"]
    assert lee.post(f"runs/{run}/cancel").status_code == 403
    assert kim.post(f"runs/{run}/cancel").json() == {"said": "it was cancelled"}
    assert Job.objects.get(run__key=run).state == State.CANCELLED


def test_events_of_a_run_come_with_their_numbers_and_end_when_it_has_ended(contest, kim):
    made = kim.send(contest).json()
    cancel(Run.objects.get(key=made["run"]))
    text = b"".join(kim.get(f"runs/{made['run']}/events")).decode()
    assert [line for line in text.splitlines() if line.startswith(("id:", "event:"))] == [
        "id: 1", "event: state", "id: 2", "event: state", "event: end",
    ]
    told_of = [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:")]
    assert [event.get("state") for event in told_of] == ["queued", "cancelled", None]


def test_events_go_on_after_the_last_that_one_has(contest, kim):
    made = kim.send(contest).json()
    cancel(Run.objects.get(key=made["run"]))
    at = f"runs/{made['run']}/events"
    for answer in (kim.get(at, **{"Last-Event-ID": "1"}), kim.get(f"{at}?after=1")):
        text = b"".join(answer).decode()
        assert "id: 2" in text
        assert "id: 1\n" not in text


def test_code_is_for_its_owner_until_it_is_public(contest, kim, lee):
    kim.send(contest)
    at = "entries/quick/mine/code.zip"
    assert b"".join(kim.get(at)).startswith(b"PK")
    answer = lee.get(at)
    assert answer.status_code == 404
    assert "is not public (yet)" in told(answer)
    Entry.objects.update(is_code_public=True)
    assert Program().get(at).status_code == 200


def test_a_run_without_a_bundle_has_none(contest, kim):
    run = kim.send(contest).json()["run"]
    assert told(kim.get(f"runs/{run}/bundle")) == "This run has no bundle yet."


def test_a_competition_and_its_starter_kit_are_downloaded(contest, kim):
    for part in ("competition.zip", "starter.zip"):
        assert Program().get(f"competitions/quick/{part}").content.startswith(b"PK")
    kit = Program().get("competitions/quick/starter.zip").content
    assert kim.send(contest, file="starter.zip", content=kit).status_code == 201


# --- who asks ---


def test_a_token_says_whose_it_is_and_what_it_may(kim):
    found = kim.get("me").json()
    assert (found["name"], found["scope"], found["teams"]) == ("kim", "submit", [])


def test_a_token_that_expired_is_told_so(kim):
    Token.objects.update(expires=timezone.now() - timedelta(days=1))
    answer = kim.get("me")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "The token 't' expired on " in told(answer)


@pytest.mark.parametrize(("sent", "words"), [
    ("Bearer mlgolf_none", "does not know the token"), ("Basic abc", "has to be: Bearer TOKEN"),
    ("Bearer ", "has to be: Bearer TOKEN"),
])  # fmt: skip
def test_who_sends_what_is_no_token_is_never_served_as_a_stranger(contest, sent, words):
    answer = Program().get("competitions", Authorization=sent)
    assert answer.status_code == 401
    assert words in told(answer)


def test_without_a_token_one_is_told_where_there_are_some(contest):
    answer = Program().send(contest)
    assert answer.status_code == 401
    assert "There is no token." in told(answer)
    assert "page Tokens" in told(answer)


# --- how often ---


def test_who_asks_too_often_is_told_when_to_ask_again(kim, lee, limits):
    limits(api_requests=3)
    codes = [kim.get("me").status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]
    answer = kim.get("me")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert "More than 3 requests in a minute by one token" in told(answer)
    assert lee.get("me").status_code == 200


def test_strangers_are_counted_by_their_address(limits, contest):
    limits(api_requests=2)

    def ask(address):
        return Client().get("/api/competitions", REMOTE_ADDR=address).status_code

    assert [ask("10.0.0.1") for _ in range(3)] == [200, 200, 429]
    assert ask("10.0.0.2") == 200


def test_guesses_of_tokens_are_counted_by_their_address(limits):
    limits(api_requests=2)
    codes = [
        Program().get("me", Authorization=f"Bearer mlgolf_{number}").status_code
        for number in range(3)
    ]
    assert codes == [401, 401, 429]


def test_workers_are_never_told_to_wait(person, limits):
    limits(api_requests=1)
    worker = Program(person("w"), Token.Scope.WORKER)
    Worker.objects.create(token=Token.objects.get(), name="w", hardware="laptop")
    assert [worker.post("worker/lease").status_code for _ in range(3)] == [204, 204, 204]


# --- errors ---


@pytest.mark.parametrize(("query", "words"), [
    ("page=abc", "page: found 'abc'; allowed is a whole number"),
    ("page=0", "page: found '0'; allowed is 1 or more"),
    ("size=501", "size: found '501'; allowed is 500 or less"),
    ("page=x&size=y", "\nsize: found 'y'"),
    (f"page={'9' * 400}", "…"),
])  # fmt: skip
def test_what_was_found_and_what_is_allowed_is_said(contest, query, words):
    answer = Program().get(f"competitions/quick/leaderboard?{query}")
    assert answer.status_code == 422
    assert words in told(answer)


def test_every_part_that_is_missing_is_named(contest, kim):
    answer = kim.post("competitions/quick/entries")
    assert answer.status_code == 422
    assert set(told(answer).splitlines()) == {"name: it is missing", "file: it is missing"}


def test_a_framework_that_is_none_is_told_which_there_are(contest, kim):
    answer = kim.send(contest, framework="tensorflow")
    assert told(answer) == "framework: found 'tensorflow'; allowed is 'torch' or 'jax'"


@pytest.mark.parametrize("at", [
    "none", "competitions/none", "competitions/a/b/c", "runs/none/events", "entries/quick/none",
    f"runs/{uuid.UUID(int=0)}/events",
])  # fmt: skip
def test_what_is_not_there_is_told_as_all_errors_are(contest, at):
    answer = Program().get(at)
    assert answer.status_code == 404
    assert told(answer)


def test_another_method_is_told_which_is_allowed(contest, kim):
    answer = kim.get("competitions/quick/entries")
    assert answer.status_code == 405
    assert told(answer) == "GET is not for this address; allowed is POST."


def test_a_form_that_cannot_be_read_is_told_so(contest, kim):
    answer = kim.client.post(
        "/api/competitions/quick/entries", b"\x00", content_type="multipart/form-data",
        headers=kim.headers,
    )
    assert answer.status_code == 400
    assert "cannot be read" in told(answer)


def test_a_body_that_is_no_json_is_told_so(person):
    worker = Program(person("w"), Token.Scope.WORKER)
    answer = worker.client.post(
        "/api/worker/hello", b"{", content_type="application/json", headers=worker.headers
    )
    assert (answer.status_code, told(answer)) == (400, "The body is no JSON.")


def test_what_is_too_large_is_refused_before_it_is_looked_at(contest, kim, limits):
    limits(upload_bytes=1000)
    answer = kim.send(contest, content=b"#" * 200_000)
    assert answer.status_code == 413
    assert "a submission may have 1 kB" in told(answer) or "1.0 kB" in told(answer)
    answer = kim.send(contest, content=b"#" * 2000)
    assert (answer.status_code, Entry.objects.count()) == (422, 0)


# --- the document ---


def test_the_document_has_every_address_of_the_api():
    document = api.get_openapi_schema()
    found = {
        operation["operationId"] for methods in document["paths"].values()
        for operation in methods.values()
    }
    expected = {name.removeprefix("api:") for name in RULES if name.startswith("api:")}
    assert found == expected - {"openapi-json", "api-root"}


def test_every_operation_has_a_summary_a_description_and_its_errors():
    document = Client().get("/api/openapi.json").json()
    for at, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["summary"], at
            assert operation["description"], at
            assert {"401", "429"} <= set(operation["responses"]), at
            if "{" in at:
                assert "404" in operation["responses"], at
            assert operation["security"], at


def test_every_reference_of_the_document_leads_somewhere():
    document = Client().get("/api/openapi.json").json()

    def references(part):
        if isinstance(part, dict):
            for key, value in part.items():
                if key == "$ref":
                    yield value
                yield from references(value)
        elif isinstance(part, list):
            for value in part:
                yield from references(value)

    found = set(references(document))
    assert "#/components/schemas/Problem" in found
    for reference in found:
        place = document
        for key in reference.removeprefix("#/").split("/"):
            place = place[key]


def test_the_address_of_the_api_itself_says_where_its_document_is():
    found = Client().get("/api/").json()
    assert found["openapi"] == "http://testserver/api/openapi.json"
