"""What a run leaves behind: events and measurements gathered into tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from novate.app.replay.venue import Venue
from novate.canonical import Run
from novate.engine.batch import Batch
from novate.engine.state import State
from novate.kernel.clearing.assess import INITIAL, MAINTENANCE, NET
from novate.kernel.codes import Layer, Role
from novate.message.declare import columns_of, rows_of
from novate.message.refusal import refusal_of
from novate.units import format_decimal

Row = dict[str, Any]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
UNIT = 1_000_000
LAYER_NAMES = {
    Layer.OWN_CONTRIBUTION: "own_members_default_fund",
    Layer.INSURANCE_FUND: "insurance_fund",
    Layer.SKIN_IN_THE_GAME: "skin_in_the_game",
    Layer.DEFAULT_FUND: "default_fund",
    Layer.GAINS_HAIRCUT: "variation_margin_gains_haircutting",
    Layer.AUTO_DELEVERAGING: "auto_deleveraging",
    Layer.UNCOVERED: "uncovered",
}
FUND_ROLES = {
    "insurance_fund": Role.INSURANCE_FUND,
    "skin_in_the_game": Role.SKIN_IN_THE_GAME,
    "liquidator_equity": Role.LIQUIDATOR,
}
BELOW = (
    "assessed_ns", "below_initial", "below_maintenance", "initial_shortfall",
    "maintenance_shortfall",
)  # fmt: skip
"""Columns of the solvency table: accounts below a margin in the worst assessment of a bar."""
_QUIET = {
    "PriceReported", "IndexUpdated", "LastReported", "TimeAdvanced", "MarginAssessed",
    "SliceScheduled", "OrderPlaced", "OrderClosed", "MarkUpdated", "OptionMarked",
    "SurfaceReported",
}  # fmt: skip


@dataclass(slots=True)
class Observer:
    """Collects a run.  Money in tables is float64 numeraire, for charts; sums stay integers.

    ``failed`` holds, by account, the net equity with which it last went into liquidation or
    default, and what was paid in since; an account that is released leaves it.  ``fund_low`` is the
    lowest balance of the insurance fund after any event since ``watch_fund``, ``fund_low_ns`` when
    it was first there.
    """

    venue: Venue
    accounts: npt.NDArray[np.int64]
    tables: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    totals: Counter[str] = field(default_factory=Counter)
    payers: Counter[str] = field(default_factory=Counter)
    refusals: Counter[tuple[str, str]] = field(default_factory=Counter)
    flows: Counter[int] = field(default_factory=Counter)
    shortfall: Counter[int] = field(default_factory=Counter)
    taken_over_ns: dict[int, int] = field(default_factory=dict)
    equity_taken: Counter[int] = field(default_factory=Counter)
    failed: dict[int, int] = field(default_factory=dict)
    held: dict[int, str] = field(default_factory=dict)
    facts: dict[int, list[Row]] = field(default_factory=lambda: defaultdict(list))
    calls: dict[int, Row] = field(default_factory=dict)
    marks: dict[int, int] = field(default_factory=dict)
    unit_price: list[float] = field(default_factory=list)
    index: dict[int, int] = field(default_factory=dict)
    loss_account: dict[int, int] = field(default_factory=dict)
    closed: set[int] = field(default_factory=set)
    before: tuple[I32, I32, I64] | None = None
    fund: int | None = None
    fund_low: int = 0
    fund_low_ns: int = 0
    fees: npt.NDArray[np.float64] = field(init=False)
    funding: npt.NDArray[np.float64] = field(init=False)
    records: int = 0
    events: int = 0

    def __post_init__(self) -> None:
        size = int(self.accounts.max()) + 1
        self.fees = np.zeros(size)
        self.funding = np.zeros(size)

    def watch_fund(self, balance: int, instant_ns: int) -> None:
        """Begin to follow the insurance fund from a balance."""
        self.fund = self.fund_low = balance
        self.fund_low_ns = instant_ns

    def move_fund(self, amount: int, instant_ns: int) -> None:
        """Add what an event paid into the fund or, negative, out of it."""
        if self.fund is None:
            return
        self.fund += amount
        if self.fund < self.fund_low:
            self.fund_low, self.fund_low_ns = self.fund, instant_ns

    def remember(self, state: State) -> None:
        """Keep who holds what before a step, so that its events can be told with it."""
        p = state.positions
        self.before = (
            p.used("account").copy(), p.used("instrument").copy(), p.used("lots").copy(),
        )  # fmt: skip

    def take(self, batches: list[Batch], state: State) -> None:
        """Gather the events of what `Engine.submit` returned."""
        self.marks = {k: int(state.marks.mark[k]) for k in range(state.instruments.count)}
        self.unit_price = [float(price) for price in state.assets.used("unit_price")]
        for batch in batches:
            self.records += 1
            for run in batch.events:
                self.events += run.rows
                if run.name == "IndexUpdated":
                    c = columns_of(run)
                    self.index.update(zip(c["asset"].tolist(), c["price_e8"].tolist(), strict=True))
                if run.name in _QUIET:
                    continue
                if run.name == "TradeNovated":
                    self._fees(run, state)
                    continue
                handler = _HANDLERS.get(run.name)
                if handler is not None:
                    for row in rows_of(run):
                        handler(self, batch, row)

    def measure(self, state: State, instant_ns: int, numbers: npt.NDArray[np.int64]) -> None:
        """Write one line of solvency, prices, concentration and the clearing house's accounts."""
        x = state
        mine = numbers[self.accounts]
        negative = mine[:, NET] < 0
        interest = 0.0
        for k, contract in enumerate(self.venue.contracts):
            lots = x.positions.used("lots")[x.holders(k)]
            mark = int(x.marks.mark[k])
            unit = int(x.instruments.unit[k])
            asset = int(x.instruments.settlement_asset[k])
            price = float(x.assets.unit_price[asset])
            per_lot = (unit * mark if contract.form == 1 else unit / max(mark, 1)) * price / UNIT
            size = np.abs(lots[lots != 0]) * per_lot
            interest += float(size.sum()) / 2
            self._concentration(instant_ns, contract.symbol, size)
            self.tables["prices"].append(
                {
                    "instant_ns": instant_ns,
                    "instrument": contract.symbol,
                    "index": int(x.marks.index[k]) * contract.tick_e8 / 1e8,
                    "mark": mark * contract.tick_e8 / 1e8,
                    "last": int(x.marks.last[k]) * contract.tick_e8 / 1e8,
                }
            )
        fund_accounts = np.flatnonzero(x.accounts.used("role") == Role.DEFAULT_FUND)
        self.tables["solvency"].append(
            {
                "instant_ns": instant_ns,
                "client_equity": int(mine[:, NET].sum()) / UNIT,
                "initial_margin": int(mine[:, INITIAL].sum()) / UNIT,
                "maintenance_margin": int(mine[:, MAINTENANCE].sum()) / UNIT,
                **{
                    name: int(numbers[x.single(role), NET]) / UNIT
                    for name, role in FUND_ROLES.items()
                },
                "default_fund": int(numbers[fund_accounts, NET].sum()) / UNIT,
                "negative_equity": -int(mine[negative, NET].sum()) / UNIT,
                "negative_accounts": int(np.count_nonzero(negative)),
                # Before what an assessment causes; `retrace` fills these in.
                **dict.fromkeys(BELOW, 0),
                "uncovered": int(state.defaults.losses.used("uncovered").sum()) / UNIT,
                "open_interest": interest,
            }
        )
        for role, account in self.venue.house.items():
            self.tables["ccp"].append(
                {
                    "instant_ns": instant_ns,
                    "account": role.name.lower(),
                    "balance": int(numbers[account, NET]) / UNIT,
                }
            )

    def _concentration(self, instant_ns: int, symbol: str, size: npt.NDArray[np.float64]) -> None:
        total = float(size.sum())
        share = np.sort(size / total)[::-1] if total else np.zeros(1)
        self.tables["concentration"].append(
            {
                "instant_ns": instant_ns,
                "instrument": symbol,
                "top1": float(share[0]),
                "top5": float(share[:5].sum()),
                "hhi": float((share**2).sum()),
            }
        )

    def _fees(self, run: Run, state: State) -> None:
        """Add the fees of a run of trades, in numeraire at the prices after the step."""
        columns, x = columns_of(run), state
        worth = x.assets.unit_price[x.instruments.settlement_asset[columns["instrument"]]] / UNIT
        for side in ("buyer", "seller"):
            mine = columns[side] < len(self.fees)
            np.add.at(self.fees, columns[side][mine], (columns[f"{side}_fee"] * worth)[mine])

    def holdings(self, account: int) -> str:
        """What an account held before the present step, as text."""
        if self.before is None:
            return ""
        rows = np.flatnonzero((self.before[0] == account) & (self.before[2] != 0))
        held = []
        for row in rows:
            contract = self.venue.listed(int(self.before[1][row]))
            held.append(f"{contract.size(int(self.before[2][row]))} {contract.symbol}")
        return ", ".join(held)

    def worth(self, asset: int, amount: int) -> int:
        """Numeraire units of an amount of an asset, at the price after the present step."""
        return amount if asset == 0 else int(amount * self.unit_price[asset])

    def amount_text(self, asset: int, amount: int) -> str:
        """An amount of an asset as text, with its name."""
        number = format_decimal(amount, self.venue.decimals[asset])
        return f"{number} {self.venue.assets[asset]}"

    def fact(self, batch: Batch, account: int, kind: str, text: str, **numbers: str) -> None:
        """Remember a fact of an account's story, at most 60 of them."""
        facts = self.facts[account]
        if len(facts) < 60:
            facts.append(
                {
                    "sequence": batch.sequence,
                    "instant": batch.instant_ns,
                    "kind": kind,
                    "text": text,
                    "numbers": numbers,
                }
            )

    def price_text(self, instrument: int, ticks: int) -> str:
        """Price of an instrument as text."""
        contract = self.venue.listed(instrument)
        return f"{ticks * contract.tick_e8 / 1e8:,.8g} ({contract.symbol})"


def money(amount: int) -> str:
    """Numeraire units as text with thousands separators."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // UNIT:,}.{abs(amount) % UNIT:06d}"


def _refused(o: Observer, batch: Batch, row: Row) -> None:
    code = refusal_of(row["command"], row["code"])
    o.refusals[row["command"], code.name.lower()] += 1


def _posted(o: Observer, batch: Batch, row: Row) -> None:
    worth = o.worth(row["asset"], row["amount"])
    o.flows[row["account"]] += worth
    if row["account"] in o.failed:
        o.failed[row["account"]] += worth
    o.fact(
        batch, row["account"], "deposit", "Collateral arrived.",
        amount=o.amount_text(row["asset"], row["amount"]),
    )  # fmt: skip


def _withdrawn(o: Observer, batch: Batch, row: Row) -> None:
    o.flows[row["account"]] -= o.worth(row["asset"], row["amount"])
    o.fact(
        batch, row["account"], "withdrawal", "Collateral was paid out.",
        amount=o.amount_text(row["asset"], row["amount"]),
    )  # fmt: skip


def _called(o: Observer, batch: Batch, row: Row) -> None:
    o.totals["calls_made"] += 1
    call = {
        "instant_ns": batch.instant_ns,
        "account": row["account"],
        "amount": row["amount"] / UNIT,
        "deadline_ns": row["deadline_ns"],
        "status": "open",
        "resolved_ns": 0,
    }
    o.tables["calls"].append(call)
    o.calls[row["account"]] = call
    o.fact(
        batch, row["account"], "call",
        f"Called for margin: equity {money(row['equity'])} was {money(row['amount'])} below the "
        f"initial margin of {money(row['requirement'])}.",
        call=money(row["amount"]), equity=money(row["equity"]),
        initial_margin=money(row["requirement"]),
    )  # fmt: skip


def _call_met(o: Observer, batch: Batch, row: Row) -> None:
    o.totals["calls_met"] += 1
    o.calls[row["account"]].update(status="met", resolved_ns=batch.instant_ns)
    o.fact(
        batch, row["account"], "met", "The call was met.",
        equity=money(row["equity"]), initial_margin=money(row["requirement"]),
    )  # fmt: skip


def _call_extended(o: Observer, batch: Batch, row: Row) -> None:
    o.calls[row["account"]].update(deadline_ns=row["deadline_ns"])
    told = o.facts[row["account"]]
    if not told or told[-1]["kind"] != "extended":
        contract = o.venue.listed(row["instrument"]).symbol
        o.fact(
            batch, row["account"], "extended",
            f"The call's deadline waits for a price of {contract}.",
        )  # fmt: skip


def _defaulted(o: Observer, batch: Batch, row: Row) -> None:
    o.held.setdefault(row["account"], o.holdings(row["account"]))
    o.totals["defaults"] += 1
    o.failed[row["account"]] = row["net"]
    o.closed.add(row["account"])
    call = o.calls[row["account"]]
    call.update(status="missed", resolved_ns=batch.instant_ns)
    why = "its equity fell below the takeover level"
    if batch.instant_ns >= call["deadline_ns"]:
        why = "the call was not met by its deadline"
    o.fact(
        batch, row["account"], "default",
        f"Default declared: {why}; equity {money(row['equity'])}, initial margin "
        f"{money(row['requirement'])}.",
        equity=money(row["equity"]), initial_margin=money(row["requirement"]),
    )  # fmt: skip


def _funding(o: Observer, batch: Batch, row: Row) -> None:
    if o.before is None:
        return
    contract = o.venue.listed(row["instrument"])
    mine = (o.before[1] == row["instrument"]) & (o.before[0] < len(o.funding))
    lots, account = o.before[2][mine].astype(np.float64), o.before[0][mine]
    per_lot = row["ticks"] * contract.tick_e8 * contract.lot_e8 / 1e16
    if contract.form != 1:
        terms = o.venue.parameters["instruments"][contract.symbol]
        per_lot = terms["face_value"] / 1e8
    np.add.at(o.funding, account, -lots * per_lot * row["rate_e9"] / 1e9)


def _started(o: Observer, batch: Batch, row: Row) -> None:
    o.held.setdefault(row["account"], o.holdings(row["account"]))
    o.closed.add(row["account"])
    o.failed[row["account"]] = row["net"]
    numbers = {"equity": money(row["equity"]), "maintenance_margin": money(row["requirement"])}
    if row["binding"] >= 0:
        numbers["mark"] = o.price_text(row["binding"], row["mark"])
    o.fact(
        batch, row["account"], "liquidation",
        f"Liquidation began: equity {money(row['equity'])} fell below the maintenance margin of "
        f"{money(row['requirement'])}.", **numbers,
    )  # fmt: skip


def _stopped(o: Observer, batch: Batch, row: Row) -> None:
    o.totals["released_accounts"] += 1
    o.failed.pop(row["account"], None)
    o.fact(
        batch, row["account"], "released",
        "Liquidation ended: equity is at the release level again.",
        equity=money(row["equity"]), release_level=money(row["requirement"]),
    )  # fmt: skip


def _filled(o: Observer, batch: Batch, row: Row) -> None:
    contract = o.venue.listed(row["instrument"])
    price = row["ticks"] * contract.tick_e8 / 1e8
    notional = abs(row["value"])
    if contract.is_option:
        notional = abs(row["lots"]) * contract.lot_e8 * o.index[contract.asset] // 10**10
    elif contract.form != 1:
        terms = o.venue.parameters["instruments"][contract.symbol]
        notional = abs(row["lots"]) * terms["face_value"] // 100
    mark = o.marks[row["instrument"]] * contract.tick_e8 / 1e8
    o.totals["liquidation_fees"] += row["fee"]
    o.move_fund(row["fee"], batch.instant_ns)
    if row["account"] < len(o.fees):
        o.fees[row["account"]] += row["fee"] / UNIT
    o.totals["liquidated_notional"] += notional
    o.tables["liquidations"].append(
        {
            "instant_ns": batch.instant_ns,
            "account": row["account"],
            "instrument": contract.symbol,
            "lots": row["lots"],
            "price": price,
            "mark": mark,
            "notional": notional / UNIT,
            "fee": row["fee"] / UNIT,
        }
    )
    o.fact(
        batch, row["account"], "fill",
        f"{'Bought' if row['lots'] > 0 else 'Sold'} {contract.size(abs(row['lots']))[1:]} "
        f"{contract.symbol} in the market, a slice of the liquidation.",
        price=o.price_text(row["instrument"], row["ticks"]), mark=f"{mark:,.8g}",
        fee=money(row["fee"]),
    )  # fmt: skip


def _converted(o: Observer, batch: Batch, row: Row) -> None:
    o.fact(
        batch, row["account"], "conversion",
        f"Converted {o.venue.assets[row['asset']]} to pay its debt.",
        proceeds=money(row["proceeds"]),
    )  # fmt: skip


def _taken_over(o: Observer, batch: Batch, row: Row) -> None:
    o.totals["taken_over"] += 1
    o.taken_over_ns[row["account"]] = batch.instant_ns
    o.equity_taken[row["account"]] += row["equity"]
    o.fact(
        batch, row["account"], "takeover",
        "Taken over: what was left went to the liquidator at the marks.",
        net_equity=money(row["equity"]), maintenance_margin=money(row["maintenance"]),
    )  # fmt: skip


def _loss(o: Observer, batch: Batch, row: Row) -> None:
    o.totals["losses"] += row["amount"]
    o.loss_account[row["loss"]] = row["account"]
    o.shortfall[row["account"]] += row["amount"]


def _allocated(o: Observer, batch: Batch, row: Row) -> None:
    layer = LAYER_NAMES[Layer(row["layer"])]
    o.payers[layer] += row["amount"]
    if row["layer"] == Layer.INSURANCE_FUND:
        o.move_fund(-row["amount"], batch.instant_ns)
    o.tables["losses"].append(
        {
            "loss": row["loss"],
            "instant_ns": batch.instant_ns,
            "defaulter": o.loss_account[row["loss"]],
            "layer": layer,
            "payer": row["payer"],
            "amount": row["amount"] / UNIT,
        }
    )


def _cut(o: Observer, batch: Batch, row: Row) -> None:
    _allocated(o, batch, {**row, "layer": int(Layer.GAINS_HAIRCUT), "payer": -1})
    o.totals["gains_cuts"] += 1


def _deleveraged(o: Observer, batch: Batch, row: Row) -> None:
    _allocated(
        o,
        batch,
        {
            "loss": row["loss"],
            "layer": int(Layer.AUTO_DELEVERAGING),
            "payer": row["account"],
            "amount": row["amount"],
        },
    )
    o.totals["deleveraged"] += 1


def _swept(o: Observer, batch: Batch, row: Row) -> None:
    o.totals["surplus_to_fund"] += row["amount"]
    o.move_fund(row["amount"], batch.instant_ns)


_HANDLERS = {
    "CommandRefused": _refused,
    "CollateralPosted": _posted,
    "CollateralWithdrawn": _withdrawn,
    "FundingSettled": _funding,
    "MarginCalled": _called,
    "MarginCallMet": _call_met,
    "CallExtended": _call_extended,
    "DefaultDeclared": _defaulted,
    "LiquidationStarted": _started,
    "LiquidationStopped": _stopped,
    "OrderFilled": _filled,
    "AssetConverted": _converted,
    "AccountTakenOver": _taken_over,
    "LossRecorded": _loss,
    "LossAllocated": _allocated,
    "GainsCut": _cut,
    "PositionDeleveraged": _deleveraged,
    "SurplusSwept": _swept,
}
