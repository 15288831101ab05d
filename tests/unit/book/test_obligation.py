from __future__ import annotations

import numpy as np
import pytest

from novate.book.obligation import ObligationColumns


@pytest.mark.rule("10.50")
def test_what_is_asked_of_a_group_is_what_is_left_of_its_open_obligations() -> None:
    table = ObligationColumns()
    rows = table.add(4)
    table.account[rows] = (7, 3, 7, 7)
    table.amount[rows] = (100, 50, 30, 9)
    table.paid[rows] = (40, 0, 0, 0)
    table.called_ns[rows] = (1, 1, 2, 2)
    table.is_open[rows] = (True, True, True, False)
    groups = np.array([7, 5, 3])

    assert table.asked(groups).tolist() == [90, 0, 50]
    assert table.of_group(7).tolist() == [0, 2]
    assert table.asked(groups, 2).tolist() == [60, 0, 50]


def test_before_the_first_obligation_nothing_is_asked() -> None:
    assert ObligationColumns().asked(np.array([0, 1])).tolist() == [0, 0]
