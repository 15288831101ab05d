"""What a profit or loss between two instants came from, to the last ledger unit.

The terms are taken one after the other, so that none is counted twice:

1. ``theta``: time passes, everything else as it was (full revaluation);
2. ``carry``: rates and the ratio of forward to spot move, spot as it was (full revaluation);
3. ``delta``, ``gamma``, ``vega``, ``volga``, ``vanna``: spot and volatility move; second-order
   expansion at the state after step 2, F/S held, a settlement price that is the spot or its
   inverse moving with it.  What is left over is of third order in the two moves and goes to the
   residual;
4. ``conversion``: the price of the settlement asset moves (apart from what the spot makes of it);
5. ``new_trades``: worth at the end less what was paid; ``funding`` and ``fees`` as booked.

A barrier that the end lies beyond was touched on the way: what that makes of the contract is of no
order in the move, and is in the residual.

A contract that expires in between is worth its payoff from then on: the row of the end says at what
it settled (``forward``) and what its proceeds are worth at the end (``settlement_price``); its
volatility there is not read.  Exactly at its strike an option has a delta and no gamma
(`PricingStatus.AT_KINK`), so that its bend is in the residual.

Each account's terms are rounded to ledger units so that their running sum is never more than half a
unit off; the ``residual`` is the actual profit less all of them, and is shown.  A book without
curvature has none.

Volatilities are those of the two markets; `with_surfaces` puts fitted ones there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from novate.errors import InputError
from novate.kernel.clearing.columns import F64, I32, I64
from novate.kernel.pricing.aggregate import group_sums
from novate.valuation.book_risk import Positions
from novate.valuation.holding import NO_EXPIRY, Contracts, Market, moved_prices, unit_risk

MARKET_TERMS = (
    "theta", "carry", "delta", "gamma", "vega", "volga", "vanna", "conversion",
)  # fmt: skip
TERMS = (*MARKET_TERMS, "new_trades", "funding", "fees", "residual")
UNITS_MAX = 2.0**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """Terms of 1.00 of each contract between two markets, reporting currency.

    Attributes
    ----------
    terms
        ``[len(MARKET_TERMS), n]``.
    change, worth
        Worth at the end less worth at the start, and worth at the end, ``[n]``.
    is_priced
        Whether the contract has a price all along (its payoff, if it expires in between); all its
        rows are zero otherwise.
    """

    terms: F64
    change: F64
    worth: F64
    is_priced: npt.NDArray[np.bool_]

    def remainder(self) -> F64:
        """What the terms leave of the change, ``[n]``: third order in spot and volatility."""
        left: F64 = self.change - self.terms.sum(axis=0)
        return left


@dataclass(frozen=True, slots=True, kw_only=True)
class Trades:
    """Trades between the two instants.

    Attributes
    ----------
    account, contract
        Rows, int32 ``[n]``.
    quantity
        Positive = bought.
    price
        Paid per 1.00 of quantity, reporting currency: the worth at which the contract changed
        hands, on the scale of `novate.valuation.holding` (a future's counts from its strike).
    """

    account: I32
    contract: I32
    quantity: F64
    price: F64


NO_TRADES = Trades(
    account=np.zeros(0, np.int32),
    contract=np.zeros(0, np.int32),
    quantity=np.zeros(0),
    price=np.zeros(0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """What was booked in between.

    Attributes
    ----------
    trades
        What was bought and sold.
    funding, fees
        Ledger units, int64 ``[accounts]``: funding positive = received, fees positive = paid; None
        for none.
    """

    trades: Trades = NO_TRADES
    funding: I64 | None = None
    fees: I64 | None = None


NO_FLOWS = Flows()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Profit and loss of each account in ledger units, positive = gained.

    Attributes
    ----------
    units
        Int64 ``[len(TERMS), accounts]``; each column sums to ``actual``, exactly.
    actual
        Int64 ``[accounts]``.
    unpriced
        Positions and trades in contracts without a price at one of the instants.  Their profit is
        not known: no term has it, nor has ``actual`` unless the ledger gave it, which leaves it to
        the residual.
    """

    units: I64
    actual: I64
    unpriced: I64

    def __getitem__(self, name: str) -> I64:
        """A term by name, ``[accounts]``."""
        row: I64 = self.units[TERMS.index(name)]
        return row


def moves(contracts: Contracts, start: Market, end: Market) -> Moves:
    """Take the change of each contract's worth apart, per 1.00 of quantity.

    Of what expires in between, the end's row is the settlement; see above.

    Raises
    ------
    InputError
        If the tables have different lengths, or the end comes before the start.
    """
    if end.as_of_ns < start.as_of_ns:
        raise InputError(f"the end {end.as_of_ns} is before the start {start.as_of_ns}")
    settled, end = _settled(contracts, start, end)
    with np.errstate(divide="ignore", invalid="ignore"):
        later = replace(start, as_of_ns=end.as_of_ns)
        carried = replace(later, rate=end.rate, forward=start.spot * (end.forward / end.spot))
        arrived = replace(
            end, settlement_price=moved_prices(contracts, start, end.spot / start.spot)
        )
        steps = [
            unit_risk(contracts if at is start else settled, at, touches=at is arrived or at is end)
            for at in (start, later, carried, arrived, end)
        ]
        first, aged, base, last, final = (risk["value"] for risk in steps)
        spot, vol = end.spot - start.spot, end.vol - start.vol
        greek = steps[2]
        vol = np.where(greek["vega"] == 0.0, 0.0, vol)  # what no volatility moves may have none
        terms = np.array(
            [
                aged - first,
                base - aged,
                greek["delta"] * spot,
                0.5 * greek["gamma"] * spot * spot,
                greek["vega"] * vol,
                0.5 * greek["volga"] * vol * vol,
                greek["vanna"] * spot * vol,
                final - last,
            ]
        )
    is_priced = np.logical_and.reduce([risk.is_priced for risk in steps])
    return Moves(
        terms=np.where(is_priced, terms, 0.0),
        change=np.where(is_priced, final - first, 0.0),
        worth=np.where(is_priced, final, 0.0),
        is_priced=is_priced,
    )


def _settled(contracts: Contracts, start: Market, end: Market) -> tuple[Contracts, Market]:
    """Hold what expires in between at its expiry: no time is left at the end, and no volatility."""
    is_settled = (contracts.expiry_ns >= start.as_of_ns) & (contracts.expiry_ns <= end.as_of_ns)
    is_settled &= contracts.expiry_ns != NO_EXPIRY
    expiry_ns = np.where(is_settled, end.as_of_ns, contracts.expiry_ns)
    vol = np.where(is_settled, start.vol, end.vol)
    return replace(contracts, expiry_ns=expiry_ns), replace(end, vol=vol)


def explain(
    moved: Moves,
    opening: Positions,
    *,
    accounts: int,
    decimals: int,
    flows: Flows = NO_FLOWS,
    actual: I64 | None = None,
) -> Explanation:
    """Explain the profit of every account.

    Parameters
    ----------
    moved
        `moves` of the contracts.
    opening
        Positions at the start.
    accounts
        Number of accounts.
    decimals
        Ledger decimals of the reporting currency: a unit is ``10**-decimals``.
    flows
        Trades, funding and fees in between.
    actual
        Profit that the ledger shows, int64 ``[accounts]``.  By default the change of the worth of
        the positions and what trades made, rounded once, with funding and less fees.

    Raises
    ------
    InputError
        If a row does not exist, or an amount is beyond 2**53 units.
    """
    _require(opening, accounts, len(moved.change))
    trades = flows.trades
    bought = Positions(account=trades.account, contract=trades.contract, quantity=trades.quantity)
    _require(bought, accounts, len(moved.change))
    scale = 10.0**decimals
    none = np.zeros(accounts, np.int64)
    received, paid = (none if booked is None else booked for booked in (flows.funding, flows.fees))
    held = _by_account(opening, np.vstack([moved.terms, moved.change]), accounts)
    made = _trade_profit(moved, trades, accounts)
    parts = np.vstack([held[:-1], made]) * scale
    total = (held[-1] + made) * scale
    if not (np.abs(parts).sum(axis=0) + np.abs(total) < UNITS_MAX).all():
        raise InputError(f"a profit beyond 2**53 units; allowed: fewer decimals than {decimals}")
    known = np.diff(np.rint(np.cumsum(parts, axis=0)), axis=0, prepend=0.0).astype(np.int64)
    if actual is None:
        actual = np.rint(total).astype(np.int64) + received - paid
    explained = np.vstack([known, received, -paid])
    unpriced = np.zeros(accounts, np.int64)
    for table in (opening, bought):
        np.add.at(unpriced, table.account[~moved.is_priced[table.contract]], 1)
    return Explanation(
        units=np.vstack([explained, actual - explained.sum(axis=0)]),
        actual=actual,
        unpriced=unpriced,
    )


def _by_account(positions: Positions, rows: F64, accounts: int) -> F64:
    """Return ``[terms, accounts]``: quantity times rows."""
    group = positions.account.astype(np.int64)
    columns = np.ascontiguousarray(rows.T)
    sums: F64 = group_sums(group, accounts, positions.contract, positions.quantity, columns).T
    return sums


def _trade_profit(moved: Moves, trades: Trades, accounts: int) -> F64:
    """What trades are worth at the end less what was paid for them, by account."""
    gain = np.where(
        moved.is_priced[trades.contract], moved.worth[trades.contract] - trades.price, 0.0
    )
    rows = np.ascontiguousarray(gain[:, None])
    own = np.arange(gain.size, dtype=np.int32)
    group = trades.account.astype(np.int64)
    sums: F64 = group_sums(group, accounts, own, trades.quantity, rows)[:, 0]
    return sums


def _require(table: Positions, accounts: int, contracts: int) -> None:
    """Refuse rows that do not exist: kernels do not look."""
    for name, column, rows in (
        ("account", table.account, accounts),
        ("contract", table.contract, contracts),
    ):
        if column.size and not 0 <= column.min() <= column.max() < rows:
            raise InputError(f"{name} {column.min()} to {column.max()}; allowed: 0 to {rows - 1}")
