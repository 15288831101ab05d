"""The comparison of both houses finds what it is there to find."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.simulate.naive.compare import TERMS, run_both, state_difference
from tests.simulate.naive.extreme import Filled

OF_ACCOUNTS = ("status", "encumbered", "window_gain", "open_order_hold", "is_suspended")
OF_POSITIONS = ("lots", "entry_cost", "settlement_cost", "realised", "buy_lots", "sell_lots")


def test_a_column_that_differs_in_its_last_row_is_found() -> None:
    engine, naive = run_both(Filled(0), Counter())
    accounts, positions = engine.state.accounts, engine.state.positions
    columns: dict[str, Any] = {
        **{name: accounts.used(name) for name in (*TERMS.values(), *OF_ACCOUNTS)},
        **{f"balance {k}": column for k, column in enumerate(accounts.used("balance").T)},
        **{name: positions.used(name) for name in OF_POSITIONS},
    }

    for name, column in columns.items():
        was = column[-1].copy()
        column[-1] = not was if column.dtype == bool else was + 1
        assert state_difference(naive, engine) is not None, name
        column[-1] = was

    assert state_difference(naive, engine) is None
