"""Raw files that are missing, partial or corrupt: named, refused, or left out and counted."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tiny_workloads import tiny

from mlgolf.core.errors import DataError
from mlgolf.data import layout
from mlgolf.data.bad_records import BadRecords
from mlgolf.data.click_logs import read_clicks

VOCABULARY_SIZES = (1000,) * 26
GOOD = "\t".join(["1", *"7" * 13, *["68fd1e64"] * 26]).encode()


@pytest.fixture
def read(tmp_path):
    """Reads lines of bytes. Returns: the rows, and what is said of the others."""

    def read_lines(*lines: bytes, end: bytes = b"\n"):
        path, bad = tmp_path / "day_0_00", BadRecords(tmp_path)
        path.write_bytes(b"\n".join(lines) + end)
        clicks = read_clicks(path, VOCABULARY_SIZES, bad)
        return clicks, [(record.record, record.found) for record in bad.records]

    return read_lines


def with_field(number: int, text: bytes) -> bytes:
    fields = GOOD.split(b"\t")
    fields[number - 1] = text
    return b"\t".join(fields)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (GOOD.rsplit(b"\t", 28)[0], "found 12 columns, expected 40"),
        (GOOD + b"\t", "found 41 columns, expected 40"),
        (b"", "found 1 columns, expected 40"),
        (with_field(20, b"68fd\xff\xfe64"), "found bytes that are not UTF-8"),
        (with_field(1, b"2"), "column 1: found '2', expected a label, 0 or 1"),
        (with_field(1, b""), "column 1: found '', expected a label"),
        (with_field(3, b"1.5"), "column 3: found '1.5', expected an integer"),
        (with_field(3, b"ab"), "column 3: found 'ab', expected an integer"),
        (with_field(3, b"-"), "column 3: found '-', expected an integer"),
        (with_field(3, b"12a456789"), "column 3: found '12a456789', expected an integer"),
        (with_field(3, b"a23456789"), "column 3: found 'a23456789', expected an integer"),
        (with_field(3, b"1" * 17), "expected an integer"),
        (with_field(15, b"68fd1e6g"), "column 15: found '68fd1e6g', expected 8 hexadecimal"),
        (with_field(15, b"-8fd1e64"), "column 15: found '-8fd1e64', expected 8 hexadecimal"),
        (with_field(15, b"68fd-e64"), "column 15: found '68fd-e64', expected 8 hexadecimal"),
        (with_field(15, b"68-"), "column 15: found '68-', expected 8 hexadecimal"),
        (with_field(3, b"1-2"), "column 3: found '1-2', expected an integer"),
        (with_field(15, b"68fd1e640"), "column 15: found '68fd1e640', expected 8 hexadecimal"),
    ],
)
def test_a_line_that_is_not_in_the_format_is_named_and_left_out(read, line, found):
    clicks, said = read(GOOD, line, GOOD)
    assert len(clicks.targets) == len(clicks.inputs) == 2
    np.testing.assert_array_equal(clicks.inputs, read(GOOD, GOOD)[0].inputs)
    assert [record for record, _ in said] == ["line 2"]
    assert found in said[0][1]


def test_lines_are_numbered_from_the_beginning_of_a_file_of_many_blocks(read):
    lines = [GOOD] * 6_000
    lines[4_999] = b"1\t2"
    assert read(*lines)[1] == [("line 5000", "found 2 columns, expected 40")]


@pytest.mark.parametrize(
    ("category", "rows"), [(b"68fd1e64", 2), (b"68fd1e6", 1), (b"6", 1)]
)
def test_a_file_that_ends_within_a_category_has_lost_its_last_line(read, category, rows):
    clicks, said = read(GOOD, with_field(40, category), end=b"")
    assert len(clicks.targets) == rows
    assert [record for record, _ in said] == ["line 2"][: 2 - rows]


def test_integers_of_up_to_16_digits_and_short_categories_are_read(read):
    clicks, said = read(with_field(3, b"1234567890123456"), with_field(15, b"ff"))
    assert said == []
    np.testing.assert_allclose(clicks.inputs[0, 1], np.log(1234567890123456), rtol=1e-6)


def test_all_bad_records_are_counted_and_the_first_ones_kept(tmp_path):
    bad = BadRecords(tmp_path)
    for line in range(50):
        bad.add(tmp_path / "a", f"line {line}", "found nothing")
    assert (len(bad), len(bad.records)) == (50, 20)
    assert bad.in_words(limit=1)[1:] == ["and 49 bad records more"]


@pytest.fixture
def clicks(copied):
    """Workload, data folder and raw folder."""
    return found("criteo1tb", copied("criteo1tb"))


@pytest.fixture
def images(copied):
    return found("imagenet_resnet", copied("imagenet_resnet"))


@pytest.fixture
def tokens(copied):
    return found("finewebedu_lm", copied("finewebedu_lm"))


def found(name, data_dir):
    return tiny(name), data_dir, layout.raw_folder(tiny(name), "tiny", data_dir)


def break_line(path: Path, number: int) -> None:
    lines = path.read_bytes().split(b"\n")
    lines[number - 1] = b"\t".join(lines[number - 1].split(b"\t")[:12])
    path.write_bytes(b"\n".join(lines))


def check_raw(workload, data_dir):
    layout.check_raw(workload, "tiny", data_dir)


def test_a_check_names_every_bad_line_and_what_to_do(clicks):
    workload, data_dir, raw = clicks
    break_line(raw / "day_0_00", 3)
    break_line(raw / "day_7_00", 17)
    with pytest.raises(DataError) as refused:
        check_raw(workload, data_dir)
    said = str(refused.value)
    assert said.startswith("2 bad records in raw data:")
    assert f"{raw}/day_0_00: line 3: found 12 columns, expected 40" in said
    assert f"{raw}/day_7_00: line 17: found 12 columns, expected 40" in said
    assert "Make them anew: mlgolf data make criteo1tb --size tiny" in said
    assert "Or leave them out: mlgolf data prepare criteo1tb --size tiny" in said


def test_sound_raw_data_pass_the_check(clicks, images, tokens):
    for workload, data_dir, _ in (clicks, images, tokens):
        check_raw(workload, data_dir)


def test_preparing_refuses_a_bad_line_and_leaves_no_prepared_data(clicks):
    workload, data_dir, raw = clicks
    break_line(raw / "day_0_00", 3)
    with pytest.raises(DataError, match=r"day_0_00: line 3: found 12 columns(.|\n)*--skip-bad"):
        layout.prepare(workload, "tiny", data_dir)
    assert not layout.prepared_folder(workload, "tiny", data_dir).exists()


def test_what_is_left_out_is_counted_per_file_and_kept_with_the_prepared_data(clicks):
    workload, data_dir, raw = clicks
    break_line(raw / "day_0_00", 3)
    break_line(raw / "day_0_00", 5)
    break_line(raw / "day_23_19", 1)
    prepared = layout.prepare(workload, "tiny", data_dir, skip_bad=True)
    record = json.loads((prepared / "skipped.json").read_text())
    assert record["bad_records"] == {"day_0_00": 2, "day_23_19": 1}
    assert record["examples"] == {"train": 23_998, "validation": 399, "test": 400}
    assert ["day_0_00", "line 3", "found 12 columns, expected 40"] in record["first_bad_records"]
    assert layout.left_out(workload, "tiny", data_dir).counts == Counter(record["bad_records"])
    assert len(np.load(prepared / "train" / "day_0_00.targets.npy")) == 398


def test_data_that_were_prepared_without_bad_records_pass_the_check(clicks):
    workload, data_dir, raw = clicks
    break_line(raw / "day_0_00", 3)
    layout.prepare(workload, "tiny", data_dir, skip_bad=True)
    check_raw(workload, data_dir)
    layout.check(workload, "tiny", data_dir)
    break_line(raw / "day_1_00", 3)
    with pytest.raises(DataError, match="day_1_00: line 3"):
        check_raw(workload, data_dir)


def test_a_split_without_a_good_record_is_refused_though_bad_ones_may_be_left_out(tokens):
    workload, data_dir, raw = tokens
    for path in (raw / "val").glob("*.arrow"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match="found no good example of the validation split"):
        layout.prepare(workload, "tiny", data_dir, skip_bad=True)
    assert not layout.prepared_folder(workload, "tiny", data_dir).exists()


def test_a_check_tells_bad_records_from_as_many_others_of_the_same_file(clicks):
    workload, data_dir, raw = clicks
    sound = (raw / "day_0_00").read_bytes()
    break_line(raw / "day_0_00", 3)
    layout.prepare(workload, "tiny", data_dir, skip_bad=True)
    (raw / "day_0_00").write_bytes(sound)
    break_line(raw / "day_0_00", 4)
    with pytest.raises(DataError, match="day_0_00: line 4"):
        check_raw(workload, data_dir)


def test_sound_data_have_no_record_of_what_was_left_out(clicks):
    workload, data_dir, _ = clicks
    prepared = layout.prepare(workload, "tiny", data_dir, skip_bad=True)
    assert not (prepared / "skipped.json").exists()


def test_evaluation_on_a_split_that_lost_a_row_sees_the_others(clicks):
    workload, data_dir, raw = clicks
    break_line(raw / "day_23_19", 1)
    prepared = layout.prepare(workload, "tiny", data_dir, skip_bad=True)
    split = workload.data().open_split(
        prepared / "validation", workload.size("tiny"), "validation"
    )
    (batch,) = split.eval_batches()
    assert batch["weights"].sum() == 399


def test_a_missing_file_is_named(clicks):
    workload, data_dir, raw = clicks
    (raw / "day_0_00").unlink()
    with pytest.raises(DataError, match="day_0_00: this file is missing"):
        check_raw(workload, data_dir)


def test_a_gap_between_published_files_is_named_without_checksums(clicks):
    workload, data_dir, raw = clicks
    (raw.parent / "raw.checksums.json").unlink()
    (raw / "day_0_01").unlink()
    said = r"1 bad record in raw data(.|\n)*day_0_01: this file is missing"
    with pytest.raises(DataError, match=said):
        check_raw(workload, data_dir)


def test_lost_rows_that_no_line_shows_are_named_by_their_split(clicks):
    workload, data_dir, raw = clicks
    (raw.parent / "raw.checksums.json").unlink()
    lines = (raw / "day_23_19").read_bytes().splitlines(keepends=True)
    (raw / "day_23_19").write_bytes(b"".join(lines[:-1]))
    with pytest.raises(DataError, match=r"399 rows of the validation .* 400\. Make them anew"):
        check_raw(workload, data_dir)


def test_a_file_that_is_in_the_format_but_not_what_was_made_is_named(clicks):
    workload, data_dir, raw = clicks
    text = (raw / "day_0_00").read_bytes()
    (raw / "day_0_00").write_bytes((b"1" if text[:1] == b"0" else b"0") + text[1:])
    with pytest.raises(DataError, match="day_0_00: found SHA-256"):
        check_raw(workload, data_dir)
    with pytest.raises(DataError, match="day_0_00: found SHA-256"):
        layout.prepare(workload, "tiny", data_dir)


def test_an_image_that_is_cut_short_is_named_and_left_out(images):
    workload, data_dir, raw = images
    path = sorted((raw / "val" / "3").iterdir())[0]
    path.write_bytes(path.read_bytes()[:900])
    found = rf"{path.name}: found no image that can be decoded: image file is truncated"
    for ask in (check_raw, lambda w, d: layout.prepare(w, "tiny", d)):
        with pytest.raises(DataError, match=found):
            ask(workload, data_dir)
    prepared = layout.prepare(workload, "tiny", data_dir, skip_bad=True)
    assert layout.left_out(workload, "tiny", data_dir).counts == {f"val/3/{path.name}": 1}
    size = workload.size("tiny")
    split = workload.data().open_split(prepared / "validation", size, "validation")
    seen = sum(
        batch.get("weights", np.ones(len(batch["targets"]))).sum()
        for batch in split.eval_batches()
    )
    assert seen == 399


def test_a_jpeg_that_is_cut_short_is_named(images):
    from PIL import Image

    workload, data_dir, raw = images
    path = raw / "val" / "3" / "photo.JPEG"
    Image.effect_noise((64, 64), 50).save(path, "JPEG")
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(DataError, match="JPEG: found no image that can be decoded"):
        check_raw(workload, data_dir)


def rewritten(path: Path, change) -> None:
    """Args: change: of the list of its documents, each a list of tokens."""
    documents = pl.read_ipc_stream(path)["input_ids"].to_list()
    change(documents)
    column = pl.Series("input_ids", documents, dtype=pl.List(pl.Int32))
    pl.DataFrame([column]).write_ipc_stream(path)


def break_documents(raw: Path) -> list[str]:
    """One that is no list, one with a token beyond the vocabulary. Returns: their files."""
    paths = sorted((raw / "train").glob("*.arrow"))[:2]
    rewritten(paths[0], lambda documents: documents.__setitem__(2, None))
    rewritten(paths[1], lambda documents: documents[4].append(512))
    return [f"train/{path.name}" for path in paths]


def test_documents_that_hold_no_tokens_are_named(tokens):
    workload, data_dir, raw = tokens
    first, second = break_documents(raw)
    for ask in (check_raw, lambda w, d: layout.prepare(w, "tiny", d)):
        with pytest.raises(DataError, match=f"{first}: document 3: found no list of tokens"):
            ask(workload, data_dir)
    with pytest.raises(DataError, match=f"{second}: document 5: found 512 as a token, expected"):
        check_raw(workload, data_dir)


def test_rows_are_cut_from_the_documents_that_are_good(tokens):
    workload, data_dir, raw = tokens
    first, second = break_documents(raw)
    prepared = layout.prepare(workload, "tiny", data_dir, skip_bad=True)
    record = json.loads((prepared / "skipped.json").read_text())
    assert record["bad_records"] == {first: 1, second: 1}
    columns = [pl.read_ipc_stream(path)["input_ids"] for path in
               sorted((raw / "train").glob("*.arrow"))]  # fmt: skip
    documents = [document for column in columns for document in column.to_list()]
    good = np.concatenate([d for d in documents if d is not None and 512 not in d])
    rows = np.load(prepared / "train" / "rows.npy")
    assert np.array_equal(rows.reshape(-1), good[: rows.size])
    assert record["examples"] == {"train": 12_000, "validation": 400, "test": 400}
    check_raw(workload, data_dir)


def test_a_token_file_that_is_cut_short_is_left_out_as_a_whole(tokens):
    workload, data_dir, raw = tokens
    path = sorted((raw / "val").glob("*.arrow"))[0]
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=f"val/{path.name}: ends within the stream"):
        check_raw(workload, data_dir)
    prepared = layout.prepare(workload, "tiny", data_dir, skip_bad=True)
    assert layout.left_out(workload, "tiny", data_dir).counts == {f"val/{path.name}": 1}
    split = workload.data().open_split(
        prepared / "validation", workload.size("tiny"), "validation"
    )
    seen = sum(batch.get("weights", np.ones(len(batch["targets"]))).sum()
               for batch in split.eval_batches())  # fmt: skip
    assert seen == 390
    said = layout.examples_left(workload, "tiny", data_dir)
    assert said == "12,000 of 12,000 train, 390 of 400 validation, 400 of 400 test"
