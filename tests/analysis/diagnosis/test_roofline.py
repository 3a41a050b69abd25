import math

import pytest

from mlgolf.analysis.diagnosis.roofline import Ceilings, Operation, floor_of

MACHINE = Ceilings(flops=100.0, bandwidth=10.0, launch_seconds=0.5)


def test_each_operation_is_bound_by_the_longer_of_computing_and_moving():
    product = Operation(name="mm", count=1, flop=1000, bytes=10)
    sum_ = Operation(name="add", count=2, flop=0, bytes=50)
    floor = floor_of([product, sum_], MACHINE)
    assert (floor.compute, floor.bandwidth, floor.overhead) == (10, 5, 1.5)
    assert (floor.flop, floor.bytes, floor.operations) == (1000, 60, 3)


def test_below_the_ridge_bandwidth_is_the_roof():
    assert MACHINE.ridge == 10
    assert MACHINE.attainable(1) == 10
    assert MACHINE.attainable(100) == 100


def test_no_operations_have_no_intensity():
    assert floor_of([], MACHINE).intensity != pytest.approx(0)


def test_what_a_cache_holds_moves_at_its_bandwidth():
    faster = Ceilings(flops=100.0, bandwidth=10.0, cached_bandwidth=50.0)
    small = Operation(name="add", count=10, flop=0, bytes=500)
    large = Operation(name="add", count=1, flop=0, bytes=2e9)
    assert floor_of([small], faster).bandwidth == 10
    assert floor_of([large], faster).bandwidth == 2e8


def test_products_are_bound_by_the_ceiling_of_their_type():
    faster = Ceilings(flops=100.0, bandwidth=1e9, flops_by_type={"bfloat16": 1000.0})
    product = Operation(name="mm", count=1, flop=1000, bytes=10, dtype="bfloat16")
    assert floor_of([product], faster).compute == 1
    assert floor_of([product], MACHINE).compute == 10


def test_where_the_number_of_operations_is_not_known_neither_is_starting_them():
    joined = Operation(name="step", count=0, flop=1000, bytes=10)
    floor = floor_of([joined], MACHINE)
    assert math.isnan(floor.overhead)
    assert floor.operations == 0


def test_products_that_are_bound_by_bandwidth_are_told_apart():
    thin = Operation(name="mv", count=1, flop=1e3, bytes=1e9)
    sum_ = Operation(name="add", count=1, flop=0, bytes=1e9)
    floor = floor_of([thin, sum_], MACHINE)
    assert floor.thin_products == floor.bandwidth / 2
