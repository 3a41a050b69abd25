"""`mlgolf data` on raw data that are damaged, or not there."""

import json

import pytest
from conftest import LINEAR

GOOD = "\t".join(["1", *"7" * 13, *["68fd1e64"] * 26])
SHORT = GOOD.rsplit("\t", 28)[0]  # 12 columns


@pytest.fixture
def damaged(tmp_path):
    """A data folder with a raw file for each split. The second line of the first is bad."""
    raw = tmp_path / "criteo1tb" / "mini" / "raw"
    raw.mkdir(parents=True)
    (raw / "day_0_00").write_text(f"{GOOD}\n{SHORT}\n{GOOD}\n")
    for name in ("day_23_00", "day_23_19"):
        (raw / name).write_text(f"{GOOD}\n")
    return tmp_path


def test_a_check_names_file_line_and_remedy(mlgolf, damaged):
    said = mlgolf("data", "check", "criteo1tb", "--data-dir", damaged, expect=2).stderr
    assert f"{damaged}/criteo1tb/mini/raw/day_0_00: line 2: found 12 columns" in said
    assert "mlgolf data make criteo1tb" in said
    assert "--skip-bad" in said


def test_a_check_of_prepared_data_alone_does_not_read_the_raw_ones(mlgolf, damaged):
    ask = ("data", "check", "criteo1tb", "--no-raw", "--data-dir", damaged)
    said = mlgolf(*ask, expect=2).stderr
    assert "line 2" not in said
    assert "expected prepared data" in said


def test_preparing_refuses_bad_lines_unless_it_is_told_to_leave_them_out(mlgolf, damaged):
    ask = ("data", "prepare", "criteo1tb", "--data-dir", damaged)
    assert "day_0_00: line 2: found 12 columns" in mlgolf(*ask, expect=2).stderr
    said = mlgolf(*ask, "--skip-bad").stderr
    assert "left out 1 bad record:" in said
    assert "raw/day_0_00: 1 bad record\n" in said
    assert "examples left: 2 of 1,720,320 train, 1 of 40,960 validation" in said


def test_a_check_says_what_was_left_out(mlgolf, damaged):
    mlgolf("data", "prepare", "criteo1tb", "--data-dir", damaged, "--skip-bad")
    ask = ("data", "check", "criteo1tb", "--data-dir", damaged)
    assert "left out 1 bad record:" in mlgolf(*ask).stderr
    assert json.loads(mlgolf(*ask, "--json").stdout)["left_out"] == {"criteo1tb": {"day_0_00": 1}}


def test_records_cannot_be_left_out_of_data_that_are_read_as_a_whole(mlgolf, tmp_path):
    mlgolf("data", "make", "linear", "--data-dir", tmp_path)
    ask = ("data", "prepare", "linear", "--data-dir", tmp_path, "--skip-bad")
    assert "no record can be left out" in mlgolf(*ask, expect=2).stderr


PUBLISHED = {
    "criteo1tb": [
        "https://ailab.criteo.com/criteo-1tb-click-logs-dataset", "1.1 TB", "CC BY-NC-SA 4.0"
    ],
    "imagenet_resnet": [
        "https://image-net.org/download-images", "155 GB", "non-commercial research",
        "https://github.com/modestyachts/ImageNetV2", "MIT",
    ],
    "finewebedu_lm": [
        "https://huggingface.co/datasets/HuggingFaceFW/fineweb-edu", "36.0 GB", "ODC-By 1.0",
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_data_that_are_not_there_come_with_their_place_size_and_licence(
    mlgolf, tmp_path, name
):
    for command in ("check", "prepare"):
        ask = ("data", command, name, "--size", "full", "--data-dir", tmp_path)
        said = mlgolf(*ask, expect=2).stderr
        assert [part for part in PUBLISHED[name] if part not in said] == []


@pytest.mark.parametrize(
    "name", ["imagenet_resnet", pytest.param("criteo1tb", marks=pytest.mark.long)]
)
def test_a_workload_is_shown_with_where_its_published_data_are(mlgolf, name):
    said = " ".join(mlgolf("workloads", "show", name).stdout.split())
    assert [part for part in PUBLISHED[name] if part not in said] == []


def test_a_run_that_finds_no_published_data_says_where_they_are(mlgolf, adamw, tmp_path):
    rules = tmp_path / "full.toml"
    rules.write_text(
        LINEAR.read_text()
        .replace('size = "mini"', 'size = "full"')
        .replace("[workloads.linear]", "[workloads.criteo1tb]")
    )
    said = mlgolf("run", adamw, "--competition", rules, "--data-dir", tmp_path, expect=2).stderr
    assert [part for part in PUBLISHED["criteo1tb"] if part not in said] == []
