from __future__ import annotations

import numpy as np

from novate.adapter.price_file.table import PriceReview, PriceTable


def test_the_length_of_a_table_is_its_number_of_bars() -> None:
    three = np.arange(3, dtype=np.int64)
    table = PriceTable(
        symbols=("A",),
        interval_ns=1,
        open_ns=three,
        close_ns=three + 1,
        symbol=np.zeros(3, np.int32),
        last=np.ones((3, 4), np.int64),
        mark=np.zeros((3, 4), np.int64),
        has_mark=np.zeros(3, np.bool_),
        volume=three,
        review=PriceReview(
            files=(), rows=3, duplicates=0, reordered=0, mark_only=0, quarantined=0, gaps=()
        ),
    )

    assert len(table) == 3
