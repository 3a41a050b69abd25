"""The database is lost, and made again from the files of the site: every board to the digit."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from mlgolf_site.boards.services import refresh_all, take_in
from mlgolf_site.config import Site
from mlgolf_site.contests.models import Board, Contest
from mlgolf_site.contests.services import add_contest, add_version
from mlgolf_site.entries.models import Entry, Run
from mlgolf_site.importing.again import bring_back_if_lost, import_site
from mlgolf_site.jobs.models import Job, State, Worker
from mlgolf_site.jobs.services import begin_judging, end_judging, enqueue, lease
from mlgolf_site.people.models import Team, Token, User
from mlgolf_site.submitting import submit
from uploads import folder_zip

from mlgolf.api.bundles import bundle as write_bundle
from mlgolf.api.bundles import make_ledger
from mlgolf.core.errors import RulesError
from mlgolf.core.text import printable

RULING = """
id = "r1"
date = 2026-11-20
decision = "disqualified"
rule = "One entry each"
reason = "It is ada's second entry under another name."
[subject]
submission = "dee"
"""
PLAYED = {"ada-1": 1, "ada-2": 1, "ben-1": 1, "dee-1": 1, "cy-1": 2}  # run -> version of the rules


@pytest.fixture(scope="session")
def versions(game_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    second = tmp_path_factory.mktemp("second") / "quick"
    shutil.copytree(game_folder, second)
    rules = second / "competition.toml"
    rules.write_text(rules.read_text().replace("train_loss = 0.03 ", "train_loss = 0.04 "))
    return {1: game_folder, 2: second}


@pytest.fixture(scope="session")
def played(
    versions: dict[int, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Run folders with their bundles beside them, as `mlgolf run` and `mlgolf bundle` make them."""
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


@pytest.fixture
def site(transactional_db, played, versions, person):
    """Two versions, four entries with a verdict, one that waits, an earlier run, a ruling."""
    host, ada, ben = person("hanna", may_host=True), person("ada"), person("ben")
    contest = add_contest(versions[1], by=host, prose="**Welcome**").contest
    contest.jury.add(ben)
    first = contest.current.boards.get(cell="")
    team = Team.objects.create(name="pair", founder=ada)
    team.members.set([ada, ben])
    work = Playing(host, played, versions)
    run = work.submit(first, "ada", ada)
    work.deliver(run, "ada-1")
    work.deliver(enqueue(run.entry), "ada-2")
    work.deliver(work.submit(first, "ben", ben, team=team, based_on=run.entry), "ben-1")
    work.deliver(work.submit(first, "dee", ada), "dee-1")
    Entry.objects.get(name="ben").runs.update(is_verified=True)
    entry = Entry.objects.get(name="ben")
    entry.is_code_public = True
    entry.save()
    rulings = first.version.folder / "rulings"
    rulings.mkdir()
    (rulings / "r1.toml").write_text(RULING)
    first.has_changed()
    second = add_version(contest, versions[2], note="an easier bound").boards.get(cell="")
    work.deliver(work.submit(second, "cy", ben), "cy-1")
    work.submit(second, "waits", ada)
    refresh_all()
    yield Site(settings.SITE.folder)
    for name in ("files", "runs"):
        shutil.rmtree(settings.SITE.folder / name, ignore_errors=True)


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
    }  # fmt: skip


def lose_database():
    call_command("flush", interactive=False, verbosity=0)


def test_every_board_is_the_same_to_the_digit_after_the_database_was_lost(site):
    before, known = boards(), rows()
    assert [row[2] for row in before["quick v1"]["rows"]] == ["ada", "ben"]
    assert before["quick v1"]["view"]["tombstones"]
    lose_database()
    found = import_site(site)
    assert found.problems == []
    assert boards() == before
    assert rows() == known


def test_boards_are_those_of_the_command_line(site, played):
    folders = [Run.objects.get(entry__name=name, counts=True).folder for name in ("ada", "ben")]
    said = subprocess.run(
        [sys.executable, "-m", "mlgolf.cli.main", "score", *map(str, folders), "--json"],
        capture_output=True, text=True, check=True,
    )
    told = json.loads(said.stdout)
    shown = {row.entry.name: row.value for row in
             Board.objects.get(version__number=1).snapshot.standings.all()}
    assert values_in(told) == shown


def values_in(told):
    (board,) = [told["board"]] if "board" in told else told["boards"]
    return {
        entry["submission"]: next(iter(entry["cells"].values()))["value"]
        for entry in board["entries"]
    }


def test_what_waited_waits_again(site):
    lose_database()
    import_site(site)
    job = Job.objects.get(run__entry__name="waits")
    assert job.state == State.QUEUED
    assert "made anew" in job.reason


def test_bringing_back_once_more_changes_nothing(site):
    lose_database()
    import_site(site)
    known = rows()
    assert import_site(site).counts == {"runs": 0, "boards": 0}
    assert rows() == known


def test_an_import_that_was_cut_short_is_finished_by_the_next(site, monkeypatch):
    before, known = boards(), rows()
    lose_database()
    from mlgolf_site.importing import again, bundles

    for broken in (again, bundles):
        name = "add_boards" if broken is again else "take_in"

        def stop(*_, **__):
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(broken, name, stop)
            with pytest.raises(KeyboardInterrupt):
                import_site(site)
    assert import_site(site).problems == []
    assert boards() == before
    assert rows() == known


def test_nobody_can_sign_in_after_the_database_was_lost_until_an_address_is_given(
    site, client, mailoutbox, tmp_path
):  # fmt: skip
    lose_database()
    import_site(site)
    ada = User.objects.get(username="ada")
    assert not ada.is_active
    assert not ada.has_usable_password()
    table = tmp_path / "people.csv"
    table.write_text("username,email\nada,ada@example.org\n")
    import_site(site, people=table)
    ada.refresh_from_db()
    assert ada.is_active
    assert not ada.has_usable_password()
    client.post("/accounts/password/reset/", {"email": "ada@example.org"})
    assert [mail.to for mail in mailoutbox] == [["ada@example.org"]]


def test_files_give_nobody_the_rights_of_an_administrator(site):
    lose_database()
    import_site(site)
    assert [user.username for user in User.objects.filter(is_superuser=True)] == ["admin"]
    assert not User.objects.filter(may_host=True).exists()


def test_the_file_beside_a_bundle_holds_no_address(site):
    for file in (site.files / "bundles").glob("*.json"):
        assert "@" not in file.read_text()


def test_a_table_of_people_that_is_wrong_is_refused_by_its_line(site, tmp_path):
    table = tmp_path / "people.csv"
    table.write_text("username,email\nada,ada@example.org\nben,nowhere\n")
    with pytest.raises(RulesError, match="line 3"):
        import_site(site, people=table)


def test_what_cannot_be_brought_back_is_named_and_the_rest_is(site):
    ben, dee = (Run.objects.get(entry__name=name) for name in ("ben", "dee"))
    (site.files / ben.bundle).unlink()
    damaged = site.files / dee.bundle
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    lose_database()
    found = import_site(site)
    assert len(found.problems) == 2
    assert any(str(ben) in problem and "is missing" in problem for problem in found.problems)
    assert any(str(dee) in problem for problem in found.problems)
    assert set(Entry.objects.values_list("name", flat=True)) == {"ada", "cy", "waits"}


def test_a_site_that_is_started_without_its_database_brings_it_back(site):
    before = boards()
    lose_database()
    assert bring_back_if_lost(site) is not None
    assert boards() == before
    assert bring_back_if_lost(site) is None


def test_the_files_of_another_site_can_be_brought_in(site, tmp_path):
    before = boards()
    shutil.copytree(site.files, tmp_path / "backup" / "files")
    lose_database()
    shutil.rmtree(site.files)
    shutil.rmtree(site.runs)
    assert import_site(site, [tmp_path / "backup"]).problems == []
    assert boards() == before


def test_a_bundle_without_its_small_file_is_refused(site, tmp_path):
    bundle = tmp_path / "a-1.mlgolf.zip"
    bundle.write_bytes(b"x")
    with pytest.raises(RulesError, match="does not lie beside it"):
        import_site(site, [bundle])


def test_a_folder_that_is_no_site_is_refused(site, tmp_path):
    with pytest.raises(RulesError, match="found no folder competitions"):
        import_site(site, [tmp_path])


def test_an_entry_of_a_strange_name_leads_nowhere(site):
    file = next((site.files / "bundles").glob("cy-*.json"))
    table = json.loads(file.read_text())
    file.write_text(json.dumps({**table, "entry": "../../cy"}))
    lose_database()
    found = import_site(site)
    assert any("name: found" in printable(problem) for problem in found.problems)
