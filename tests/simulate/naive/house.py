"""The naive clearing house: the same commands in, the same records out.

Written from docs/rulebook.md and the message declarations, without a look at how the engine does
it; slow, and free of everything that makes the engine fast.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from novate.canonical import Run
from novate.engine.catalogue import ENGINE_ONLY
from novate.kernel.codes import Layer, Origin
from novate.message.declare import rows_of
from novate.message.refusal import AdvanceTimeRefusal, EngineCommandRefusal
from tests.simulate.naive import barrier, book, failure, funding, margin, order, takeover, terms
from tests.simulate.naive.account import within
from tests.simulate.naive.admission import OUTSIDE
from tests.simulate.naive.cash import call_external_market, hold_gains
from tests.simulate.naive.market import update_prices
from tests.simulate.naive.number import RefusedError, refuse_if
from tests.simulate.naive.option import update_options
from tests.simulate.naive.world import World

Row = dict[str, Any]
Command = tuple[str, Row, int]  # name, values, row in its run

INSIDE: dict[str, Callable[[World, int], None]] = {
    "SettleCycle": book.settle_cycle,
    "SettleFunding": funding.settle_funding,
    "SettleExpiry": failure.settle_expiry,
    "ObserveBarrier": barrier.observe_barrier,
    "CallMargin": failure.call_margin,
    "MeetCall": failure.meet_call,
    "ExpireCall": failure.expire_call,
    "StartLiquidation": failure.start_liquidation,
    "StopLiquidation": failure.stop_liquidation,
    "PlaceSlice": failure.place_slice,
    "ExpireOrder": failure.expire_order,
    "TakeOver": takeover.take_over,
    "RecordShortfall": failure.record_shortfall,
    "AllocateLoss": failure.allocate_loss,
    "SweepSurplus": failure.sweep_surplus,
    "RemarginOrder": order.remargin_order,
    "RequestCancellation": order.request_cancellation,
    "ShareUncovered": failure.share_uncovered,
    "StartGainsWindow": lambda w, _: book.start_gains_window(w),
}


ENACTED: dict[str, Callable[[World, Row, int], None]] = {
    "EnactParameter": terms.enact_parameter,
    "EnactTiers": terms.enact_tiers,
    "EnactMarginRule": terms.enact_margin_rule,
}

RECORD_ROWS = 65_536
"""Commands that the house gives itself in one record, besides the clock."""

BY_KIND: dict[str, tuple[str, ...]] = {
    "SubmitTrade": ("TradeNovated",),
    "ReplaceTiers": ("",),
    "ReportSurface": ("SurfaceReported",),
    "ReleaseMargin": ("MarginReleased",),
    "CallMargin": ("MarginCalled",),
    "MeetCall": ("MarginCallMet", "ObligationClosed"),
    "ExpireCall": (
        "MarginCallMet",
        "CallExtended",
        "CallResumed",
        "MarginCallPaid",
        "DefaultDeclared",
        "ObligationClosed",
        "MarginReleased",
    ),
    "StartLiquidation": ("LiquidationStarted", "MarginReleased"),
    "StopLiquidation": ("OrderClosed", "LiquidationStopped"),
    "PlaceSlice": ("OrderClosed", "OrderPlaced", "SliceScheduled"),
    "ExpireOrder": ("OrderClosed",),
    "TakeOver": ("OrderClosed", "AccountTakenOver", "LossRecorded"),
    "AllocateLoss": ("", "LossAllocated", "LossClosed"),
    "RemarginOrder": ("OrderRemargined",),
    "RequestCancellation": ("CancellationRequested",),
}
"""Commands whose events stand by kind, and the kinds in their order, "" for all others.

Refusals come last.
"""


def _rank(name: str, last_layer: int, event: tuple[str, Row]) -> int:
    """Where the kind of an event stands in a run of a command.

    Closing winners trades with what prefunded layers paid, so that their payments come first.
    """
    order = BY_KIND[name]
    if last_layer == Layer.AUTO_DELEVERAGING and event[0] == "LossAllocated":
        return -1 if event[1]["layer"] != Layer.UNCOVERED else order.index(event[0])
    if event[0] == "CommandRefused":
        return len(order)
    return order.index(event[0] if event[0] in order else "")


@dataclass
class NaiveRecord:
    """What one record asked and what happened: (name, values) in order."""

    origin: Origin
    commands: list[tuple[str, Row]]
    events: list[tuple[str, Row]]


def run_of(commands: Sequence[Command]) -> list[Row]:
    """Rows of the run that commands begin with."""
    rows: list[Row] = []
    for name, row, place in commands:
        if name != commands[0][0] or place != len(rows):
            break
        rows.append(row)
    return rows


class NaiveHouse:
    """A second clearing house to compare the first with."""

    def __init__(self) -> None:
        self.world = World(margin.MARGIN, margin.ADD_ONS)
        self.records: list[NaiveRecord] = []

    @pytest.mark.rule("4.1")
    def submit(self, runs: Sequence[Run]) -> list[NaiveRecord]:
        """Decide a batch of runs and return its records."""
        self.records = []
        waiting: list[Command] = []
        for run in runs:
            if run.name not in ("AdvanceTime", "AssessMargin"):
                waiting += [(run.name, row, k) for k, row in enumerate(rows_of(run))]
                continue
            for row in rows_of(run):
                self._record(Origin.EXTERNAL, waiting)
                waiting = []
                self._control(run.name, row)
        self._record(Origin.EXTERNAL, waiting)
        return self.records

    @pytest.mark.rule("4.3", "4.4", "4.8")
    def _control(self, name: str, row: Row) -> None:
        w = self.world
        if name == "AdvanceTime" and row["instant_ns"] <= self._latest():
            while True:
                first, due = book.due_work(w, row["instant_ns"])
                if not due:
                    break
                clock = ("AdvanceTime", {"instant_ns": max(first, w.now)})
                self._engine_record([clock, *due[:RECORD_ROWS]])
        self._record(Origin.EXTERNAL, [(name, row, 0)])
        if name == "AssessMargin":
            while work := failure.consequences(w):
                self._engine_record(work[:RECORD_ROWS])

    @pytest.mark.rule("4.2", "4.90")
    def _latest(self) -> int:
        """The last instant to which the clock may move now."""
        w = self.world
        return min(w.now + 366 * 86_400 * 10**9, 2**62) if w.now else 2**62

    def _engine_record(self, commands: Sequence[tuple[str, Row]]) -> None:
        places: dict[str, int] = {}
        rows = []
        for name, row in commands:
            rows.append((name, row, places.get(name, 0)))
            places[name] = places.get(name, 0) + 1
        self._record(Origin.ENGINE, rows)

    @pytest.mark.rule("4.25", "4.26")
    def _record(self, origin: Origin, commands: Sequence[Command]) -> None:
        if not commands:
            return
        self.world.events = events = []
        self.world.payable, self.world.able = failure.payable(self.world), []
        start = 0
        for k, (name, row, place) in enumerate(commands):
            if place == 0:
                start = len(events)
                self.world.run_rows = run_of(commands[k:])
            try:
                self._decide(origin, name, row, place)
            except RefusedError as refused:
                self.world.emit(
                    "CommandRefused",
                    command=name,
                    row=place,
                    code=refused.code,
                    actual=refused.actual,
                    allowed=refused.allowed,
                )
            if name in BY_KIND:
                last = self.world.waterfall[-1] if self.world.waterfall else 0
                rank = functools.partial(_rank, name, last)
                events[start:] = sorted(events[start:], key=rank)
        self.records.append(NaiveRecord(origin, [(n, r) for n, r, _ in commands], events))

    @pytest.mark.rule("4.2", "4.27", "8.16")
    def _decide(self, origin: Origin, name: str, row: Row, place: int) -> None:
        w = self.world
        refuse_if(
            origin == Origin.EXTERNAL and name in ENGINE_ONLY, EngineCommandRefusal.ENGINE_ONLY
        )
        if name == "AdvanceTime":
            before = row["instant_ns"] < max(w.now, 1)
            code = AdvanceTimeRefusal.INSTANT_BEFORE_PRESENT
            refuse_if(before, code, row["instant_ns"], max(w.now, 1))
            code = AdvanceTimeRefusal.INSTANT_OUT_OF_RANGE
            latest = self._latest()
            refuse_if(row["instant_ns"] > latest, code, row["instant_ns"], latest)
            w.now = row["instant_ns"]
            if w.window_from is None:
                w.window_from = w.now
            w.emit("TimeAdvanced", instant_ns=w.now)
        elif name == "AssessMargin":
            self._assess_margin(row)
        elif name == "ChargeInterest":
            book.charge_interest(w)
        elif name in ENACTED:
            ENACTED[name](w, row, place)
        elif name in INSIDE:
            names = ("instrument", "account", "loss", "order", "reservation", "instant_ns")
            INSIDE[name](w, int(next(row[n] for n in names if n in row)))
        else:
            OUTSIDE[name](w, row, place)

    @pytest.mark.rule("3.26", "4.7", "5.40")
    def _assess_margin(self, row: Row) -> None:
        w = self.world
        refuse_if(row["instant_ns"] != w.now, EngineCommandRefusal.NOT_DUE)
        update_prices(w)
        barrier.touch_barriers(w)
        update_options(w)
        call_external_market(w)
        hold_gains(w)
        found = [w.assess(w.accounts[k]) for k in w.margin_groups()]
        w.reported.clear()
        w.has_settled = False
        w.assessed.append(w.now)
        w.emit(
            "MarginAssessed",
            accounts=len(found),
            breaches=sum(n.equity < n.maintenance for n in found),
            equity=functools.reduce(lambda a, n: within(a + n.equity), found, 0),
            initial=within(sum(n.initial for n in found)),
            maintenance=within(sum(n.maintenance for n in found)),
            unpaid=w.unpaid,
        )
