"""A balanced book of option positions over generated accounts.

Four kinds of holder, each with a reason: covered-call writers (who hold the coin) sell calls above
the money, put buyers (funds) buy puts below it, short-volatility sellers (takers) sell strangles of
short expiry, and the makers take the other side of all of them.  How much volatility is sold is
solved so that the makers start with the stated net gamma; then everything is scaled to the stated
open interest.  Lots are whole and add up to zero in every contract.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from novate.errors import InputError, require
from novate.simulation.options.market import FloatArray, IntArray, SurfacePath
from novate.simulation.options.terms import (
    TRADER_NAMES,
    OptionContracts,
    OptionTargets,
    Trader,
)
from novate.simulation.options.value import contract_table, market_at
from novate.simulation.population.calibration import CalibrationRow
from novate.simulation.population.terms import AccountType, BoolArray
from novate.valuation.holding import unit_risk, years_to_expiry

KIND_OF = {
    Trader.COVERED_CALL: AccountType.BASIS_TRADER,
    Trader.PUT_BUYER: AccountType.FUND,
    Trader.SHORT_VOLATILITY: AccountType.TAKER,
    Trader.MARKET_MAKER: AccountType.MARKET_MAKER,
}
TENOR_WEIGHTS = {
    Trader.COVERED_CALL: (0.10, 0.40, 0.50),
    Trader.PUT_BUYER: (0.10, 0.35, 0.55),
    Trader.SHORT_VOLATILITY: (0.45, 0.40, 0.15),
}
"""Share of each kind's lots by expiry: protection is bought long, volatility is sold short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionBook:
    """Option positions; columns of shape (positions,), by contract, then account.

    Attributes
    ----------
    contracts
        What is listed.
    account, contract
        Rows of the account and of the contract.
    lots
        Signed, never zero; adds up to zero per contract.
    trader
        `Trader` of the holder.
    targets, calibration
        What was asked for, and what was reached.
    """

    contracts: OptionContracts
    account: IntArray
    contract: IntArray
    lots: IntArray
    trader: IntArray
    targets: OptionTargets
    calibration: tuple[CalibrationRow, ...]

    def __len__(self) -> int:
        return len(self.lots)

    def lots_of(self, trader: Trader | None = None) -> IntArray:
        """Net lots per contract of one kind of holder; None for the open interest."""
        total = np.zeros(len(self.contracts), dtype=np.int64)
        rows = self.lots > 0 if trader is None else self.trader == trader
        np.add.at(total, self.contract[rows], self.lots[rows])
        return total

    def coins_of(self, trader: Trader) -> FloatArray:
        """Net coins per contract of one kind of holder."""
        return np.asarray(self.lots_of(trader) * self.contracts.lots_size(), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opening:
    """What the calibration needs of the first instant; columns of shape (contracts,).

    ``deviations`` are those by which the option is out of the money; ``cash_gamma`` is S^2 gamma of
    one coin.
    """

    spot: FloatArray
    deviations: FloatArray
    cash_gamma: FloatArray


def _opening(contracts: OptionContracts, paths: tuple[SurfacePath, ...]) -> _Opening:
    rows = np.arange(len(contracts))
    table = contract_table(contracts, paths[0].expiry_ns, len(paths)).take(rows)
    market = market_at(contracts, paths, 0).take(rows)
    total = market.vol * np.sqrt(years_to_expiry(table, market.as_of_ns))
    return _Opening(
        spot=market.spot,
        deviations=table.side * np.log(table.strike / market.forward) / total,
        cash_gamma=unit_risk(table, market)["cash_gamma"],
    )


def generate_option_book(
    contracts: OptionContracts,
    paths: tuple[SurfacePath, ...],
    *,
    kind: IntArray,
    size: IntArray,
    perpetual_interest: FloatArray,
    targets: OptionTargets | None = None,
) -> OptionBook:
    """Draw the book; nothing is random, so equal accounts give equal books.

    Parameters
    ----------
    contracts
        Listed options.
    paths
        Surface of each underlying; the first instant prices the calibration.
    kind
        `AccountType` of each account, shape (accounts,).
    size
        Gross notional of each account: larger ones hold more.
    perpetual_interest
        Long notional of the perpetuals of each underlying, numeraire, shape (underlyings,).
    targets
        Calibration targets.

    Raises
    ------
    InputError
        If a kind of holder has no account.
    """
    targets = OptionTargets() if targets is None else targets
    holders = {trader: _holders(trader, kind, size, targets.accounts) for trader in Trader}
    opening = _opening(contracts, paths)
    wanted = np.zeros((len(Trader), len(contracts)))
    for number, family in enumerate(contracts.families):
        mine = contracts.series == number
        interest = perpetual_interest[contracts.underlying[mine][0]]
        notional = targets.interest_share * family.share * interest
        flows = _flows(contracts, opening, mine, targets)
        coins = np.maximum(flows, 0.0).sum() * opening.spot[mine][0]
        wanted[:, mine] = flows * (notional / coins) / contracts.lots_size()[mine]
    rows = _positions(wanted, holders, size)
    account, contract, lots, trader = (np.array(c, dtype=np.int64) for c in zip(*rows, strict=True))
    book = OptionBook(
        contracts=contracts, account=account, contract=contract, lots=lots, trader=trader,
        targets=targets, calibration=(),
    )  # fmt: skip
    total = np.zeros(len(contracts), dtype=np.int64)
    np.add.at(total, contract, lots)
    require(not total.any(), "option lots add up to zero per contract")
    return OptionBook(
        contracts=contracts, account=account, contract=contract, lots=lots, trader=trader,
        targets=targets, calibration=_calibration(book, opening, perpetual_interest),
    )  # fmt: skip


def _holders(trader: Trader, kind: IntArray, size: IntArray, most: int) -> IntArray:
    """Return the largest accounts of the kind, in row order."""
    rows = np.flatnonzero((kind == KIND_OF[trader]) & (size > 0))
    if len(rows) == 0:
        msg = f"no account of type {KIND_OF[trader].name}; {TRADER_NAMES[trader]} need at least one"
        raise InputError(msg)
    most = most // 5 if trader is Trader.MARKET_MAKER else most
    return np.sort(rows[np.argsort(-size[rows], kind="stable")][:most])


def _flows(
    contracts: OptionContracts, opening: _Opening, mine: BoolArray, targets: OptionTargets
) -> FloatArray:
    """Signed coins of each kind of holder in each contract of one series, not yet scaled."""
    side, expiry = contracts.side[mine], contracts.expiry[mine]
    out = opening.deviations[mine]
    flows = np.zeros((len(Trader), len(side)))
    for trader, sign, sides, centre, width in (
        (Trader.COVERED_CALL, -1.0, side > 0, 1.0, 0.7),
        (Trader.PUT_BUYER, 1.0, side < 0, 1.2, 0.9),
        (Trader.SHORT_VOLATILITY, -1.0, side != 0, 0.7, 0.6),
    ):
        shape = np.exp(-(((out - centre) / width) ** 2)) * sides
        for tenor, weight in enumerate(TENOR_WEIGHTS[trader]):
            rows = expiry == tenor
            flows[trader, rows] = sign * weight * shape[rows] / shape[rows].sum()
    flows[Trader.PUT_BUYER] *= targets.put_ratio
    gamma = flows @ opening.cash_gamma[mine]
    # Makers hold the other side: (sold - bought) / (sold + bought) is their share of gamma.
    share = targets.maker_gamma_share
    sold = gamma[Trader.PUT_BUYER] * (1.0 + share) / (1.0 - share)
    size = -(sold + gamma[Trader.COVERED_CALL]) / gamma[Trader.SHORT_VOLATILITY]
    if size <= 0.0:
        msg = (
            f"maker_gamma_share {share} with put_ratio {targets.put_ratio} leaves nothing for the "
            "sellers of volatility to sell; allowed is a higher one of both"
        )
        raise InputError(msg)
    flows[Trader.SHORT_VOLATILITY] *= size
    flows[Trader.MARKET_MAKER] = -flows.sum(axis=0)
    return flows


def _positions(
    wanted: FloatArray, holders: dict[Trader, IntArray], size: IntArray
) -> list[tuple[int, int, int, int]]:
    """Whole lots (account, contract, lots, trader), by contract, then account."""
    rows: list[tuple[int, int, int, int]] = []
    for contract in range(wanted.shape[1]):
        left = 0
        held: list[tuple[int, int, int, int]] = []
        for trader in (Trader.COVERED_CALL, Trader.PUT_BUYER, Trader.SHORT_VOLATILITY):
            lots = int(np.rint(wanted[trader, contract]))
            left -= lots
            held += _share_out(trader, contract, lots, holders[trader], size)
        held += _share_out(Trader.MARKET_MAKER, contract, left, holders[Trader.MARKET_MAKER], size)
        rows += sorted(held)
    return rows


def _share_out(
    trader: Trader, contract: int, lots: int, accounts: IntArray, size: IntArray
) -> list[tuple[int, int, int, int]]:
    """Share lots by the square root of size, largest remainders first, ties by row."""
    weight = np.sqrt(size[accounts].astype(np.float64))
    exact = abs(lots) * weight / weight.sum()
    whole = np.floor(exact).astype(np.int64)
    rest = abs(lots) - int(whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:rest]] += 1
    sign = 1 if lots > 0 else -1
    return [
        (account, contract, sign * part, int(trader))
        for account, part in zip(accounts.tolist(), whole.tolist(), strict=True)
        if part
    ]


def _calibration(
    book: OptionBook, opening: _Opening, perpetual_interest: FloatArray
) -> tuple[CalibrationRow, ...]:
    """Measure the book against its targets, at the opening."""
    contracts = book.contracts
    size = contracts.lots_size()
    notional = book.lots_of() * size * opening.spot
    gamma = opening.cash_gamma * size
    others = sum(
        np.abs(gamma * book.lots_of(trader)).sum() for trader in Trader if trader != max(Trader)
    )
    maker = float((gamma * book.lots_of(Trader.MARKET_MAKER)).sum())
    rows = [
        CalibrationRow(
            target="options: open interest over perpetuals",
            wanted=book.targets.interest_share,
            reached=float(notional.sum() / perpetual_interest.sum()),
            unit="share",
            tolerance=0.005,
        ),
        CalibrationRow(
            target="options: makers over other gamma, net",
            wanted=book.targets.maker_gamma_share,
            reached=maker / float(others),
            unit="share",
            tolerance=0.01,
        ),
        CalibrationRow(
            target="options: sum of lots, all contracts",
            wanted=0.0,
            reached=float(np.abs(_net_lots(book)).sum()),
            unit="lots",
        ),
        CalibrationRow(
            target="options: contracts listed", wanted=None, reached=len(contracts),
            unit="contracts",
        ),
    ]  # fmt: skip
    for trader in Trader:
        mine = book.trader == trader
        held = (np.abs(book.lots[mine]) * (size * opening.spot)[book.contract[mine]]).sum()
        rows.append(
            CalibrationRow(
                target=f"options: {TRADER_NAMES[trader].lower()}",
                wanted=None,
                reached=float(held / (2.0 * notional.sum())),
                unit=f"share of gross, {len(np.unique(book.account[mine]))} accounts",
            )
        )
    return tuple(rows)


def _net_lots(book: OptionBook) -> IntArray:
    total = np.zeros(len(book.contracts), dtype=np.int64)
    np.add.at(total, book.contract, book.lots)
    return total
