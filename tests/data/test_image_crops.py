import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgolf.data.image_crops import centre_crop, random_box, random_crop


def noise(height, width):
    return np.random.default_rng(0).integers(256, size=(height, width, 3), dtype=np.uint8)


@given(st.integers(1, 500), st.integers(1, 500), st.integers(0, 1000))
def test_a_random_box_lies_inside_the_image(width, height, seed):
    rng = np.random.default_rng(seed)
    left, upper, right, lower = random_box(width, height, (0.08, 1.0), (3 / 4, 4 / 3), rng)
    assert 0 <= left < right <= width
    assert 0 <= upper < lower <= height


def test_a_random_box_keeps_to_area_and_aspect():
    rng = np.random.default_rng(0)
    for _ in range(200):
        left, upper, right, lower = random_box(1000, 1000, (0.2, 0.5), (0.5, 2.0), rng)
        width, height = right - left, lower - upper
        assert 0.199 < width * height / 1e6 < 0.501
        assert 0.499 < width / height < 2.01


def test_where_no_box_fits_the_central_square_is_taken():
    box = random_box(10, 100, (1.0, 1.0), (1.0, 1.0), np.random.default_rng(0))
    assert box == (0, 45, 10, 55)


def test_a_crop_of_the_right_size_is_not_scaled():
    image = noise(8, 8)
    crop = random_crop(image, 6, ((6 / 8) ** 2,) * 2, (1.0, 1.0), np.random.default_rng(0))
    assert any(
        np.array_equal(crop, image[row : row + 6, column : column + 6])
        for row in range(3)
        for column in range(3)
    )


@pytest.mark.parametrize(("height", "width"), [(30, 40), (40, 30), (20, 20)])
def test_every_crop_is_a_square_of_the_resolution(height, width):
    rng = np.random.default_rng(0)
    image = noise(height, width)
    assert random_crop(image, 16, (0.08, 1.0), (3 / 4, 4 / 3), rng).shape == (16, 16, 3)
    assert centre_crop(image, 18, 16).shape == (16, 16, 3)


def test_the_central_crop_of_an_image_at_its_size_is_its_middle():
    image = noise(8, 8)
    np.testing.assert_array_equal(centre_crop(image, 8, 4), image[2:6, 2:6])
