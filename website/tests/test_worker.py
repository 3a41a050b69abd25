"""A worker: what it measures of its machine before it takes a job, and that it is alone there."""

import json
import os
import time

import httpx
import pytest
from mlgolf_site.jobs import worker as workers
from mlgolf_site.jobs.calling import Caller, Lost, SiteGone
from mlgolf_site.jobs.following import Told
from mlgolf_site.jobs.machine import disturbed, own_core
from mlgolf_site.jobs.worker import Worker

from mlgolf.core.errors import RulesError
from mlgolf.core.hardware import load_hardware
from mlgolf.core.records import Calibration

ONE_CORE = load_hardware("one-thread-cpu")
ALL_CORES = ONE_CORE.model_copy(update={"name": "whole-machine", "pin_to_one_core": False})


JOB = {
    "job": 1, "run": "mine-1", "kind": "play", "entry": "mine", "contest": "quick", "cell": "",
    "framework": "torch", "ruleset": "self", "folder_sha256": "a", "version": 1,
}


def found(spread):
    """What the probe found."""
    return Calibration(seconds=0.03, spread=spread, reference_seconds=0.06)


@pytest.fixture
def locks(tmp_path, monkeypatch):
    monkeypatch.setenv("MLGOLF_LOCK_DIR", str(tmp_path))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A worker whose probe finds what it is told, and what a site that welcomes it hears."""
    heard, jobs, refusals = [], [], []

    def answer(request: httpx.Request) -> httpx.Response:
        heard.append((request.url.path.rpartition("/")[2], json.loads(request.content or "{}")))
        if request.url.path.endswith("bundle"):
            return httpx.Response(413, text="<h1>Request Entity Too Large</h1>")
        if request.url.path.endswith("hello"):
            return httpx.Response(200, json={
                "name": "w", "site": "s", "tier": "remote",
                "problem": refusals.pop() if refusals else "",
            })
        if request.url.path.endswith("lease") and jobs:
            return httpx.Response(200, json=jobs.pop())
        return httpx.Response(204)

    def make(*spreads, job=None, refused=""):
        """Args: refused: why the site gives it no job when it says hello first."""
        readings = iter(spreads)
        refusals.append(refused)
        jobs.extend([] if job is None else [job])
        worker = Worker(
            url="http://site", token="t", hardware="one-thread-cpu", folder=tmp_path / "w",
            runs_other_peoples_code=True, tell=lambda said: None,
            probe=lambda hardware: found(next(readings)),
        )
        worker.call._http = httpx.Client(
            transport=httpx.MockTransport(answer), base_url="http://site/api/worker/"
        )
        return worker, heard

    return make


def test_a_worker_says_what_its_classs_probe_found(site):
    worker, heard = site(0.02)
    assert worker.hello()
    ((_, said),) = heard
    assert said["problem"] == ""
    assert said["machine"]["probe"] == {"seconds": 0.03, "spread": 0.02, "speed": 2.0}


def test_a_machine_whose_probe_varies_more_than_its_class_allows_takes_no_job(site):
    worker, heard = site(0.4)
    assert not worker.hello()
    assert "rounds of the probe differ by 40%" in heard[0][1]["problem"]
    assert "one-thread-cpu allows 25%" in heard[0][1]["problem"]


def test_it_is_probed_again_until_it_is_quiet(site, locks, monkeypatch):
    monkeypatch.setattr(workers, "PROBE_AGAIN", 0.01)
    worker, heard = site(0.4, 0.3, 0.02)
    worker.work(once=True)
    assert [(what, bool(said.get("problem"))) for what, said in heard] == [
        ("hello", True), ("hello", True), ("hello", False), ("lease", False),
    ]


def test_a_worker_that_the_site_gives_no_job_asks_for_none(site, locks, monkeypatch):
    monkeypatch.setattr(workers, "PROBE_AGAIN", 0.01)
    worker, heard = site(0.02, refused="it is of another version")
    worker.work(once=True)
    assert [what for what, _ in heard] == ["hello", "hello", "lease"]


def test_a_worker_that_greets_again_is_not_probed_again(site):
    worker, heard = site(0.02)
    assert worker.hello()
    assert worker.hello()
    assert len(heard) == 2


def test_a_class_without_a_reference_machine_has_no_probe_to_pass():
    assert disturbed(ONE_CORE.model_copy(update={"reference": None}), None) == ""


def test_as_many_workers_as_there_are_cores_work_side_by_side(locks):
    with own_core(ONE_CORE), own_core(ONE_CORE):
        pass


def test_one_more_worker_than_there_are_cores_is_refused(locks):
    with (
        own_core(ONE_CORE), own_core(ONE_CORE),
        pytest.raises(RulesError, match=r"another worker measures on cores 0 and 1") as refused,
        own_core(ONE_CORE),
    ):  # fmt: skip
        pass
    assert "End the other" in str(refused.value)


def test_a_class_that_plays_on_all_cores_is_refused_beside_any_other_and_takes_none(locks):
    with own_core(ONE_CORE):
        with pytest.raises(RulesError, match="needs all cores"), own_core(ALL_CORES):
            pass
        with own_core(ONE_CORE):
            pass


def test_a_core_is_free_again_when_its_worker_has_ended(locks):
    for _ in range(3):
        with own_core(ALL_CORES):
            pass


def test_a_worker_beside_others_on_every_core_asks_for_no_job(site, locks):
    worker, heard = site(0.02)
    with own_core(ALL_CORES), pytest.raises(RulesError, match="another worker"):
        worker.work(once=True)
    assert heard == []


# --- what was cut off ---


@pytest.mark.parametrize(("before", "goes_on"), [
    (JOB, True), ({**JOB, "job": 2}, False), ({**JOB, "run": "mine-2"}, False), (None, False),
])  # fmt: skip
def test_a_run_that_was_cut_off_goes_on_if_it_is_still_of_the_same_job(
    site, monkeypatch, before, goes_on
):  # fmt: skip
    worker, _ = site(job=JOB)
    place = worker.folder / "jobs" / "mine-1-play"
    place.mkdir(parents=True)
    (place / "trial").touch()
    if before is not None:
        (place / "job.json").write_text(json.dumps(before))
    seen = []
    monkeypatch.setitem(workers.BEGIN, "play", lambda worker, job, place: seen.append(
        (place / "trial").exists()
    ))
    assert worker._next()
    assert seen == [goes_on]
    assert not place.exists()


def test_a_worker_that_is_told_to_stop_keeps_what_it_plays(site, monkeypatch):
    worker, _ = site(job=JOB)
    monkeypatch.setitem(workers.BEGIN, "play", lambda worker, job, place: worker.stop())
    worker._next()
    assert (worker.folder / "jobs" / "mine-1-play" / "job.json").exists()


def test_a_worker_whose_disk_is_full_gives_its_job_back_and_goes_on(site):
    worker, heard = site(job=JOB)
    (worker.folder / "jobs").write_text("where a folder should be")
    assert worker._next()
    what, said = heard[-1]
    assert (what, said["refused"], said["stopped"]) == ("give-up", False, False)
    assert said["reason"] == "jobs/mine-1-play: Not a directory"


def test_what_was_cut_off_is_kept_for_a_week(site, monkeypatch):
    worker, _ = site()
    places = [worker.folder / "jobs" / f"mine-{n}-play" for n in (1, 2)]
    for place, days in zip(places, (6, 8), strict=True):
        place.mkdir(parents=True)
        (place / "job.json").write_text(json.dumps(JOB))
        then = time.time() - days * 24 * 3600
        os.utime(place / "job.json", (then, then))
    worker._deliver_what_is_left()
    assert [place.exists() for place in places] == [True, False]


def test_who_continues_a_run_tells_nothing_again(tmp_path):
    said, kept = tmp_path / "said.txt", tmp_path / "told.json"
    said.write_text("one\n")
    first = Told(tmp_path, said, kept)
    first.taken(first.new())
    with open(said, "a") as file:
        file.write("two\n")
    assert [event["data"]["line"] for event in Told(tmp_path, said, kept).new()] == ["two"]


# --- what answers, and does not do it ---


def called(answer, method="PUT", path="jobs/1/bundle"):
    call = Caller("http://site", "t")
    call._http = httpx.Client(
        transport=httpx.MockTransport(lambda request: answer), base_url="http://site/api/worker/"
    )
    return call(method, path)


@pytest.mark.parametrize(("answer", "raised", "said"), [
    (httpx.Response(301, headers={"Location": "https://site/"}), RulesError,
     "http://site sends elsewhere, to https://site/. Give that address by --url"),
    (httpx.Response(413, text="too large"), RulesError, "must take bodies of 500,000,000 bytes"),
    (httpx.Response(405), RulesError, "answers 405 to PUT jobs/1/bundle, and not as a site"),
    (httpx.Response(404, text="no such page"), RulesError, "not as a site of ML Golf does"),
    (httpx.Response(200, html="<p>Sign in</p>"), RulesError, "not as a site of ML Golf does"),
    (httpx.Response(418, json={"detail": "a teapot"}), RulesError, "http://site: a teapot"),
    (httpx.Response(422, json={"detail": "no bundle"}), Lost, "http://site: no bundle"),
    (httpx.Response(409, json={"detail": "not yours"}), Lost, "http://site: not yours"),
    (httpx.Response(401, json={"detail": "revoked"}), RulesError, "http://site: revoked"),
    (httpx.Response(502, text="bad gateway"), SiteGone, "http://site answers 502"),
])
def test_no_answer_is_taken_for_success_but_what_a_site_says_that_did_it(answer, raised, said):
    with pytest.raises(raised) as error:
        called(answer)
    assert said in str(error.value)


def test_a_worker_asks_no_address_that_is_none(tmp_path):
    from mlgolf_site.cli import app
    from typer.testing import CliRunner

    ended = CliRunner().invoke(app, [
        "worker", "--url", "localhost:8715", "--token", "t", "--folder", str(tmp_path / "w"),
    ])
    assert "--url: found 'localhost:8715'; allowed is an address such as" in str(ended.exception)


def test_a_run_that_a_proxy_does_not_let_through_is_kept_and_not_played_again(site, monkeypatch):
    worker, heard = site(job=JOB)

    def play(worker, job, place):
        (place / "run" / "mine-1").mkdir(parents=True)
        (place / "run" / "mine-1" / "held_out.json").touch()
        worker.call("PUT", "jobs/1/bundle")

    monkeypatch.setitem(workers.BEGIN, "play", play)
    worker._next()
    what, said = heard[-1]
    assert (what, said["refused"]) == ("give-up", False)
    assert "answers 413" in said["reason"]
    monkeypatch.setitem(
        workers.DELIVER, "play", lambda worker, job, place: worker.call("PUT", "jobs/1/bundle")
    )
    worker._deliver_what_is_left()
    assert (worker.folder / "jobs" / "mine-1-play" / "run").exists()
