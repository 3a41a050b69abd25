"""What is taken in as code, and what is refused with a word on why."""

import io
import stat
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlgolf_site.config import Limits
from mlgolf_site.entries.uploads import read_upload
from uploads import ENTRY, zipped

from mlgolf.core.errors import SubmissionError

LIMITS = Limits()


def refused(name: str, content: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(SubmissionError) as caught:
        read_upload(name, content, limits)
    return str(caught.value)


def test_a_module_is_taken_in_under_its_name():
    assert read_upload("entry.py", ENTRY, LIMITS).files == {"entry.py": ENTRY}


def test_a_zip_of_a_folder_is_what_the_folder_holds():
    found = read_upload("a.zip", zipped({"mine/entry.py": ENTRY, "mine/b/c.py": b""}), LIMITS)
    assert found.files == {"entry.py": ENTRY, "b/c.py": b""}


def test_what_is_hidden_or_compiled_is_left_out():
    files = {"entry.py": ENTRY, ".git/config": b"x", "__pycache__/a.pyc": b"x",
             "__MACOSX/._entry.py": b"x"}
    assert read_upload("a.zip", zipped(files), LIMITS).files == {"entry.py": ENTRY}


def test_what_was_taken_in_is_zipped_to_the_same_bytes_each_time():
    upload = read_upload("a.zip", zipped({"entry.py": ENTRY, "a.py": b"1"}), LIMITS)
    again = read_upload("b.zip", upload.as_zip("mine"), LIMITS)
    assert again.files == upload.files
    assert again.as_zip("mine") == upload.as_zip("mine")


# --- attacks ---


def test_a_zip_bomb_is_refused_by_the_sizes_that_it_names():
    assert "unpacked the zip has" in refused("a.zip", zipped({"entry.py": b"0" * 30_000_000}))


def test_a_zip_bomb_that_lies_about_its_size_is_refused_while_it_is_read():
    bomb = bytearray(zipped({"entry.py": b"0" * 25_000_000}))
    central = bomb.rindex(b"PK\x01\x02")
    for at in (bomb.index(b"PK\x03\x04") + 22, central + 24):
        bomb[at:at + 4] = (1000).to_bytes(4, "little")
    assert "zip" in refused("a.zip", bytes(bomb))


def test_a_file_that_is_nearly_all_zeros_is_refused_as_no_code():
    said = refused("a.zip", zipped({"entry.py": b"0" * 15_000_000}))
    assert "that is no code" in said


@pytest.mark.parametrize("path", ["/etc/passwd", "C:/windows/a.py", "/entry.py"])
def test_absolute_paths_are_refused(path):
    assert "absolute path" in refused("a.zip", zipped({path: ENTRY}))


@pytest.mark.parametrize("path", ["../entry.py", "a/../../entry.py", "./entry.py", "a/./b.py"])
def test_paths_that_lead_out_of_the_folder_are_refused(path):
    assert "leads out of the folder" in refused("a.zip", zipped({path: ENTRY}))


def test_a_symbolic_link_is_refused():
    said = refused("a.zip", zipped({"entry.py": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777))
    assert "is a link" in said


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_what_is_no_ordinary_file_is_refused(kind):
    assert "no ordinary file" in refused("a.zip", zipped({"entry.py": b""}, mode=kind | 0o644))


def test_a_hundred_thousand_files_are_refused_before_any_is_read():
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for number in range(100_000):
            archive.writestr(f"f{number}.py", b"")
    limits = LIMITS.model_copy(update={"upload_bytes": 50_000_000})
    assert "100,000 entries; allowed are 200" in refused("a.zip", written.getvalue(), limits)


def test_a_zip_behind_other_bytes_is_refused():
    """A polyglot: an image to one reader, a zip to another."""
    polyglot = b"\x89PNG\r\n\x1a\n" + zipped({"entry.py": ENTRY})
    assert "this is no zip" in refused("a.zip", polyglot)


def test_a_zip_that_is_called_a_module_is_refused():
    assert "is a zip" in refused("entry.py", zipped({"entry.py": ENTRY}))


@pytest.mark.parametrize("name", [
    "<script>alert(1)</script>.py", "a b.py", "é.py", "entry.py\n", "-rf.py", "a'b.py",
    "con:.py", "a\\..\\b.py",
])  # fmt: skip
def test_names_with_anything_but_plain_characters_are_refused(name):
    said = refused("a.zip", zipped({f"x/{name}": ENTRY, "x/entry.py": ENTRY}))
    assert "allowed are letters" in said or "leads out" in said or "cannot be read" in said


def test_two_names_that_differ_by_case_alone_are_refused():
    assert "twice" in refused("a.zip", zipped({"entry.py": ENTRY, "Entry.py": ENTRY}))


def test_an_encrypted_zip_is_refused():
    locked = bytearray(zipped({"entry.py": ENTRY}))
    locked[6] |= 1
    locked[locked.rindex(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in refused("a.zip", bytes(locked))


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"PK\x03\x04" + 200 * b"\xff"])
def test_what_only_begins_like_a_zip_is_refused(content):
    assert "cannot be read" in refused("a.zip", content)


@pytest.mark.parametrize(("name", "words"), [
    ("a.tar.gz", "allowed are a module"), ("a.exe", "allowed are a module"), ("", "allowed are"),
    ("a.zip", "no zip"),
])  # fmt: skip
def test_other_files_are_refused(name, words):
    assert words in refused(name, b"some bytes")


def test_an_empty_file_is_refused():
    assert "empty" in refused("entry.py", b"")


def test_a_file_that_is_too_large_is_refused():
    said = refused("entry.py", b"#" * 11, LIMITS.model_copy(update={"upload_bytes": 10}))
    assert "allowed are 10 bytes" in said


@given(data=st.data())
@settings(max_examples=300)
def test_a_damaged_zip_is_read_or_refused_and_nothing_else(data):
    content = bytearray(zipped({"a/entry.py": ENTRY, "a/b.py": b"x = 1\n" * 50}))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    try:
        found = read_upload("a.zip", bytes(content), LIMITS)
    except SubmissionError:
        return
    assert all(not name.startswith("/") and ".." not in name for name in found.files)


def test_a_name_that_is_a_file_and_a_folder_is_refused():
    content = zipped({"entry.py": ENTRY, "a": b"1", "a/b.py": b"2"})
    assert "a is a file and a folder in the zip" in refused("a.zip", content)
