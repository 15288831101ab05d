"""Double barrier terms."""

from __future__ import annotations

import pytest

from novate.errors import InputError
from novate.instrument.double_barrier import DoubleBarrier
from novate.instrument.valued import Market


def test_it_is_valued_as_haug_values_it() -> None:
    terms = DoubleBarrier(side=1, is_in=[False, True], strike=100, lower=90, upper=110)

    result = terms.value(Market(spot=100, years=0.25, vol=0.15, rate=0.1))

    assert result.price.tolist() == pytest.approx([1.2055, 3.1460], abs=1e-4)  # Haug 2007, p. 156


def test_barriers_that_cross_are_refused() -> None:
    with pytest.raises(InputError, match=r"lower 110; allowed: below upper 100"):
        DoubleBarrier(side=1, is_in=False, strike=100, lower=110, upper=100)
