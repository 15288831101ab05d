"""A small clearing house for tests: built in a few lines, driven by name, read back by name.

>>> house = ClearingHouse()
>>> house.list_contract("X", unit=10_000)  # a cent of numeraire per tick and lot
0
>>> house.open_client("A", deposit=20_000 * COIN)
>>> house.open_client("B", deposit=20_000 * COIN)
>>> house.price(500)
>>> house.trade("A", "B", lots=100, ticks=500)

Accounts of the house itself are named by role (``house.balance("INSURANCE_FUND")``).  Asset 0 is
the numeraire USDT with 6 decimals, asset 1 is BTC with 8; one source prices each asset but 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from novate.adapter.memory_journal import MemoryJournal
from novate.canonical import Run
from novate.engine.batch import Batch
from novate.engine.catalogue import refusal_of
from novate.engine.engine import Engine
from novate.engine.plugin import PLUGINS, Plugins
from novate.engine.state import State
from novate.kernel.codes import Layer, MarginMode, Role, Segregation, ShortfallPolicy, Style
from novate.message import command
from novate.message.declare import Message, Refusal, rows_of
from novate.message.parameter import Parameter, set_parameter
from novate.valuation.index_bound import index_bound

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
START = 1_584_000_000 * SECOND
"""12 March 2020, 08:00 UTC: a whole multiple of an hour and of eight hours."""

COIN = 10**6
"""Ledger units of one numeraire."""

E8 = 10**8

OWN_ROLES = (
    Role.INSURANCE_FUND,
    Role.SKIN_IN_THE_GAME,
    Role.LIQUIDATOR,
    Role.FEES,
    Role.RESIDUE,
    Role.SETTLEMENT,
    Role.CUSTODY,
    Role.EXTERNAL_MARKET,
)

TERMS: dict[str, Any] = {
    "symbol": "X",
    "form": 1,
    "style": int(Style.EACH_CYCLE),
    "underlying": 1,
    "settlement_asset": 0,
    "tick_e8": E8,
    "unit": COIN,
    "ticks_max": 10**6,
    "lots_max": 10**6,
    "maker_fee_ppm": 0,
    "taker_fee_ppm": 0,
    "cycle_ns": HOUR,
    "funding_ns": 0,
    "expiry_ns": 0,
    "settlement_window_ns": 0,
    "basis_clamp_ppm": 10_000,
    "funding_cap_e9": 0,
    "funding_damper_e9": 0,
    "interest_e9": 0,
}
"""A linear future: one tick is one numeraire, one tick on one lot is worth one numeraire."""


OPTION_TERMS: dict[str, Any] = {
    "symbol": "C",
    "kind": 1,
    "side": 1,
    "underlying": 1,
    "settlement_asset": 0,
    "strike_e8": 100 * E8,
    "payout_ticks": 0,
    "tick_e8": E8 // 100,
    "unit": COIN // 100,
    "ticks_max": 10**8,
    "lots_max": 10**6,
    "maker_fee_ppm": 0,
    "taker_fee_ppm": 0,
    "expiry_ns": START + 30 * DAY,
    "settlement_window_ns": 0,
    "margin_rule": 1,
    "barrier": 0,
    "barrier_e8": 0,
    "monitoring": 0,
    "observation_ns": 0,
    "rebate_ticks": 0,
}
"""A call at 100 on one coin, paid in numeraire: a tick is a cent."""


SHORT_RULE: dict[str, Any] = {
    "symbol": "deribit-standard",
    "initial_ppm": 150_000,
    "initial_floor_ppm": 100_000,
    "maintenance_ppm": 75_000,
    "call_value_ppm": 0,
    "put_value_ppm": 75_000,
    "close_out_ppm": 0,
    "entry_counts": False,
    "expiry_window_ns": 0,
    "expiry_ppm": 0,
}
"""The standard rule of Deribit for short options: the first that a house declares by itself."""

ENTRY_RULE: dict[str, Any] = {
    **SHORT_RULE,
    "symbol": "bybit",
    "maintenance_ppm": 30_000,
    "call_value_ppm": 30_000,
    "put_value_ppm": 30_000,
    "close_out_ppm": 2_000,
    "entry_counts": True,
}
"""The rule of Bybit, which counts entries: the second."""


class Recorder:
    """An `Emit` that only remembers: for deciding without applying."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, message: Message, /, **values: Any) -> None:
        message.row(**values)  # the columns must be those declared
        self.events.append((message.name, values))

    def columns(self, message: Message, /, **columns: Any) -> None:
        for row in rows_of(message.run(columns)):
            self(message, **row)

    booked = columns

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def only(self) -> dict[str, Any]:
        """Values of the one event there is."""
        [(_, values)] = self.events
        return values


def decide_one(decide: Any, state: Any, row: dict[str, Any], emit: Any) -> Refusal | None:
    """Decide one row by a decision that takes the columns of a run."""
    columns = {name: np.array([value], np.uint32) for name, value in row.items()}
    reasons = dict(decide(state, columns, emit))
    return reasons.get(0)


class ClearingHouse:
    """An engine over a journal in memory, with its own accounts, the numeraire and one coin."""

    def __init__(
        self,
        *,
        journal: Any = None,
        at_ns: int = START,
        assets: tuple[tuple[str, int, int], ...] = (("BTC", 8, 0),),
        parameters: dict[Parameter, int] | None = None,
        member: str = "M",
        default_fund: int = 0,
        plugins: Plugins = PLUGINS,
    ) -> None:
        self.engine = Engine(MemoryJournal() if journal is None else journal, State(plugins))
        self.batches: list[Batch] = []
        self.last: list[Batch] = []
        runs = [
            command.ADVANCE_TIME.row(instant_ns=at_ns),
            command.DECLARE_ASSET.row(symbol="USDT", decimals=6, haircut_bps=0),
        ]
        for number, (symbol, decimals, haircut_bps) in enumerate(assets, start=1):
            runs += [
                command.DECLARE_ASSET.row(
                    symbol=symbol, decimals=decimals, haircut_bps=haircut_bps
                ),
                command.DECLARE_SOURCE.row(symbol=f"{symbol}-1", asset=number, weight=1),
            ]
        runs += [_account(role.name, role) for role in OWN_ROLES]
        # A test trades and fills at any price, one source prices an asset, prices move at once, and
        # an order allows for no move, unless it says otherwise.
        free = (
            Parameter.TRADE_COLLAR_PPM, Parameter.CONVERSION_COLLAR_PPM, Parameter.JUMP_PPM,
            Parameter.RAMP_PPM, Parameter.ORDER_BAND_PPM,
        )  # fmt: skip
        given = {Parameter.INDEX_SOURCES_MIN: 1, **(parameters or {})}
        settings = {**dict.fromkeys(free, 0), **given}
        runs += [set_parameter(parameter, value) for parameter, value in settings.items()]
        self.submit(*runs)
        self.open_member(member, default_fund=default_fund)
        self.member = member

    # ---- driving

    def submit(self, *runs: Run, allow_refusals: bool = False) -> list[Batch]:
        """Submit runs; a refusal fails the test unless it is allowed."""
        self.last = self.engine.submit(list(runs))
        self.batches += self.last
        refused = self.refusals()
        assert allow_refusals or not refused, refused
        return self.last

    def open_member(self, name: str, *, default_fund: int = 0) -> None:
        """Open a member and, with an amount, its contribution ``<name>-fund``."""
        self.submit(_account(name, Role.MEMBER))
        if default_fund:
            self.submit(
                _account(f"{name}-fund", Role.DEFAULT_FUND, parent=self.number(name)),
            )
            self.deposit(f"{name}-fund", default_fund)

    def open_client(
        self,
        name: str,
        *,
        deposit: int = 0,
        member: str = "",
        role: Role = Role.CLIENT,
        mode: MarginMode = MarginMode.CROSS,
        shortfall_policy: ShortfallPolicy = ShortfallPolicy.AUTO_LIQUIDATE,
    ) -> None:
        """Open a margin account, with a deposit in numeraire."""
        parent = self.number(member or self.member)
        self.submit(
            _account(name, role, parent=parent, mode=mode, shortfall_policy=shortfall_policy)
        )
        if deposit:
            self.deposit(name, deposit)

    def deposit(self, account: str, amount: int, *, asset: int = 0) -> None:
        """Post collateral."""
        number = self.number(account)
        self.submit(command.POST_COLLATERAL.row(account=number, asset=asset, amount=amount))

    def list_contract(
        self,
        symbol: str = "X",
        *,
        tiers: tuple[tuple[int, int, int], ...] = ((0, 100_000, 50_000),),
        **terms: Any,
    ) -> int:
        """List a contract (`TERMS` changed by ``terms``) with tiers (floor, initial, maintenance).

        Returns its number.
        """
        number = self.state.instruments.count
        self.submit(command.LIST_INSTRUMENT.row(**{**TERMS, "symbol": symbol, **terms}))
        for floor, initial_ppm, maintenance_ppm in tiers:
            self.submit(
                command.SET_TIER.row(
                    instrument=number,
                    floor=floor,
                    initial_ppm=initial_ppm,
                    maintenance_ppm=maintenance_ppm,
                )
            )
        return number

    def list_option(self, symbol: str = "C", **terms: Any) -> int:
        """List an option (`OPTION_TERMS` changed by ``terms``); returns its number.

        The first one declares the rules of two venues for short options, numbers 1 and 2.
        """
        if not self.state.option_rules.count:
            self.declare_rule()
            self.declare_rule(**ENTRY_RULE)
        number = self.state.instruments.count
        self.submit(command.LIST_OPTION.row(**{**OPTION_TERMS, "symbol": symbol, **terms}))
        return number

    def set_model(self, account: str, model: int, *, allow_refusals: bool = False) -> None:
        """Give a group another margin model."""
        run = command.SET_MARGIN_MODEL.row(group=self.number(account), model=model)
        self.submit(run, allow_refusals=allow_refusals)

    def set_add_on(
        self, account: str, number: int, *, is_on: bool = True, allow_refusals: bool = False
    ) -> None:
        """Switch an add-on of a group on or off."""
        group = self.number(account)
        run = command.SET_ADD_ON.row(group=group, add_on=number, is_on=is_on)
        self.submit(run, allow_refusals=allow_refusals)

    def declare_rule(self, **terms: Any) -> None:
        """Declare a rule for short options (`SHORT_RULE` changed by ``terms``)."""
        self.submit(command.DECLARE_OPTION_MARGIN.row(**{**SHORT_RULE, **terms}))

    def smile(self, volatility: float, expiry_ns: int = START + 30 * DAY, **other: int) -> None:
        """Report a flat smile; ``other`` replaces columns of the command."""
        at_ns = self.state.now_ns
        variance = volatility**2 * (expiry_ns - at_ns) / (365 * DAY)
        row = {
            "underlying": 1, "expiry_ns": expiry_ns, "carry_e9": 0, "a_e9": round(variance * 1e9),
            "b_e9": 0, "rho_e9": 0, "m_e9": 0, "sigma_e9": 10**8, "observed_ns": at_ns, **other,
        }  # fmt: skip
        self.submit(command.REPORT_SURFACE.row(**row))

    def waterfall(self, last: Layer) -> None:
        """Declare the usual prefunded order with another last layer."""
        order = dict(
            zip(
                ("first", "second", "third", "fourth"),
                (1, 2, 3, 4),
                strict=True,
            )
        )
        self.submit(command.DECLARE_WATERFALL.row(**order, last=int(last)))

    def price(
        self,
        price: int | None,
        *,
        at_ns: int = 0,
        last: dict[int, int] | None = None,
        e8: dict[int, int] | None = None,
    ) -> list[Batch]:
        """Move the clock, report prices, and assess.

        ``price`` is the whole price of asset 1, None to report none; ``e8`` gives prices in 1e-8
        by source (source k-1 prices asset k); ``last`` gives venue prices by instrument.  Without
        an instant the clock moves by a nanosecond.
        """
        at_ns = at_ns or self.state.now_ns + 1
        given = dict(e8 or {})
        if price is not None:
            given[0] = price * E8
        runs = [command.ADVANCE_TIME.row(instant_ns=at_ns)]
        runs += [
            command.REPORT_PRICE.row(source=source, price_e8=value, observed_ns=at_ns)
            for source, value in given.items()
        ]
        runs += [
            command.REPORT_LAST.row(instrument=i, ticks=ticks) for i, ticks in (last or {}).items()
        ]
        return self.submit(*runs, command.ASSESS_MARGIN.row(instant_ns=at_ns))

    def advance(self, at_ns: int) -> list[Batch]:
        """Move the clock; what is due on the way is done."""
        return self.submit(command.ADVANCE_TIME.row(instant_ns=at_ns))

    def assess(self) -> list[Batch]:
        """Assess now."""
        return self.submit(command.ASSESS_MARGIN.row(instant_ns=self.state.now_ns))

    def trade_run(
        self, buyer: str, seller: str, *, lots: int, ticks: int, instrument: int = 0, **other: Any
    ) -> Run:
        """Build the command of one trade."""
        terms = {"buyer_is_maker": False, "buyer_reservation": 0, "seller_reservation": 0, **other}
        return command.SUBMIT_TRADE.row(
            buyer=self.number(buyer),
            seller=self.number(seller),
            instrument=instrument,
            ticks=ticks,
            lots=lots,
            **terms,
        )

    def trade(
        self, buyer: str, seller: str, *, lots: int, ticks: int, instrument: int = 0, **other: Any
    ) -> None:
        """Novate a trade."""
        self.submit(
            self.trade_run(buyer, seller, lots=lots, ticks=ticks, instrument=instrument, **other)
        )

    @contextmanager
    def before_funding_accrues(self) -> Iterator[None]:
        """Ask nobody for accrued funding (rule 7.93), as if the premium came later."""
        none, bound = np.zeros_like(self.state.marks.mark), index_bound(self.state)
        held = bound._replace(long_e9=none, short_e9=none, asked=bound.share)
        self.state.kept_bound = (-1, held)
        yield
        self.state.forget_bound()

    def fill(self, order: int, quantity: int, price: int, *, is_final: bool = False) -> list[Batch]:
        """Answer an order of the outbox."""
        return self.submit(
            command.REPORT_FILL.row(order=order, quantity=quantity, price=price, is_final=is_final)
        )

    # ---- reading

    @property
    def state(self) -> State:
        return self.engine.state

    def number(self, account: str) -> int:
        return self.state.accounts.number[account]

    def balance(self, account: str, asset: int = 0) -> int:
        return int(self.state.accounts.balance[self.number(account), asset])

    def status(self, account: str) -> int:
        return int(self.state.accounts.status[self.number(account)])

    def position(self, account: str, instrument: int = 0) -> dict[str, int]:
        """Columns of one position, all zero when there is none."""
        p = self.state.positions
        for row in range(p.count):
            if p.account[row] == self.number(account) and p.instrument[row] == instrument:
                return {name: int(getattr(p, name)[row]) for name in p.SPEC if name != "link"}
        return {name: 0 for name in p.SPEC if name != "link"}

    def lots(self, account: str, instrument: int = 0) -> int:
        return self.position(account, instrument)["lots"]

    def equity(self, account: str) -> int:
        return self.state.assess(self.number(account)).equity

    def events(self, name: str, *, last: bool = False) -> list[dict[str, Any]]:
        """Rows of one event, of all batches or of the last call of `submit`."""
        return [
            row
            for batch in (self.last if last else self.batches)
            for run in batch.events
            if run.name == name
            for row in rows_of(run)
        ]

    def event_names(self) -> list[str]:
        """Names of the event runs of the last call of `submit`, in order."""
        return [run.name for batch in self.last for run in batch.events]

    def refusals(self) -> list[Any]:
        """Refusal codes of the last call of `submit`, as members of their enums."""
        rows = self.events("CommandRefused", last=True)
        return [refusal_of(row["command"], row["code"]) for row in rows]


def _account(
    reference: str,
    role: Role,
    *,
    parent: int = -1,
    mode: MarginMode = MarginMode.CROSS,
    shortfall_policy: ShortfallPolicy = ShortfallPolicy.AUTO_LIQUIDATE,
) -> Run:
    return command.OPEN_ACCOUNT.row(
        reference=reference,
        role=int(role),
        parent=parent,
        segregation=int(Segregation.NONE),
        mode=int(mode),
        shortfall_policy=int(shortfall_policy),
    )
