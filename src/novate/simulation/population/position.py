"""Positions of the generated accounts: who holds what, on which side, since which price.

The book balances by construction, in three steps.  First a matrix of gross notionals is fitted so
that rows add up to the account sizes and columns to twice the open interest.  Then takers, funds,
basis traders and houses take sides, and the market makers, who hold every instrument, are given
the sides that close the gap.  Last, whole lots are rounded and the few lots of remainder go to the
largest makers.  Entry prices come from pairing buyers with sellers in trades at recent prices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from novate.errors import InputError, require
from novate.simulation.population.account import Sketch, position_share
from novate.simulation.population.book import OpeningTrades, Positions, sum_by
from novate.simulation.population.terms import (
    AccountType,
    BoolArray,
    FloatArray,
    Instrument,
    IntArray,
    MarginMode,
    Targets,
)
from novate.simulation.stream import Purpose, stream

_REACH = 0.4  # an opening trade's profit or loss is at most this share of the equity
_LOTS_TO_ADJUST = 10  # a maker position below this is left alone by the remainder


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Signed lots of every account, before entry prices.

    Attributes
    ----------
    lots
        Shape (accounts, instruments); columns add up to zero.
    leverage
        Wanted notional over equity per account, shape (accounts,).
    """

    lots: IntArray
    leverage: FloatArray


def draw_holding(
    targets: Targets,
    instruments: tuple[Instrument, ...],
    sketch: Sketch,
    lot_value: IntArray,
    seed: int,
) -> Holding:
    """Draw signed lots that balance exactly, and the leverage each account wants.

    Parameters
    ----------
    targets, instruments, sketch
        What is wanted, and of whom.
    lot_value
        Notional of one lot at the mark, ledger units, shape (instruments,).
    seed
        Run seed.

    Raises
    ------
    InputError
        If the makers cannot close the gap that the other types leave.
    """
    kind = sketch.accounts.kind
    is_maker = kind == AccountType.MARKET_MAKER
    column = np.array(
        [2.0 * targets.open_interest * item.open_interest_share for item in instruments]
    )
    mask, taste = _choose(targets, instruments, sketch, seed)
    gross = _fit(taste, sketch.gross, column)
    limit = position_share(targets) * 0.5 * column
    gross[~is_maker] = np.minimum(gross[~is_maker], limit)
    missing = column - gross[~is_maker].sum(axis=0)
    side = _sides(targets, gross, kind, seed)
    net = (gross * side)[~is_maker].sum(axis=0)
    for number in np.flatnonzero(np.abs(net) > 0.9 * missing):
        msg = (
            f"{instruments[number].symbol}: the other types leave a net notional of "
            f"{net[number]:.0f} but makers hold only {missing[number]:.0f} gross; "
            "allowed is a gap below 90 percent: raise the makers' gross_share"
        )
        raise InputError(msg)
    gross[is_maker] = _fit(taste[is_maker], sketch.gross[is_maker], missing)
    gross[is_maker], side[is_maker] = _close_gap(gross[is_maker], net)
    lots = _whole_lots(gross, side, mask, lot_value, is_maker)
    leverage = _leverage(targets, instruments, sketch, gross, seed)
    return Holding(lots=lots, leverage=leverage)


def open_positions(
    holding: Holding, recent_ticks: IntArray, kind: IntArray, seed: int
) -> tuple[Positions, OpeningTrades]:
    """Pair buyers with sellers at recent prices and read the entry costs off the trades.

    Parameters
    ----------
    holding
        Signed lots and leverage.
    recent_ticks
        Recent prices in ticks, shape (times, instruments); the last row is the mark.
    kind
        Account types, shape (accounts,).
    seed
        Run seed.
    """
    rng = stream(seed, Purpose.OPENING_TRADE, 0)
    reach = _REACH / holding.leverage
    parts = [
        _pair(holding.lots[:, number], reach, recent_ticks[:, number], rng)
        for number in range(holding.lots.shape[1])
    ]
    trades = OpeningTrades(
        instrument=np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts]),
        buyer=np.concatenate([part[0] for part in parts]),
        seller=np.concatenate([part[1] for part in parts]),
        lots=np.concatenate([part[2] for part in parts]),
        price_ticks=np.concatenate([part[3] for part in parts]),
    )
    width = holding.lots.shape[1]
    cost = trades.lots * trades.price_ticks
    cell = holding.lots.size
    entry = sum_by(trades.buyer * width + trades.instrument, cost, cell)
    entry -= sum_by(trades.seller * width + trades.instrument, cost, cell)
    account, instrument = np.nonzero(holding.lots)
    lots = holding.lots[account, instrument]
    entry_cost = entry[account * width + instrument]
    # Makers lay off 90 to 100 percent of each position on other venues.
    share = rng.uniform(0.9, 1.0, size=len(lots)) * (kind[account] == AccountType.MARKET_MAKER)
    positions = Positions(
        account=account.astype(np.int64),
        instrument=instrument.astype(np.int64),
        lots=lots,
        entry_ticks=(2 * entry_cost + lots) // (2 * lots),
        entry_cost=entry_cost,
        hedge_lots=-np.rint(lots * share).astype(np.int64),
    )
    return positions, trades


def _choose(
    targets: Targets, instruments: tuple[Instrument, ...], sketch: Sketch, seed: int
) -> tuple[BoolArray, FloatArray]:
    """Which instruments each account trades, and with what relative weight."""
    rng = stream(seed, Purpose.POSITION, 0)
    kind, mode = sketch.accounts.kind, sketch.accounts.mode
    shape = (len(kind), len(instruments))
    weight = np.array([item.open_interest_share for item in instruments])
    average = np.full(len(kind), 3.0)
    for key, terms in targets.types.items():
        average[kind == key] = terms.instruments
    number = 1 + rng.poisson(average - 1.0)
    number[mode == MarginMode.ISOLATED] = 1
    is_large = sketch.gross > 0.1 * position_share(targets) * targets.open_interest
    number[is_large & (mode == MarginMode.CROSS)] = len(instruments)
    score = np.log(weight) + rng.gumbel(size=shape)
    has_coin = np.array([item.coin is not None for item in instruments])
    score[np.ix_(kind == AccountType.BASIS_TRADER, ~has_coin)] = -np.inf
    place = np.argsort(np.argsort(-score, axis=1), axis=1)
    mask = (place < number[:, None]) & np.isfinite(score)
    mask[kind == AccountType.MARKET_MAKER] = True
    return mask, mask * weight * rng.lognormal(0.0, 0.5, size=shape)


def _fit(taste: FloatArray, row: FloatArray, column: FloatArray) -> FloatArray:
    """Scale rows and columns in turn until both add up; columns are exact at the end."""
    fitted = taste / taste.sum(axis=1, keepdims=True) * row[:, None]
    for _ in range(25):
        fitted *= column / np.maximum(fitted.sum(axis=0), 1e-300)
        fitted *= (row / fitted.sum(axis=1))[:, None]
    scaled: FloatArray = fitted * (column / np.maximum(fitted.sum(axis=0), 1e-300))
    return scaled


def _sides(targets: Targets, gross: FloatArray, kind: IntArray, seed: int) -> FloatArray:
    """Side (+1 long, -1 short) of each cell outside the makers; long shares as wanted."""
    rng = stream(seed, Purpose.POSITION, 1)
    share = np.full(len(kind), 0.5)
    for key, terms in targets.types.items():
        if terms.long_share is not None:
            share[kind == key] = terms.long_share
    view = np.where(rng.random(len(kind)) < share, 1.0, -1.0)
    # One position in seven goes against the account's view: spread trades.
    against = (rng.random(gross.shape) < 1 / 7) & ((share > 0.0) & (share < 1.0))[:, None]
    side = view[:, None] * np.where(against, -1.0, 1.0)
    for key, terms in targets.types.items():
        if terms.long_share is None or key == AccountType.MARKET_MAKER:
            continue
        rows = np.flatnonzero(kind == key)
        for number in range(gross.shape[1]):
            side[rows, number] = _flip_to(
                terms.long_share, gross[rows, number], side[rows, number], rng
            )
    return side


def _flip_to(
    wanted: float, size: FloatArray, side: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Flip positions in random order until the long share of the notional is as wanted."""
    total = size.sum()
    order = rng.permutation(len(size))
    side = side.copy()
    for _ in range(6):
        gap = size[side > 0].sum() - wanted * total
        direction = 1.0 if gap > 0 else -1.0
        able = order[(side[order] == direction) & (size[order] > 0)]
        rows = able[size[able] <= 0.6 * abs(gap)]
        rows = rows[np.cumsum(size[rows]) <= abs(gap)]
        if len(rows) == 0 and len(able):
            # The one whose flip ends nearest, if that is nearer than now.
            best = able[np.argmin(np.abs(size[able] - abs(gap)))]
            rows = np.array([best]) if size[best] < 2.0 * abs(gap) else rows
        side[rows] = -direction
    return side


def _close_gap(gross: FloatArray, net: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sides and final notionals of the makers: their net is the opposite of everyone else's."""
    side = np.ones_like(gross)
    for number in range(gross.shape[1]):
        size = gross[:, number]
        total = size.sum()
        lacking = [0.5 * (total + net[number]), 0.5 * (total - net[number])]  # short, long
        for row in np.argsort(-size, kind="stable"):
            which = int(lacking[1] >= lacking[0])
            lacking[which] -= size[row]
            side[row, number] = 1.0 if which else -1.0
        for sign, part in ((-1.0, total + net[number]), (1.0, total - net[number])):
            rows = side[:, number] == sign
            gross[rows, number] *= 0.5 * part / size[rows].sum()
    return gross, side


def _whole_lots(
    gross: FloatArray, side: FloatArray, mask: BoolArray, lot_value: IntArray, is_maker: BoolArray
) -> IntArray:
    """Round to whole lots; the remainder of each instrument goes to its larger makers."""
    size = np.rint(np.where(mask, gross, 0.0) / lot_value).astype(np.int64)
    # Everyone holds something: too small an account has one lot of its main instrument.
    empty = np.flatnonzero(size.sum(axis=1) == 0)
    size[empty, np.argmax(gross[empty], axis=1)] = 1
    lots = size * side.astype(np.int64)
    for number in range(lots.shape[1]):
        rest = int(lots[:, number].sum())
        rows = np.flatnonzero(is_maker & (size[:, number] >= _LOTS_TO_ADJUST))
        weight = size[rows, number]
        total = int(weight.sum())
        if abs(rest) * _LOTS_TO_ADJUST > total:
            msg = (
                f"instrument {number}: remainder of {rest} lots is too large for makers with "
                f"{total} lots; allowed is a tenth: use a smaller lot or more open interest"
            )
            raise InputError(msg)
        ahead = np.concatenate([[0.0], np.cumsum(weight) / total])
        lots[rows, number] -= np.diff(np.rint(ahead * rest).astype(np.int64))
    require(not lots.sum(axis=0).any(), "lots add up to zero per instrument")
    return lots


def _leverage(
    targets: Targets,
    instruments: tuple[Instrument, ...],
    sketch: Sketch,
    gross: FloatArray,
    seed: int,
) -> FloatArray:
    """Notional over equity per account: log-normal by type, smaller for larger accounts."""
    rng = stream(seed, Purpose.POSITION, 2)
    kind = sketch.accounts.kind
    draw = rng.standard_normal(len(kind))
    leverage = np.full(len(kind), targets.house_leverage) * np.exp(0.2 * draw)
    for key, terms in targets.types.items():
        rows = np.flatnonzero(kind == key)
        rank = np.argsort(np.argsort(sketch.gross[rows], kind="stable")) / max(len(rows), 1)
        score = 0.95 * draw[rows] - 0.3 * np.sqrt(12.0) * (rank - 0.5)
        score -= np.median(score) if len(rows) else 0.0
        leverage[rows] = terms.leverage_median * np.exp(terms.leverage_spread * score)
    offered = np.array([item.max_leverage for item in instruments])
    ceiling = gross.sum(axis=1) / (gross / offered).sum(axis=1)
    capped: FloatArray = np.minimum(leverage, 0.95 * ceiling)
    return capped


def _pair(
    lots: IntArray, reach: FloatArray, recent: IntArray, rng: np.random.Generator
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Buyers, sellers, lots and prices of the trades that build one instrument's positions.

    Both sides are served in the order of how far the price may have moved since their entry, so
    that a highly leveraged buyer meets a seller who also entered recently.
    """
    jitter = reach * rng.lognormal(0.0, 0.3, size=len(reach))
    order = np.argsort(jitter, kind="stable")
    buyer, seller = order[lots[order] > 0], order[lots[order] < 0]
    bought, sold = np.cumsum(lots[buyer]), np.cumsum(-lots[seller])
    edge = np.union1d(bought, sold)
    buyer = buyer[np.searchsorted(bought, edge)]
    seller = seller[np.searchsorted(sold, edge)]
    span = np.minimum(reach[buyer], reach[seller])
    times, mark = len(recent), int(recent[-1])
    scale = np.minimum(span / 0.1, 1.0) * times / 2
    age = np.minimum(rng.exponential(size=len(edge)) * scale, times - 1).astype(np.int64)
    price = recent[times - 1 - age]
    low = np.ceil(mark * (1.0 - np.minimum(span, 0.9))).astype(np.int64)
    high = np.floor(mark * (1.0 + span)).astype(np.int64)
    return buyer, seller, np.diff(edge, prepend=0), np.clip(price, low, high)
