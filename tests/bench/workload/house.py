"""A clearing house to measure on, opened and driven by commands alone.

Every contract costs 100.00 at the start, a lot of it 0.1 numeraire.  Numbers of accounts follow
from the order of opening: the house's own, members, their contributions, one dealer, the clients.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from novate.canonical import Run
from novate.engine.engine import Engine
from tests.bench.workload.spelling import I64, rows

if TYPE_CHECKING:
    from novate.engine.batch import Batch
    from novate.engine.journal import JournalStore

SECOND = 10**9
MINUTE = 60 * SECOND
START_NS = 1_584_000_000 * SECOND
UNIT = 10**6
TICKS = 10_000
LOT = 10 * TICKS
"""Value of a lot at the start, numeraire units."""

OWN_ROLES = (5, 6, 7, 8, 9, 10, 11, 12)
MEMBER, HOUSE, CLIENT, CONTRIBUTION = 1, 2, 3, 4
"""Roles as journals hold them."""

MEMBERS = 10
DEALER = len(OWN_ROLES) + 2 * MEMBERS
FIRST = DEALER + 1
"""Number of the first client."""

SLICE_INTERVAL, SOURCES_MIN = 2, 10
"""Numbers of parameters as journals hold them."""

PART = 10_000


class House:
    """An engine with its clock, its prices, and ``clients`` accounts that hold nothing yet.

    Parameters
    ----------
    journal
        An empty store.
    clients, instruments
        How many.
    deposit
        Numeraire units that each client deposits: one number, or one for each.
    """

    def __init__(
        self, journal: JournalStore, clients: int, instruments: int, deposit: int | I64
    ) -> None:
        self.engine = Engine(journal)
        self.clients = clients
        self.instruments = instruments
        self.now_ns = START_NS
        self.price_e8 = np.full(instruments, 100 * 10**8)
        self.engine.submit([*self._venue(), *self._accounts(deposit)])
        self.step()

    def _venue(self) -> list[Run]:
        count = self.instruments
        number = np.arange(count)
        return [
            rows("AdvanceTime", instant_ns=self.now_ns),
            rows("DeclareAsset", symbol=["USDT"], decimals=6, haircut_bps=0),
            rows(
                "DeclareAsset", symbol=[f"C{i}" for i in number], decimals=8, haircut_bps=1_000
            ),
            rows(
                "OpenAccount",
                reference=[f"own{role}" for role in OWN_ROLES],
                role=np.array(OWN_ROLES), parent=-1, segregation=0, mode=1, defence=1,
            ),
            rows(
                "ListInstrument",
                symbol=[f"C{i}USDT" for i in number],
                form=1, style=1, underlying=number + 1, settlement_asset=0, tick_e8=10**6,
                unit=10, ticks_max=10**6, lots_max=10**11, maker_fee_ppm=0, taker_fee_ppm=100,
                cycle_ns=480 * MINUTE, funding_ns=480 * MINUTE, expiry_ns=0,
                settlement_window_ns=0, basis_clamp_ppm=10_000, funding_cap_e9=7_500_000,
                funding_damper_e9=500_000, interest_e9=100_000,
            ),
            *(
                rows(
                    "SetTier", instrument=number, floor=floor * UNIT, initial_ppm=2 * maintenance,
                    maintenance_ppm=maintenance,
                )
                for floor, maintenance in ((0, 10_000), (50_000, 25_000), (500_000, 50_000))
            ),
            rows("DeclareSource", symbol=[f"s{i}" for i in number], asset=number + 1, weight=1),
            rows("SetParameter", parameter=SLICE_INTERVAL, value=SECOND),
            rows("SetParameter", parameter=SOURCES_MIN, value=1),
        ]  # fmt: skip

    def _accounts(self, deposit: int | I64) -> list[Run]:
        members = len(OWN_ROLES) + np.arange(MEMBERS)
        clients = np.arange(self.clients)
        opened = {"segregation": 0, "mode": 1, "defence": 1}
        funded = np.concatenate(([0, DEALER], members + MEMBERS))
        return [
            rows(
                "OpenAccount", reference=[f"m{k}" for k in members], role=MEMBER, parent=-1,
                **opened,
            ),
            rows(
                "OpenAccount", reference=[f"f{k}" for k in members], role=CONTRIBUTION,
                parent=members, **opened,
            ),
            rows(
                "OpenAccount", reference=["dealer"], role=HOUSE, parent=int(members[0]), **opened
            ),
            rows(
                "OpenAccount", reference=[f"c{k}" for k in clients], role=CLIENT,
                parent=members[clients % MEMBERS], **opened,
            ),
            rows(
                "PostCollateral", account=funded, asset=0,
                amount=(self.clients + 1) * 10_000 * UNIT,
            ),
            rows("PostCollateral", account=FIRST + clients, asset=0, amount=deposit),
        ]  # fmt: skip

    def prices(self, moved: I64 | None = None) -> Run:
        """The prices of some assets, by default of all, seen at this instant."""
        which = np.arange(self.instruments) if moved is None else moved
        return rows(
            "ReportPrice", source=which, price_e8=self.price_e8[which], observed_ns=self.now_ns
        )

    def assess(self, moved: I64 | None = None) -> list[Batch]:
        """Report prices and assess everybody, a nanosecond later: no source says two at once."""
        self.now_ns += 1
        clock = rows("AdvanceTime", instant_ns=self.now_ns)
        return self.engine.submit(
            [clock, self.prices(moved), rows("AssessMargin", instant_ns=self.now_ns)]
        )

    def pass_time(self) -> list[Batch]:
        """Let a second pass."""
        self.now_ns += SECOND
        return self.engine.submit([rows("AdvanceTime", instant_ns=self.now_ns)])

    def step(self, moved: I64 | None = None) -> list[Batch]:
        """Let a second pass, report prices, assess."""
        return [*self.pass_time(), *self.assess(moved)]

    def buy(self, buyer: I64, seller: int | I64, instrument: int | I64, lots: int | I64) -> None:
        """Trade at the start's price, in batches; the seller takes and pays the fee."""
        trades = deal(buyer, seller, instrument, lots)
        columns = dict(trades.columns)
        for at in range(0, len(buyer), PART):
            part = {name: column[at : at + PART] for name, column in columns.items()}
            self.engine.submit([rows("SubmitTrade", **part)])

    def order(self, account: I64, instrument: I64, lots: int) -> list[Batch]:
        """Reserve margin for an order of each account, half a percent above the start's price."""
        return self.engine.submit(
            [
                rows(
                    "ReserveMargin", account=account, instrument=instrument, lots=lots,
                    limit_ticks=TICKS + TICKS // 200,
                )
            ]
        )  # fmt: skip

    def leave_orders(self, lots: int) -> None:
        """Leave an open order with every fifth client."""
        account = np.arange(0, self.clients, 5)
        self.order(FIRST + account, account % self.instruments, lots)


def deal(buyer: I64, seller: int | I64, instrument: int | I64, lots: int | I64) -> Run:
    """Trades at the start's price without reservations."""
    return rows(
        "SubmitTrade", buyer=buyer, seller=seller, instrument=instrument, ticks=TICKS, lots=lots,
        buyer_is_maker=True, buyer_reservation=0, seller_reservation=0,
    )  # fmt: skip


def values(batches: Sequence[Batch], event: str, column: str) -> I64:
    """All values of one column of an event, in order."""
    found = [
        dict(run.columns)[column] for batch in batches for run in batch.events if run.name == event
    ]
    return np.concatenate(found).astype(np.int64) if found else np.empty(0, np.int64)
