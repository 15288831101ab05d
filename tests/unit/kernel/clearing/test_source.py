"""Counting usable sources and their weight."""

from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.clearing.source import count_usable, is_usable

ASSET = np.array([1, 1, 1, 1, 2, 1], np.int32)
WEIGHT = np.array([3, 2, 0, 5, 7, 1], np.int64)
OBSERVED = np.array([90, 100, 100, 89, 100, -1], np.int64)
CONTRADICTED = np.array([80, 100, -1, -1, -1, -1], np.int64)


@pytest.mark.rule("5.4", "5.62", "5.64", "5.65")
def test_retired_old_silent_and_contradicted_sources_do_not_count() -> None:
    columns = WEIGHT, OBSERVED, CONTRADICTED
    usable = [bool(is_usable(*columns, source, 90)) for source in range(6)]

    # 1 gave two prices for 100, 2 is retired, 3 is older than 90, 5 has never reported.
    assert usable == [True, False, False, False, True, False]
    assert tuple(count_usable(ASSET, *columns, 6, 1, 90)) == (1, 3, 11)
    assert tuple(count_usable(ASSET, *columns, 6, 1, 0)) == (2, 8, 11)
    assert tuple(count_usable(ASSET, *columns, 3, 1, 90)) == (1, 3, 5)
    assert tuple(count_usable(ASSET, *columns, 6, 3, 90)) == (0, 0, 0)
