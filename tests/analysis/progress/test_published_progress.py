"""What the shipped tables give, against what their sources say of them."""

import json
from pathlib import Path

import pytest

import mlgolf
from mlgolf.core.errors import UnknownName


@pytest.fixture(scope="module")
def vision() -> dict:
    found = mlgolf.progress("hernandez_brown").as_json()
    return {one["target"]: one for one in found["targets"]}


def test_alexnets_level_takes_44_times_less_and_halves_every_16_months(vision):
    found = vision["alexnet-top5-79.1"]
    assert round(found["factor"]) == 44
    assert round(found["doubling_months"]) == 16
    assert found["end_point_doubling_months"] == pytest.approx(15.3, abs=0.05)
    low, high = found["interval"]
    assert low < 16 < high


def test_the_record_at_alexnets_level_is_the_one_of_the_source(vision):
    assert vision["alexnet-top5-79.1"]["frontier"] == [
        "AlexNet", "GoogLeNet", "MobileNet v1", "ShuffleNet v1 1x", "ShuffleNet v2 1x",
        "EfficientNet-b0",
    ]


def test_the_factor_splits_into_epochs_and_cost_of_an_epoch_as_in_the_source(vision):
    steps = {step["name"]: step["parts"] for step in vision["alexnet-top5-79.1"]["decomposition"]}
    assert steps["GoogLeNet"]["epochs"] == pytest.approx(11, abs=0.5)
    assert steps["GoogLeNet"]["cost per epoch"] == pytest.approx(0.38, abs=0.01)
    assert steps["EfficientNet-b0"]["epochs"] == pytest.approx(22, abs=0.6)
    assert steps["EfficientNet-b0"]["cost per epoch"] == pytest.approx(2.0, abs=0.05)


def test_a_target_just_below_alexnets_would_have_given_30(vision):
    assert vision["alexnet-top5-79.1"]["factor_at_easier_target"] == pytest.approx(30.5, abs=0.1)


@pytest.mark.parametrize(("target", "factor", "months"), [
    ("seq2seq-bleu-34.8", 61, 5.6), ("gnmt-bleu-39.92", 9, 2.7), ("resnet50-top5-92.9", 23, 9.2),
])  # fmt: skip
def test_other_targets_give_what_follows_from_their_rows(vision, target, factor, months):
    assert round(vision[target]["factor"]) == factor
    assert vision[target]["doubling_months"] == pytest.approx(months, abs=0.05)


def test_by_the_dates_of_its_repository_translation_doubles_every_4_months_as_published():
    found = mlgolf.progress("hernandez_brown", date="date_repo", target="gnmt-bleu-39.92").as_json()
    assert round(found["doubling_months"]) == 4


def test_the_errors_of_the_source_are_flagged(vision):
    said = {flag["message"] for one in vision.values() for flag in one["flags"]}
    for wanted in (
        "reduction_factor_reported is 10, but 17 / 0.75 = 22.7",
        "reduction_factor_reported is 61, but 465 / 8 = 58.1",
        "compute_tfs_days_repo is 0.75, 0.34 times what",
        "ResNet-50: date_arxiv says 2015-12-10, date_repo 2015-01-10",
        "ShuffleNet v2 1x: date_arxiv says 2018-07-30, date_repo 2018-06-30",
    ):
        assert any(wanted in message for message in said), wanted
    repo = mlgolf.progress("hernandez_brown", date="date_repo").as_json()
    assert any(
        "arXiv 1807.11164 is of 2018-07" in flag["message"] for flag in repo["flags"]
    )


def test_effective_compute_to_2018_is_some_seven_million():
    found = mlgolf.progress(
        "hernandez_brown", target="alexnet-top5-79.1", until="2018", physical_growth=300_000
    ).as_json()
    assert found["effective_compute"]["factor"] == pytest.approx(7.4e6, rel=0.02)


def test_language_models_double_effective_compute_every_8_months():
    found = mlgolf.progress("lm_progress").as_json()
    assert found["doubling_months"] == pytest.approx(8.4, abs=0.1)
    low, high = found["interval"]
    assert 4 < low < 6
    assert 15 < high < 30


def test_dawnbenchs_rows_give_184(tmp_path):
    """Rows of DAWNBench's ImageNet entries that have a price, by hand: the table does not ship."""
    path = tmp_path / "entries.csv"
    path.write_text(
        "entry,date,cost\ndawn_4M60,2017-10-27,2323.3927\ndawn_8k80,2017-10-27,1112.6377\n"
        "diux_p3,2018-01-31,358.2172\ngoogle_tpu,2018-03-25,82.0693\n"
        "fastai_p3,2018-09-07,48.4792\ngoogle_tpu_111_fastai,2018-09-29,12.5986\n"
    )
    found = mlgolf.progress(path, date="date", compute="cost", baseline="dawn_4M60").as_json()
    assert round(found["factor"]) == 184


def test_the_figures_of_the_guide_are_those_of_the_tables(vision):
    guide = (Path(__file__).parents[3] / "docs" / "progress.md").read_text()
    found = vision["alexnet-top5-79.1"]
    assert f"{found['factor']:.1f} times less" in guide
    low, high = found["interval"]
    assert f"{found['doubling_months']:.1f} months" in guide
    assert f"{low:.1f} to {high:.1f}" in guide


def test_an_unknown_name_is_answered_with_those_there_are():
    with pytest.raises(UnknownName, match="Did you mean hernandez_brown"):
        mlgolf.progress("hernandez_browne")


def test_what_is_printed_as_json_is_json(vision):
    assert json.loads(json.dumps(vision, default=str))
