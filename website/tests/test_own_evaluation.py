"""The host's own evaluation: run by the worker after a run, shown beside the board, no more."""

import csv
import io
import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from filled import fill, people
from mlgolf_site.boards.models import Standing
from mlgolf_site.boards.services import refresh
from mlgolf_site.contests.services import add_contest, add_version, starter_folder
from mlgolf_site.entries.models import Run
from mlgolf_site.importing.bundles import import_run
from mlgolf_site.jobs import evaluating, playing
from mlgolf_site.jobs.beside import beside
from mlgolf_site.jobs.calling import SiteGone
from mlgolf_site.jobs.evaluations import restored, shown_evaluations
from mlgolf_site.jobs.models import Job, State
from mlgolf_site.jobs.models import Worker as WorkerRow
from mlgolf_site.jobs.worker import Worker
from mlgolf_site.people.models import Token
from mlgolf_site.submitting import submit
from uploads import folder_zip

from mlgolf.golf.own_evaluation import LABEL
from mlgolf.referee.levels import bubblewrap_problem

pytestmark = pytest.mark.django_db
SCRIPT = """
def evaluate(run):
    return {"runs of it": len(run.trials), "spread": 0.125, "kind": "<b>linear</b>"}
"""
FAILS = "def evaluate(run):\n    raise ValueError('the host mistyped')\n"


def with_script(game_folder: Path, place: Path, script: str) -> Path:
    folder = shutil.copytree(game_folder, place / "quick")
    (folder / "evaluation.py").write_text(script)
    return folder


@pytest.fixture
def evaluated(game_folder, tmp_path):
    """A contest with a script, new for each test."""

    def make(script: str = SCRIPT, **options):
        return add_contest(with_script(game_folder, tmp_path, script), **options).contest

    yield make
    from django.conf import settings

    for name in ("files", "runs"):
        shutil.rmtree(settings.SITE.folder / name, ignore_errors=True)


def main_board(contest):
    return contest.current.boards.get(name="")


# --- a worker, end to end ---


@pytest.fixture
def play(live_server, person, tmp_path, monkeypatch):
    """Hands in the baseline, and has it played by a worker. Returns: its run, what was said."""
    monkeypatch.setenv("MLGOLF_LOCK_DIR", str(tmp_path))  # waits for nobody's core
    if problem := bubblewrap_problem():
        pytest.skip(problem)

    def played(contest, name="mine"):
        board = main_board(contest)
        run = submit(
            board, owner=person(f"owner-of-{name}"), name=name, file="a.zip",
            content=folder_zip(starter_folder(board.version)),
        )
        _, secret = Token.issue(
            person(f"worker-of-{name}", is_superuser=True), "w", Token.Scope.WORKER
        )
        said: list[str] = []
        Worker(
            url=live_server.url, token=secret, hardware="one-thread-cpu",
            folder=tmp_path / "worker", tell=said.append, probe=lambda _: None,
        ).work(once=True)
        run.refresh_from_db()
        refresh(board)
        return run, said

    return played


def test_a_worker_runs_it_after_the_run_and_the_board_shows_it_beside(evaluated, play):
    contest = evaluated()
    run, said = play(contest)
    assert run.own_evaluation == {
        "values": [["runs of it", 2], ["spread", 0.125], ["kind", "<b>linear</b>"]], "problem": "",
    }, said
    page = Client().get("/c/quick/").content.decode()
    assert LABEL[1:] in page.replace("&#x27;", "'")  # it begins a sentence
    assert "&lt;b&gt;linear&lt;/b&gt;" in page
    assert "<b>linear</b>" not in page
    assert "0.1250" in Client().get("/c/quick/e/mine/").content.decode()
    assert json.loads(Client().get("/c/quick/board.json").content)["rows"][0]["row"]["own"] == {
        "runs of it": 2, "spread": 0.125, "kind": "<b>linear</b>",
    }  # fmt: skip


def test_a_script_that_fails_costs_the_entrant_nothing(evaluated, play):
    run, said = play(evaluated(FAILS))
    assert (run.job.state, run.counts) == (State.DONE, True)
    assert run.own_evaluation["values"] == []
    assert run.own_evaluation["problem"] == (
        "evaluation.py, line 2: ValueError: the host mistyped"
    ), said


def test_a_worker_ended_after_the_run_runs_the_script_at_its_next_start(
    evaluated, play, monkeypatch
):
    times = []

    def once_ended(*arguments):
        times.append(Run.objects.filter(counts=True).count())
        if len(times) == 1:
            raise SiteGone("it was ended")
        evaluating.evaluate(*arguments)

    monkeypatch.setattr(playing, "evaluate", once_ended)
    run, said = play(evaluated())
    assert times == [1, 1]  # the run counted before
    assert run.own_evaluation is not None, said
    assert Run.objects.count() == 1


# --- what is shown, and to whom ---


@pytest.fixture
def board(evaluated):
    """Three entries; the script said something of the first two."""
    board = main_board(evaluated())
    fill(board, 3, owners=people(2))
    first, second, _ = board.entries.order_by("name")
    say(first, [["spread", 0.5], ["word", "=SUM(A1)"]])
    say(second, [["spread", 7], ["late", 1]])
    board.has_changed()
    refresh(board)
    return board


def say(entry, values, problem=""):
    Run.objects.filter(entry=entry).update(
        own_evaluation={"values": values, "problem": problem}
    )


def own_of(board):
    return {
        row.entry.name: row.view.get("own")
        for row in Standing.objects.filter(snapshot__shown_on=board).select_related("entry")
    }


def test_a_board_has_a_column_for_each_name_and_a_dash_where_nothing_was_said(board):
    board.refresh_from_db()
    assert board.snapshot.view["own_columns"] == ["spread", "word", "late"]
    page = Client().get("/c/quick/").content.decode()
    assert page.count('<td class="own">') == 9
    assert page.count('<td class="own">–</td>') == 5


def test_it_changes_no_rank_and_no_value(board):
    def rest(view):
        return {name: value for name, value in view.items() if name != "own"}

    before = [
        (row.rank, row.value, rest(row.view))
        for row in Standing.objects.filter(snapshot__shown_on=board)
    ]
    Run.objects.update(own_evaluation={"values": [["spread", -1e9]], "problem": ""})
    board.has_changed()
    refresh(board)
    after = [
        (row.rank, row.value, rest(row.view))
        for row in Standing.objects.filter(snapshot__shown_on=board)
    ]
    assert after == before
    assert set(map(str, own_of(board).values())) == {"{'spread': -1000000000.0}"}


def test_a_board_without_a_script_has_no_such_column(board, tmp_path, game_folder):
    (board.version.folder / "evaluation.py").unlink()
    board.has_changed()
    refresh(board)
    board.refresh_from_db()
    assert "own_columns" not in board.snapshot.view
    assert set(own_of(board).values()) == {None}
    assert 'class="own"' not in Client().get("/c/quick/").content.decode()


def test_files_have_it_at_the_right_and_say_that_it_counts_for_nothing(board):
    told = json.loads(Client().get("/c/quick/board.json").content)
    assert told["own_columns_are"] == LABEL
    assert told["board"]["own_columns"] == ["spread", "word", "late"]
    head, *lines = csv.reader(io.StringIO(Client().get("/c/quick/board.csv").content.decode()))
    assert head[-3:] == [f"{name} ({LABEL})" for name in ("spread", "word", "late")]
    by_name = {line[head.index("entry")]: line[-3:] for line in lines}
    first, second, third = sorted(by_name)
    assert by_name[first] == ["0.5", "'=SUM(A1)", ""]  # a spreadsheet runs none of its cells
    assert by_name[second] == ["7", "", "1"]
    assert by_name[third] == ["", "", ""]


def test_the_api_has_it(board):
    told = Client().get("/api/competitions/quick/leaderboard").json()
    assert told["own_columns"] == ["spread", "word", "late"]
    assert sorted(row["own"].get("spread", 0) for row in told["rows"]) == [0, 0.5, 7]


def test_the_error_of_a_script_is_told_to_hosts_alone(board, person):
    host = person("hana")
    board.version.contest.hosts.add(host)
    entry = board.entries.order_by("name")[0]
    say(entry, [], "evaluation.py, line 9: SecretError")
    to_host = Client()
    to_host.force_login(host)
    owner = Client()
    owner.force_login(entry.owner)
    at = entry.get_absolute_url()
    assert "line 9: SecretError" in to_host.get(at).content.decode()
    assert "line 9: SecretError" in to_host.get("/c/quick/host/").content.decode()
    for client in (owner, Client()):
        page = client.get(at).content.decode()
        assert "SecretError" not in page
        assert "The host’s own evaluation" in page
    assert "SecretError" not in Client().get("/c/quick/board.json").content.decode()


def test_hidden_results_hide_it(board):
    contest = board.version.contest
    contest.results_hidden_until = timezone.now() + timedelta(days=1)
    contest.save()
    entry = board.entries.order_by("name")[0]
    for at in ("/c/quick/", entry.get_absolute_url()):
        page = Client().get(at).content.decode()
        assert "spread" not in page
        assert 'class="own"' not in page
    for at in ("/c/quick/board.json", "/c/quick/board.csv", "/api/competitions/quick/leaderboard"):
        assert Client().get(at).status_code == 404


def test_the_page_of_an_entry_has_every_run(board):
    entry = board.entries.order_by("name")[0]
    columns, shown = shown_evaluations(entry.runs.order_by("-pk"), to_host=False)
    assert columns == ["spread", "word"]
    assert [one.cells for one in shown] == [["0.5000", "=SUM(A1)"]]


# --- what a worker may deliver ---


@pytest.fixture
def delivered(evaluated, person):
    """Of a run that was taken in: how its worker delivers what the script said, and the run."""
    return _delivered(main_board(evaluated()), person)


def _delivered(board, person):
    run = submit(
        board, owner=person("ada"), name="adas", file="a.zip",
        content=folder_zip(starter_folder(board.version)),
    )
    token, text = Token.issue(person("boss", is_superuser=True), "w", Token.Scope.WORKER)
    worker = WorkerRow.objects.create(
        token=token, name="w", hardware="one-thread-cpu", public_key="a" * 64
    )
    run.job.tried_by.add(worker)
    Job.objects.filter(run=run).update(state=State.DONE)
    Run.objects.filter(pk=run.pk).update(
        bundle_sha256="c" * 64, signed_by="a" * 64, counts=True, ended=timezone.now()
    )

    def send(values=(), problem="", sha256="c" * 64, pk=None, body=None):
        return Client().put(
            f"/api/worker/jobs/{pk or run.job.pk}/evaluation?sha256={sha256}",
            body or json.dumps({"values": values, "problem": problem}),
            content_type="application/json", headers={"Authorization": f"Bearer {text}"},
        )

    return send, run


def test_it_is_taken_in_once(delivered):
    send, run = delivered
    board = run.entry.board
    before = type(board).objects.get(pk=board.pk).changes
    assert send({"b": 1, "a": 0.5}).json() == {"state": "done"}
    assert send({"b": 1, "a": 0.5}).json() == {"state": "done"}
    assert send({"b": 2}).status_code == 409
    run.refresh_from_db()
    assert run.own_evaluation == {"values": [["b", 1], ["a", 0.5]], "problem": ""}
    assert type(board).objects.get(pk=board.pk).changes == before + 1


def test_it_is_written_down_beside_the_bundle(delivered):
    send, run = delivered
    send({"b": 1})
    with default_storage.open(f"{run.bundle}.json") as file:
        assert json.load(file)["own_evaluation"] == {"values": [["b", 1]], "problem": ""}


@pytest.mark.parametrize("body", [
    '{"values": {"a": NaN}}', '{"values": {"a": Infinity}}', '{"values": {"a": 1e999}}',
    '{"values": {"a": [1]}}', '{"values": {"a": true}}', '{"values": {"a": "\\u0000"}}',
    '{"values": {"": 1}}', '{"values": [1]}', '{"values": {"a": "' + "x" * 81 + '"}}',
    json.dumps({"values": {str(n): n for n in range(21)}}), '{"problem": "none"}', "[]", "x",
    json.dumps({"values": {}, "problem": "x" * 2001}),
])  # fmt: skip
def test_what_no_script_may_say_is_refused(delivered, body):
    send, run = delivered
    answer = send(body=body)
    assert answer.status_code in (400, 422), answer.content
    run.refresh_from_db()
    assert run.own_evaluation is None


def test_a_worker_says_nothing_of_a_run_that_it_did_not_deliver(delivered):
    send, run = delivered
    assert send({"a": 1}, sha256="d" * 64).status_code == 409
    assert send({"a": 1}, pk=99999).status_code == 409
    Run.objects.filter(pk=run.pk).update(signed_by="b" * 64)
    assert send({"a": 1}).status_code == 409
    run.refresh_from_db()
    assert run.own_evaluation is None


def test_nothing_is_taken_in_where_the_rules_have_no_script(contest, person):
    send, _ = _delivered(main_board(contest), person)
    answer = send({"a": 1})
    assert answer.status_code == 409
    assert "no evaluation of the host's own" in answer.json()["detail"]


# --- the worker's side ---


class Fake:
    """As much of a worker as evaluating needs."""

    stopping = False

    def __init__(self, competition: Path) -> None:
        self.folder, self.sent, self.said = competition, [], []

    def competition(self, job):
        return self.folder

    def tell(self, said):
        self.said.append(said)

    def call(self, method, path, **options):
        self.sent.append((method, path, options))

    def send(self, job, send):
        send()


JOB = {"job": 4, "run": "mine-12345678"}


def test_a_worker_without_a_script_says_nothing(game_folder, tmp_path):
    worker = Fake(game_folder)
    evaluating.evaluate(worker, JOB, tmp_path, "c" * 64)
    assert worker.sent == []


def test_what_keeps_the_script_from_being_run_is_delivered_as_a_problem(game_folder, tmp_path):
    worker = Fake(with_script(game_folder, tmp_path, SCRIPT))
    evaluating.evaluate(worker, JOB, tmp_path, "c" * 64)  # there is no run
    ((method, path, options),) = worker.sent
    assert (method, path, options["params"]) == ("PUT", "jobs/4/evaluation", {"sha256": "c" * 64})
    assert options["json"]["values"] == {}
    assert "expected a run" in options["json"]["problem"]
    assert str(tmp_path) not in options["json"]["problem"]


def test_a_worker_that_is_to_stop_leaves_it_for_its_next_start(game_folder, tmp_path):
    worker = Fake(with_script(game_folder, tmp_path, SCRIPT))
    worker.stopping = True
    with pytest.raises(SiteGone, match="at the next start"):
        evaluating.evaluate(worker, JOB, tmp_path, "c" * 64)
    assert worker.sent == []


# --- the database is lost ---


def test_an_import_brings_it_back(delivered):
    send, run = delivered
    send({"b": 1, "a": "word"})
    run.refresh_from_db()
    Job.objects.filter(run=run).update(state=State.FAILED)  # so that no bundle is asked for
    table = {**beside(Run.objects.get(pk=run.pk)), "state": "failed"}
    board = run.entry.board
    Job.objects.filter(run=run).delete()
    Run.objects.filter(pk=run.pk).delete()
    assert import_run(board, json.loads(json.dumps(table))) == 1
    assert Run.objects.get(key=table["key"]).own_evaluation == run.own_evaluation


@pytest.mark.parametrize("said", [
    None, 3, [], {}, {"values": 3, "problem": ""}, {"values": [["a", [1]]], "problem": ""},
    {"values": [["a"]], "problem": ""}, {"values": [["a", float("nan")]], "problem": ""},
])  # fmt: skip
def test_a_file_that_says_what_no_script_may_brings_nothing(said):
    assert restored(said) is None


# --- who may bring one ---


def test_any_host_may_bring_a_script(game_folder, tmp_path, lee):
    version = add_contest(with_script(game_folder, tmp_path, SCRIPT), by=lee)
    assert version.contest.slug == "quick"


def test_another_script_is_a_new_version_of_the_same_rules(evaluated, game_folder, tmp_path):
    contest = evaluated()
    before = contest.current
    again = with_script(game_folder, tmp_path / "again", SCRIPT.replace("0.125", "0.25"))
    version = add_version(contest, again)
    assert version.number == before.number + 1
    assert version.rules_sha256 == before.rules_sha256
    assert version.folder_sha256 != before.folder_sha256
