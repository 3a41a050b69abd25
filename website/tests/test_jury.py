"""Challenges and rulings: who may say and decide what, and what a decision does to a board."""

import json
import shutil
import subprocess
import sys
import uuid
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from mlgolf_site.boards.models import Snapshot, Standing
from mlgolf_site.boards.services import as_json, refresh, take_in
from mlgolf_site.contests.services import add_version, rules_digest, starter_folder
from mlgolf_site.entries.models import Run
from mlgolf_site.jobs.models import Job, State
from mlgolf_site.jobs.worker import Worker
from mlgolf_site.jury.models import Challenge, Decision, Remark
from mlgolf_site.jury.rulings import as_toml, in_force_against, rulings_of
from mlgolf_site.jury.services import (
    DEADLINE,
    JuryError,
    NotImpartial,
    challenge,
    decide,
    say,
    set_deadline,
    take_in_rulings,
    why_not_impartial,
    withdraw,
)
from mlgolf_site.people.models import Team, Token
from mlgolf_site.submitting import submit
from uploads import folder_zip

from mlgolf.api.bundles import bundle, make_ledger, open_ledger
from mlgolf.api.results import score
from mlgolf.core.errors import RulesError
from mlgolf.core.jury_ruling import JuryRuling, read_rulings
from mlgolf.report.view import board_view
from mlgolf.results.bundles.ruled import contradictions

pytestmark = pytest.mark.django_db
GIVEN = {"decision": "disqualified", "rule": "pretraining", "reason": "weights in a table",
         "evidence": ["entry.py, line 12"]}  # fmt: skip


@pytest.fixture(autouse=True)
def ledger(settings):
    """Of the site, new for each test."""
    folder = settings.SITE.ledger
    shutil.rmtree(folder, ignore_errors=True)
    make_ledger(folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def kim(person):
    return person("kim")


@pytest.fixture
def rival(person):
    return person("rival")


@pytest.fixture
def juror(person, contest):
    user = person("juror")
    contest.jury.add(user)
    return user


@pytest.fixture
def entry(board, kim):
    """One that stands on its board, as the pages know it."""
    content = folder_zip(starter_folder(board.version))
    run = submit(board, owner=kim, name="doubted", file="a.zip", content=content)
    refresh(board)
    board.refresh_from_db()
    Standing.objects.create(
        snapshot=board.snapshot, place=1, rank="1", entry=run.entry,
        view={"rank": "1", "submission": "doubted", "score": "", "bounds": "", "facts": [],
              "cells": [{"value": "1", "details": [], "failed": False, "best": False}]},
    )  # fmt: skip
    Snapshot.objects.filter(pk=board.snapshot.pk).update(rows=1)
    return run.entry


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


# --- challenges ---


def test_somebody_challenges_an_entry_and_everybody_reads_it(entry, rival):
    answer = signed_in(rival).post(f"/c/quick/e/{entry.name}/challenge/", {
        "doubt": "It reads **labels**. <script>alert(1)</script>",
        "evidence": "[line 3](/c/quick/e/doubted/code/#entry-py-3)",
    })  # fmt: skip
    text = Client().get(answer["Location"]).content.decode()
    assert "<strong>labels</strong>" in text
    assert "<script>alert" not in text
    assert 'href="/c/quick/e/doubted/code/#entry-py-3"' in text
    assert answer["Location"] in Client().get(entry.get_absolute_url()).content.decode()
    assert answer["Location"] in Client().get("/c/quick/challenges/").content.decode()


def test_the_jury_has_two_weeks(entry, rival):
    made = challenge(entry, by=rival, doubt="why?")
    assert abs(made.deadline - timezone.now() - DEADLINE) < timedelta(minutes=1)


def test_nobody_challenges_their_own_entry(entry, kim):
    with pytest.raises(JuryError, match="your own entry"):
        challenge(entry, by=kim, doubt="why?")


def test_what_stands_on_no_board_cannot_be_challenged(entry, rival):
    Standing.objects.all().delete()
    with pytest.raises(JuryError, match="stands on no leaderboard"):
        challenge(entry, by=rival, doubt="why?")


def test_open_challenges_of_one_person_are_limited(entry, rival, settings):
    most = settings.SITE.config.limits.challenges
    for _ in range(most):
        challenge(entry, by=rival, doubt="why?")
    with pytest.raises(JuryError, match=f"{most} challenges of yours wait"):
        challenge(entry, by=rival, doubt="why?")


def test_a_challenge_that_is_withdrawn_makes_room_for_another(entry, rival, settings):
    for _ in range(settings.SITE.config.limits.challenges):
        made = challenge(entry, by=rival, doubt="why?")
    signed_in(rival).post(f"{made.get_absolute_url()}withdraw/")
    assert challenge(entry, by=rival, doubt="why?").is_open


def test_a_challenge_is_withdrawn_by_who_made_it_alone(entry, rival, juror):
    made = challenge(entry, by=rival, doubt="why?")
    signed_in(juror).post(f"{made.get_absolute_url()}withdraw/")
    made.refresh_from_db()
    assert made.is_open


def test_a_challenge_without_evidence_or_a_request_is_sent_back_with_what_was_typed(entry, rival):
    answer = signed_in(rival).post(f"/c/quick/e/{entry.name}/challenge/", {"doubt": "I feel so."})
    assert answer.status_code == 422
    assert "I feel so." in answer.content.decode()
    assert "Give evidence, or ask" in answer.content.decode()


def challenged_with(entry, rival, content):
    return signed_in(rival).post(f"/c/quick/e/{entry.name}/challenge/", {
        "doubt": "why?", "file": SimpleUploadedFile("page.html", content),
    })  # fmt: skip


def test_a_file_of_evidence_is_downloaded_as_plain_text_whatever_it_is(entry, rival):
    answer = challenged_with(entry, rival, b"<script>alert(1)</script>")
    file = Client().get(f"{answer['Location']}evidence.txt")
    assert file["Content-Type"] == "text/plain; charset=utf-8"
    assert file["Content-Disposition"].startswith('attachment; filename="evidence-')
    assert b"".join(file.streaming_content) == b"<script>alert(1)</script>"


@pytest.mark.parametrize("content", [b"\xff\xfe", b"PK\x03\x04\0\0"])
def test_a_file_of_evidence_is_text(entry, rival, content):
    answer = challenged_with(entry, rival, content)
    assert answer.status_code == 422
    assert "The file is no text" in answer.content.decode()


def test_a_file_of_evidence_has_a_largest_size(entry, rival, settings):
    most = settings.SITE.config.limits.evidence_bytes
    answer = challenged_with(entry, rival, b"x" * (most + 1))
    assert "allowed are 1.0 MB" in answer.content.decode()


@pytest.mark.parametrize(("who", "speaker"), [
    ("kim", "who submitted the entry"), ("juror", "member of the jury"),
])  # fmt: skip
def test_owner_and_jury_answer_as_what_they_are(entry, rival, request, juror, who, speaker):
    made = challenge(entry, by=rival, doubt="why?")
    signed_in(request.getfixturevalue(who)).post(
        f"{made.get_absolute_url()}say/", {"text": "Because."}
    )
    text = Client().get(made.get_absolute_url()).content.decode()
    assert "Because." in text
    assert f"</b>, {speaker}," in text


def test_who_submitted_it_and_the_jury_find_an_open_challenge_on_their_own_page(
    entry, rival, kim, juror
):  # fmt: skip
    at = challenge(entry, by=rival, doubt="why?").get_absolute_url()
    found = {user: at in signed_in(user).get("/mine/").content.decode()
             for user in (kim, juror, rival)}
    assert found == {kim: True, juror: True, rival: False}


def test_an_empty_answer_is_sent_back(entry, rival, kim):
    made = challenge(entry, by=rival, doubt="why?")
    answer = signed_in(kim).post(f"{made.get_absolute_url()}say/", {"text": " "})
    assert answer.status_code == 422
    assert made.remarks.count() == 0


def test_the_jury_sets_the_deadline(entry, rival, juror):
    made = challenge(entry, by=rival, doubt="why?")
    day = timezone.now().date() + timedelta(days=3)
    signed_in(juror).post(f"{made.get_absolute_url()}deadline/", {"deadline": day.isoformat()})
    made.refresh_from_db()
    assert made.deadline.date() == day


def test_a_deadline_is_not_in_the_past(entry, rival, juror):
    made = challenge(entry, by=rival, doubt="why?")
    answer = signed_in(juror).post(
        f"{made.get_absolute_url()}deadline/", {"deadline": "2020-01-01"}
    )
    assert "2020-01-01 is past" in answer.content.decode()
    with pytest.raises(JuryError, match="is past"):
        set_deadline(made, timezone.now() - timedelta(seconds=1))


def test_a_challenge_that_nobody_decided_in_time_says_so(entry, rival):
    made = challenge(entry, by=rival, doubt="why?")
    Challenge.objects.update(deadline=timezone.now() - timedelta(days=1))
    assert "the jury is late" in Client().get(made.get_absolute_url()).content.decode()


# --- what is kept beside the database ---


def kept_of(made) -> dict:
    return json.loads(Path(default_storage.path(f"challenges/{made.key}.json")).read_text())


def test_the_file_of_a_challenge_follows_all_that_is_done_about_it(entry, rival, kim, juror):
    made = challenge(entry, by=rival, doubt="why?", evidence="line 3", wants_repetition=True)
    said = kept_of(made)
    assert (said["contest"], said["entry"], said["by"]) == ("quick", entry.name, "rival")
    assert (said["doubt"], said["evidence"], said["wants_repetition"]) == ("why?", "line 3", True)
    say(made, by=kim, speaker=Remark.Speaker.OWNER, text="Because.")
    (remark,) = kept_of(made)["remarks"]
    assert (remark["by"], remark["speaker"], remark["text"]) == ("kim", "owner", "Because.")
    set_deadline(made, timezone.now() + timedelta(days=3))
    assert kept_of(made)["deadline"] != said["deadline"]
    decide(entry, by=juror, key=made.key, challenge=made, **GIVEN)
    assert kept_of(made)["state"] == "decided"
    (decision,) = json.loads(
        Path(default_storage.path("decisions/quick.json")).read_text()
    )["decisions"]
    assert (decision["by"], decision["challenge"]) == ("juror", str(made.key))


def test_the_file_of_a_challenge_that_was_withdrawn_says_so(entry, rival):
    made = challenge(entry, by=rival, doubt="why?")
    withdraw(made, by=rival)
    assert kept_of(made)["state"] == "withdrawn"


def test_no_file_of_challenges_is_in_what_strangers_download_or_at_an_address(entry, rival):
    made = challenge(entry, by=rival, doubt="a word of doubt")
    assert b"a word of doubt" not in Client().get("/c/quick/competition.zip").getvalue()
    for at in (f"/challenges/{made.key}.json", f"/files/challenges/{made.key}.json",
               f"/static/challenges/{made.key}.json", "/decisions/quick.json"):  # fmt: skip
        assert Client().get(at).status_code == 404


@pytest.mark.parametrize("model", ["challenge", "remark", "decision"])
def test_administrators_read_rows_of_juries_and_change_none(entry, rival, juror, person, model):
    made = challenge(entry, by=rival, doubt="a word of doubt")
    say(made, by=juror, speaker=Remark.Speaker.JURY, text="An answer.")
    decide(entry, by=juror, key=made.key, challenge=made, **GIVEN)
    client = signed_in(person("boss", is_superuser=True, is_staff=True))
    pk = apps.get_model("jury", model).objects.get().pk
    at = f"/admin/jury/{model}/"
    assert "juror" in client.get(at).content.decode() or model == "challenge"
    page = client.get(f"{at}{pk}/change/")
    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    for address in (f"{at}add/", f"{at}{pk}/change/", f"{at}{pk}/delete/"):
        assert client.post(address, {"post": "yes"}).status_code == 403
    client.post(at, {"action": "delete_selected", "_selected_action": pk, "post": "yes"})
    assert apps.get_model("jury", model).objects.count() == 1


# --- who decides ---


def test_nobody_decides_on_their_own_entry(entry, kim, contest):
    contest.jury.add(kim)
    with pytest.raises(NotImpartial, match="your own entry"):
        decide(entry, by=kim, key=uuid.uuid4(), **GIVEN)
    answer = signed_in(kim).get(f"/c/quick/e/{entry.name}/rule/")
    assert answer.status_code == 403
    assert rulings_of(contest) == ()


def test_nobody_decides_on_their_own_challenge(entry, juror):
    made = challenge(entry, by=juror, doubt="why?")
    answer = signed_in(juror).post(f"{made.get_absolute_url()}decide/", GIVEN)
    assert answer.status_code == 403
    assert "it is your own challenge" in answer.content.decode()


@pytest.mark.parametrize("side", ["kim", "rival"])
def test_who_is_in_a_team_with_one_side_does_not_decide(entry, rival, juror, side, request):
    made = challenge(entry, by=rival, doubt="why?")
    other = request.getfixturevalue(side)
    Team.objects.create(name="us", founder=other).members.add(other, juror)
    assert "in a team with" in why_not_impartial(juror, entry, made)


def test_who_competes_on_the_board_does_not_decide(entry, board, rival, juror):
    content = folder_zip(starter_folder(board.version))
    submit(board, owner=juror, name="jurors-own", file="a.zip", content=content)
    assert "an entry of your own on this board" in why_not_impartial(juror, entry)


def test_nothing_is_challenged_while_results_are_hidden(entry, contest, rival):
    contest.results_hidden_until = timezone.now() + timedelta(days=1)
    contest.save()
    entry.refresh_from_db()
    with pytest.raises(JuryError, match="results are hidden until"):
        challenge(entry, by=rival, doubt="why?")


def test_challenges_that_are_withdrawn_count_for_the_limit_of_a_day(entry, rival, monkeypatch):
    monkeypatch.setattr("mlgolf_site.jury.services.MOST_A_DAY", 2)
    for _ in range(2):
        withdraw(challenge(entry, by=rival, doubt="why?"), by=rival)
    with pytest.raises(JuryError, match="2 challenges in 24 hours"):
        challenge(entry, by=rival, doubt="why?")


@pytest.mark.parametrize("role", ["hosts", "jury", "administrator"])
def test_jury_hosts_and_administrators_decide(entry, rival, person, contest, role):
    user = person("judge", is_superuser=role == "administrator")
    if role != "administrator":
        getattr(contest, role).add(user)
    made = challenge(entry, by=rival, doubt="why?")
    answer = signed_in(user).post(f"{made.get_absolute_url()}decide/", {
        **GIVEN, "key": str(uuid.uuid4()), "evidence": "entry.py, line 12", "subject": "",
    })  # fmt: skip
    text = Client().get(answer["Location"]).content.decode()
    assert "disqualified" in text
    assert "weights in a table." in text
    assert ">judge</a>" in text
    made.refresh_from_db()
    assert made.state == Challenge.State.DECIDED


# --- what a decision is ---


def test_a_decision_is_a_ruling_in_the_folder_of_the_rules(entry, juror, contest):
    made = decide(
        entry, by=juror, key=uuid.uuid4(), information="labels", action="It sorted them.", **GIVEN
    )
    (ruling,) = read_rulings(contest.current.folder / "rulings")
    assert ruling.id == made.ruling
    assert ruling.date == timezone.now().date()
    assert ruling.reason == (
        "weights in a table. Information that it used: labels. Action that it took: It sorted them."
    )
    assert (ruling.subject.submission, ruling.subject.sha256) == (entry.name, entry.code_sha256)


def test_the_ledger_has_a_line_for_each_ruling(entry, juror, contest, ledger):
    decide(entry, by=juror, key=uuid.uuid4(), **GIVEN)
    heads = open_ledger(ledger)
    assert [line.kind for line in heads.lines] == ["opened", "ruling"]
    assert contradictions(heads, "quick", rulings_of(contest)) == []


def test_rulings_leave_the_hash_of_the_rules_as_it_is(entry, juror, contest):
    version = contest.current
    decide(entry, by=juror, key=uuid.uuid4(), **GIVEN)
    assert rules_digest(version.folder) == version.folder_sha256


def test_workers_are_sent_no_rulings_and_everybody_else_is(entry, juror, contest, person):
    decide(entry, by=juror, key=uuid.uuid4(), **GIVEN)
    _, secret = Token.issue(person("w"), "w", Token.Scope.WORKER)
    auth = {"Authorization": f"Bearer {secret}"}
    Client().post("/api/worker/hello", {
        "protocol": 2, "hardware": "one-thread-cpu", "version": "", "sandbox": "", "machine": {},
        "time": timezone.now().timestamp(),
    }, content_type="application/json", headers=auth)  # fmt: skip
    sent = Client().get(f"/api/worker/competitions/{contest.current.pk}", headers=auth).content
    public = Client().get("/c/quick/competition.zip").content
    assert (b"rulings/" in sent, b"rulings/" in public) == (False, True)


def test_a_new_version_of_the_rules_keeps_the_rulings(entry, juror, contest, game_folder, tmp_path):
    decide(entry, by=juror, key=uuid.uuid4(), **GIVEN)
    changed = tmp_path / "quick"
    shutil.copytree(game_folder, changed)
    rules = changed / "competition.toml"
    rules.write_text(rules.read_text().replace("studies = 2 ", "studies = 3 "))
    version = add_version(contest, changed)
    assert len(read_rulings(version.folder / "rulings")) == 1
    # And one on an entry of the rules before is in both.
    decide(entry, by=juror, key=uuid.uuid4(), **{**GIVEN, "decision": "warning"})
    assert len(read_rulings(version.folder / "rulings")) == 2


def test_a_decision_that_is_sent_again_is_one(entry, juror, contest, ledger):
    key = uuid.uuid4()
    first = decide(entry, by=juror, key=key, **GIVEN)
    assert decide(entry, by=juror, key=key, **GIVEN) == first
    assert len(rulings_of(contest)) == 1
    assert len(open_ledger(ledger).lines) == 2


def test_of_two_who_decide_on_a_challenge_the_second_is_told(entry, rival, juror, contest, person):
    made = challenge(entry, by=rival, doubt="why?")
    decide(entry, by=juror, key=made.key, challenge=made, **GIVEN)
    other = person("other")
    contest.jury.add(other)
    with pytest.raises(JuryError, match="juror has decided already, by ruling 0001-doubted-"):
        decide(entry, by=other, key=made.key, challenge=made, **GIVEN)
    assert len(rulings_of(contest)) == 1


@pytest.mark.parametrize("asked", [GIVEN, {**GIVEN, "decision": "accepted"}])
def test_a_decision_that_was_cut_short_after_its_file_is_completed_when_it_is_asked_again(
    entry, rival, juror, contest, ledger, monkeypatch, asked
):  # fmt: skip
    from mlgolf_site.jury import rulings

    made = challenge(entry, by=rival, doubt="why?")
    with monkeypatch.context() as patched:
        patched.setattr(rulings, "Ledger", killed)
        with pytest.raises(KeyboardInterrupt):
            rulings.settle(contest, [JuryRuling.model_validate({
                **GIVEN, "reason": "weights in a table.", "date": date.today(),
                "id": f"0001-doubted-{str(made.key)[:8]}",
                "subject": {"submission": entry.name, "sha256": entry.code_sha256},
            })])  # fmt: skip
    assert len(open_ledger(ledger).lines) == 1
    decision = decide(entry, by=juror, key=made.key, challenge=made, **asked)
    assert decision.by == (juror if asked == GIVEN else None)
    assert len(rulings_of(contest)) == 1
    assert len(open_ledger(ledger).lines) == 2


def killed(*_):
    raise KeyboardInterrupt


def test_a_decision_that_was_cut_short_is_entered_at_the_next_start(
    entry, rival, juror, contest, board
):  # fmt: skip
    made = challenge(entry, by=rival, doubt="why?")
    decide(entry, by=juror, key=made.key, challenge=made, **GIVEN)
    Decision.objects.all().delete()
    Challenge.objects.update(state=Challenge.State.OPEN)
    board.refresh_from_db()
    before = board.changes
    assert (take_in_rulings(), take_in_rulings()) == (1, 0)
    made.refresh_from_db()
    board.refresh_from_db()
    assert (made.state, board.changes) == (Challenge.State.DECIDED, before + 1)


def test_a_disqualification_is_lifted_by_another_ruling_alone(entry, juror):
    decide(entry, by=juror, key=uuid.uuid4(), **GIVEN)
    assert len(in_force_against(entry)) == 1
    decide(entry, by=juror, key=uuid.uuid4(), **{**GIVEN, "decision": "reinstated"})
    assert in_force_against(entry) == []


def test_what_nobody_disqualified_cannot_be_reinstated(entry, juror, contest):
    answer = signed_in(juror).post(f"/c/quick/e/{entry.name}/rule/", {
        **GIVEN, "key": str(uuid.uuid4()), "decision": "reinstated", "subject": "",
    })  # fmt: skip
    assert answer.status_code == 422
    assert "No disqualification of this is in force. In force: none." in answer.content.decode()
    with pytest.raises(RulesError, match="no earlier ruling disqualifies"):
        decide(entry, by=juror, key=uuid.uuid4(), **{**GIVEN, "decision": "reinstated"})
    assert rulings_of(contest) == ()


def test_a_disqualification_without_evidence_is_sent_back_with_what_was_typed(entry, juror):
    answer = signed_in(juror).post(f"/c/quick/e/{entry.name}/rule/", {
        **GIVEN, "key": str(uuid.uuid4()), "evidence": "", "subject": "",
    })  # fmt: skip
    assert answer.status_code == 422
    assert "names what others can look at" in answer.content.decode()
    assert "weights in a table" in answer.content.decode()


@given(texts=st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50), min_size=3,
    max_size=3,
))  # fmt: skip
def test_a_ruling_is_written_as_it_is_read(texts):
    rule, reason, evidence = texts
    ruling = JuryRuling(
        id="0001-a", date=date(2026, 11, 30), decision="disqualified", rule=rule, reason=reason,
        evidence=(evidence, 'quote " and \\'), subject={"submission": "a", "run": "b"},
    )
    import tomllib

    assert JuryRuling.model_validate(tomllib.loads(as_toml(ruling))) == ruling


# --- boards, of runs that were played ---


@pytest.fixture(scope="session")
def bundles(game_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Of the baseline under two names."""
    made = []
    for name in ("first", "second"):
        folder = tmp_path_factory.mktemp("played")
        shutil.copytree(game_folder / "baseline", folder / name)
        subprocess.run(
            [sys.executable, "-m", "mlgolf.cli.main", "run", str(folder / name), "--competition",
             str(game_folder), "--out", str(folder / "run")], check=True, capture_output=True,
        )  # fmt: skip
        made.append(bundle(folder / "run", folder / f"{name}.mlgolf.zip").path)
    return made


@pytest.fixture
def played(bundles, board, kim) -> list[Run]:
    """Both on the board."""
    runs = []
    content = folder_zip(starter_folder(board.version))
    for file in bundles:
        name = file.name.partition(".")[0]
        run = submit(board, owner=kim, name=name, file="a.zip", content=content)
        take_in(run, file)
        run.refresh_from_db()
        runs.append(run)
    return runs


def shown(board):
    """The leaderboard as the site keeps it: rows, tombstones, rulings."""
    refresh(board)
    board.refresh_from_db()
    rows = [dict(standing.view) for standing in board.snapshot.standings.order_by("place")]
    for row in rows:
        del row["seeds"]  # every run, which no board has
    return rows, board.snapshot.view["tombstones"], board.snapshot.view["rulings"]


def scored(board, runs):
    """The same by the command line's function, of the run folders with the rulings there."""
    folder = board.version.folder
    review = score(
        *(run.folder for run in runs), competition=str(folder), rulings=folder / "rulings"
    ).review
    # Near misses take evaluations, which a site does not keep apart from bundles.
    without = replace(review.board, near_misses={})
    view = as_json(asdict(board_view(board.competition, without)))
    return view["rows"], view["tombstones"], view["rulings"]


@pytest.mark.parametrize("what", ["whole", "run", "trial", "warning", "reinstated"])
def test_a_board_after_a_ruling_is_what_mlgolf_score_makes_of_the_run_folders(
    played, board, juror, what
):  # fmt: skip
    first, _ = played
    subject = {
        "run": {"run": first.folder_name},
        "trial": {"run": first.folder_name, "trial": trial_of(first)},
    }.get(what, {})
    given = {**GIVEN, "decision": "warning"} if what == "warning" else GIVEN
    decide(first.entry, by=juror, key=uuid.uuid4(), subject=subject, **given)
    if what == "reinstated":
        decide(
            first.entry, by=juror, key=uuid.uuid4(), **{**GIVEN, "decision": "reinstated"}
        )
    rows, stones, rulings = shown(board)
    assert (rows, stones, rulings) == scored(board, played)
    assert [row["submission"] for row in rows].count("first") == (what not in ("whole", "run"))
    assert len(stones) == (what in ("whole", "run", "trial"))


def trial_of(run: Run) -> str:
    (folder, *_) = sorted(run.folder.glob("*/study_*/*/trial_*"))
    return str(folder.relative_to(run.folder).relative_to(run.entry.name))


def test_who_is_disqualified_counts_nowhere_and_leaves_a_tombstone_on_the_page(
    played, board, juror, contest
):  # fmt: skip
    _, second = played
    for run in played:
        made = decide(run.entry, by=juror, key=uuid.uuid4(), **GIVEN)
    rows, _, _ = shown(board)
    assert rows == []
    text = Client().get(contest.get_absolute_url()).content.decode()
    assert "<del>first</del>" in text
    assert "<del>second</del>" in text
    assert made.get_absolute_url() in text
    assert made.get_absolute_url() in Client().get(second.entry.get_absolute_url()).content.decode()


def test_a_ruling_can_name_a_trial_of_a_run_in_its_form(played, juror, contest):
    first, _ = played
    answer = signed_in(juror).post(f"/c/quick/e/{first.entry.name}/rule/", {
        **GIVEN, "key": str(uuid.uuid4()), "subject": f"{first.folder_name}/{trial_of(first)}",
        "evidence": "log.txt",
    })  # fmt: skip
    assert answer.status_code == 302
    (ruling,) = rulings_of(contest)
    assert (ruling.subject.run, ruling.subject.trial) == (first.folder_name, trial_of(first))


# --- a run is repeated, by a worker ---


def test_a_worker_repeats_trials_of_a_run_and_the_page_says_what_came_out(
    played, juror, live_server, person, tmp_path, settings
):  # fmt: skip
    first, _ = played
    Job.objects.filter(run__in=played).update(state=State.DONE)
    owner = person("owner-of-worker", is_superuser=True)
    _, secret = Token.issue(owner, "w", Token.Scope.WORKER)
    signed_in(juror).post(f"/runs/{first.key}/repeat/")
    said: list[str] = []
    Worker(
        url=live_server.url, token=secret, hardware="one-thread-cpu", folder=tmp_path / "worker",
        tell=said.append, runs_other_peoples_code=True,
    ).work(once=True)
    first.refresh_from_db()
    (job,) = first.repetitions.all()
    assert job.state == State.DONE, (said, job.reason)
    assert {one["deviation"] < 1e-9 for one in job.outcome["replays"]} == {True}
    # On a machine with other work seconds may differ, or the last bit: then it is not confirmed.
    assert first.is_verified == all(one["confirmed"] for one in job.outcome["replays"])
    text = Client().get(first.entry.get_absolute_url()).content.decode()
    assert job.reason in text
    assert ("repeated to the same values" in text) == first.is_verified


def test_a_disqualified_entry_says_so_at_its_top_until_it_is_reinstated(entry, juror):
    page = lambda: Client().get(entry.get_absolute_url()).content.decode()  # noqa: E731
    decide(entry, by=juror, key=uuid.uuid4(), **GIVEN)
    assert '<p class="warning">Disqualified: ' in page()
    decide(entry, by=juror, key=uuid.uuid4(), **{**GIVEN, "decision": "reinstated"})
    assert '<p class="warning">Disqualified: ' not in page()
