from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from novate.errors import InputError
from tests.unit.market.volatility.synthetic import chain, changed


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="one length"):
        replace(chain(), bid=np.zeros(3))


def test_a_size_of_zero_means_that_nobody_quotes() -> None:
    quoted = changed(changed(chain(), 0, bid_size=0.0), 1, ask_size=0.0)

    assert np.flatnonzero(np.isnan(quoted.quoted_bid)).tolist() == [0]
    assert np.flatnonzero(np.isnan(quoted.quoted_ask)).tolist() == [1]


def test_years_are_days_over_365() -> None:
    source = chain(days=(73.0,))

    assert source.years.tolist() == [0.2] * len(source)
    assert source.strike[0] == source.strike_e8[0] / 1e8
