import pytest

from mlgolf.analysis.roofline import Ceilings, Operation, floor_of

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
