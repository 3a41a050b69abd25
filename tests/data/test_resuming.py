"""Preparing that is killed and continued: small data of workloads that are read in pieces."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_workloads import NAMES, SHARD_BYTES, tiny

from mlgolf.core.errors import DataError
from mlgolf.data import image_folder, layout


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(image_folder, "SHARD_BYTES", SHARD_BYTES)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*") if path.is_file()
    }


def killed_while_preparing(name: str, data_dir: Path, after: int) -> list[Path]:
    """SIGKILL once so many pieces are complete. Returns: their records."""
    place = layout.prepared_folder(tiny(name), "tiny", data_dir)
    script = Path(__file__).with_name("tiny_workloads.py")
    process = subprocess.Popen([sys.executable, str(script), name, str(data_dir)])
    records: list[Path] = []
    while len(records) < after:
        assert process.poll() is None
        time.sleep(0.001)
        records = list(place.with_name("prepared.pieces").rglob("*.done.json"))
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not place.exists()
    return records


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_prepare_is_continued_to_the_bytes_of_one_that_was_not(name, copied):
    data_dir, workload = copied(name), tiny(name)
    whole = layout.prepare(workload, "tiny", data_dir)
    expected = contents(whole)
    shutil.rmtree(whole)
    records = killed_while_preparing(name, data_dir, after=3)
    written = {record: record.stat().st_mtime_ns for record in records}
    kept = {}

    def look(progress):
        if progress.pieces == progress.of_pieces:
            kept.update((record, record.stat().st_mtime_ns) for record in records)

    assert layout.prepare(workload, "tiny", data_dir, tell=look) == whole
    assert contents(whole) == expected
    assert kept == written
    assert sorted(path.name for path in whole.parent.iterdir()) == [
        "prepared", "prepared.made_from.json",
        "raw", "raw.checksums.json", "raw.made_from.json", "seed",
    ]


def test_tokens_that_were_cut_off_with_a_prepare_are_joined_in_the_order_of_their_files(copied):
    data_dir, workload = copied("finewebedu_lm"), tiny("finewebedu_lm")
    state = layout.raw_folder(workload, "tiny", data_dir) / "train" / "state.json"
    interrupted(workload, data_dir, 5)
    listed = json.loads(state.read_text())
    listed["_data_files"].reverse()
    state.write_text(json.dumps(listed))
    continued = contents(layout.prepare(workload, "tiny", data_dir))
    shutil.rmtree(layout.prepared_folder(workload, "tiny", data_dir))
    assert contents(layout.prepare(workload, "tiny", data_dir)) == continued


def interrupted(workload, data_dir, pieces: int) -> Path:
    """As a kill would, in this process: stop when so many pieces are complete."""

    def stop(progress):
        if progress.pieces == pieces:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        layout.prepare(workload, "tiny", data_dir, tell=stop)
    return layout.prepared_folder(workload, "tiny", data_dir).with_name("prepared.unfinished")


def test_a_piece_that_lost_a_byte_is_done_again(copied):
    data_dir, workload = copied("criteo1tb"), tiny("criteo1tb")
    expected = contents(layout.prepare(workload, "tiny", data_dir))
    unfinished = interrupted(workload, data_dir, 2)
    path = unfinished / "train" / "day_0_00.inputs.npy"
    path.write_bytes(path.read_bytes()[:-1])
    assert contents(layout.prepare(workload, "tiny", data_dir)) == expected


def test_tokens_that_are_lost_while_their_record_is_not_are_written_again(copied):
    data_dir, workload = copied("finewebedu_lm"), tiny("finewebedu_lm")
    expected = contents(layout.prepare(workload, "tiny", data_dir))
    unfinished = interrupted(workload, data_dir, 3)
    first, second, *_ = sorted(unfinished.with_name("prepared.pieces").rglob("*.tokens"))
    first.unlink()
    second.write_bytes(second.read_bytes()[:-2])
    assert contents(layout.prepare(workload, "tiny", data_dir)) == expected


def test_raw_data_that_changed_meanwhile_are_prepared_again(copied):
    data_dir, workload = copied("criteo1tb"), tiny("criteo1tb")
    interrupted(workload, data_dir, 5)
    layout.make(workload, "tiny", data_dir, seed=1)
    continued = contents(layout.prepare(workload, "tiny", data_dir))
    assert contents(layout.prepare(workload, "tiny", data_dir)) == continued


def test_published_data_that_other_code_began_to_prepare_are_prepared_again(
    copied, monkeypatch, tmp_path
):
    data_dir, workload = copied("criteo1tb"), tiny("criteo1tb")
    layout.raw_folder(workload, "tiny", data_dir).with_name("raw.made_from.json").unlink()
    unfinished = interrupted(workload, data_dir, 2)
    first = unfinished / "train" / "day_0_00.inputs.npy"
    first.write_bytes(bytes(first.stat().st_size))
    other = tmp_path / "data.py"
    other.write_text("# another version")
    monkeypatch.setattr(type(workload), "data_files", (other,))
    prepared = layout.prepare(workload, "tiny", data_dir)
    assert any((prepared / "train" / first.name).read_bytes())


def test_what_was_complete_is_kept_when_a_bad_file_is_refused_and_then_left_out(copied):
    data_dir, workload = copied("criteo1tb"), tiny("criteo1tb")
    raw = layout.raw_folder(workload, "tiny", data_dir)
    (raw / "day_1_00").write_bytes(b"0\t1\n" + (raw / "day_1_00").read_bytes())
    with pytest.raises(DataError, match="line 1: found 2 columns"):
        layout.prepare(workload, "tiny", data_dir)
    first = raw.with_name("prepared.unfinished") / "train" / "day_0_00.inputs.npy"
    before = first.stat().st_mtime_ns
    prepared = layout.prepare(workload, "tiny", data_dir, skip_bad=True)
    assert (prepared / "train" / first.name).stat().st_mtime_ns == before


def test_progress_counts_pieces_and_examples(copied):
    told = []
    layout.prepare(tiny("criteo1tb"), "tiny", copied("criteo1tb"), tell=told.append)
    assert [progress.pieces for progress in told] == list(range(1, 63))
    assert (told[-1].of_pieces, told[-1].examples) == (62, 24_800)
    assert str(told[-1]).startswith("62 of 62 pieces, 24,800 examples, ")
