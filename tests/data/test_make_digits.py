from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from mlgolf.data.make_digits import Painter, deal, enlarged, make_digit_folders
from mlgolf.data.recipes import DigitRecipe

RECIPE = DigitRecipe(
    canvas=16,
    digit_pixels=(8, 9),
    jitter=1,
    clutter=1,
    ground=0.5,
    contrast=(0.3, 0.5),
    noise=0.0,
    digits=(1_000, 400, 397),
)
EXAMPLES = {"train": 60, "validation": 30, "test": 30}


@pytest.fixture
def made(tmp_path):
    make_digit_folders(tmp_path, RECIPE, EXAMPLES, seed=0)
    return tmp_path


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.PNG")}


def test_images_lie_in_folders_named_by_split_and_class(made):
    assert sorted(p.name for p in made.iterdir()) == ["test", "train", "val"]
    assert sorted(p.name for p in (made / "train").iterdir()) == [str(n) for n in range(10)]


def test_each_split_has_as_many_images_as_asked_for(made):
    counts = [len(list((made / name).rglob("*.PNG"))) for name in ("train", "val", "test")]
    assert counts == [60, 30, 30]


def test_images_are_coloured_squares_of_the_canvas(made):
    image = Image.open(next((made / "train").rglob("*.PNG")))
    assert (image.size, image.mode) == ((16, 16), "RGB")


def test_the_same_seed_makes_the_same_bytes(made, tmp_path_factory):
    again = tmp_path_factory.mktemp("again")
    make_digit_folders(again, RECIPE, EXAMPLES, seed=0)
    assert contents(made) == contents(again)


def test_another_draw_holds_out_other_digits():
    held_out = [
        set(np.concatenate([dealt["validation"], dealt["test"]]))
        for dealt in (deal(1797, RECIPE, seed) for seed in (0, 2**120))
    ]
    expected = len(held_out[0]) ** 2 / 1797
    assert len(held_out[0] & held_out[1]) == pytest.approx(expected, rel=0.25)


def test_no_digit_is_dealt_to_two_splits():
    dealt = np.concatenate(list(deal(1797, RECIPE, seed=5).values()))
    assert len(np.unique(dealt)) == len(dealt) == 1797


def test_both_digits_of_an_image_are_of_its_class(tmp_path):
    bare = replace(
        RECIPE, digit_pixels=(8, 8), jitter=0, clutter=0, ground=0.0, contrast=(1.0, 1.0)
    )
    make_digit_folders(tmp_path, bare, EXAMPLES, seed=0)
    digits = load_digits()
    for path in (tmp_path / "train").rglob("*.PNG"):
        strip = np.asarray(Image.open(path))[4:12, :, 0]  # two digits of 8 x 8 side by side
        of_class = np.round(digits.images[digits.target == int(path.parent.name)] / 16 * 255)
        for half in (strip[:, :8], strip[:, 8:]):
            assert (of_class == half).all(axis=(1, 2)).any()


def test_digits_keep_their_brightness_when_enlarged():
    images = np.ones((2, 8, 8))
    np.testing.assert_allclose(enlarged(images, 13), np.ones((2, 13, 13)))


def test_a_digit_enlarged_to_its_own_size_is_itself():
    images = np.random.default_rng(0).random((2, 8, 8))
    np.testing.assert_allclose(enlarged(images, 8), images)


def test_clutter_never_shows_a_whole_digit():
    painter = Painter(np.ones((1, 8, 8)), RECIPE, np.random.default_rng(0))
    covered = painter._clutter(200).sum(axis=(1, 2))
    assert covered.max() <= 5 * 9
