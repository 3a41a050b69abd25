"""Uses a toy workload whose data module is a stand-in, so that nothing but folders is at stake."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
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
    noise: float = 0.1


class ToyModule:
    file = Path(__file__)
    fails = False
    made = 0
    seconds = 0.0

    DRAWN = ("validation", "test")

    def make(self, raw: Path, size: Size, seed: int, draw: int, splits=SPLITS) -> None:
        self.made += 1
        time.sleep(self.seconds)
        (raw / "numbers").write_text(str(seed))
        if self.fails:
            raise KeyboardInterrupt

    def prepare(self, raw: Path, prepared: Path, size: Size, splits=SPLITS) -> None:
        for split in splits:
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

    @property
    def data_files(self) -> tuple[Path, ...]:
        return (self.module.file,)


@pytest.fixture
def toy():
    return ToyWorkload(
        name="toy", dataset="numbers", loss_type=LossType.MEAN_SQUARED_ERROR, package="toy",
        sizes=SIZES,
    )  # fmt: skip


MADE = ["raw", "raw.checksums.json", "raw.made_from.json", "seed"]


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
    assert names(raw.parent) == MADE


def test_an_interrupted_make_leaves_what_was_there_before(toy, tmp_path):
    raw = layout.make(toy, "mini", tmp_path, seed=1)
    toy.module.fails = True
    with pytest.raises(KeyboardInterrupt):
        layout.make(toy, "mini", tmp_path, seed=2)
    assert (raw / "numbers").read_text() == "1"
    assert names(raw.parent) == MADE


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


def test_missing_data_are_made_and_prepared_once(toy, tmp_path):
    said: list[str] = []
    first = layout.ensure(toy, "mini", tmp_path, said.append)
    assert [sentence.split()[0] for sentence in said] == ["making", "preparing"]
    assert layout.ensure(toy, "mini", tmp_path, said.append) == first
    assert len(said) == 2


def test_data_made_on_demand_are_those_of_the_command(toy, tmp_path):
    layout.make(toy, "mini", tmp_path / "command")
    layout.prepare(toy, "mini", tmp_path / "command")
    by_command = layout.check(toy, "mini", tmp_path / "command")
    assert layout.ensure(toy, "mini", tmp_path / "demand") == by_command


def test_raw_data_that_are_there_are_prepared_as_they_are(toy, tmp_path):
    layout.make(toy, "mini", tmp_path, seed=7)
    layout.ensure(toy, "mini", tmp_path)
    prepared = layout.prepared_folder(toy, "mini", tmp_path)
    assert (prepared / "train" / "numbers").read_text() == "7"


def test_processes_that_miss_the_same_data_make_them_once(toy, tmp_path):
    toy.module.seconds = 0.2
    with ThreadPoolExecutor(4) as pool:  # each opens the lock for itself, as a process does
        found = set(pool.map(lambda _: layout.ensure(toy, "mini", tmp_path), range(4)))
    assert len(found) == 1
    assert toy.module.made == 1


def test_two_commands_that_make_the_same_data_at_once_both_succeed(toy, tmp_path):
    toy.module.seconds = 0.1
    with ThreadPoolExecutor(2) as pool:
        raws = list(pool.map(lambda seed: layout.make(toy, "mini", tmp_path, seed), (1, 2)))
    assert (raws[0] / "numbers").read_text() in ("1", "2")
    assert names(raws[0].parent) == MADE


def test_what_a_killed_process_left_is_removed(toy, tmp_path):
    raw = layout.raw_folder(toy, "mini", tmp_path)
    (raw.parent / "raw.unfinished").mkdir(parents=True)
    layout.make(toy, "mini", tmp_path)
    assert names(raw.parent) == MADE


def test_damaged_data_are_not_made_anew(toy, tmp_path):
    layout.ensure(toy, "mini", tmp_path)
    numbers = layout.prepared_folder(toy, "mini", tmp_path) / "test" / "numbers"
    numbers.write_text("9")
    with pytest.raises(DataError, match=r"test/numbers: .* Run: mlgolf data prepare toy"):
        layout.ensure(toy, "mini", tmp_path)
    assert numbers.read_text() == "9"


def test_published_data_are_never_made_and_the_error_says_what_to_download(toy, tmp_path):
    with pytest.raises(DataError, match=r"Download .*README\.md .* put them into .*full/raw, then"):
        layout.ensure(toy, "full", tmp_path)
    assert toy.module.made == 0


def test_the_command_in_an_error_is_quoted_for_the_shell(toy, tmp_path):
    with pytest.raises(DataError, match=r"--data-dir '.*/my data'"):
        layout.check(toy, "mini", tmp_path / "my data")


def test_data_lie_in_the_users_cache_unless_the_environment_says_otherwise(monkeypatch):
    monkeypatch.delenv("MLGOLF_DATA_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert layout.default_data_dir() == Path("/home/somebody/.cache/mlgolf/data")
    monkeypatch.setenv("MLGOLF_DATA_DIR", "/data")
    assert layout.default_data_dir() == Path("/data")


def changed(toy, size_name: str = "mini", *, examples=None, **data):
    """The same workload after somebody edited a row of its spec.py."""
    size = toy.sizes[size_name]
    row = replace(size, examples=examples or size.examples, data=replace(size.data, **data))
    return replace(toy, sizes={**toy.sizes, size_name: row})


def test_data_made_by_other_code_are_refused_with_the_file_of_the_code(toy, tmp_path):
    layout.ensure(toy, "mini", tmp_path)
    toy.module.file = tmp_path / "data.py"
    toy.module.file.write_text("DRAWN = ()")
    with pytest.raises(DataError, match=r"data\.py\. Run: mlgolf data make toy"):
        layout.check(toy, "mini", tmp_path)


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        ({"noise": 0.2}, "data.noise 0.1 -> 0.2"),
        ({"examples": {"train": 8}}, "examples.train nothing -> 8"),
    ],
)
def test_data_made_from_other_numbers_are_refused_with_what_has_changed(
    toy, tmp_path, edit, named
):
    layout.ensure(toy, "mini", tmp_path)
    message = rf"made from other .*: {named}\. Run: mlgolf data make toy --size mini"
    for ask in (layout.ensure, layout.check, layout.prepare):
        with pytest.raises(DataError, match=message):
            ask(changed(toy, **edit), "mini", tmp_path)
    layout.make(changed(toy, **edit), "mini", tmp_path)
    layout.prepare(changed(toy, **edit), "mini", tmp_path)
    layout.check(changed(toy, **edit), "mini", tmp_path)


def test_data_that_were_made_anew_but_not_prepared_are_not_the_prepared_ones(toy, tmp_path):
    layout.ensure(toy, "mini", tmp_path)
    layout.make(changed(toy, noise=0.2), "mini", tmp_path)
    with pytest.raises(DataError, match=r"prepared: made from other .* data\.noise 0\.1 -> 0\.2"):
        layout.ensure(changed(toy, noise=0.2), "mini", tmp_path)


def test_data_without_a_record_of_what_made_them_are_taken_as_they_are(toy, tmp_path):
    layout.ensure(toy, "mini", tmp_path)
    for record in tmp_path.rglob("*.made_from.json"):
        record.unlink()
    layout.ensure(changed(toy, noise=0.2), "mini", tmp_path)


def test_what_is_cut_from_the_training_split_may_change(toy, tmp_path):
    layout.ensure(toy, "mini", tmp_path)
    layout.ensure(changed(toy, examples={"eval_train": 3}), "mini", tmp_path)
