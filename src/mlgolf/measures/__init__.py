"""Quantities of a model itself: pure functions of its named parameters, measured by the referee.

A measure takes arrays by name and gives one number; it reads no file and knows no framework. Each
is declared as a Quantity, and an entry point of the group `mlgolf.quantities` makes it known: ours
stand in `pyproject.toml` as a stranger's would.
"""

from mlgolf.core.quantities import Quantity
from mlgolf.core.target import Goal
from mlgolf.measures.norms import frobenius, l1, l2, nuclear
from mlgolf.measures.sizes import artifact_bytes, nonzeros, params

L1 = Quantity(
    name="l1", noun="L1 norm", unit="1", goal=Goal.MINIMISE, measure=l1,
    meaning="sum of the absolute values of all parameters",
)
L2 = Quantity(
    name="l2", noun="L2 norm", unit="1", goal=Goal.MINIMISE, measure=l2,
    meaning="square root of the sum of the squares of all parameters",
)
FROBENIUS = Quantity(
    name="frobenius", noun="sum of Frobenius norms", unit="1", goal=Goal.MINIMISE,
    measure=frobenius,
    meaning=(
        "sum over parameter arrays of the square root of the sum of their squares (group lasso, "
        "Yuan and Lin 2006, each array a group)"
    ),
)
NUCLEAR = Quantity(
    name="nuclear", noun="sum of nuclear norms", unit="1", goal=Goal.MINIMISE, measure=nuclear,
    meaning=(
        "sum over parameter arrays of the sum of their singular values (Fazel, Hindi and Boyd "
        "2001); as a matrix, an array's first axis are rows, all others columns"
    ),
)
NONZEROS = Quantity(
    name="nonzeros", noun="number of non-zero parameters", unit="1", goal=Goal.MINIMISE,
    measure=nonzeros, whole=True, meaning="parameters that are not exactly zero; a NaN counts",
)
PARAMS = Quantity(
    name="params", noun="number of parameters", unit="1", goal=Goal.MINIMISE, measure=params,
    whole=True,
    meaning="numbers in all parameter arrays",
)
ARTIFACT_BYTES = Quantity(
    name="artifact_bytes", noun="model size", unit="bytes", goal=Goal.MINIMISE,
    measure=artifact_bytes, of_any_model=True, whole=True,
    meaning=(
        "bytes of all parameters, compressed. Array after array in order of their names: up to "
        "256 different numbers and a byte for each place, else the numbers that are not zero and a "
        "byte for each place, where that is shorter, else all numbers. Those of all arrays of a "
        "type stand in planes, the high bytes of all first. Of that the shortest of raw, deflate, "
        "bzip2 and LZMA2 counts (mlgolf/measures/compression.py): at most what the numbers take, "
        "4 bytes for each array and one. A -0 is a 0. Names and shapes cost nothing, and model "
        "state, such as running statistics of batch norm, is not counted"
    ),
)
