"""Concentration: what a group holds of one underlying beyond a size that the market bears.

A margin rate assumes that a position is closed within a liquidation period.  A position that is
large for its market takes longer, and moves the price against itself.  Beyond a floor its net
notional is therefore charged a rate on top of the model.

Source: PFMI, principle 6, key consideration 1 (margin levels commensurate with the risks and
particular attributes of each product, portfolio and market); Delegated Regulation (EU) 153/2013,
article 24(2)(b) names liquidity among the characteristics that decide how much margin is enough,
article 26 sets the liquidation period.  ECC charges a *concentration risk margin* where the net
position takes longer to close than that period.  None of them gives numbers: floor and rate are
the clearing house's own.
"""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.assess import SUM_MAX
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.group_book import signed_notionals
from novate.market.reference import PPM
from novate.market.state import MarketState
from novate.message.parameter import Parameter
from novate.valuation.add_on import AddOn
from novate.valuation.group_book import GroupBook, GroupBooks, joined
from novate.valuation.margin_model import B1, MarketChange, holding_moved
from novate.valuation.requirement import Component

INITIAL, MAINTENANCE = range(2)


class Concentration(AddOn):
    """A share of the net notional of each underlying beyond a floor; number 0.

    Counted are the contracts that follow their underlying one to one, at their marks, each rounded
    up in size, longs against shorts.  Options are not: the state holds no deltas, and what a short
    option may lose is asked for in full by its own rule.  Maintenance margin is charged for
    positions; initial margin for the larger net that is reached when all open buys, or all open
    sells, are filled.  ``concentration_floor`` and ``concentration_ppm`` are those of the group.
    A component is one underlying, by the number of its asset.
    """

    number = 0
    name = "concentration"

    def components(self, market: MarketState, group: int, book: GroupBook) -> tuple[Component, ...]:
        """Return the charge of each underlying that is beyond the floor, numeraire units."""
        _, underlying, charge = _charges(market, np.array([group]), joined([book]))
        return tuple(
            Component(self.name, asset, initial, maintenance)
            for asset, (initial, maintenance) in zip(
                underlying.tolist(), charge.tolist(), strict=True
            )
            if initial
        )

    def margins(self, market: MarketState, groups: I64, books: GroupBooks) -> I64:
        """Return the charges of many groups, numeraire units; shape (groups, 2)."""
        place, _, charge = _charges(market, groups, books)
        sums = [_summed(place, charge[:, column], len(groups)) for column in range(2)]
        return np.stack(sums, axis=1)

    def affected(self, market: MarketState, change: MarketChange, books: GroupBooks) -> B1:
        """Groups that hold what moved; other parameters are told as a change of everything."""
        return holding_moved(market, change, books)


def _charges(market: MarketState, groups: I64, books: GroupBooks) -> tuple[I64, I64, I64]:
    """Return the charges of all books by underlying.

    Returns
    -------
    place, underlying
        Which book a charge belongs to, by its place, and the number of the underlying.
    charge
        Initial and maintenance margin, numeraire units; shape (charges, 2).
    """
    assets = market.assets.count
    key = books.group_of_row() * assets + market.instruments.underlying[books.instrument]
    keys, row_key = np.unique(key, return_inverse=True)
    net, most, least = (
        _summed(row_key, _notionals(market, books.instrument, lots), len(keys))
        for lots in (books.lots, books.lots + books.buy_lots, books.lots - books.sell_lots)
    )
    reached = np.stack((np.maximum(most, -least), np.abs(net)), axis=1)
    place, underlying = keys // assets, keys % assets
    floor = market.parameter_of(Parameter.CONCENTRATION_FLOOR, groups)[place]
    rate = market.parameter_of(Parameter.CONCENTRATION_PPM, groups)[place]
    return place, underlying, _share_of(np.maximum(reached - floor[:, None], 0), rate[:, None])


def _notionals(market: MarketState, instrument: I64, lots: I64) -> I64:
    """Signed notionals of rows; see `signed_notionals`."""
    out = np.zeros(len(lots), np.int64)
    signed_notionals(market.instrument_arrays(), market.asset_arrays(), instrument, lots, out)
    return out


def _share_of(amount: I64, rate_ppm: I64) -> I64:
    """Return a share of amounts up to 2**61, rounded up."""
    # In two parts: the product of the whole could leave 64 bits.
    part: I64 = -(-(amount % PPM) * rate_ppm // PPM)
    return amount // PPM * rate_ppm + part


_LOW_BITS = 32


def _summed(place: I64, amounts: I64, size: int) -> I64:
    """Add amounts up by place; a sum counts as 2**61 at most in size, whatever the order."""
    # In two halves: a sum of many notionals could leave 64 bits before it is cut.
    high, low = np.zeros((2, size), np.int64)
    np.add.at(high, place, amounts >> _LOW_BITS)
    np.add.at(low, place, amounts & (1 << _LOW_BITS) - 1)
    high = np.clip(high + (low >> _LOW_BITS), -(2**30), 2**30)
    total = (high << _LOW_BITS) + (low & (1 << _LOW_BITS) - 1)
    return np.clip(total, -SUM_MAX, SUM_MAX)
