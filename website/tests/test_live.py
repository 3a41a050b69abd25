"""Live logs of runs: how many are sent at a time, and what makes room for others."""

import asyncio
import gc

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.test import Client
from mlgolf_site.contests.services import starter_folder
from mlgolf_site.jobs.services import cancel
from mlgolf_site.live import LISTENERS
from mlgolf_site.people.models import Token
from mlgolf_site.submitting import submit
from uploads import folder_zip

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_listens():
    gc.collect()
    assert len(LISTENERS) == 0


@pytest.fixture
def run(board, person):
    return submit(
        board, owner=person("kim"), name="mine", file="a.zip",
        content=folder_zip(starter_folder(board.version)),
    )


def listen(run, client=None, **more):
    return (client or Client()).get(f"/runs/{run.key}/events/", **more)


def signed_in(person):
    client = Client()
    client.force_login(person)
    return client


def test_one_person_has_so_many_streams_open_and_no_more(run, person, limits):
    limits(live_streams=2)
    ada, eve = signed_in(person("ada")), signed_in(person("eve"))
    answers = [listen(run, client) for client in (ada, ada, ada, eve)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 200]
    assert "You have 2 live logs open, which is the limit" in answers[2].content.decode()
    assert answers[2].headers["Retry-After"] == "15"


def test_a_token_counts_as_its_owner(run, person, limits):
    limits(live_streams=1)
    ada = person("ada")
    _, text = Token.issue(ada, "t", Token.Scope.READ)
    open_now = listen(run, signed_in(ada))
    answer = Client().get(
        f"/api/runs/{run.key}/events", headers={"Authorization": f"Bearer {text}"}
    )
    assert (open_now.status_code, answer.status_code) == (200, 429)
    assert "You have 1 live logs open" in answer.json()["detail"]


def test_strangers_are_counted_by_their_address(run, limits):
    limits(live_streams=1)
    answers = [listen(run, REMOTE_ADDR=at) for at in ("10.0.0.1", "10.0.0.1", "10.0.0.2")]
    assert [answer.status_code for answer in answers] == [200, 429, 200]


def test_a_site_sends_so_many_streams_and_no_more(run, limits):
    limits(live_streams_in_all=2)
    answers = [listen(run, REMOTE_ADDR=f"10.0.0.{number}") for number in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "2 live logs are open, which is as many as this site sends" in (
        answers[2].content.decode()
    )


def test_a_stream_that_ended_makes_room(run, limits):
    limits(live_streams=1)
    cancel(run)
    for _ in range(3):
        answer = listen(run)
        assert b"event: end" in b"".join(answer)
        assert len(LISTENERS) == 0


def test_a_stream_that_never_began_makes_room(run, limits):
    limits(live_streams=1)
    answer = listen(run)
    assert len(LISTENERS) == 1
    del answer
    gc.collect()
    assert listen(run).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_who_goes_away_makes_room(run):
    from mlgolf_site.asgi import application

    async def come_and_go():
        asked = ApplicationCommunicator(application, {
            "type": "http", "http_version": "1.1", "method": "GET", "query_string": b"",
            "path": f"/runs/{run.key}/events/", "headers": [(b"host", b"localhost")],
            "client": ("10.0.0.1", 1),
        })  # fmt: skip
        await asked.send_input({"type": "http.request", "body": b"", "more_body": False})
        start = await asked.receive_output(timeout=10)
        part = await asked.receive_output(timeout=10)
        during = len(LISTENERS)
        await asked.send_input({"type": "http.disconnect"})
        await asked.wait(timeout=10)
        for _ in range(50):
            if not len(LISTENERS):
                break
            await asyncio.sleep(0.02)
        return start["status"], part["body"], during, len(LISTENERS)

    assert async_to_sync(come_and_go)() == (200, b"retry: 2000\n\n", 1, 0)
