"""Novation: the compiled kernel against a dict of dataclasses, and what the checksum costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from novate.kernel.clearing import trade
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.ledger import add_balance
from novate.kernel.clearing.trade_code import NO_RESERVATION
from novate.kernel.clearing.window_gain import count_conceded
from novate.kernel.codes import MarginMode, Role
from novate.kernel.jit import inlined, kernel
from novate.valuation import ClearingState
from novate.valuation.index_bound import index_bound
from tests.bench.book import build_exposure, list_contracts
from tests.bench.contest import Contest, Side
from tests.unit.kernel.twin import Book

ROWS, TWIN_ROWS = 1_000_000, 200_000
ACCOUNTS, INSTRUMENTS, HELD = 250_000, 500, 8
FEES = ACCOUNTS
FLOOR = 600_000
"""Trades a second that admission is to reach with cold memory."""


TICKS_MAX = 1_000_000
"""Highest price, ten times that of the dearest trade: all that is held is within open interest."""


def rows(count: int) -> dict[str, I64]:
    """Trades of random pairs at random prices; most positions are touched once."""
    rng = np.random.default_rng(7)
    buyer = rng.integers(0, ACCOUNTS, count)
    lots = rng.integers(1, 1_000, count)
    ticks = rng.integers(1_000, 100_000, count)
    value = 10 * lots * ticks
    return {
        "buyer": buyer,
        "seller": (buyer + rng.integers(1, ACCOUNTS, count)) % ACCOUNTS,
        "instrument": (INSTRUMENTS * rng.random(count) ** 3).astype(np.int64),
        "ticks": ticks,
        "lots": lots,
        "value": value,
        "buyer_fee": -(-value * 400 // 1_000_000),
        "seller_fee": value * -50 // 1_000_000,
        "unproven": value * 0,
    }


def empty_exposure(positions: int, *, with_margin: bool = False) -> ClearingState:
    """Accounts without positions, with room for ``positions``."""
    x = ClearingState()
    list_contracts(x, INSTRUMENTS, np.random.default_rng(1))
    x.accounts.ensure(ACCOUNTS + 1)
    x.accounts.count = ACCOUNTS + 1
    admit_all(x, 10**15 if with_margin else 0)
    x.positions.ensure(positions)
    x.positions.slot = np.full(2 * x.positions.capacity, -1, np.int32)
    return x


def admit_all(x: ClearingState, cash: int) -> None:
    """Let every account but the last, which takes the fees, trade with so much cash."""
    a = x.accounts
    a.role[:] = int(Role.CLIENT)
    for name in ("pool", "margin_group", "netting_set"):
        getattr(a, name)[:] = np.arange(a.capacity)
    a.mode[:] = int(MarginMode.CROSS)
    a.can_trade[:FEES] = a.is_margined[:FEES] = True
    a.balance[:, 0] = cash
    x.positions.widen(INSTRUMENTS)


class Fresh:
    """A new book before each turn, so that each turn is cold."""

    def __init__(self, columns: dict[str, I64], apply: Callable[..., None]) -> None:
        self.columns = columns
        self.apply = apply
        self.exposure = empty_exposure(1)

    def ready(self) -> None:
        self.exposure = empty_exposure(2 * len(self.columns["buyer"]))

    def call(self) -> None:
        x = self.exposure
        self.apply(
            x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
            FEES, x.checksum, *self.columns.values(), True,
        )  # fmt: skip


class Twin:
    """The readable book."""

    def __init__(self, columns: dict[str, I64]) -> None:
        known = list(columns.values())[:-1]  # all but what is not proven
        self.rows = list(zip(*(column.tolist() for column in known), strict=True))
        self.book = Book(unit=10, fees_account=FEES)

    def ready(self) -> None:
        self.book = Book(unit=10, fees_account=FEES)

    def call(self) -> None:
        trade_one = self.book.trade
        for row in self.rows:
            trade_one(row)


@inlined
def _book_unchecked(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, ccp_fees,
    buyer, seller, i, ticks, lots, value, buyer_fee, seller_fee,
):  # fmt: skip
    asset = instruments.settlement_asset[i]
    trade.book_leg(accounts, positions, instruments, assets, buyer, i, ticks, lots, value)
    trade.book_leg(accounts, positions, instruments, assets, seller, i, ticks, -lots, -value)
    add_balance(accounts, buyer, asset, -buyer_fee)
    add_balance(accounts, seller, asset, -seller_fee)
    add_balance(accounts, ccp_fees, asset, buyer_fee + seller_fee)


@kernel
def apply_unchecked(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, ccp_fees, checksum,
    buyer, seller, instrument, ticks, lots, value, buyer_fee, seller_fee, unproven,
    counts_conceded,
):  # fmt: skip
    """`trade.apply_trades` without the running checksum."""
    for k in range(buyer.size):
        trade.fetch_ahead(accounts, positions, buyer, seller, instrument, k)
        _book_unchecked(
            accounts, positions, instruments, assets, ccp_fees,
            buyer[k], seller[k], instrument[k], ticks[k], lots[k], value[k],
            buyer_fee[k], seller_fee[k],
        )  # fmt: skip
        if counts_conceded:
            count_conceded(
                accounts, instruments, assets, buyer[k], seller[k], instrument[k], lots[k],
                value[k], buyer_fee[k], seller_fee[k],
            )  # fmt: skip


class Decided:
    """Admission with margin checks of both sides, then booking."""

    def __init__(self, columns: dict[str, I64]) -> None:
        self.columns = columns
        self.rows = len(columns["buyer"])
        self.refusal = np.zeros(self.rows, np.int64)
        self.exposure = empty_exposure(1)

    def ready(self) -> None:
        self.exposure = empty_exposure(2 * self.rows, with_margin=True)

    def call(self) -> None:
        x, c = self.exposure, self.columns
        self.refusal[:] = 0
        none = np.full(self.rows, NO_RESERVATION)
        out = [np.zeros(self.rows, np.int64) for _ in range(6)]
        free = np.zeros(x.instruments.count, np.int64)
        trade.decide_trades(
            x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
            x.reservations.arrays(), FEES, x.checksum, x.accounts.count, x.instruments.count, free,
            free, np.zeros(x.instruments.count, np.bool_), False, index_bound(x), 0, -1,
            np.zeros((0, 4), np.int64),
            c["buyer"], c["seller"], c["instrument"], c["ticks"], c["lots"],
            np.zeros(self.rows, np.bool_), none, none, self.refusal, *out,
        )  # fmt: skip


class Cold(Decided):
    """The same on a book in which everybody holds something, each account named once.

    A turn works on a copy of its own: no row of it was read before.
    """

    def __init__(self) -> None:
        x = build_exposure(ACCOUNTS + 1, HELD, INSTRUMENTS, 3)
        admit_all(x, 10**15)
        x.instruments.ticks_max[:] = TICKS_MAX
        x.positions.reserve(ACCOUNTS, x.accounts)
        longs, shorts = x.positions.sum_open(INSTRUMENTS)
        x.positions.long_lots[:INSTRUMENTS], x.positions.short_lots[:INSTRUMENTS] = longs, shorts
        self.book = x
        drawn = np.random.default_rng(4).permutation(ACCOUNTS)
        columns = rows(ACCOUNTS // 2)
        columns["buyer"], columns["seller"] = drawn[: ACCOUNTS // 2], drawn[ACCOUNTS // 2 :]
        super().__init__(columns)

    def ready(self) -> None:
        self.exposure = self.book.copy()


def agrees(x: ClearingState, book: Book) -> bool:
    """Whether the columns hold exactly what the readable book holds."""
    p = x.positions
    names = ("lots", "entry_cost", "settlement_cost", "realised")
    columns = zip(
        *(p.used(name).tolist() for name in ("account", "instrument", *names)), strict=True
    )
    found = {(row[0], row[1]): row[2:] for row in columns}
    expected = {
        key: (h.lots, h.entry_cost, h.settlement_cost, h.realised)
        for key, h in book.holdings.items()
    }
    cash = {
        a: int(c) for a, c in enumerate(x.accounts.used("balance")[:, 0]) if c or a in book.cash
    }
    return found == expected and cash == book.cash and int(x.checksum[0]) == book.checksum


def contests() -> Iterator[Contest]:
    """The kernel against its twin, with and without the checksum, with and without admission."""
    many, few = rows(ROWS), rows(TWIN_ROWS)
    ours, small, twin = Fresh(many, trade.apply_trades), Fresh(few, trade.apply_trades), Twin(few)
    regime = f"{ACCOUNTS:,} accounts, {INSTRUMENTS} instruments, cold, one thread"

    def equal() -> bool:
        small.ready()
        small.call()
        return agrees(small.exposure, twin.book)

    yield Contest(
        name="book trades with checksum",
        regime=f"{regime}; {ROWS:,} trades against {TWIN_ROWS:,}",
        unit="trades",
        ours=Side(name="kernel", amount=ROWS, call=ours.call, ready=ours.ready),
        theirs=Side(
            name="dict and dataclasses", amount=TWIN_ROWS, call=twin.call, ready=twin.ready
        ),
        goal=30,
        holds=equal,
    )
    plain = Fresh(many, apply_unchecked)
    yield Contest(
        name="running checksum",
        regime=regime,
        unit="trades",
        ours=Side(name="with", amount=ROWS, call=ours.call, ready=ours.ready),
        theirs=Side(name="without", amount=ROWS, call=plain.call, ready=plain.ready),
        goal=0.9,
        holds=lambda: bool(
            (ours.exposure.accounts.balance == plain.exposure.accounts.balance).all()
        ),
    )
    decided = Decided(many)
    yield Contest(
        name="admit and book",
        regime=f"{regime}, margin of both sides checked",
        unit="trades",
        ours=Side(name="kernel", amount=ROWS, call=decided.call, ready=decided.ready),
        theirs=Side(name="booking alone", amount=ROWS, call=ours.call, ready=ours.ready),
        goal=0,
        floor=FLOOR,
        holds=lambda: not decided.refusal.any(),
    )
    cold = Cold()
    yield Contest(
        name="admit and book, each account once",
        regime=f"{regime}, {HELD} positions in each, margin of both sides checked",
        unit="trades",
        ours=Side(name="kernel", amount=cold.rows, call=cold.call, ready=cold.ready),
        theirs=Side(name="booking alone", amount=ROWS, call=ours.call, ready=ours.ready),
        goal=0,
        floor=FLOOR,
        holds=lambda: not cold.refusal.any(),
    )
