"""The database is lost, and made again from the files of the site: every board to the digit."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from mlgolf_site.boards.drawing import draw_next
from mlgolf_site.boards.services import refresh_all, take_in
from mlgolf_site.config import Site
from mlgolf_site.contests.models import Board, Contest
from mlgolf_site.contests.services import add_contest, add_version
from mlgolf_site.entries.models import Entry, Run
from mlgolf_site.importing import again, bundles
from mlgolf_site.importing.again import bring_back_if_lost, import_site
from mlgolf_site.jobs.models import Job, State, Worker
from mlgolf_site.jobs.services import begin_judging, end_judging, enqueue, lease
from mlgolf_site.jobs.worker import ensure_ledger
from mlgolf_site.jury import services as jury
from mlgolf_site.jury.models import Challenge, Decision, Remark
from mlgolf_site.people.models import Team, Token, User
from mlgolf_site.submitting import submit
from uploads import folder_zip

from mlgolf.api.bundles import bundle as write_bundle
from mlgolf.api.bundles import make_ledger
from mlgolf.core.errors import RulesError

RULING = """
id = "r1"
date = 2026-11-20
decision = "disqualified"
rule = "One entry each"
reason = "It is ada's second entry under another name."
evidence = ["entry.py, line 1"]
[subject]
submission = "dee"
"""
PLAYED = {"ada-1": 1, "ada-2": 1, "ben-1": 1, "dee-1": 1, "cy-1": 2}  # run -> version of the rules


@pytest.fixture(scope="session")
def versions(game_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Rules whose bounds a second suffices for on any machine, so that boards have values."""
    found = {}
    for number, bound in ((1, "0.5 "), (2, "0.6 ")):
        found[number] = tmp_path_factory.mktemp("versions") / "quick"
        shutil.copytree(game_folder, found[number])
        rules = found[number] / "competition.toml"
        text = rules.read_text()
        for old, new in (("train_loss = 0.03 ", f"train_loss = {bound}"),
                         ("train_loss_max = 0.69 ", "train_loss_max = 9.0 ")):
            assert text.count(old) == 1
            text = text.replace(old, new)
        rules.write_text(text)
    return found


@pytest.fixture(scope="session")
def played(
    versions: dict[int, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Run folders with their bundles beside them, by `mlgolf run` and `mlgolf bundle`."""
    place = tmp_path_factory.mktemp("played")
    ledger = make_ledger(place / "ledger").folder
    found = {}
    for name, version in PLAYED.items():
        entry = name.partition("-")[0]
        if not (place / entry).exists():
            shutil.copytree(versions[1] / "baseline", place / entry)
        said = subprocess.run(
            [sys.executable, "-m", "mlgolf.cli.main", "run", entry, "--competition",
             str(versions[version]), "--out", str(place / "runs" / name), "--ledger", str(ledger)],
            cwd=place, capture_output=True, text=True,
            env={**os.environ, "MLGOLF_LOCK_DIR": str(place)},  # waits for nobody's core
        )  # fmt: skip
        assert said.returncode == 0, said.stderr
        found[name] = place / "runs" / name
        write_bundle(found[name], found[name].with_suffix(".mlgolf.zip"), ledger=ledger)
    return found


class Playing:
    """A worker that has played everything before."""

    def __init__(self, owner: User, played: dict[str, Path], versions: dict[int, Path]) -> None:
        token, _ = Token.issue(owner, "w", Token.Scope.WORKER)
        self.worker = Worker.objects.create(token=token, name="w", hardware="one-thread-cpu")
        self.played, self.code = played, folder_zip(versions[1] / "baseline")

    def submit(self, board: Board, name: str, owner: User, **more: object) -> Run:
        return submit(board, owner=owner, name=name, file="a.zip", content=self.code, **more)

    def deliver(self, run: Run, name: str) -> None:
        job = lease(self.worker)
        assert job is not None
        assert job.run == run
        begin_judging(self.worker, job.pk, "0" * 64)
        take_in(run, self.played[name].with_suffix(".mlgolf.zip"))
        end_judging(job.pk, "has a verdict")


@dataclass
class Kept:
    """A site before its database was lost: its files, what pages showed, and what rows said."""

    files: Path
    boards: dict
    rows: dict
    values: dict  # of the first board, by entry
    figures: dict  # of each run, by its key
    pages: dict[str, str]  # of challenges and rulings, as strangers see them, by address
    folders: list[Path]  # of runs on the first board


@pytest.fixture(scope="session")
def kept() -> dict[str, Kept]:
    """Filled by the first test that needs it."""
    return {}


@pytest.fixture
def lost(transactional_db, played, versions, person, kept, tmp_path_factory):
    """A site whose files are there, and whose database is empty."""
    if not kept:
        copy = tmp_path_factory.mktemp("kept")
        _make(played, versions, person)
        first = Board.objects.get(version__number=1, name="")
        kept["site"] = Kept(
            files=copy / "files", boards=boards(), rows=rows(),
            values={row.entry.name: row.value for row in first.snapshot.standings.all()},
            figures=dict(Run.objects.values_list("key", "figures")), pages=pages_of_the_jury(),
            folders=[copy / "runs" / run.folder_name
                     for run in Run.objects.filter(entry__board=first, counts=True)],
        )
        for name in ("files", "runs"):
            shutil.copytree(settings.SITE.folder / name, copy / name)
    _remove_files()
    shutil.copytree(kept["site"].files, settings.SITE.files)
    call_command("flush", interactive=False, verbosity=0)
    yield Site(settings.SITE.folder)
    _remove_files()


def _remove_files():
    for name in ("files", "runs"):
        shutil.rmtree(settings.SITE.folder / name, ignore_errors=True)


@pytest.fixture
def before(lost, kept) -> Kept:
    return kept["site"]


def _make(played, versions, person):
    """Two versions, entries with a verdict, one that waits, an earlier run, a ruling."""
    host, ada, ben = person("hanna", may_host=True), person("ada"), person("ben")
    contest = add_contest(versions[1], by=host, prose="**Welcome**").contest
    contest.jury.add(ben)
    first = contest.current.boards.get(name="")
    team = Team.objects.create(name="pair", founder=ada)
    team.members.set([ada, ben])
    work = Playing(host, played, versions)
    run = work.submit(first, "ada", ada)
    work.deliver(run, "ada-1")
    work.deliver(enqueue(run.entry), "ada-2")
    work.deliver(work.submit(first, "ben", ben, team=team, based_on=run.entry), "ben-1")
    work.deliver(work.submit(first, "dee", ada), "dee-1")
    entry = Entry.objects.get(name="ben")
    entry.is_code_public = True
    entry.save()
    ruled = first.version.folder / "rulings"
    ruled.mkdir()
    (ruled / "r1.toml").write_text(RULING)
    first.has_changed()
    second = add_version(contest, versions[2], note="an easier bound").boards.get(name="")
    work.deliver(work.submit(second, "cy", ben), "cy-1")
    work.submit(second, "waits", ada)
    refresh_all()
    _challenge_and_decide(person("eve"), host)
    refresh_all()


def _challenge_and_decide(eve, host):
    """A challenge in each state, with answers; a ruling that nobody's challenge asked for."""
    ensure_ledger(settings.SITE.ledger)
    entry, given = Entry.objects.get(name="ada"), {"rule": "r", "reason": "It is read."}
    _, decided, withdrawn = (
        jury.challenge(
            entry, by=eve, doubt=f"{word} **labels**?", evidence=f"line {word}", file=word.encode()
        ) for word in ("one", "two", "three")
    )
    speakers = Remark.Speaker
    jury.say(withdrawn, by=host, speaker=speakers.HOST, text="Look again.")
    jury.say(decided, by=entry.owner, speaker=speakers.OWNER, text="It does not.")
    jury.say(decided, by=host, speaker=speakers.HOST, text="It **does**.")
    jury.set_deadline(decided, timezone.now() + timedelta(days=3))
    jury.withdraw(withdrawn, by=eve)
    jury.decide(
        entry, by=host, key=decided.key, challenge=decided, decision="warning", **given
    )
    jury.decide(entry, by=host, key=uuid.uuid4(), decision="accepted", **given)


def pages_of_the_jury() -> dict[str, str]:
    contest = Contest.objects.get()
    at = [f"/c/{contest.slug}/challenges/", Entry.objects.get(name="ada").get_absolute_url()]
    for made in Challenge.objects.all():
        at += [made.get_absolute_url(), f"{made.get_absolute_url()}evidence.txt"]
    at += [made.get_absolute_url() for made in Decision.objects.all()]
    return {address: texts_at(address) for address in sorted(at)}


def texts_at(address: str) -> str:
    answer = Client().get(address)
    assert answer.status_code == 200, address
    return (answer.getvalue() if answer.streaming else answer.content).decode()


def draw_all() -> None:
    """As the keeper of a served site does, soon."""
    while draw_next(timezone.now()):
        pass


def boards():
    """All that pages show of each board, but for drawings."""
    return {
        str(board): {
            "view": board.snapshot.view, "record": board.snapshot.record,
            "runs": board.snapshot.runs,
            "rows": [
                (row.place, row.rank, row.entry.name, row.value, row.view)
                for row in board.snapshot.standings.all()
            ],
        }
        for board in Board.objects.all()
    }


def rows():
    """What else the database knows, by names instead of keys."""
    return {
        "contests": list(Contest.objects.order_by("slug").values_list(
            "slug", "title", "prose", "is_public", "created", "hosts__username", "jury__username",
            "versions__number", "versions__note", "versions__created", "versions__folder_sha256",
        ).order_by("versions__number")),
        "teams": list(Team.objects.values_list("name", "founder__username", "members__username")
                      .order_by("members__username")),
        "entries": list(Entry.objects.values_list(
            "name", "owner__username", "team__name", "based_on__name", "created", "code_sha256",
            "is_code_public", "is_baseline", "disclosure", "board__version__number",
        ).order_by("name")),
        "runs": list(Run.objects.values_list(
            "key", "entry__name", "tier", "created", "ended", "counts", "is_verified",
            "bundle_sha256", "signed_by", "view", "results", "job__state",
        ).order_by("pk")),
        "challenges": list(Challenge.objects.values_list(
            "key", "entry__name", "by__username", "doubt", "evidence", "wants_repetition",
            "has_file", "state", "created", "deadline", "decision__ruling",
        )),
        "remarks": list(Remark.objects.values_list(
            "challenge__key", "by__username", "speaker", "text", "created",
        )),
        "decisions": list(Decision.objects.values_list(
            "contest__slug", "ruling", "challenge__key", "by__username", "made",
        )),
    }  # fmt: skip


def test_every_board_is_the_same_to_the_digit_after_the_database_was_lost(lost, before):
    assert {row[2] for row in before.boards["quick v1"]["rows"]} == {"ada", "ben"}
    assert before.boards["quick v1"]["view"]["tombstones"]
    assert all(before.values.values())
    assert import_site(lost).problems == []
    assert boards() == before.boards
    assert rows() == before.rows


def test_the_figures_of_runs_follow_after_the_database_was_lost(lost, before, client):
    import_site(lost)
    run = Entry.objects.get(name="ben").latest_run
    page = run.entry.get_absolute_url()
    assert "The figures are being drawn" in client.get(page).content.decode()
    draw_all()
    assert dict(Run.objects.values_list("key", "figures")) == before.figures
    shown = client.get(page).content.decode()
    assert "The figures are being drawn" not in shown
    assert f"/runs/{run.key}/figures/" in shown


def test_figures_of_a_run_that_cannot_be_drawn_are_not_tried_again(lost, client):
    import_site(lost)
    run = Entry.objects.get(name="ben").latest_run
    shutil.rmtree(run.folder)
    draw_all()
    assert Run.objects.get(pk=run.pk).figures == {}
    assert client.get(run.entry.get_absolute_url()).status_code == 200


def test_pages_of_challenges_and_rulings_are_the_same_after_the_database_was_lost(lost, before):
    texts = "\n".join(before.pages.values())
    for said in ("Waits for a decision", "Was withdrawn", "warning, ruling 0002-ada-",
                 "<strong>does</strong>", ">hanna</a>", "two <strong>labels"):  # fmt: skip
        assert said in texts
    import_site(lost)
    draw_all()
    assert pages_of_the_jury() == before.pages
    assert not User.objects.get(username="eve").is_active


def test_a_decision_goes_on_after_the_database_was_lost(lost):
    import_site(lost)
    (waits,) = Challenge.objects.filter(state=Challenge.State.OPEN)
    jury.decide(waits.entry, by=User.objects.get(username="hanna"), key=waits.key,
                challenge=waits, decision="accepted", rule="r", reason="It is well.")  # fmt: skip
    said = json.loads((lost.files / "decisions" / "quick.json").read_text())
    assert [one["challenge"] for one in said["decisions"]][-1] == str(waits.key)
    assert len(said["decisions"]) == 3
    told = json.loads((lost.files / "challenges" / f"{waits.key}.json").read_text())
    assert told["state"] == "decided"


def test_what_is_missing_of_challenges_and_decisions_is_named_and_the_rest_is_brought_back(lost):
    for file in (lost.files / "competitions").glob("*/*/rulings/0003-*.toml"):
        file.unlink()
    first, second, third = sorted((lost.files / "challenges").glob("*.json"))
    first.write_text("[1]")
    second.with_suffix(".txt").unlink()
    table = json.loads(third.read_text())
    third.write_text(json.dumps({**table, "entry": "nobodys"}))
    said = "\n".join(import_site(lost).problems)
    for words in (f"challenges/{first.name}", f"challenges/{second.stem}.txt is missing",
                  "its entry quick/nobodys is not here", "rulings/0003-ada-"):  # fmt: skip
        assert words in said
    assert not Challenge.objects.exists()
    assert [one.ruling[:8] for one in Decision.objects.all()] == ["0002-ada"]


def test_boards_are_those_of_the_command_line(before):
    ada_and_ben = [folder for folder in before.folders if folder.name[:3] in ("ada", "ben")]
    said = subprocess.run(
        [sys.executable, "-m", "mlgolf.cli.main", "score", *map(str, ada_and_ben), "--json"],
        capture_output=True, text=True, check=True,
    )
    assert values_in(json.loads(said.stdout)) == before.values


def values_in(told):
    return {
        entry["submission"]: next(iter(entry["workloads"].values()))["value"]
        for entry in told["leaderboard"]
    }


def test_what_waited_waits_again(lost):
    import_site(lost)
    job = Job.objects.get(run__entry__name="waits")
    assert job.state == State.QUEUED
    assert "made anew" in job.reason


def test_bringing_back_once_more_changes_nothing(lost, before):
    import_site(lost)
    assert not any(import_site(lost).counts.values())
    assert rows() == before.rows


def test_an_import_that_was_cut_short_is_finished_by_the_next(lost, before, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    for module, name in ((again, "add_boards"), (bundles, "take_in")):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, stop)
            with pytest.raises(KeyboardInterrupt):
                import_site(lost)
    assert import_site(lost).problems == []
    assert boards() == before.boards
    assert rows() == before.rows


def test_nobody_can_sign_in_until_an_address_is_given(lost, client, mailoutbox, tmp_path):
    import_site(lost)
    ada = User.objects.get(username="ada")
    assert not ada.is_active
    assert not ada.has_usable_password()
    table = tmp_path / "people.csv"
    table.write_text("username,email\nada,ada@example.org\n")
    import_site(lost, people=table)
    ada.refresh_from_db()
    assert ada.is_active
    assert not ada.has_usable_password()
    client.post("/accounts/password/reset/", {"email": "ada@example.org"})
    assert [mail.to for mail in mailoutbox] == [["ada@example.org"]]
    assert "/accounts/password/reset/key/" in mailoutbox[0].body


def test_files_give_nobody_the_rights_of_an_administrator(lost):
    import_site(lost)
    assert [user.username for user in User.objects.filter(is_superuser=True)] == ["admin"]
    assert not User.objects.filter(may_host=True).exists()


def test_no_file_of_a_site_holds_an_address(lost):
    said = [file for file in lost.files.rglob("*.json") if "@example" in file.read_text()]
    assert said == []


def test_a_table_of_people_that_is_wrong_is_refused_by_its_line(lost, tmp_path):
    table = tmp_path / "people.csv"
    table.write_text("username,email\nada,ada@example.org\nben,nowhere\n")
    with pytest.raises(RulesError, match="line 3"):
        import_site(lost, people=table)


def test_what_cannot_be_brought_back_is_named_and_the_rest_is(lost):
    (missing,) = (lost.files / "bundles").glob("ben-*.mlgolf.zip")
    missing.unlink()
    (damaged,) = (lost.files / "bundles").glob("dee-*.mlgolf.zip")
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    ben, dee = sorted(import_site(lost).problems)
    assert "run ben-" in ben
    assert "is missing" in ben
    assert "run dee-" in dee
    assert set(Entry.objects.values_list("name", flat=True)) == {"ada", "cy", "waits"}


def test_a_site_that_is_started_without_its_database_brings_it_back(lost, before):
    assert bring_back_if_lost(lost) is not None
    assert boards() == before.boards
    assert bring_back_if_lost(lost) is None


def test_the_files_of_another_site_can_be_brought_in(lost, before, tmp_path):
    shutil.move(lost.files, tmp_path / "backup" / "files")
    assert import_site(lost, [tmp_path / "backup"]).problems == []
    assert boards() == before.boards


def test_a_bundle_without_its_small_file_is_refused(lost, tmp_path):
    bundle = tmp_path / "a-1.mlgolf.zip"
    bundle.write_bytes(b"x")
    with pytest.raises(RulesError, match="does not lie beside it"):
        import_site(lost, [bundle])


def test_a_folder_that_is_no_site_is_refused(lost, tmp_path):
    with pytest.raises(RulesError, match="found no folder competitions"):
        import_site(lost, [tmp_path])


def test_an_entry_of_a_strange_name_leads_nowhere(lost):
    (file,) = (lost.files / "bundles").glob("cy-*.json")
    table = json.loads(file.read_text())
    file.write_text(json.dumps({**table, "entry": "../../cy"}))
    assert any("name: found '../../cy'" in problem for problem in import_site(lost).problems)
