"""What an attacker uploads, and how much of it."""

import io
import shutil
import stat
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from mlgolf_site.contests.services import add_contest
from mlgolf_site.people.models import Team, Token
from test_rules import people
from uploads import ENTRY, zipped

from mlgolf.core.errors import RulesError

__all__ = ["people"]  # a fixture

pytestmark = pytest.mark.django_db

def many(count: int) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for number in range(count):
            archive.writestr(f"f{number}.py", b"")
    return written.getvalue()


ATTACKS = {
    "a zip bomb": ("a.zip", lambda: zipped({"entry.py": b"0" * 30_000_000}), "unpacked the zip"),
    "an absolute path": ("a.zip", lambda: zipped({"/etc/passwd": ENTRY}), "absolute path"),
    "a path with dots": ("a.zip", lambda: zipped({"../entry.py": ENTRY}), "leads out"),
    "a link": (
        "a.zip", lambda: zipped({"entry.py": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777),
        "is a link",
    ),
    "30,000 files": ("a.zip", lambda: many(30_000), "30,000 entries; allowed are 200"),
    "a polyglot": ("a.zip", lambda: b"GIF89a" + zipped({"entry.py": ENTRY}), "this is no zip"),
    "a name with script": (
        "a.zip", lambda: zipped({"<script>alert(1)</script>.py": ENTRY}), "allowed are letters",
    ),
    "an upload whose name has script": ("<script>alert(1)</script>.py", lambda: ENTRY, "allowed"),
    "an upload that is called as a path": ("../../x.exe", lambda: ENTRY, "allowed are a module"),
    "deep brackets": ("entry.py", lambda: b"x = " + b"(" * 100_000, "entry.py"),
    "deep operators": ("entry.py", lambda: b"x = " + b"-" * 200_000 + b"1", "entry.py"),
    "a NUL": ("entry.py", lambda: ENTRY + b"\0", "entry.py"),
    "what is no text": ("entry.py", lambda: b"\xff\xfe\xfa", "entry.py"),
    "a module that is too large": ("entry.py", lambda: b"#" * 5_000_001, "allowed are 5"),
}  # fmt: skip


def kept(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if "code" in file.parts and file.is_file()]


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_with_a_word_on_why_and_nothing_is_kept(
    contest, person, settings, attack, tmp_path, monkeypatch
):  # fmt: skip
    name, content, word = ATTACKS[attack]
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    client = Client()
    client.force_login(person("eve"))
    answer = client.post("/c/quick/submit/", {
        "name": "attack", "board": "", "framework": "torch",
        "file": SimpleUploadedFile(name, content()),
    })  # fmt: skip
    page = answer.content.decode()
    assert answer.status_code == 422
    assert word in page
    assert "<script>alert" not in page
    assert str(tmp_path) not in page
    assert 'value="attack"' in page
    assert not contest.entries.exists()
    assert kept(settings.SITE.files) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [
    "../up", "a/b", "-x", "x" * 41, "<b>", "a b", "UPPER", "a\0b", "ünder", "x.py", "",
])  # fmt: skip
def test_a_name_of_an_entry_is_plain(contest, person, name):
    client = Client()
    client.force_login(person("eve"))
    answer = client.post("/c/quick/submit/", {
        "name": name, "board": "", "framework": "torch",
        "file": SimpleUploadedFile("entry.py", ENTRY),
    })  # fmt: skip
    assert answer.status_code == 422
    assert not contest.entries.exists()


def test_a_competition_with_a_link_or_a_name_that_is_a_path_is_refused(
    db, game_folder, tmp_path
):  # fmt: skip
    folder = tmp_path / "linked"
    shutil.copytree(game_folder, folder)
    with pytest.raises(RulesError, match=r"name: found '\.\./\.\./up'"):
        add_contest(folder, slug="../../up")
    (folder / "secret.txt").symlink_to("/etc/passwd")
    with pytest.raises(RulesError, match=r"secret.txt is a link"):
        add_contest(folder)


def test_a_program_of_a_host_takes_an_administrator(db, private_folder, person):
    data = private_folder / "data.toml"
    data.write_text(data.read_text().replace('"pool.csv"', '"pool.py"'))
    with pytest.raises(RulesError, match=r"pool.py would be run outside of the sandbox"):
        add_contest(private_folder, by=person("host", may_host=True))
    assert add_contest(private_folder, by=person("boss", is_superuser=True)).number == 1


def test_uploads_are_counted_by_the_minute(contest, person, monkeypatch):
    monkeypatch.setattr("mlgolf_site.people.often.time", lambda: 1_000_000.0)
    client = Client()
    client.force_login(person("eve"))

    def check():
        return client.post("/c/quick/submit/", {
            "name": "attack", "board": "", "framework": "torch", "check": "1",
            "file": SimpleUploadedFile("entry.py", b"("),
        }).content.decode()  # fmt: skip

    said = [check() for _ in range(31)]
    assert ["uploads or checks in a minute" in page for page in said] == 30 * [False] + [True]


def test_nobody_makes_tokens_or_teams_without_end(person):
    from mlgolf_site.pages.people_views import MOST_TEAMS, MOST_TOKENS

    eve = person("eve")
    client = Client()
    client.force_login(eve)
    for number in range(MOST_TEAMS):
        Team.objects.create(name=f"t{number}", founder=eve)
    for number in range(MOST_TOKENS):
        Token.issue(eve, f"t{number}", Token.Scope.READ)
    token = {"name": "more", "scope": "read", "days": 3}
    assert "which is the limit" in client.post("/tokens/", token).content.decode()
    assert "which is the limit" in client.post("/teams/", {"name": "more"}).content.decode()
