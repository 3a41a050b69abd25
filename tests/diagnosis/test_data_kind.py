"""What a batch is, by its form."""

import numpy as np
import pytest

from mlgolf.diagnosis.data_kind import data_kind
from mlgolf.diagnosis.method_facts import method_facts

IMAGES = np.zeros((8, 3, 4, 4), np.float32)
LABELS, ROWS, TOKENS = np.zeros(8, np.int64), np.zeros((8, 20)), np.zeros((8, 32), np.int64)


@pytest.mark.parametrize(
    ("batch", "kind"),
    [
        ((IMAGES, LABELS), "images"), ([LABELS, IMAGES], "images"), (TOKENS, "tokens"),
        ({"input_ids": TOKENS, "labels": TOKENS}, "tokens"), ((ROWS, LABELS), "other"),
        ({"dense": ROWS, "sparse": TOKENS}, "other"), (LABELS, "other"), ([1, 2], None),
        (("a", {"b": 3}), None),
    ],
)  # fmt: skip
def test_the_first_array_of_several_dimensions_tells(batch, kind):
    assert data_kind(batch) == kind


def test_tensors_of_pytorch_are_told_by_the_same():
    torch = pytest.importorskip("torch")
    assert data_kind((torch.zeros(8, 32, dtype=torch.long),)) == "tokens"
    assert data_kind(torch.zeros(8, 20)) == "other"


def test_methods_for_images_are_not_advised_for_rows_of_a_table():
    names = {method.name for method in method_facts("cpu", data_kind((ROWS, LABELS)))}
    assert "colout" not in names
    assert "sequence_length_warmup" not in names
    assert "selective_backprop" in names
