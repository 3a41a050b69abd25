import numpy as np
import pytest

from mlgolf.analysis.deployment.quality import measure_of, scores


def test_one_output_an_example_decides_nothing_and_its_squared_error_is_taken():
    outputs, targets = np.array([[0.75], [0.5]]), np.array([1, 0])
    assert measure_of(outputs, targets) == "negative squared error"
    assert scores(outputs, targets) == pytest.approx([-0.0625, -0.25])
