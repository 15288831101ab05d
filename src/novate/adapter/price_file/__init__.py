"""Price bars and funding rates from files, exact and checked.

What is read:

* Parquet tables with ``symbol, date, open, high, low, close, volume`` and, if they have them,
  ``mark_open, mark_high, mark_low, mark_close``;
* the public kline archives of Binance (zip or unpacked CSV, with or without header, milliseconds
  or microseconds), last-trade and mark-price klines;
* own CSV files with the header ``open_time, symbol, open, high, low, close, volume`` and optional
  mark columns.

What cannot be used is reported row by row and left out; a file whose meaning as a whole is in
doubt (missing columns, no time zone, two time zones, two bar lengths, cut short) is refused.
"""

from __future__ import annotations

from novate.adapter.price_file.funding import FundingTable, load_funding
from novate.adapter.price_file.load import load_prices
from novate.adapter.price_file.table import BarCount, Gap, PriceOptions, PriceReview, PriceTable

__all__ = [
    "BarCount",
    "FundingTable",
    "Gap",
    "PriceOptions",
    "PriceReview",
    "PriceTable",
    "load_funding",
    "load_prices",
]
