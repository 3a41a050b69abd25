import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlgolf.analysis.progress.frontier import records

AMOUNTS = st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=20)


def held(years, amounts):
    return records(np.array(years, dtype=float), np.array(amounts, dtype=float)).tolist()


def test_an_entry_has_the_record_if_it_needs_less_than_all_before_it():
    assert held([2012, 2014, 2016, 2018], [10, 20, 5, 6]) == [True, False, True, False]


def test_of_one_date_the_least_has_the_record():
    assert held([2012, 2012, 2013], [10, 8, 9]) == [False, True, False]


def test_who_needs_as_much_as_the_record_does_not_take_it():
    assert held([2012, 2012, 2013], [10, 10, 10]) == [True, False, False]


@given(amounts=AMOUNTS, worse=st.floats(1, 1e3))
def test_a_late_entry_that_needs_more_does_not_move_the_record(amounts, worse):
    years = list(range(2000, 2000 + len(amounts)))
    late = held([*years, 2100], [*amounts, min(amounts) * worse])
    assert late == [*held(years, amounts), False]


@given(amounts=AMOUNTS)
def test_each_record_is_below_the_one_before_it(amounts):
    years = np.arange(len(amounts), dtype=float)
    values = np.array(amounts)
    least = values[records(years, values)]
    assert (np.diff(least) < 0).all()
    assert least[-1] == values.min()
