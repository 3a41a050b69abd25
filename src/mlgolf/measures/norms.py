"""Norms of a model's parameters, in double precision.

The numbers are a contestant's, so anything may stand there. A NaN or inf among them gives NaN or
inf. Finite ones are first scaled by a power of two, exactly, so that the largest is about 1: a norm
overflows to inf, or becomes 0, only where no double is nearer. Sums over arrays are rounded once,
so the order of the names does not matter.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

FloatArray = NDArray[np.float64]


def l1(parameters: Mapping[str, NDArray]) -> float:
    """Sum of absolute values of all parameters."""
    return _scaled(lambda arrays: math.fsum(np.abs(a).sum() for a in arrays), parameters)


def l2(parameters: Mapping[str, NDArray]) -> float:
    """Square root of the sum of squares: the Euclidean norm of all parameters as one vector."""
    return _scaled(
        lambda arrays: math.sqrt(math.fsum(np.square(a).sum() for a in arrays)), parameters
    )


def frobenius(parameters: Mapping[str, NDArray]) -> float:
    """Sum over arrays of their Frobenius norms, the square root of each one's sum of squares.

    `l2` takes one root, of the squares of all arrays. Where n arrays are not 0, l2 is at most this,
    and this at most sqrt(n) times l2. An array counts as one group, whatever its shape: whole
    arrays that are 0 are favoured, as in the group lasso.
    Source: Yuan and Lin (2006), doi:10.1111/j.1467-9868.2005.00532.x, all groups weighted alike.
    """
    return _scaled(
        lambda arrays: math.fsum(math.sqrt(np.square(a).sum()) for a in arrays), parameters
    )


@threadpool_limits.wrap(limits=1, user_api="blas")  # or the number of cores changes the last bits
def nuclear(parameters: Mapping[str, NDArray]) -> float:
    """Sum over arrays of their nuclear norms, the sum of the singular values of `as_matrix`.

    The norm of an array is right to about 1e-15 times its l2 norm times the smaller side of the
    matrix; its last bits depend on the kind of processor. NaN if singular values of finite numbers
    cannot be found, which LAPACK does not rule out.
    Source: Fazel, Hindi and Boyd (2001), doi:10.1109/ACC.2001.945730.
    """
    return _scaled(lambda arrays: math.fsum(_sum_of_singular_values(a) for a in arrays), parameters)


def as_matrix(array: NDArray) -> NDArray:
    """The matrix that an array is taken for: its first axis are rows, all others columns.

    Two dimensions, (outputs, inputs), stay as they are. One is a column, none is 1 x 1. Kernels
    (filters, channels, height, width) have a row for each filter: this is the matrix of the
    numbers, not that of the convolution as a linear map, whose singular values differ.
    Source: Miyato et al. (2018), arXiv:1802.05957, on spectral norms.
    """
    rows, *others = array.shape or (1,)
    return array.reshape(rows, math.prod(others))


@np.errstate(all="ignore")  # what is wrong with a number is said by the norm
def _scaled(
    norm: Callable[[Iterable[FloatArray]], float], parameters: Mapping[str, NDArray]
) -> float:
    """The norm of all arrays, where numbers of any size must not overflow on the way.

    Raises: TypeError for complex numbers: half of each would be lost.
    """
    ends = [[a.min(initial=0), a.max(initial=0)] for a in _doubles(parameters)]
    largest = float(np.abs(ends).max(initial=0))
    if not 0 < largest < math.inf:
        return largest  # a NaN, too: numpy's max hands it on, and Python's might not
    exponent = math.frexp(largest)[1]
    scale = 2.0 ** max(-1022, min(-exponent, 1022))  # what an ordinary double can be
    return norm(a * scale for a in _doubles(parameters)) / scale


def _doubles(parameters: Mapping[str, NDArray]) -> Iterator[FloatArray]:
    """One after the other, in C order: sums depend on the order of the numbers in memory."""
    for array in parameters.values():
        yield np.asarray(array).astype(np.float64, order="C", casting="same_kind", copy=False)


def _sum_of_singular_values(array: FloatArray) -> float:
    try:
        return float(np.linalg.svd(as_matrix(array), compute_uv=False).sum())
    except np.linalg.LinAlgError:
        return math.nan
