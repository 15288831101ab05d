"""Scalars and arrays of any shape on their way to a kernel and back."""

from __future__ import annotations

import numpy as np
import pytest

from novate.valuation.batch import columns, shaped, shaped_status


def test_inputs_become_columns_of_the_common_shape() -> None:
    shape, flat = columns(1, [[2.0], [3.0]], np.arange(3, dtype=np.int32))

    assert shape == (2, 3)
    assert [column.tolist() for column in flat] == [[1] * 6, [2, 2, 2, 3, 3, 3], [0, 1, 2] * 2]
    for column in flat:
        assert column.dtype == np.float64
        assert column.flags.c_contiguous


def test_a_view_with_strides_becomes_contiguous() -> None:
    [column] = columns(np.arange(12.0).reshape(3, 4)[:, ::2].T)[1]

    assert column.tolist() == [0, 4, 8, 2, 6, 10]
    assert column.flags.c_contiguous


def test_a_column_that_fits_is_not_copied() -> None:
    array = np.arange(4.0)

    assert np.shares_memory(columns(array, 1.0)[1][0], array)


def test_scalars_come_back_as_scalars_and_arrays_in_their_shape() -> None:
    assert isinstance(shaped((), np.array([1.5])), np.float64)
    assert isinstance(shaped_status((), np.zeros(1, np.int8)), np.int8)
    assert shaped((2, 2), np.arange(4.0)).tolist() == [[0, 1], [2, 3]]
    assert shaped_status((1,), np.zeros(1, np.int8)).tolist() == [0]


@pytest.mark.parametrize("value", [1j, [1.0, 2j], np.array([1j]), "x", object(), [1.0, [2.0]]])
def test_what_is_no_real_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"real|convert|inhomogeneous"):
        columns(1.0, value)  # type: ignore[arg-type]


def test_nothing_is_a_batch_too() -> None:
    shape, flat = columns(np.empty((0, 3)), 1.0)

    assert shape == (0, 3)
    assert shaped(shape, flat[1]).shape == (0, 3)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="broadcast"):
        columns([1.0, 2.0], [1.0, 2.0, 3.0])
