"""From scalars and arrays of any shape to the flat columns of a kernel, and back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from novate.instrument.valued import real
from novate.kernel.clearing.columns import F64

I8 = npt.NDArray[np.int8]


def columns(*inputs: npt.ArrayLike) -> tuple[tuple[int, ...], list[F64]]:
    """Broadcast the inputs against one another.

    Returns
    -------
    tuple
        The common shape, and each input as a flat, contiguous float64 column of that many elements.
        A column may share memory with its input; kernels only read it.

    Raises
    ------
    ValueError
        If the shapes do not fit, or something is not a number.
    """
    arrays = [real(value) for value in inputs]
    shape = np.broadcast_shapes(*(array.shape for array in arrays))
    flat = [np.ascontiguousarray(np.broadcast_to(array, shape)).reshape(-1) for array in arrays]
    return shape, flat


def shaped(shape: tuple[int, ...], column: F64) -> F64:
    """Give a column the common shape; a scalar (np.float64) where every input was one.

    numpy's scalars have the methods and operators of its arrays, so that one type serves both.
    """
    whole: F64 = column.reshape(shape)[()]
    return whole


def shaped_status(shape: tuple[int, ...], column: I8) -> I8:
    """`shaped` for statuses; a scalar is an np.int8."""
    whole: I8 = column.reshape(shape)[()]
    return whole
