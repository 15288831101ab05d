"""Sums over the rows of group books, for margin models and add-ons that are asked about many."""

from __future__ import annotations

from novate.kernel.clearing.assess import SUM_MAX
from novate.kernel.clearing.requirement import (
    asked_units,
    short_requirement_of,
    tier_requirement_of,
)
from novate.kernel.clearing.value import contract_value
from novate.kernel.codes import Style
from novate.kernel.jit import kernel

_PREMIUM = int(Style.PREMIUM)


@kernel
def sum_contract_rules(  # type: ignore[no-untyped-def]
    instruments, assets, start, instrument, lots, entry, buys, sells, out
):
    """Add up what the rules of contracts ask of books: the standard model.

    ``start`` and the columns of rows are those of `GroupBooks`; ``out`` has shape (books, 2) and
    gets initial and maintenance margin, numeraire units, `SUM_MAX` at most.
    """
    for book in range(len(out)):
        out[book] = 0
        for row in range(start[book], start[book + 1]):
            i = instrument[row]
            if instruments.style[i] == _PREMIUM:
                initial, maintenance = short_requirement_of(
                    instruments, assets, i, lots[row], entry[row], sells[row]
                )
            else:
                initial, maintenance, _ = tier_requirement_of(
                    instruments, assets, i, lots[row], buys[row], sells[row]
                )
            out[book, 0] = min(out[book, 0] + initial, SUM_MAX)
            out[book, 1] = min(out[book, 1] + maintenance, SUM_MAX)


@kernel
def signed_notionals(instruments, assets, instrument, lots, out):  # type: ignore[no-untyped-def]
    """Notional of lots at the mark, numeraire units, rounded up in size; negative of a short.

    Zero of an option, and of a contract without a mark.  All are of shape (rows,).
    """
    for row in range(len(lots)):
        i = instrument[row]
        out[row] = 0
        if instruments.style[i] != _PREMIUM and instruments.mark[i] > 0:
            value = contract_value(
                instruments.form[i], instruments.unit[i], instruments.mark[i], lots[row]
            )
            price = assets.unit_price[instruments.settlement_asset[i]]
            size = asked_units(abs(value), price)
            out[row] = size if lots[row] > 0 else -size
