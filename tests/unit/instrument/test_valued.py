"""Checked terms name the value and what is allowed; markets broadcast."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import pytest

from novate.errors import InputError
from novate.instrument import CATALOGUE
from novate.instrument.valued import (
    by_spot,
    check,
    check_code,
    check_flag,
    check_not_negative,
    check_positive,
    check_side,
    matrix,
    valuation,
    valued,
)
from novate.kernel.pricing.black import (
    CHARM,
    COLOUR,
    DELTA,
    GAMMA,
    GREEKS,
    PRICE,
    RHO,
    SPEED,
    THETA,
)


class Colour(IntEnum):
    RED = 1
    BLUE = 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: check_side("side", [1, 0]), "side 0.0 (element 1); allowed: +1 or -1"),
        (lambda: check_positive("strike", -5), "strike -5.0 (element 0); allowed: a finite"),
        (lambda: check_positive("strike", np.inf), "strike inf"),
        (lambda: check_not_negative("rebate", -1), "rebate -1.0"),
        (lambda: check_flag("is_in", 2), "is_in 2.0 (element 0); allowed: True or False"),
        (lambda: check_code("colour", 3, Colour), "colour 3.0 (element 0); allowed: RED (1), BLUE"),
        (lambda: check("x", np.nan, np.isfinite, "a number"), "x nan (element 0); allowed: a num"),
    ],
)
def test_a_wrong_term_is_refused_by_name_value_and_what_is_allowed(call, message) -> None:
    with pytest.raises(InputError) as refused:
        call()

    assert message in str(refused.value)


def test_right_terms_pass() -> None:
    check_side("side", [1, -1])
    check_positive("strike", [1e-300, 1e300])
    check_not_negative("rebate", 0)
    check_flag("is_in", [True, False, 1.0])
    check_code("colour", Colour.RED, Colour)


def test_rows_broadcast_into_one_contiguous_matrix() -> None:
    shape, at = matrix(1, [[2], [3]], [4, 5, 6])

    assert shape == (2, 3)
    assert at.flags.c_contiguous
    assert at.tolist() == [[1] * 6, [2, 2, 2, 3, 3, 3], [4, 5, 6, 4, 5, 6]]


def test_results_have_the_common_shape_and_scalars_stay_scalars() -> None:
    def fill(at, out, status) -> None:
        out[:] = at[0]
        status[:] = 0

    scalar = valued(fill, *matrix(7.0))
    assert isinstance(scalar.price, np.float64)
    assert isinstance(scalar.status, np.int8)
    assert valued(fill, *matrix(np.zeros((2, 2)))).delta.shape == (2, 2)
    assert valuation((0,), np.empty((GREEKS, 0)), np.empty(0, np.int8)).price.shape == (0,)


@pytest.mark.parametrize("held", [True, False])
def test_greeks_by_forward_become_greeks_by_spot(held: bool) -> None:
    # V = F^3 with F = S e^(bT), so that V = S^3 e^(3bT) where the forward is not held.
    S, b, T = 100.0, 0.1, 0.5
    F, f = S * np.exp(b * T), np.exp(b * T)
    rows = np.zeros((GREEKS, 1))
    rows[[PRICE, DELTA, GAMMA, SPEED], 0] = F**3, 3 * F * F, 6 * F, 6.0

    by_spot(rows, np.array([S]), np.array([F]), np.array([T]), np.array([b]), held=held)

    drift = 0.0 if held else -3 * b
    expected = {
        PRICE: F**3, DELTA: 3 * S * S * f**3, GAMMA: 6 * S * f**3, SPEED: 6 * f**3,
        THETA: drift * F**3, CHARM: drift * 3 * S * S * f**3, COLOUR: drift * 6 * S * f**3,
        RHO: 0.0 if held else 3 * T * F**3,
    }  # fmt: skip
    for row in range(GREEKS):
        assert rows[row, 0] == pytest.approx(expected.get(row, 0.0)), row


def test_the_catalogue_lists_instruments_by_names_of_their_own() -> None:
    names = [kind.name for kind in CATALOGUE]

    assert len(set(names)) == len(names)
    assert all(callable(kind.value) for kind in CATALOGUE)
