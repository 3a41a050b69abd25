"""A contestant's commands, against a site; and what they do when it is away."""

import json
import stat
import sys

import httpx
import pytest
from mlgolf_site.client import (
    Account,
    SiteClient,
    SiteError,
    SiteRefused,
    checked_url,
    default_file,
    keep_account,
    known_account,
)
from mlgolf_site.contests.services import starter_folder
from mlgolf_site.entries.models import Entry, Run
from mlgolf_site.jobs.models import Job, State
from mlgolf_site.jobs.services import cancel
from mlgolf_site.people.models import Token

from mlgolf.cli.main import main
from mlgolf.core.errors import RulesError

URL = "https://golf.example.org"


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("MLGOLF_URL", "MLGOLF_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def mlgolf(monkeypatch, capsys):
    """Runs a command. Returns: (exit code, stdout, stderr)."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["mlgolf", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return run


@pytest.fixture
def site(live_server, contest, person):
    """The address of a site on which kim is signed in."""
    _, text = Token.issue(person("kim"), "laptop", Token.Scope.SUBMIT)
    keep_account(Account(url=live_server.url, token=text), default_file())
    return live_server.url


@pytest.fixture
def kit(site, contest):
    return starter_folder(contest.current)


# --- login ---


def test_login_keeps_what_the_site_accepts_for_its_owners_eyes(
    live_server, contest, person, mlgolf
):  # fmt: skip
    _, text = Token.issue(person("kim"), "laptop", Token.Scope.SUBMIT)
    code, out, _ = mlgolf("login", live_server.url, "--token", text)
    assert code == 0
    assert "kim is known to ML Golf. The token 'laptop' may submit" in out
    assert stat.S_IMODE(default_file().stat().st_mode) == 0o600
    assert known_account(None, None, default_file()).token == text
    assert text not in out


def test_login_keeps_nothing_of_a_token_that_is_not_known(live_server, db, mlgolf):
    code, _, err = mlgolf("login", live_server.url, "--token", "mlgolf_x")
    assert code == 2
    assert "does not know the token" in err
    assert not default_file().exists()


def test_who_has_no_good_token_is_told_once_what_to_do(live_server, db, mlgolf):
    keep_account(Account(url=live_server.url, token="mlgolf_x"), default_file())
    code, _, said = mlgolf("status")
    assert code == 2
    assert "This site does not know the token" in said
    assert said.count("okens") == 1  # …/tokens/
    assert f"then: mlgolf login {live_server.url}" in said
    assert "Authorization" not in said


def test_a_token_is_read_from_a_pipe(live_server, person, mlgolf, monkeypatch):
    import io

    _, text = Token.issue(person("kim"), "laptop", Token.Scope.READ)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{text}\n"))
    assert mlgolf("login", live_server.url)[0] == 0


def test_the_token_of_one_site_is_not_sent_to_another():
    keep_account(Account(url=URL, token="secret"), default_file())
    assert known_account("https://other.example.org", None, default_file()).token == ""
    assert known_account(f"{URL}/", None, default_file()).token == "secret"


def test_what_is_given_goes_before_what_is_kept():
    keep_account(Account(url=URL, token="secret"), default_file())
    assert known_account(None, "given", default_file()) == Account(url=URL, token="given")


def test_an_account_does_not_print_its_token():
    assert "secret" not in repr(Account(url=URL, token="secret"))


@pytest.mark.parametrize("url", [
    "golf.example.org", "ftp://golf.example.org", "", "https://", "https://a/?x=1",
])  # fmt: skip
def test_what_is_no_address_is_told_what_one_is(url):
    with pytest.raises(RulesError, match="allowed is an address such as https://"):
        checked_url(url)


def test_without_a_site_one_is_told_how_to_sign_in(mlgolf):
    code, _, err = mlgolf("leaderboard", "quick")
    assert code == 2
    assert "which site? Sign in once by: mlgolf login URL" in err


# --- submit and status ---


def test_a_folder_is_submitted_and_waits(kit, mlgolf):
    code, out, err = mlgolf("submit", kit, "--competition", "quick", "--name", "mine")
    assert code == 0, err
    assert "quick/mine waits for a worker: http" in out
    assert "waits for a worker" in out
    assert "no worker of the class one-thread-cpu is there" in out
    code, out, _ = mlgolf("status", "quick/mine")
    assert (code, "waits for a worker" in out) == (3, True)


def test_the_same_command_given_again_makes_no_second_entry(kit, mlgolf):
    words = ("submit", kit, "--competition", "quick", "--name", "mine")
    assert [mlgolf(*words)[0] for _ in range(2)] == [0, 0]
    assert Entry.objects.count() == 1


def test_what_is_sent_is_what_the_referee_freezes(kit, mlgolf, tmp_path):
    from mlgolf.referee.freeze import find_submission, fingerprint

    (kit / ".hidden").write_text("x")
    assert mlgolf("submit", kit, "--competition", "quick", "--name", "mine")[0] == 0
    expected = fingerprint(find_submission(str(kit), "torch"))
    assert Entry.objects.get().code_sha256 == expected


def test_a_check_submits_nothing(kit, mlgolf):
    code, out, err = mlgolf("submit", kit, "--competition", "quick", "--name", "mine", "--check")
    assert code == 0, err
    assert "Nothing stands against it. Played is entry_torch.py" in out
    assert Entry.objects.count() == 0


def test_what_the_site_refuses_is_said_in_its_words(site, mlgolf, tmp_path):
    (tmp_path / "mine.py").write_text("def play(game):\n    pass\n\nimport (\n")
    code, _, err = mlgolf("submit", tmp_path / "mine.py", "--competition", "quick", "--check")
    assert code == 2
    assert "line 4: invalid syntax" in err


def test_a_competition_that_is_not_there_is_told_so(kit, mlgolf):
    code, _, err = mlgolf("submit", kit, "--competition", "none")
    assert code == 2
    assert "There is no competition 'none'." in err


def test_what_is_too_large_is_not_sent_and_its_largest_files_are_named(
    kit, mlgolf, settings, monkeypatch
):  # fmt: skip
    config = settings.SITE.config
    limits = config.limits.model_copy(update={"upload_bytes": 100})
    monkeypatch.setattr(settings.SITE, "config", config.model_copy(update={"limits": limits}))
    code, _, err = mlgolf("submit", kit, "--competition", "quick", "--name", "mine")
    assert code == 2
    assert "allowed are 100 bytes. Largest: " in err
    assert "entry_torch.py" in err


@pytest.mark.parametrize(("state", "expected"), [
    (State.DONE, 0), (State.REFUSED, 1), (State.FAILED, 1), (State.CANCELLED, 1),
    (State.QUEUED, 3), (State.PLAYING, 3), (State.JUDGING, 3),
])  # fmt: skip
def test_the_exit_code_says_how_the_newest_run_stands(kit, mlgolf, state, expected):
    mlgolf("submit", kit, "--competition", "quick", "--name", "mine")
    Job.objects.update(state=state, reason="so it is")
    code, out, _ = mlgolf("status", "quick/mine", "--json")
    assert code == expected
    assert json.loads(out)["entry"]["runs"][0]["state"] == state.value


def test_one_follows_a_run_to_its_end(kit, mlgolf):
    mlgolf("submit", kit, "--competition", "quick", "--name", "mine")
    run = Run.objects.get()
    run.events.create(number=1_000_001, kind="log", data={"line": "step 1 of 2", "trial": ""})
    run.events.create(number=1_000_002, kind="evaluation", data={
        "trial": "a/trial_1", "step": 5, "seconds": 0.25, "metrics": {"train/loss": 0.125},
    })  # fmt: skip
    client = SiteClient(known_account(None, None, default_file()))
    before = client.entry("quick", "mine")
    cancel(run)
    from mlgolf_site.commands import _follow

    said: list[str] = []
    _follow(client, before, said.append)
    assert said == [
        "— queued: waits for a worker", "step 1 of 2",
        "a/trial_1 step 5, 0.25 s, train/loss 0.125",
        "— cancelled: cancelled before it was played",
    ]


def test_ones_own_entries_are_listed(kit, mlgolf):
    mlgolf("submit", kit, "--competition", "quick", "--name", "mine")
    code, out, _ = mlgolf("status")
    assert code == 0
    assert "quick/mine" in out
    assert "You may submit 19 more" in out


@pytest.mark.parametrize("command", ["status", "cancel"])
@pytest.mark.parametrize("named", ["mine", "quick/", "/mine", "a/b/c"])
def test_how_an_entry_is_named_is_said(site, mlgolf, command, named):
    code, _, err = mlgolf(command, named)
    assert code == 2
    assert "allowed is COMPETITION/ENTRY" in err


def test_a_token_that_may_not_is_told_what_to_do(live_server, contest, person, mlgolf):
    _, text = Token.issue(person("kim"), "reader", Token.Scope.READ)
    folder = starter_folder(contest.current)
    code, _, err = mlgolf(
        "submit", folder, "--competition", "quick", "--url", live_server.url, "--token", text
    )
    assert code == 2
    assert "this needs submit" in err
    code, _, err = mlgolf("status", "--url", live_server.url, "--token", "mlgolf_none")
    assert code == 2
    assert f"mlgolf login {live_server.url}" in err


# --- cancel ---


def test_an_entry_that_waits_is_cancelled_and_counts_for_no_limit(kit, mlgolf):
    mlgolf("submit", kit, "--competition", "quick", "--name", "mine")
    code, out, err = mlgolf("cancel", "quick/mine")
    assert code == 0, err
    assert out == f"{Run.objects.get()}: it was cancelled\n"
    assert Job.objects.get().state == State.CANCELLED
    assert "You may submit 20 more" in mlgolf("status")[1]


def test_the_worker_of_an_entry_that_is_played_is_told_to_stop(kit, mlgolf):
    mlgolf("submit", kit, "--competition", "quick", "--name", "mine")
    Job.objects.update(state=State.PLAYING)
    code, out, _ = mlgolf("cancel", "quick/mine", "--json")
    said = json.loads(out)["cancelled"]
    assert code == 0
    assert (said["entry"], said["state"]) == ("mine", "playing")
    assert said["said"] == "its worker is told to stop"
    assert Job.objects.get().cancel_asked


def test_what_has_ended_cannot_be_cancelled_any_more(kit, mlgolf):
    mlgolf("submit", kit, "--competition", "quick", "--name", "mine")
    Job.objects.update(state=State.DONE)
    code, out, _ = mlgolf("cancel", "quick/mine")
    assert (code, "it has a verdict already" in out) == (1, True)


def test_an_entry_that_was_cancelled_is_cancelled_when_it_is_asked_again(kit, mlgolf):
    mlgolf("submit", kit, "--competition", "quick", "--name", "mine")
    assert [mlgolf("cancel", "quick/mine")[0] for _ in range(2)] == [0, 0]


def test_nobody_cancels_anothers_entry(kit, mlgolf, person):
    mlgolf("submit", kit, "--competition", "quick", "--name", "mine")
    _, text = Token.issue(person("eve"), "laptop", Token.Scope.SUBMIT)
    code, _, err = mlgolf("cancel", "quick/mine", "--token", text)
    assert code == 2
    assert "This is for who it belongs to, alone or in a team" in err
    assert Job.objects.get().state == State.QUEUED


def test_an_entry_that_is_not_there_cannot_be_cancelled(site, mlgolf):
    code, _, err = mlgolf("cancel", "quick/none")
    assert code == 2
    assert "There is no entry 'none' in quick." in err


@pytest.mark.parametrize("command", ["login", "submit", "status", "cancel", "leaderboard"])
def test_help_of_every_command_has_an_example(mlgolf, command):
    code, out, _ = mlgolf(command, "--help")
    assert (code, f"Example: mlgolf {command}" in out) == (0, True)


# --- leaderboard ---


def test_a_leaderboard_is_shown_without_a_token(live_server, contest, board, person, mlgolf):
    from mlgolf_site.boards.models import Snapshot, Standing
    from mlgolf_site.boards.services import refresh

    code, out, _ = mlgolf("leaderboard", "quick", "--url", live_server.url)
    assert (code, "There is no result yet." in out) == (0, True)
    refresh(board)
    board.refresh_from_db()
    row = {"rank": "1", "submission": "a", "score": "", "bounds": "", "facts": [],
           "cells": [{"value": "12.5", "details": [], "failed": False, "best": True}]}
    for number, name in enumerate(("first", "second"), 1):
        entry = Entry.objects.create(
            board=board, contest=contest, name=name, owner=person(name), code_sha256="0" * 64
        )
        Standing.objects.create(
            snapshot=board.snapshot, place=number, rank="1", entry=entry,
            view={**row, "facts": ["–"] * len(board.snapshot.view["fact_heads"])},
        )
    Snapshot.objects.update(rows=2)
    code, out, err = mlgolf("leaderboard", "quick", "--url", live_server.url, "--size", 1)
    assert code == 0, err
    assert "first" in out
    assert "12.5" in out
    assert "page 1 of 2, 2 in all; the next: mlgolf leaderboard quick --page 2" in out
    _, out, _ = mlgolf("leaderboard", "quick", "--url", live_server.url, "--json")
    assert [row["entry"] for row in json.loads(out)["leaderboard"]["rows"]] == ["first", "second"]


def test_what_a_hosts_own_script_says_is_shown_beside_a_leaderboard(
    live_server, contest, board, person, mlgolf
):  # fmt: skip
    from mlgolf_site.boards.models import Snapshot, Standing
    from mlgolf_site.boards.services import refresh

    refresh(board)
    board.refresh_from_db()
    view = {**board.snapshot.view, "own_columns": ["accuracy", "seen"]}
    Snapshot.objects.update(rows=1, view=view)
    entry = Entry.objects.create(
        board=board, contest=contest, name="first", owner=person("kim"), code_sha256="0" * 64
    )
    Standing.objects.create(
        snapshot=board.snapshot, place=1, rank="1", entry=entry,
        view={"rank": "1", "submission": "a", "score": "", "bounds": "",
              "cells": [{"value": "12.5", "details": [], "failed": False, "best": True}],
              "facts": ["–"] * len(view["fact_heads"]), "own": {"accuracy": 0.875}},
    )
    code, out, err = mlgolf("leaderboard", "quick", "--url", live_server.url)
    assert code == 0, err
    assert "(accuracy)" in out
    assert "0.875" in out
    assert "In brackets: beside the board: by the host's own script, counts for nothing" in out


def test_a_cell_is_named_once(mlgolf):
    code, _, err = mlgolf("leaderboard", "quick@a", "--board", "b", "--url", URL)
    assert code == 2
    assert "Give one" in err


# --- a site that is away, or none ---


class Answers(httpx.BaseTransport):
    """Answers with one thing after the other; an exception is raised. Keeps what was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def handle_request(self, request):
        request.read()
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def client(*answers, token=""):
    slept: list[float] = []
    said: list[str] = []
    transport = Answers(*answers)
    made = SiteClient(
        Account(url=URL, token=token), tell=said.append, transport=transport, sleep=slept.append
    )
    return made, transport, slept, said


def gone(words="connection refused"):
    return httpx.ConnectError(words)


ASKED = {"name": "mine", "framework": "torch", "board": "", "team": "", "based_on": ""}


def test_a_submission_that_did_not_come_through_is_sent_again_under_the_same_key():
    made, transport, slept, said = client(
        gone(), httpx.ReadTimeout("no answer"), httpx.Response(503),
        httpx.Response(201, json={"entry": "mine"}),
    )
    assert made.submit("quick", b"zip", ASKED) == {"entry": "mine"}
    keys = {request.headers["Idempotency-Key"] for request in transport.asked}
    assert (len(transport.asked), len(keys)) == (4, 1)
    assert slept == [1.0, 2.0, 4.0]
    assert "cannot be reached (connection refused); trying again in 1 s" in said[0]


def test_an_upload_says_how_far_it_came():
    made, _, _, _ = client(httpx.Response(201, json={}))
    found: list[tuple[int, int]] = []
    made.progress = lambda sent, size: found.append((sent, size))
    made.submit("quick", b"x" * 100_000, ASKED)
    assert found[-1] == (100_000, 100_000)
    assert len(found) > 1


def test_the_key_is_of_all_that_is_sent():
    keys = set()
    for content, changes in ((b"a", {}), (b"b", {}), (b"a", {"name": "other"}), (b"a", {})):
        made, transport, _, _ = client(httpx.Response(201, json={}))
        made.submit("quick", content, {**ASKED, **changes})
        keys.add(transport.asked[0].headers["Idempotency-Key"])
    assert len(keys) == 3


def test_a_site_that_stays_away_is_given_up_after_a_minute():
    made, _, slept, _ = client(*[gone()] * 50)
    with pytest.raises(SiteError, match=r"cannot be reached .*Try later: nothing is lost"):
        made.me()
    assert 45 <= sum(slept) <= 75


def test_a_name_that_nobody_has_is_not_tried_again():
    import socket

    error = gone("Name or service not known")
    error.__cause__ = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    made, _, slept, _ = client(error)
    with pytest.raises(SiteError, match=r"there is no host called golf\.example\.org"):
        made.me()
    assert slept == []


def test_who_is_told_to_wait_waits_that_long():
    made, _, slept, said = client(
        httpx.Response(429, json={"detail": "Too many."}, headers={"Retry-After": "17"}),
        httpx.Response(200, json={"name": "kim"}),
    )
    assert made.me() == {"name": "kim"}
    assert slept == [17.0]
    assert "Too many.; trying again in 17 s" in said[0]


def test_a_limit_of_submissions_is_not_waited_for():
    made, _, slept, _ = client(httpx.Response(429, json={"detail": "20 times in 24 hours."}))
    with pytest.raises(SiteRefused, match="20 times in 24 hours"):
        made.submit("quick", b"zip", ASKED)
    assert slept == []


@pytest.mark.parametrize("answer", [
    httpx.Response(200, text="<html>"), httpx.Response(404, text="Not Found"),
    httpx.Response(200, json=[1]), httpx.Response(403, json={"message": "no"}),
])  # fmt: skip
def test_what_is_no_site_of_ours_is_told_so(answer):
    made, _, _, _ = client(answer)
    with pytest.raises(SiteError, match=r"not as a site of ML Golf does\. Check the address"):
        made.me()


def test_a_token_is_not_carried_to_where_a_site_sends_one():
    made, transport, _, _ = client(
        httpx.Response(301, headers={"Location": "https://evil.example.org/"}), token="secret"
    )
    with pytest.raises(SiteError, match="sends elsewhere, to https://evil"):
        made.me()
    assert len(transport.asked) == 1


def test_a_site_that_broke_is_not_asked_again():
    made, transport, _, _ = client(httpx.Response(500, json={"detail": "It made a mistake."}))
    with pytest.raises(SiteError, match="It made a mistake"):
        made.me()
    assert len(transport.asked) == 1


def test_words_of_a_site_do_not_command_the_terminal():
    made, _, _, _ = client(httpx.Response(422, json={"detail": "a\x1b[2Jb"}))
    with pytest.raises(SiteRefused, match=r"a\\x1b\[2Jb"):
        made.me()


def test_a_token_with_other_characters_is_refused_before_it_is_sent():
    with pytest.raises(RulesError, match="characters that no token has"):
        client(token="a\nb")


class Stream(httpx.SyncByteStream):
    def __init__(self, *parts):
        self.parts = parts

    def __iter__(self):
        for part in self.parts:
            if isinstance(part, Exception):
                raise part
            yield part


def event(number, kind="log"):
    data = json.dumps({"number": number, "kind": kind, "line": f"line {number}"})
    return f"id: {number}\nevent: {kind}\ndata: {data}\n\n".encode()


def test_a_stream_that_breaks_goes_on_after_the_last_event():
    made, transport, slept, _ = client(
        httpx.Response(200, stream=Stream(b"retry: 2000\n\n", event(1), event(2)[:9],
                                          httpx.ReadError("broken"))),
        gone(),
        httpx.Response(200, stream=Stream(event(2), b": waiting\n\n", event(3),
                                          b"event: end\ndata: {}\n\n")),
    )  # fmt: skip
    found = list(made.events("run"))
    assert [one and one["number"] for one in found] == [1, 2, None, 3]
    assert [request.headers["Last-Event-ID"] for request in transport.asked] == ["0", "1", "1"]
    assert slept == [1.0, 2.0]


def test_a_stream_that_is_refused_says_why():
    made, _, _, _ = client(httpx.Response(404, json={"detail": "There is no such run."}))
    with pytest.raises(SiteRefused, match="There is no such run"):
        list(made.events("run"))


def test_the_client_needs_no_django():
    import subprocess

    code = (
        "import sys, mlgolf_site.client, mlgolf_site.commands, mlgolf_site.packing; "
        "print('django' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
