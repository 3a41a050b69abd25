import numpy as np
import pytest

from mlgolf.core.errors import DataError
from mlgolf.data.click_logs import read_clicks

VOCABULARY_SIZES = (39_884_406, *[1000] * 24, 36)


def line(label=0, integers=("",) * 13, categories=("",) * 26) -> str:
    return "\t".join([str(label), *map(str, integers), *categories])


@pytest.fixture
def read(tmp_path):
    def read_lines(*lines):
        path = tmp_path / "day_0_00"
        path.write_text("\n".join(lines) + "\n")
        return read_clicks(path, VOCABULARY_SIZES)

    return read_lines


def test_a_line_becomes_13_dense_features_and_26_ids(read):
    clicks = read(line())
    assert clicks.inputs.shape == (1, 39)
    assert clicks.inputs.dtype == np.float32


def test_labels_are_a_column_of_floats(read):
    clicks = read(line(1), line(0), line(1))
    assert clicks.targets.tolist() == [[1.0], [0.0], [1.0]]


def test_integers_become_the_logarithm_of_one_more(read):
    inputs = read(line(integers=range(13))).inputs
    np.testing.assert_allclose(inputs[0, :13], np.log(np.arange(13) + 1), rtol=1e-6)


def test_missing_and_negative_integers_become_zero(read):
    assert read(line(integers=["", -3] + [0] * 11)).inputs[0, :2].tolist() == [0.0, 0.0]


def test_a_category_becomes_its_published_id(read):
    inputs = read(line(categories=["68fd1e64"] + [""] * 25)).inputs
    assert inputs[0, 13] == 6_734_129


def test_a_missing_category_is_read_as_eight_zeros(read):
    missing, zeros = read(line(), line(categories=[""] * 25 + ["00000000"])).inputs[:, -1]
    assert missing == zeros == 8


def test_rows_keep_the_order_of_lines(read):
    inputs = read(*(line(integers=[n] * 13) for n in range(50))).inputs
    assert (np.diff(inputs[:, 0]) > 0).all()


def test_a_file_in_another_format_is_refused_by_name(read, tmp_path):
    with pytest.raises(DataError, match="day_0_00: not a click log"):
        read("one,two,three")
