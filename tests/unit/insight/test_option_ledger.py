"""Trades of groups are booked with what was paid for them."""

from __future__ import annotations

import numpy as np

from novate.insight.option_ledger import TradeLedger


def test_trades_add_up_by_group_and_row_and_are_paid_for() -> None:
    ledger = TradeLedger.empty(3)

    ledger.trade(0, 1, 2.0, 10.0)
    ledger.trade(0, 1, -0.5, 12.0)
    ledger.trade(2, 0, -1.5, 10.0)

    assert ledger.lots(2).tolist() == [[0.0, 1.5], [0.0, 0.0], [-1.5, 0.0]]
    assert ledger.cash.tolist() == [-14.0, 0.0, 15.0]
    assert not np.concatenate((ledger.fees, ledger.funding)).any()
