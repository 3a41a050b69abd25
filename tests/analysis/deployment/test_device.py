import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgolf.analysis.deployment.device import RUN, DeviceTable, OperatorTime, elsewhere
from mlgolf.analysis.deployment.work import operations, work
from mlgolf.core.errors import DeploymentError


def relu(size, seconds, operator="Relu"):
    return OperatorTime(operator=operator, dtype="float", inputs=((size,),), outputs=((size,),),
                        seconds=seconds)  # fmt: skip


def table(name, factor, operators=("Relu", "Conv", RUN), noise=()):
    rows = [
        relu(size, factor * 1e-9 * size, operator)
        for operator in operators for size in (100, 1000, 10_000)
    ]
    wobble = np.exp(np.resize([*noise, 0.0], len(rows)))
    return DeviceTable(device=name, threads=1, rows=tuple(
        replace(row, seconds=row.seconds * w) for row, w in zip(rows, wobble, strict=True)
    ))  # fmt: skip


HERE = table("here", 1.0)
MODEL = [relu(500, 5e-7), relu(500, 3e-6, "Conv"), relu(1, 1e-6, RUN)]


@given(st.floats(0.1, 10))
def test_a_device_that_is_so_many_times_as_slow_takes_so_many_times_as_long(factor):
    found = elsewhere(MODEL, HERE, table("there", factor))
    assert found.milliseconds == pytest.approx(factor * found.here_milliseconds)
    assert found.interval[0] < found.milliseconds < found.interval[1]
    assert found.uncovered == ()


def test_an_operator_measured_there_in_the_same_shapes_is_taken_as_it_is():
    there = table("there", 2.0)
    model = [relu(1000, 9.0)]  # whatever it takes here
    found = elsewhere(model, HERE, there)
    assert found.milliseconds == pytest.approx(1e3 * 2.0 * 1e-9 * 1000)
    assert found.measured_share == 1


def test_operators_in_neither_table_are_named_and_widen_the_interval():
    covered = elsewhere(MODEL, HERE, table("there", 2.0))
    found = elsewhere([*MODEL, relu(500, 1e-5, "Mystery")], HERE, table("there", 2.0))
    assert found.uncovered == ("Mystery",)
    assert found.uncovered_share > 0.5
    width = [math.log(one.interval[1] / one.interval[0]) for one in (covered, found)]
    assert width[1] > 2 * width[0]


def test_ratios_that_scatter_widen_the_interval():
    noisy = table("there", 2.0, noise=(0.5, -0.5, 0.3))
    width = [
        math.log(one.interval[1] / one.interval[0])
        for one in (elsewhere(MODEL, HERE, table("there", 2.0)), elsewhere(MODEL, HERE, noisy))
    ]
    assert width[1] > 2 * width[0]


def test_tables_without_a_common_operator_are_refused_with_what_to_do():
    with pytest.raises(DeploymentError, match="--profile-device"):
        elsewhere(MODEL, HERE, table("there", 1.0, operators=("Sin",)))


def test_a_products_operations_are_two_for_each_multiply_add():
    assert operations("MatMul", [(4, 8), (8, 16)], [(4, 16)]) == 2 * 4 * 8 * 16
    assert operations("Gemm", [(4, 8), (16,)], [(4, 16)]) == 2 * 4 * 8 * 16  # weights repacked
    conv = operations("FusedConv", [(1, 3, 8, 8), (5, 3, 3, 3), (5,)], [(1, 5, 8, 8)])
    assert conv == 2 * (5 * 64) * (3 * 9)


def test_other_operators_do_what_they_read_and_write():
    assert operations("Relu", [(10,)], [(10,)]) == 0
    assert work("Relu", [(10,)], [(10,)]) == 20
