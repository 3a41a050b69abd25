"""Uses a toy workload whose data module is a stand-in, so that nothing but folders is at stake."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mlgolf.core.errors import DataError, UnknownName
from mlgolf.core.spec import LossType
from mlgolf.core.workload import SPLITS, Size, Workload
from mlgolf.data import layout


@dataclass(frozen=True, slots=True)
class ToyData:
    folder: str
    is_made: bool = True


class ToyModule:
    fails = False

    def make(self, raw: Path, size: Size, seed: int) -> None:
        (raw / "numbers").write_text(str(seed))
        if self.fails:
            raise KeyboardInterrupt

    def prepare(self, raw: Path, prepared: Path, size: Size) -> None:
        for split in SPLITS:
            (prepared / split).mkdir()
            (prepared / split / "numbers").write_text((raw / "numbers").read_text())


def row(name: str, data: ToyData) -> Size:
    return Size(
        name=name, examples={}, batch_size=1, published_batch_size=1, eval_batch_size=1,
        model=None, data=data,
    )  # fmt: skip


SIZES = {
    "mini": row("mini", ToyData("mini")),
    "mini_variant": row("mini_variant", ToyData("mini")),
    "full": row("full", ToyData("full", is_made=False)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyWorkload(Workload):
    module: ToyModule = field(default_factory=ToyModule)

    def data(self) -> ToyModule:  # type: ignore[override]
        return self.module


@pytest.fixture
def toy():
    return ToyWorkload(
        name="toy", dataset="numbers", loss_type=LossType.MEAN_SQUARED_ERROR, package="toy",
        sizes=SIZES,
    )  # fmt: skip


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_data_lie_below_dataset_and_size(toy, tmp_path):
    assert layout.make(toy, "mini", tmp_path) == tmp_path / "numbers" / "mini" / "raw"
    assert layout.prepare(toy, "mini", tmp_path) == tmp_path / "numbers" / "mini" / "prepared"


def test_prepared_data_pass_the_check(toy, tmp_path):
    layout.make(toy, "mini", tmp_path)
    prepared = layout.prepare(toy, "mini", tmp_path)
    assert len(layout.check(toy, "mini", tmp_path)) == 64
    assert names(prepared) == ["checksums.json", "test", "train", "validation"]


def test_a_variant_reads_the_data_of_its_size(toy, tmp_path):
    layout.make(toy, "mini", tmp_path)
    layout.prepare(toy, "mini", tmp_path)
    assert layout.check(toy, "mini_variant", tmp_path) == layout.check(toy, "mini", tmp_path)


def test_the_seed_reaches_the_generator(toy, tmp_path):
    assert (layout.make(toy, "mini", tmp_path, seed=7) / "numbers").read_text() == "7"


def test_making_again_replaces_what_was_there(toy, tmp_path):
    layout.make(toy, "mini", tmp_path, seed=1)
    raw = layout.make(toy, "mini", tmp_path, seed=2)
    assert (raw / "numbers").read_text() == "2"
    assert names(raw.parent) == ["raw"]


def test_an_interrupted_make_leaves_what_was_there_before(toy, tmp_path):
    raw = layout.make(toy, "mini", tmp_path, seed=1)
    toy.module.fails = True
    with pytest.raises(KeyboardInterrupt):
        layout.make(toy, "mini", tmp_path, seed=2)
    assert (raw / "numbers").read_text() == "1"
    assert names(raw.parent) == ["raw"]


def test_published_data_are_not_made(toy, tmp_path):
    with pytest.raises(DataError, match="published, not made"):
        layout.make(toy, "full", tmp_path)


def test_preparing_without_raw_data_says_how_to_make_them(toy, tmp_path):
    with pytest.raises(DataError, match="mlgolf data make toy --size mini"):
        layout.prepare(toy, "mini", tmp_path)


def test_checking_without_any_data_says_to_make_them(toy, tmp_path):
    with pytest.raises(DataError, match="Run: mlgolf data make toy --size mini"):
        layout.check(toy, "mini", tmp_path)


def test_checking_with_raw_data_alone_says_to_prepare(toy, tmp_path):
    layout.make(toy, "mini", tmp_path)
    with pytest.raises(DataError, match="Run: mlgolf data prepare toy --size mini"):
        layout.check(toy, "mini", tmp_path)


def test_damaged_data_fail_the_check(toy, tmp_path):
    layout.make(toy, "mini", tmp_path)
    prepared = layout.prepare(toy, "mini", tmp_path)
    (prepared / "test" / "numbers").write_text("9")
    with pytest.raises(DataError, match="test/numbers: found SHA-256"):
        layout.check(toy, "mini", tmp_path)


def test_an_unknown_size_is_named(toy, tmp_path):
    with pytest.raises(UnknownName, match="'tiny'"):
        layout.make(toy, "tiny", tmp_path)
