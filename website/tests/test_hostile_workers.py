"""A worker that is registered, and lies."""

import json
import shutil

import pytest
from attackers import deliver
from django.test import Client
from mlgolf_site.jobs.models import Job, Worker
from mlgolf_site.jobs.services import heartbeat, lease
from mlgolf_site.jobs.version import version_here
from mlgolf_site.people.models import Token
from mlgolf_site.protocol import LOCAL_WORKER, MOST_EVENTS
from test_rules import people

__all__ = ["people"]  # a fixture

pytestmark = pytest.mark.django_db

def test_a_worker_delivers_nothing_for_a_job_that_it_never_had(handed_in, own, other):
    job = Job.objects.get(run=handed_in)
    assert deliver(other[1], job.pk).status_code == 409
    lease(own[0])
    assert deliver(other[1], job.pk).status_code == 409
    job.refresh_from_db()
    assert job.state == "playing"


def test_a_bundle_that_is_not_taken_in_is_its_workers_fault_and_not_the_entrys(handed_in, own):
    job = lease(own[0])
    assert deliver(own[1], job.pk).status_code == 422
    job.refresh_from_db()
    own[0].refresh_from_db()
    assert (job.state, job.spoilt, own[0].spoilt) == ("queued", 1, 1)
    assert job.reason.startswith("waits again: its bundle was not taken in: ")
    assert [*job.spoilt_by.all()] == [own[0]]


def test_while_one_bundle_is_checked_another_is_not_taken_in(handed_in, own):
    from mlgolf_site.jobs.services import JobLost, begin_judging

    job = lease(own[0])
    begin_judging(own[0], job.pk, "1" * 64)
    with pytest.raises(JobLost):
        begin_judging(own[0], job.pk, "2" * 64)


def test_a_worker_reads_neither_code_nor_rules_of_jobs_that_it_does_not_play(
    handed_in, own, other
):  # fmt: skip
    job = lease(own[0])
    version = handed_in.entry.board.version_id
    for headers, code in ((own[1], 200), (other[1], 404)):
        for at in (f"jobs/{job.pk}/code", f"competitions/{version}"):
            assert Client().get(f"/api/worker/{at}", headers=headers).status_code == code


def test_a_worker_of_a_host_plays_that_hosts_competitions_alone(
    handed_in, contest, person
):  # fmt: skip
    host = person("host", may_host=True)
    token, _ = Token.issue(host, "w", Token.Scope.WORKER)
    worker = Worker.objects.create(token=token, name="h", hardware="one-thread-cpu")
    assert lease(worker) is None
    contest.hosts.add(host)
    assert lease(worker).run == handed_in


def hello(headers, **changes):
    import time

    body = {
        "protocol": 2, "hardware": "one-thread-cpu", "version": "1", "sandbox": "bubblewrap",
        "public_key": "a" * 64, "time": time.time(), **changes,
    }
    return Client().post(
        "/api/worker/hello", json.dumps(body), content_type="application/json", headers=headers
    )


@pytest.mark.parametrize(("version", "takes"), [
    (version_here(), True), (version_here().replace("(", "(f"), False), ("0.0.1", False),
])
def test_a_worker_with_other_code_of_mlgolf_is_given_no_job(handed_in, person, version, takes):
    token, text = Token.issue(person("boss", is_superuser=True), "w", Token.Scope.WORKER)
    said = hello({"Authorization": f"Bearer {text}"}, version=version).json()
    worker = Worker.objects.get(token=token)
    assert (lease(worker) is not None, said["problem"]) == (takes, worker.problem)
    assert takes or (
        f"of another version: it has mlgolf {version}, this site {version_here()}; install"
        in worker.problem
    )


def test_a_worker_keeps_the_key_of_its_first_hello(person):
    _, text = Token.issue(person("host"), "w", Token.Scope.WORKER)
    headers = {"Authorization": f"Bearer {text}"}
    assert hello(headers).status_code == 200
    answer = hello(headers, public_key="b" * 64)
    assert answer.status_code == 422
    assert "A new key takes a new token" in answer.json()["detail"]


def test_no_worker_is_the_sites_own_by_its_name_alone(person):
    boss = person("boss", is_superuser=True)
    _, text = Token.issue(boss, f"{LOCAL_WORKER}, laptop", Token.Scope.WORKER)
    assert hello({"Authorization": f"Bearer {text}"}).json()["tier"] == "remote"


def test_a_worker_that_the_site_starts_signs_with_the_key_of_its_ledger(person, settings):
    from mlgolf.api.bundles import make_ledger, open_ledger

    make_ledger(settings.SITE.ledger)
    try:
        boss = person("boss", is_superuser=True)
        _, text = Token.issue(boss, f"{LOCAL_WORKER}, laptop", Token.Scope.WORKER)
        own = open_ledger(settings.SITE.ledger).key
        said = hello({"Authorization": f"Bearer {text}"}, public_key=own).json()
        assert said["tier"] == "platform"
    finally:
        shutil.rmtree(settings.SITE.ledger)


@pytest.mark.parametrize("change", [
    {"version": "x" * 101}, {"sandbox": "strong"}, {"public_key": "short"}, {"hardware": "abacus"},
    {"protocol": 1}, {"time": 0}, {"machine": [1]}, {"problem": "x" * 3000},
])  # fmt: skip
def test_a_hello_that_is_malformed_is_refused_in_words(person, change):
    _, text = Token.issue(person("host"), "w", Token.Scope.WORKER)
    assert hello({"Authorization": f"Bearer {text}"}, **change).status_code == 422


def test_two_tokens_of_one_name_are_two_workers(person):
    host = person("host")
    names = set()
    for _ in range(2):
        _, text = Token.issue(host, "same", Token.Scope.WORKER)
        names.add(hello({"Authorization": f"Bearer {text}"}).json()["name"])
    assert len(names) == 2


def beat(headers, pk, *events):
    return Client().post(
        f"/api/worker/jobs/{pk}/heartbeat", json.dumps({"events": events}),
        content_type="application/json", headers=headers,
    )


@pytest.mark.parametrize("event", [
    {"number": MOST_EVENTS + 1, "kind": "log", "data": {}},
    {"number": 0, "kind": "log", "data": {}},
    {"number": 1, "kind": "state", "data": {"state": "done"}}, {"number": 1, "kind": "log"},
    {"number": 2**70, "kind": "log", "data": {}}, {"number": 1, "kind": "log", "data": "x"},
])  # fmt: skip
def test_an_event_that_is_malformed_is_refused(handed_in, own, event):
    job = lease(own[0])
    assert beat(own[1], job.pk, event).status_code == 422
    assert not handed_in.events.exclude(kind="state").exists()


def test_no_more_events_come_at_once_than_are_allowed(handed_in, own):
    job = lease(own[0])
    events = [{"number": n, "kind": "log", "data": {"line": "x"}} for n in range(1, 502)]
    assert beat(own[1], job.pk, *events).status_code == 422
    assert beat(own[1], job.pk, *events[:500]).status_code == 200


def test_what_an_event_says_is_cut_to_what_a_page_shows(handed_in, own):
    job = lease(own[0])
    heartbeat(own[0], job.pk, [
        {"number": 1, "kind": "log", "data": {
            "trial": "t" * 999, "line": "\x1b[31m\0" + "x" * 9999, "more": "y" * 9999}},
        {"number": 2, "kind": "evaluation", "data": {
            "trial": "t", "step": "many", "seconds": float("nan"),
            "metrics": {"train/loss": float("inf"), "model/l2": 2.5}}},
    ])  # fmt: skip
    log, evaluation = handed_in.events.exclude(kind="state").order_by("number")
    assert len(log.data["line"]) == 2000
    assert log.data["line"].startswith("\\x1b[31m\\x00")
    assert log.data.keys() == {"trial", "line"}
    assert evaluation.data == {
        "trial": "t", "step": None, "seconds": None,
        "metrics": {"train/loss": None, "model/l2": 2.5},
    }


def test_what_is_held_out_is_not_told_while_a_run_goes_on(handed_in, own):
    job = lease(own[0])
    metrics = {"train/loss": 1.0, "test/loss": 2.0, "validation/loss": 3.0, "model/l2": 4.0}
    heartbeat(own[0], job.pk, [
        {"number": 1, "kind": "evaluation", "data": {"trial": "t", "metrics": metrics}}
    ])
    found = handed_in.events.get(kind="evaluation").data["metrics"]
    assert found.keys() == {"train/loss", "model/l2"}  # the feedback of these rules


def test_numbers_that_no_row_has_are_refused(own):
    for pk in ("0", "-1", str(2**63), str(10**30), "x"):
        assert beat(own[1], pk).status_code in (404, 422)
        assert deliver(own[1], pk).status_code in (404, 422)
