"""Trades, opening positions and collateral from files, as exact integers.

A trade that cannot be used is reported and left out, as one bad message on a feed would be.  A
book of positions or collateral is all or nothing: one missing row would make another book, so any
fault refuses the file, after all faults have been reported.
"""

from __future__ import annotations

from novate.adapter.book_file.position import (
    Account,
    CollateralTable,
    PositionTable,
    load_collateral,
    load_positions,
)
from novate.adapter.book_file.sheet import Grid
from novate.adapter.book_file.trade import TradeTable, load_trades

__all__ = [
    "Account",
    "CollateralTable",
    "Grid",
    "PositionTable",
    "TradeTable",
    "load_collateral",
    "load_positions",
    "load_trades",
]
