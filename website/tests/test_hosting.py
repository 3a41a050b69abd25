"""Hosts make competitions, change what is said of them, and take results out."""

import json
import shutil
import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone
from mlgolf_site.contests.beside import beside, restore
from mlgolf_site.contests.models import Contest, Edit
from mlgolf_site.contests.services import add_version, rules_digest, starter_folder
from mlgolf_site.hosting import drafts, editing
from mlgolf_site.hosting.checking import check_folder
from mlgolf_site.hosting.models import Draft
from mlgolf_site.jobs.models import Job, State
from mlgolf_site.submitting import submit
from uploads import folder_zip, zipped

from mlgolf.core.errors import RulesError

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_drafts_are_left():
    yield
    for name in ("drafts", "files", "runs", "ledger"):
        shutil.rmtree(settings.SITE.folder / name, ignore_errors=True)


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def as_file(content, name="game.zip"):
    return SimpleUploadedFile(name, content)


def changed(game_folder, tmp_path, *changes, file="competition.toml"):
    """A copy of a game with other words in a file."""
    folder = tmp_path / "changed"
    if not folder.exists():
        shutil.copytree(game_folder, folder)
    text = (folder / file).read_text()
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / file).write_text(text)
    return folder


def fine_draft(owner, folder, contest=None, **asked):
    """As it is once nothing is found wrong with it."""
    draft = Draft.objects.create(
        owner=owner, contest=contest, kind=Draft.Kind.FOLDER, file_name="game.zip", asked=asked,
        checked={"findings": [], "checked": ["all"], "skipped": []},
    )
    shutil.copytree(folder, draft.folder)
    return draft


# --- a competition is made ---


def test_five_mistakes_in_one_folder_are_told_at_once_each_with_its_place(
    lee, game_folder, tmp_path
):
    folder = changed(
        game_folder, tmp_path, ('size = "game"', 'size = "game"\ncloses = 2020-01-01'),
        ('hardware = "one-thread-cpu"', 'hardware = "abacus"'),
        ('goal = "minimise"', 'goal = "minimize"'),
    )
    data = (folder / "data.toml").read_text()
    licence = next(line for line in data.splitlines() if line.startswith("licence"))
    changed(game_folder, tmp_path, (licence, 'licence = "todo"'), file="data.toml")
    shutil.rmtree(folder / "baseline")
    client = signed_in(lee)
    answer = client.post("/host/folder/", {"file": as_file(folder_zip(folder)), "name": "quick"})
    page = client.get(answer["Location"]).content.decode()
    found = {(one["file"], one["line"]) for one in Draft.objects.get().findings}
    lines = (folder / "competition.toml").read_text().splitlines()
    places = {key: 1 + next(n for n, line in enumerate(lines) if line.startswith(key))
              for key in ("closes", "hardware", "goal")}
    assert found >= {("competition.toml", line) for line in places.values()}
    assert {file for file, _ in found} == {"competition.toml", "data.toml", "baseline/"}
    for said in ("2020-01-01", "abacus", "minimize", "todo", "no such folder"):
        assert said in page
    assert "Make the competition" not in page


def test_a_folder_becomes_a_competition_whose_baseline_waits_to_be_played(lee, game_folder):
    client = signed_in(lee)
    answer = client.post("/host/folder/", {
        "file": as_file(folder_zip(game_folder)), "name": "", "prose": "*Play* it",
    })
    page = client.get(answer["Location"]).content.decode()
    assert "Nothing stands against it." in page
    answer = client.post(answer["Location"], {"make": "1", "name": "", "prose": "*Play* it"})
    assert answer["Location"] == "/c/quick/host/"
    contest = Contest.objects.get(slug="quick")
    assert (contest.is_public, contest.prose, list(contest.hosts.all())) == (
        False, "*Play* it", [lee]
    )
    page = client.get("/c/quick/host/").content.decode()
    assert "Waits for a worker" in page
    entry = contest.entries.get()
    assert (entry.name, entry.is_baseline) == ("baseline", True)
    assert not Draft.objects.exists()
    assert not any((settings.SITE.folder / "drafts").glob("*"))


def table() -> bytes:
    rows = [f"{i % 7},{(i * i) % 11},{'up' if i % 7 > 3 else 'down'}" for i in range(80)]
    return "\n".join(["height,weight,kind", *rows]).encode()


def test_a_file_is_kept_though_another_field_is_wrong(lee):
    client = signed_in(lee)
    answer = client.post("/host/table/", {
        "name": "Two Kinds", "licence": "", "file": as_file(table(), "mine.csv"),
    })  # fmt: skip
    page = client.get(answer["Location"]).content.decode()
    assert "Licence of the data: This field is required." in page
    assert 'value="Two Kinds"' in page
    mended = {"name": "two-kinds", "licence": "CC0-1.0", "objective": "l2", "target": "kind",
              "budget_seconds": "2", "check": "1"}
    page = client.post(answer["Location"], mended, follow=True).content.decode()
    assert "Nothing stands against it." in page


def test_a_table_becomes_a_competition_and_is_not_chosen_again_to_mend_a_field(lee):
    client = signed_in(lee)
    typed = {"name": "two-kinds", "title": "Two kinds", "target": "colour", "objective": "l2",
             "budget_seconds": "2", "licence": "CC0-1.0", "origin": "made up", "prose": ""}
    answer = client.post("/host/table/", {**typed, "file": as_file(table(), "mine.csv")})
    at = answer["Location"]
    page = client.get(at).content.decode()
    assert "mine.csv: no column &#x27;colour&#x27;; it has height, weight, kind" in page
    assert str(settings.SITE.folder) not in page
    assert 'value="Two kinds"' in page
    client.post(at, {**typed, "target": "kind", "check": "1"})
    assert "Nothing stands against it." in client.get(at).content.decode()
    answer = client.post(at, {**typed, "target": "kind", "make": "1"})
    assert answer["Location"] == "/c/two-kinds/host/"
    rules = Contest.objects.get(slug="two-kinds").current.competition
    assert (rules.title, rules.rules.objective) == ("Two kinds", "l2")


def test_all_that_is_wrong_with_a_table_is_said(lee):
    content = b"a,b,b\n1,2,3\n4,,6\n7,8\n"
    client = signed_in(lee)
    answer = client.post("/host/table/", {
        "name": "Bad Name", "licence": "CC0-1.0", "file": as_file(content, "bad.csv"),
    })
    problem = Draft.objects.get().problem
    assert "name: found 'Bad Name'" in problem
    for said in ("bad.csv, line 1", "bad.csv, line 3", "bad.csv, line 4"):
        assert said in problem
    assert client.get(answer["Location"]).status_code == 200


def test_a_zip_that_is_none_is_refused_and_what_was_typed_stays(lee):
    answer = signed_in(lee).post("/host/folder/", {
        "file": as_file(b"no zip at all"), "name": "mine", "prose": "Many words",
    })
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "this is no zip" in text
    assert "Many words" in text
    assert not Draft.objects.exists()


def test_a_folder_may_be_larger_than_a_submission_and_not_larger_than_its_own_limit(
    lee, monkeypatch
):
    limits = settings.SITE.config.limits
    content = zipped({"g/competition.toml": b"x", "g/big.csv": b"1,2\n" * 10})
    small = limits.model_copy(update={"upload_bytes": 10, "competition_bytes": 10_000})
    for allowed, ends in ((10_000, 302), (50, 422)):
        monkeypatch.setattr(settings.SITE, "config", settings.SITE.config.model_copy(update={
            "limits": small.model_copy(update={"competition_bytes": allowed})
        }))
        answer = signed_in(lee).post("/host/folder/", {"file": as_file(content)})
        assert answer.status_code == ends


def test_a_file_that_lies_elsewhere_is_not_read(game_folder, tmp_path):
    folder = changed(game_folder, tmp_path, ('"graph.toml"', '"../../site.toml"'))
    (finding,) = check_folder(folder, may_bring_programs=True)["findings"]
    assert finding["file"] == "competition.toml"
    assert "workloads.cancer.definition.graph: found '../../site.toml'" in finding["what"]
    lines = (folder / "competition.toml").read_text().splitlines()
    assert "site.toml" in lines[finding["line"] - 1]


def test_a_program_of_a_host_is_an_administrators_to_bring(game_folder, tmp_path):
    folder = changed(game_folder, tmp_path, ('data = "data.toml"', 'data = { file = "make.py" }'))
    (finding,) = check_folder(folder, may_bring_programs=False)["findings"]
    assert "only an administrator may bring one" in finding["what"]


def test_dates_that_have_passed_are_said_when_it_is_made(lee, game_folder, tmp_path):
    folder = changed(
        game_folder, tmp_path,
        ('size = "game"', 'size = "game"\nopens = 2026-01-01\ncloses = 2026-02-01'),
    )
    draft = fine_draft(lee, folder, name="dated")
    with pytest.raises(RulesError, match="closes: found 2026-02-01, which has passed"):
        drafts.make(draft, lee, today=date(2026, 3, 1))
    made = drafts.make(draft, lee, today=date(2026, 1, 15))
    assert "It opens on 2026-01-01, which has passed: it is open at once." in made.said


def test_a_baseline_is_played_before_the_competition_opens(lee, game_folder, tmp_path):
    folder = changed(game_folder, tmp_path, ('size = "game"', 'size = "game"\nopens = 2999-01-01'))
    made = drafts.make(fine_draft(lee, folder, name="later"), lee)
    assert made.version.contest.entries.get().is_baseline


def test_a_baseline_that_waits_is_not_queued_twice(lee, game_folder):
    version = drafts.make(fine_draft(lee, game_folder, name="once"), lee).version
    with pytest.raises(RulesError, match="waits for a worker already"):
        drafts.dry_run(version, lee)
    Job.objects.update(state=State.DONE)
    drafts.dry_run(version, lee)
    assert version.contest.entries.get().runs.count() == 2


def test_a_name_that_is_taken_is_refused_and_the_draft_stays(lee, contest, game_folder):
    draft = fine_draft(lee, game_folder)
    answer = signed_in(lee).post(f"/host/drafts/{draft.key}/", {"make": "1", "name": ""})
    assert "there is a competition of this name" in answer.content.decode()
    assert Draft.objects.filter(pk=draft.pk).exists()


# --- its rules change ---


def test_new_rules_are_shown_key_by_key_and_change_nothing_of_before(
    lee, host, contest, board, game_folder, tmp_path
):
    run = submit(board, owner=lee, name="old", file="a.zip",
                 content=folder_zip(starter_folder(board.version)))
    folder = changed(
        game_folder, tmp_path, ("train_loss = 0.03 ", "train_loss = 0.02 "),
        ("Tutorial: breast", "Round two: breast"), ("studies = 2 ", "studies = 3 "),
    )
    draft = fine_draft(lee, folder, contest, note="a tighter bound")
    page = host.get(f"/host/drafts/{draft.key}/").content.decode()
    assert "<code>workloads.cancer.bounds.train_loss</code>" in page
    assert "<code>rules.tuning.self.studies</code>" in page
    shown = {one.key: (one.before, one.after) for one in drafts.differences(draft)}
    assert shown["rules.tuning.self.studies"] == ("2", "3")
    assert "0.03" in page
    assert "0.02" in page
    answer = host.post(f"/host/drafts/{draft.key}/", {"make": "1", "note": "a tighter bound"})
    assert answer["Location"] == f"/c/{contest.slug}/host/"
    assert contest.current.number == 2
    run.entry.refresh_from_db()
    assert run.entry.board.version.number == 1
    assert host.get(f"/c/{contest.slug}/?version=1").status_code == 200


def test_rules_in_which_nothing_differs_are_no_new_version(lee, contest, game_folder):
    draft = fine_draft(lee, game_folder, contest)
    with pytest.raises(RulesError, match="nothing differs from version 1"):
        drafts.make(draft, lee)


# --- what is said of it ---


def typed(contest, **changes):
    hosts = ", ".join(contest.hosts.values_list("username", flat=True))
    return {"title": contest.title, "prose": contest.prose, "is_public": "on",
            "code_shown": "owner", "hosts": hosts,
            "jury": "", "results_hidden_until": "", "final_after": "", "edits": contest.edits,
            "save": "1", **changes}


def test_the_second_of_two_hosts_is_told_what_the_first_changed_and_keeps_what_was_typed(
    host, lee, person, contest
):
    sam = person("sam")
    contest.hosts.add(sam)
    second = signed_in(sam)
    at = f"/c/{contest.slug}/host/"
    both_saw = typed(contest)
    assert host.post(at, {**both_saw, "title": "The first"}).status_code == 302
    answer = second.post(at, {**both_saw, "title": "The second", "prose": "Long words"})
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "lee changed the title" in text
    assert "and is The first" in text
    assert 'value="The second"' in text
    assert "Long words" in text
    contest.refresh_from_db()
    assert contest.title == "The first"
    again = {**both_saw, "title": "The second", "edits": answer.context["form"]["edits"].value()}
    assert second.post(at, again).status_code == 302
    contest.refresh_from_db()
    assert contest.title == "The second"
    assert Edit.objects.filter(contest=contest).count() == 2


def test_names_that_nobody_has_are_said_all_at_once(host, contest):
    answer = host.post(f"/c/{contest.slug}/host/", typed(contest, jury="ann, bob lee"))
    assert "Nobody here is called ann, bob." in answer.content.decode()


def test_a_date_that_has_passed_is_refused(host, contest):
    answer = host.post(
        f"/c/{contest.slug}/host/", typed(contest, results_hidden_until="2020-01-01T10:00")
    )
    assert "found 01 Jan 2020 10:00 UTC, which has passed" in answer.content.decode()


def test_a_competition_is_never_left_without_a_host(host, contest):
    answer = host.post(f"/c/{contest.slug}/host/", typed(contest, hosts=""))
    assert "nobody is left" in answer.content.decode()


def test_a_preview_writes_nothing(host, contest):
    answer = host.post(
        f"/c/{contest.slug}/host/",
        {**typed(contest, prose="**Bold** <script>x</script>"), "preview": "1"},
    )
    assert "<strong>Bold</strong>" in answer.content.decode()
    assert "<script>x" not in answer.content.decode()
    contest.refresh_from_db()
    assert (contest.prose, contest.edits) == ("", 0)


def test_an_announcement_stands_on_the_page_until_it_is_removed(host, contest):
    at = f"/c/{contest.slug}/host/announce/"
    assert host.post(at, {"title": "", "text": "kept words"}).status_code == 422
    host.post(at, {"title": "Tomorrow", "text": "It **closes**. <script>x</script>"})
    page = Client().get(contest.get_absolute_url()).content.decode()
    assert "Tomorrow" in page
    assert "<strong>closes</strong>" in page
    assert "<script>x" not in page
    host.post(f"{at}{contest.announcements.get().pk}/remove/")
    assert "Tomorrow" not in Client().get(contest.get_absolute_url()).content.decode()


def test_what_hosts_said_is_kept_beside_the_rules_and_can_be_restored(host, lee, contest):
    editing.announce(contest, by=lee, title="Hear", text="this")
    later = (timezone.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    host.post(f"/c/{contest.slug}/host/", typed(contest, prose="Words", final_after=later))
    file = settings.SITE.files / "competitions" / contest.slug / "contest.json"
    said = json.loads(file.read_text())
    contest.refresh_from_db()
    Contest.objects.filter(pk=contest.pk).update(prose="", final_after=None)
    contest.announcements.all().delete()
    contest.hosts.clear()
    restore(Contest.objects.get(pk=contest.pk), said)
    assert beside(Contest.objects.get(pk=contest.pk)) == said
    assert said["prose"] == "Words"


def test_a_board_that_is_final_is_opened_again_by_administrators_alone(
    host, contest, person
):
    Contest.objects.filter(pk=contest.pk).update(
        final_after=datetime(2026, 1, 1, tzinfo=UTC)
    )
    contest.refresh_from_db()
    at = f"/c/{contest.slug}/host/"
    answer = host.post(at, typed(contest))
    assert "the boards are final since 01 Jan 2026" in answer.content.decode()
    boss = signed_in(person("boss", is_superuser=True))
    assert boss.post(at, typed(contest)).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_versions_that_are_made_at_the_same_time_have_numbers_of_their_own(
    contest, game_folder, tmp_path
):  # fmt: skip
    if connection.vendor != "postgresql":
        pytest.skip("threads of a test share the one connection of SQLite in memory")
    together, failed = threading.Barrier(2), []

    def make(name):
        folder = tmp_path / name / "quick"
        shutil.copytree(game_folder, folder)
        (folder / "README.md").write_text(name)
        together.wait()
        try:
            add_version(Contest.objects.get(pk=contest.pk), folder)
        except Exception as error:
            failed.append(error)
        connection.close()

    makers = [threading.Thread(target=make, args=(name,)) for name in ("one", "two")]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert failed == []
    said = [(version.number, (version.folder / "README.md").read_text(), rules_digest(
        version.folder) == version.folder_sha256) for version in contest.versions.all()[1:]]
    assert sorted(number for number, _, _ in said) == [2, 3]
    assert {name for _, name, _ in said} == {"one", "two"}
    assert all(is_own for _, _, is_own in said)
