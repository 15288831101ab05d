"""A mass default: every account of a house fails in one tick, one in five with an open order.

Measured is the whole tick on one core, sealed records in memory included: prices, assessment,
every account decided, its reservations released, and the first slices queued.  The accounts are
either *in breach*, and each sells its first slice, or *bust*: taken over at once, their losses go
through the waterfall, and the liquidator sends what it took over.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numba
import numpy as np

from novate.adapter.memory_journal import MemoryJournal
from novate.engine.engine import Engine
from novate.kernel.codes import AccountStatus
from novate.message import command as c
from tests.bench import venue
from tests.bench.contest import Contest, Side

SIZES = (1_000, 10_000, 100_000)
LEVERAGE = 12
BREACHED, BUST = 0.9245, 0.85
"""Prices over those before, at that leverage: between the takeover level and maintenance margin,
and far beyond all collateral."""

TICKS_MAX = 10**7
"""Highest price of a contract: the liquidator holds all, and its lots are worth that at most."""

MAKERS = 200
"""Accounts on the other side: the winners of whom gains are cut, loss by loss."""


def leveraged_house(accounts: int) -> Engine:
    """A house whose accounts are all long, the first of every five with an order to sell."""
    engine = Engine(MemoryJournal())
    e8 = venue.start_prices()
    opening = venue.opening(accounts + MAKERS, 1, ticks_max=TICKS_MAX)
    engine.submit([*opening, *venue.prices(e8, venue.START_NS)])
    taker = np.arange(venue.FIRST, venue.FIRST + accounts)
    maker = taker[-1] + 1 + np.arange(accounts) % MAKERS
    engine.submit(
        [
            c.POST_COLLATERAL.row(account=int(account), asset=0, amount=10**8 * venue.UNIT)
            for account in np.unique(maker)
        ]
    )
    instrument = np.arange(accounts) % venue.INSTRUMENTS
    ticks = e8[instrument] // 10**6
    lots = LEVERAGE * engine.state.accounts.balance[taker, 0] // (10 * ticks)
    none = np.zeros(accounts, np.int64)
    trades = c.SUBMIT_TRADE.run(
        {
            "buyer": taker,
            "seller": maker,
            "instrument": instrument,
            "ticks": ticks,
            "lots": lots,
            "buyer_is_maker": np.ones(accounts, np.bool_),
            "buyer_reservation": none,
            "seller_reservation": none,
        }
    )
    orders = c.RESERVE_MARGIN.run(
        {
            "account": taker[::5],
            "instrument": instrument[::5],
            "lots": -np.maximum(lots[::5] // 10, 1),
            "limit_ticks": ticks[::5],
        }
    )
    engine.submit([trades, orders])
    return engine


class Fall:
    """A leveraged house, and the tick in which all of it fails."""

    def __init__(self, accounts: int, share: float) -> None:
        self.accounts = accounts
        self.house = leveraged_house(accounts)
        self.price = (venue.start_prices() * share).astype(np.int64)
        self.engine = self.house
        numba.set_num_threads(1)

    def ready(self) -> None:
        self.engine = self.house.fork(MemoryJournal())

    def fall(self) -> None:
        at_ns = self.engine.state.now_ns + venue.MINUTE
        self.engine.submit(venue.prices(self.price, at_ns))

    def is_decided(self, status: AccountStatus) -> bool:
        """Whether every account failed, nothing is reserved, and slices are out for all it left."""
        x = self.engine.state
        subjects = slice(venue.FIRST, venue.FIRST + self.accounts)
        orders = x.defaults.orders
        sold = self.accounts if status == AccountStatus.LIQUIDATING else venue.INSTRUMENTS
        return bool(
            (x.accounts.status[subjects] == status).all()
            and not x.reservations.live().size
            and not x.defaults.losses.live().size
            and orders.live().size == sold
        )


KINDS = (
    ("breached", BREACHED, AccountStatus.LIQUIDATING),
    ("bust", BUST, AccountStatus.TAKEN_OVER),
)


DONE = 10_000_000
"""Reservations and orders that a house with a past has had, each."""


class Day:
    """A traded house, with or without a past, and a step of its day."""

    def __init__(self, *, done: int) -> None:
        self.house = venue.open_house(MemoryJournal(), 20_000, 3, 1)
        self.there = venue.trades(20_000, 10_000, venue.start_prices(), np.random.default_rng(2))
        self.house.submit([venue.deposits(20_000, 10**6 * venue.UNIT)])
        taker = venue.FIRST + np.arange(0, 20_000, 5)
        ticks = venue.start_prices()[taker % venue.INSTRUMENTS] // 10**6
        order = {"account": taker, "instrument": taker % venue.INSTRUMENTS, "limit_ticks": ticks}
        self.house.submit([c.RESERVE_MARGIN.run({**order, "lots": np.ones(taker.size, np.int64)})])
        x = self.house.state
        for table in (x.reservations, x.defaults.orders):
            for _ in range(done // 100_000):
                rows = table.add(100_000)
                table.account[rows] = venue.FIRST
                getattr(table, table.LIVE)[rows] = 1
                table.end(rows)

    def step(self) -> None:
        """Trade there and back, let some orders go, and take a bar of prices."""
        x = self.house.state
        last = x.reservations.given
        first = {"account": [venue.FIRST] * 100, "instrument": [0] * 100, "lots": [1] * 100}
        reserve = c.RESERVE_MARGIN.run({**first, "limit_ticks": [10_000] * 100})
        release = c.RELEASE_MARGIN.run({"reservation": last + 1 + np.arange(100)})
        at_ns = x.now_ns + venue.MINUTE
        self.house.submit([self.there, venue.reverse(self.there), reserve, release])
        self.house.submit(venue.prices(venue.start_prices(), at_ns))


def contests() -> Iterator[Contest]:
    """Accounts per second of each size over those of the size before it; then a past and none.

    Work in proportion to the accounts would give one; ten times as many leave the caches.
    """
    for kind, share, status in KINDS:
        for few, many in ((SIZES[0], SIZES[1]), (SIZES[1], SIZES[2])):
            small, large = Fall(few, share), Fall(many, share)
            yield Contest(
                name=f"mass default, {kind}",
                regime="all in one tick, a fifth with open orders, records sealed in memory",
                unit="accounts",
                ours=Side(name=f"{many:,}", amount=many, call=large.fall, ready=large.ready),
                theirs=Side(name=f"{few:,}", amount=few, call=small.fall, ready=small.ready),
                goal=2 / 3,
                holds=lambda small=small, large=large, status=status: (
                    small.is_decided(status) and large.is_decided(status)
                ),
            )
    old, new = Day(done=DONE), Day(done=0)
    yield Contest(
        name=f"a bar after {DONE:,} reservations and as many orders that are done",
        regime="20,000 accounts, a fifth with open orders; 20,000 trades, 100 orders come and go",
        unit="bars",
        ours=Side(name="with that past", amount=1, call=old.step),
        theirs=Side(name="without", amount=1, call=new.step),
        goal=0.9,
        holds=lambda: old.house.state.reservations.given > DONE,
    )


def seconds(accounts: int, share: float, status: AccountStatus, turns: int = 3) -> float:
    """Processor seconds of the best of a few falls."""
    falling = Fall(accounts, share)
    best = float("inf")
    for _ in range(turns):
        falling.ready()
        start = time.process_time()
        falling.fall()
        best = min(best, time.process_time() - start)
        if not falling.is_decided(status):
            message = f"{accounts:,} accounts: not all are decided"
            raise SystemExit(message)
    return best


if __name__ == "__main__":
    for kind_, share_, status_ in KINDS:
        for size in SIZES:
            print(f"{kind_:9} {size:8,} {seconds(size, share_, status_):7.3f} cpu-s", flush=True)
