import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlgolf.analysis.curves.pareto import pareto_front

SMALL = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=30)


@given(SMALL)
def test_a_point_is_on_the_front_just_if_no_other_is_better_in_one_and_worse_in_none(points):
    first, second = np.array(points, float).reshape(-1, 2).T

    def is_beaten(point):
        return any(
            other[0] <= point[0] and other[1] <= point[1] and other != point for other in points
        )

    assert pareto_front(first, second).tolist() == [not is_beaten(point) for point in points]
