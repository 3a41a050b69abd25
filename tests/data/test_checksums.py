import pytest

from mlgolf.core.errors import DataError
from mlgolf.data.checksums import fingerprint, verify, write_manifest

REMEDY = "mlgolf data prepare toy"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "a.bin").write_bytes(b"first")
    (tmp_path / "b.bin").write_bytes(b"second")
    write_manifest(tmp_path)
    return tmp_path


def test_an_untouched_folder_passes(folder):
    verify(folder, remedy=REMEDY)


def test_a_missing_file_is_named_with_what_to_run(folder):
    (folder / "train" / "a.bin").unlink()
    with pytest.raises(DataError, match=rf"a\.bin: found no file, expected 5 bytes.*{REMEDY}"):
        verify(folder, remedy=REMEDY)


def test_a_file_of_another_size_is_named_with_both_sizes(folder):
    (folder / "b.bin").write_bytes(b"longer than before")
    with pytest.raises(DataError, match=r"b\.bin: found 18 bytes, expected 6"):
        verify(folder, remedy=REMEDY, contents=False)


def test_changed_contents_of_the_same_size_are_found(folder):
    (folder / "b.bin").write_bytes(b"SECOND")
    with pytest.raises(DataError, match=r"b\.bin: found SHA-256"):
        verify(folder, remedy=REMEDY)


def test_contents_are_not_read_unless_asked_for(folder):
    (folder / "b.bin").write_bytes(b"SECOND")
    verify(folder, remedy=REMEDY, contents=False)


def test_a_file_that_is_not_listed_is_found(folder):
    (folder / "train" / "stray.bin").write_bytes(b"x")
    with pytest.raises(DataError, match=r"stray\.bin: found a file that"):
        verify(folder, remedy=REMEDY)


def test_a_missing_folder_says_what_to_run(tmp_path):
    with pytest.raises(DataError, match=REMEDY):
        verify(tmp_path / "nowhere", remedy=REMEDY)


def test_equal_bytes_have_equal_fingerprints(folder):
    before = fingerprint(folder, remedy=REMEDY)
    write_manifest(folder)
    assert fingerprint(folder, remedy=REMEDY) == before


def test_other_bytes_have_another_fingerprint(folder):
    before = fingerprint(folder, remedy=REMEDY)
    (folder / "b.bin").write_bytes(b"SECOND")
    write_manifest(folder)
    assert fingerprint(folder, remedy=REMEDY) != before
