"""State of the naive model, and what an account is worth."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import Any, TypeAlias

import pytest

from novate.kernel.codes import Bound, InstrumentStatus, MemberStatus, Role, Style
from novate.message.parameter import SETTINGS, Parameter, Scope
from tests.simulate.naive.account import Account, Group, Position, merge, within
from tests.simulate.naive.index import MEDIAN
from tests.simulate.naive.limited_risk import reliefs
from tests.simulate.naive.number import (
    AMOUNT_MAX,
    ceil_div,
    half_away,
    unit_price_of,
    worth_down,
    worth_up,
)
from tests.simulate.naive.ramp import has_ramp

LINEAR = 1


@dataclass
class Source:
    asset: int
    weight: int
    price: int = 0
    observed: int | None = None
    contradicted: int | None = None
    quote: int = 0
    is_inverted: bool = False


@dataclass
class Asset:
    decimals: int
    haircut: int
    price: int = 0
    slow: int = 0
    updated: int = 0
    is_stale: bool = True
    called: int = 0  # what the external market is to pay
    fresh: int = 0  # last assessment at which it was not stale
    decay: float = 1.0
    jumped: int | None = None  # when the jump began
    before_jump: int = 0
    agreed: int | None = None  # from when on sources agree with it
    halted: int | None = None  # since which assessment
    ramped: int | None = None  # when the ramp began
    ramp_from: int = 0
    ramp_up: bool = False
    low: int = 0  # of the index, in the present half of the time and the one before
    high: int = 0
    past_low: int = 0
    past_high: int = 0
    half_from: int = 0
    method: int = MEDIAN


@dataclass
class Tier:
    floor: int
    initial_ppm: int
    maintenance_ppm: int
    initial_deduction: float = 0.0
    maintenance_deduction: float = 0.0


@dataclass
class Smile:
    carry: float
    a: float
    b: float
    rho: float
    m: float
    sigma: float
    observed: int


@dataclass
class ShortRule:
    symbol: str
    initial_ppm: int
    initial_floor_ppm: int
    maintenance_ppm: int
    call_value_ppm: int
    put_value_ppm: int
    close_out_ppm: int
    entry_counts: bool
    expiry_window_ns: int
    expiry_ppm: int


@dataclass
class Instrument:
    terms: dict[str, Any]
    next_cycle: int
    next_funding: int
    next_expiry: int
    funding_waits_from: int = 0  # instant of funding that waits for a price
    is_late_expiry: bool = False  # whether the expiry has waited
    status: int = InstrumentStatus.ACTIVE
    tiers: list[Tier] = field(default_factory=list)
    cycle: int = 0
    period: int = 0
    liquidator_had: int = 0  # lots of the liquidator after the last funding
    taken_over: int = 0  # lots of the external market, by liquidation since the last funding
    last: int = 0
    index: int = 0
    mark: int = 0
    slow: int = 0
    basis_e8: int = 0
    slow_basis_e8: int = 0
    premium_e9: int = 0
    premium_sum: int = 0
    premium_ms: int = 0
    funded: int = 0
    final_sum: int = 0
    final_rest: int = 0
    final_ms: int = 0
    final_index: int = 0  # in ticks, also 0
    updated: int = 0
    short_initial: int = 0
    short_maintenance: int = 0
    stale_ppm: int = 0  # what margin asks more of the notional
    is_knocked: bool = False
    next_observation: int = 0
    suspended: int = 0  # from when on
    is_delisted: bool = False
    proposed: tuple[int, int, str] | None = None  # price, instant, name

    @property
    def is_option(self) -> bool:
        return bool(self.terms["style"] == Style.PREMIUM)

    @pytest.mark.rule("2.1", "2.2", "2.3")
    def value(self, ticks: int, lots: int) -> int:
        """Value of signed lots at a price, in units of the settlement asset."""
        if self.terms["form"] == LINEAR:
            return int(self.terms["unit"] * lots * ticks)
        return half_away(-self.terms["unit"] * lots, ticks)

    @pytest.mark.rule("2.8")
    def reach(self, lots: int) -> int:
        """The largest size of the value of lots at any price that is accepted."""
        linear = self.terms["form"] == LINEAR
        return int(self.terms["unit"] * abs(lots) * (self.terms["ticks_max"] if linear else 1))

    @property
    def settles_in(self) -> int:
        return int(self.terms["settlement_asset"])


@dataclass
class Reservation:
    account: int
    instrument: int
    lots: int
    limit: int
    open_order_hold: int
    is_asked_back: bool = False


@dataclass
class Order:
    account: int
    kind: int
    subject: int
    quantity: int
    limit: int
    answered: int
    is_open: bool = True


@dataclass
class Obligation:
    number: int
    group: int
    amount: int
    called: int
    paid: int = 0
    is_open: bool = True


@dataclass
class Loss:
    account: int
    amount: int
    is_open: bool = True


@dataclass
class Numbers:
    """A group's assessment in numeraire units."""

    equity: int = 0
    net: int = 0
    initial: int = 0
    maintenance: int = 0
    notional: int = 0
    gain: int = 0
    unproven: int = 0
    debts: tuple[int, int] = (0, 0)  # of initial and maintenance margin, what debts ask for
    share: dict[tuple[int, int], int] = field(default_factory=dict)  # by contract and set
    bound: tuple[Bound, int] = (Bound.NONE, -1)  # and the number of a scenario


@pytest.mark.rule("3.7", "3.9", "5.44")
def margin_of(instrument: Instrument, notional: float, *, initial: bool) -> int:
    """Margin of one position: the tier whose floor is the highest not above the notional."""
    ppm, deduction = 1_000_000, 0.0
    for tier in instrument.tiers:
        if float(tier.floor) <= notional:
            ppm = tier.initial_ppm if initial else tier.maintenance_ppm
            deduction = tier.initial_deduction if initial else tier.maintenance_deduction
    return math.ceil(notional * ((ppm + instrument.stale_ppm) / 1e6) - deduction)


SETTLES = {
    "AssetConverted",
    "BarrierTouched",
    "ContractExpired",
    "CycleSettled",
    "FundingSettled",
    "OptionExpired",
    "OrderFilled",
}
"""Events by which gains are cash before an assessment has seen whether somebody paid."""

MarginOf: TypeAlias = Callable[["World", Group, Numbers], None]
"""Puts what a model asks in the place of what the rules of contracts ask."""

AddOnOf: TypeAlias = Callable[["World", Group], tuple[int, int]]
"""Initial and maintenance margin that an add-on asks for."""


class World:
    """Everything that the clearing house knows."""

    def __init__(
        self,
        margin_models: Mapping[int, MarginOf] | None = None,
        add_ons: Mapping[int, AddOnOf] | None = None,
    ) -> None:
        self.margin_models = margin_models or {}
        self.add_ons = add_ons or {}
        self.now = 0
        self.window_from: int | None = None
        self.paused: int | None = None  # when the house paused
        self.is_pause_over = False  # by its length alone
        self.uncovered = 0
        self.payable = 0  # what the liquidator may still be paid for losses in this record
        self.able: list[tuple[int, int]] = []  # what groups can bear in it, after its losses so far
        self.interest_until = self.share_due = 0  # the last: when that is shared by net worth
        self.assessed = [0, 0]  # instants of the last assessments
        # Of called groups, and what open ones miss, as this record began.
        self.arrears: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.unpaid = self.gains = 0  # the gains of all groups, while something is unpaid
        self.has_settled = False  # whether money moved that no assessment has seen
        self.answerable: set[int] = set()  # members of what the liquidator closes out
        self.parameters = {p: SETTINGS[p].default for p in Parameter}
        self.overrides: dict[tuple[int, int, int], int] = {}  # (parameter, scope, subject)
        self.dated_parameters: dict[tuple[int, int, int, int], int] = {}  # and its instant
        self.dated_tiers: dict[tuple[int, int], list[Tier]] = {}  # (instrument, instant)
        self.dated_rules: dict[tuple[int, int], int] = {}
        self.without: int | None = None  # an asset that counts nothing as collateral for a while
        self.kept_marks: list[int] | None = None  # the marks, while prices are other ones
        self.view = ""  # of stale collateral: "" as it is, "new credit", or "no decay"
        self.reported: set[tuple[str, Any]] = set()  # prices that no assessment has seen
        self.run_rows: list[dict[str, Any]] = []  # of the run of commands that is being decided
        self.waterfall: tuple[int, ...] = ()
        self.assets: list[Asset] = []
        self.asset_symbols: set[str] = set()
        self.instrument_symbols: set[str] = set()
        self.references: set[str] = set()
        self.sources: list[Source] = []
        self.smiles: dict[tuple[int, int], Smile] = {}
        self.short_rules: list[ShortRule] = []
        self.instruments: list[Instrument] = []
        self.accounts: list[Account] = []
        self.reservations: list[Reservation] = []
        self.obligations: list[Obligation] = []
        self.orders: list[Order] = []
        self.losses: list[Loss] = []
        self.events: list[tuple[str, dict[str, Any]]] = []

    @pytest.mark.rule("6.110")
    def emit(self, event: str, /, **values: Any) -> None:
        self.has_settled |= event in SETTLES
        self.events.append((event, values))

    @pytest.mark.rule("6.15")
    def parameter(
        self,
        parameter: Parameter,
        account: Account | None = None,
        instrument: Instrument | None = None,
    ) -> int:
        """What holds for an account and an instrument: the narrowest value that was set."""
        value = self.parameters[parameter]
        if instrument is not None:
            number = next(k for k, i in enumerate(self.instruments) if i is instrument)
            value = self.overrides.get((parameter, Scope.INSTRUMENT, number), value)
        if account is not None:
            value = self.overrides.get((parameter, Scope.GROUP, account.group), value)
            value = self.overrides.get((parameter, Scope.ACCOUNT, account.number), value)
        return value

    def number_of(self, role: Role) -> int:
        """Number of the clearing house's own account of a role, -1 without one."""
        return next((k for k, a in enumerate(self.accounts) if a.role == role), -1)

    def single(self, role: Role) -> Account:
        return self.accounts[self.number_of(role)]

    @pytest.mark.rule("6.51", "6.52", "7.40")
    def is_suspended(self, account: Account) -> bool:
        """Whether an account's member is not active."""
        return account.parent >= 0 and self.accounts[account.parent].status != MemberStatus.ACTIVE

    @pytest.mark.rule("2.5")
    def unit_price(self, asset: int) -> float:
        if asset == 0:
            return 1.0
        a = self.assets[asset]
        return unit_price_of(a.price, a.decimals, self.assets[0].decimals)

    @pytest.mark.rule("2.6", "5.43", "6.81")
    def keep(self, asset: int) -> float:
        """What is left of an asset as collateral."""
        a = self.assets[asset]
        if asset == self.without:
            return 0.0
        if self.view == "new credit" and a.is_stale and asset:
            return 0.0
        full = (10_000 - a.haircut) / 10_000
        return full if self.view == "no decay" else full * a.decay

    @contextmanager
    def seen_as(self, view: str) -> Iterator[None]:
        """Look at stale collateral in another way for a while."""
        before, self.view = self.view, view
        try:
            yield
        finally:
            self.view = before

    @contextmanager
    def worthless(self, asset: int, *, is_so: bool) -> Iterator[None]:
        """Let an asset count nothing as collateral for a while."""
        self.without = asset if is_so else None
        try:
            yield
        finally:
            self.without = None

    def price_in(self, instrument: Instrument) -> float:
        """Unit price of an instrument's settlement asset."""
        return self.unit_price(instrument.settles_in)

    @pytest.mark.rule("15.64")
    def load(self, account: Account, asset: int) -> int:
        """Sizes of a balance and of the settlement costs of the asset's contracts."""
        return abs(account.balance[asset]) + sum(
            abs(p.settlement_cost)
            for k, p in account.positions.items()
            if self.instruments[k].settles_in == asset
        )

    @pytest.mark.rule("5.20")
    def is_blocked(self, instrument: Instrument) -> bool:
        """No mark, a stale index, or too few sources that reported lately; or it is over."""
        return self.is_over(instrument) or self.lacks_price(instrument)

    @pytest.mark.rule("5.20")
    def lacks_price(self, instrument: Instrument) -> bool:
        """No mark, or an index that is not fresh."""
        return instrument.mark <= 0 or self.lacks_index(instrument)

    @pytest.mark.rule("5.42")
    def is_over(self, instrument: Instrument) -> bool:
        """Whether the expiry has come."""
        return 0 < instrument.terms["expiry_ns"] <= self.now

    @pytest.mark.rule("5.21", "5.66")
    def is_halted(self, instrument: Instrument) -> bool:
        """Whether no position may be opened or added to."""
        old = instrument.is_option and self.smile(instrument) is None
        used = {instrument.terms["underlying"], instrument.settles_in} - {0}
        ramps = any(has_ramp(self, a) for a in used)
        suspended = 0 < instrument.suspended <= self.now
        narrow = any(self.is_narrow(a) for a in used)
        tiny = instrument.terms["form"] == LINEAR and not instrument.is_option
        tiny &= instrument.mark > 0 and instrument.final_index == 0
        return old or ramps or suspended or narrow or tiny or self.is_blocked(instrument)

    @pytest.mark.rule("5.20")
    def lacks_index(self, instrument: Instrument) -> bool:
        """Whether the index of underlying or settlement asset is not fresh."""
        used = {instrument.terms["underlying"], instrument.settles_in} - {0}
        return any(not self.is_fresh(a) for a in used)

    @pytest.mark.rule("5.22")
    def smile(self, instrument: Instrument) -> Smile | None:
        """The smile of an option, if it is not too old."""
        smile = self.last_smile(instrument)
        oldest = self.now - self.parameters[Parameter.SURFACE_STALENESS_NS]
        return smile if smile is not None and smile.observed >= oldest else None

    @pytest.mark.rule("9.4")
    def last_smile(self, instrument: Instrument) -> Smile | None:
        """The smile of an option, however old."""
        return self.smiles.get((instrument.terms["underlying"], instrument.terms["expiry_ns"]))

    def short_rule(self, instrument: Instrument) -> ShortRule:
        """The declared rule for shorts of an option."""
        return self.short_rules[instrument.terms["margin_rule"] - 1]

    @pytest.mark.rule("5.19", "5.84")
    def is_fresh(self, asset: int) -> bool:
        """A price that is reported, and no jump that nobody confirmed."""
        return self.is_reported(asset) and self.assets[asset].jumped is None

    @pytest.mark.rule("5.19")
    def is_reported(self, asset: int) -> bool:
        """A price, and enough sources that reported lately."""
        few = self.lacks_sources(asset)
        return not few and not self.assets[asset].is_stale and self.unit_price(asset) > 0

    def is_stale(self, instrument: Instrument) -> bool:
        return self.assets[instrument.terms["underlying"]].is_stale

    def lacks_sources(self, asset: int) -> bool:
        minimum = self.parameters[Parameter.INDEX_SOURCES_MIN]
        return len(self.usable_sources(asset)) < minimum

    @pytest.mark.rule("5.65")
    def is_narrow(self, asset: int) -> bool:
        """Whether an index that may be fresh rests on too little of the weight."""
        usable = sum(
            self.sources[k].weight
            for k in self.usable_sources(asset)
            if not self.sources[k].quote or not self.is_narrow(self.sources[k].quote)
        )
        declared = sum(s.weight for s in self.sources if s.asset == asset)
        return usable * 1_000_000 < declared * self.parameters[Parameter.INDEX_WEIGHT_MIN_PPM]

    @pytest.mark.rule("5.4", "5.62", "5.64")
    def usable_sources(self, asset: int) -> list[int]:
        oldest = self.now - self.parameters[Parameter.INDEX_STALENESS_NS]
        return [
            k
            for k, s in enumerate(self.sources)
            if s.asset == asset and s.weight and s.observed is not None
            if s.observed >= oldest and s.observed != s.contradicted
            if s.quote == 0 or self.is_fresh(s.quote)
        ]

    @pytest.mark.rule("4.85")
    def index_went(self, asset: int) -> int:
        """Until when an index was fresh, as far as its sources and a jump tell; else now."""
        if asset == 0:
            return self.now
        life, needed = (
            self.parameters[p] for p in (Parameter.INDEX_STALENESS_NS, Parameter.INDEX_SOURCES_MIN)
        )
        old = [
            min(s.observed + life, self.index_went(s.quote) if s.quote else self.now)
            for s in self.sources
            if s.asset == asset and s.observed is not None
        ]
        old.sort()
        found = [self.now, *([old[-needed]] if len(old) >= needed else [])]
        jumped = self.assets[asset].jumped
        return min(found if jumped is None else [*found, jumped])

    @pytest.mark.rule("5.132")
    def price_told_by(self, k: int) -> int:
        """What a source says an asset costs, 1e-8 numeraire."""
        s = self.sources[k]
        if s.quote == 0 and not s.is_inverted:
            return s.price
        quote = Fraction(self.assets[s.quote].price if s.quote else 10**8, 10**8)
        told = Fraction(s.price, 10**8)
        exact = (quote / told if s.is_inverted else quote * told) * 10**8
        return min(max(floor(exact + Fraction(1, 2)), 1), 10**17)

    @pytest.mark.rule("6.30")
    def accounts_of(self, group: int) -> list[Account]:
        """Accounts of a margin group, by number."""
        return [a for a in self.accounts if a.group == group]

    def margin_groups(self) -> list[int]:
        """Margin groups of margin accounts, each by the account that it began with."""
        return sorted({a.group for a in self.accounts if a.has_margin})

    def group(self, account: Account, *others: Account) -> Group:
        """The group of an account as if it and some others stood in the place of their own."""
        inside = {a.number: a for a in self.accounts_of(account.group)}
        inside |= {a.number: a for a in (account, *others) if a.group == account.group}
        return merge(list(inside.values()))

    @pytest.mark.rule("4.22", "6.36")
    def blocked_positions(self, account: Account) -> list[int]:
        """Contracts of open positions whose price is blocked; long options decide nothing."""
        return [
            i
            for (i, _), p in sorted(self.group(account).positions.items())
            if p.lots
            and self.is_blocked(self.instruments[i])
            and not (p.lots > 0 and self.instruments[i].is_option)
        ]

    @property
    def is_paused(self) -> bool:
        return self.paused is not None and not self.is_pause_over

    @pytest.mark.rule("4.22", "6.36")
    def is_held_up(self, account: Account) -> bool:
        """Whether positions have no price, and none has one."""
        held = [k for (k, _), p in self.group(account).positions.items() if p.lots]
        priced = [k for k in held if not self.is_blocked(self.instruments[k])]
        if priced or self.owes_what_converts(account):
            return False
        return bool(self.blocked_positions(account))

    @pytest.mark.rule("4.22")
    def owes_what_converts(self, account: Account) -> bool:
        """Whether an account of the group has a debt that a conversion would pay now."""
        fresh = [a for a in range(1, len(self.assets)) if self.is_fresh(a)]
        for one in self.accounts_of(account.group):
            coins = [one.balance[a] for a in fresh]
            if any(c < 0 for c in coins) or (one.balance[0] < 0 and any(c > 0 for c in coins)):
                return True
        return False

    @pytest.mark.rule("6.36", "10.2")
    def worth_of_options(self, account: Account) -> tuple[int, int]:
        """Marks of the long and of the short options not blocked, or only by a jump."""
        total = [0, 0]
        for (k, _), p in self.group(account).positions.items():
            i = self.instruments[k]
            used = {i.terms["underlying"], i.settles_in} - {0}
            is_there = i.mark > 0 and all(self.is_reported(a) for a in used)
            if i.is_option and p.lots and is_there and not self.is_over(i):
                total[p.lots < 0] += worth_down(i.value(i.mark, p.lots), self.price_in(i))
        return within(total[0]), within(total[1])

    @pytest.mark.rule("3.5", "3.15")
    def maintenance_by_rule(self, number: int, lots: int) -> int:
        """Maintenance margin of lots of a contract with a mark, by its rule."""
        i = self.instruments[number]
        if i.is_option:
            short = max(-lots, 0)
            return worth_up(i.terms["unit"] * short * i.short_maintenance, self.price_in(i))
        notional = float(abs(i.value(i.mark, lots))) * self.price_in(i)
        return margin_of(i, min(notional, float(AMOUNT_MAX)), initial=False)

    @pytest.mark.rule(
        "3.2", "3.3", "3.4", "3.5", "3.6", "3.10", "3.11", "3.19", "3.20", "3.21", "3.22", "6.36"
    )
    def assess(self, account: Account, *others: Account) -> Numbers:
        """What the group of an account is worth and must hold; others as in `group`."""
        group, out = self.group(account, *others), Numbers()
        sums: list[defaultdict[int, int]] = [defaultdict(int) for _ in range(3)]
        unsettled, options, option_gain = sums
        asked: dict[tuple[int, int], tuple[int, int]] = {}  # of options
        for place, p in sorted(group.positions.items()):
            i = self.instruments[place[0]]
            if i.is_option:
                asked[place] = self._assess_option(place, p, out, options, option_gain)
                continue
            if i.mark <= 0:
                unsettled[i.settles_in] -= p.settlement_cost
                continue
            unsettled[i.settles_in] += i.value(i.mark, p.lots) - p.settlement_cost
            price = self.price_in(i)
            if p.widest:
                notional = min(float(abs(i.value(i.mark, p.lots))) * price, float(AMOUNT_MAX))
                out.share[place] = margin_of(i, notional, initial=False)
                out.maintenance += out.share[place]
                worst = min(float(abs(i.value(i.mark, p.widest))) * price, float(AMOUNT_MAX))
                out.initial += margin_of(i, worst, initial=True)
                out.notional += math.ceil(notional)
            if i.slow > 0:
                above = max(i.value(i.mark, p.lots) - i.value(i.slow, p.lots), 0)
                out.unproven += worth_up(above, price)
        self._ask(group, out, reliefs(self, group, asked))
        debts: dict[int, int] = {}
        for asset in range(len(self.assets)):
            total = group.balance[asset] + unsettled[asset]
            gain = unsettled[asset] + option_gain[asset]
            if asset == 0:
                out.equity, out.net = within(total), within(total + options[asset])
                out.gain = within(gain)
                continue
            price = self.unit_price(asset)
            keep = self.keep(asset)
            out.net = within(out.net + worth_down(total + options[asset], price))
            kept = price * keep if total > 0 else price
            out.equity = within(out.equity + worth_down(total, kept))
            out.gain = within(out.gain + worth_down(gain, price))
            debts[asset] = max(-total, 0)
        self._ask_of_debts(account, debts, out)
        return out

    @pytest.mark.rule("3.50", "3.51")
    def _ask_of_debts(self, account: Account, debts: dict[int, int], out: Numbers) -> None:
        """Add what debts in other assets ask for, each rounded up."""
        asked = [0, 0]
        for asset, debt in debts.items():
            shares = self.debt_shares(self.accounts[account.group], asset)
            for k, share in enumerate(shares):
                asked[k] += worth_up(debt, self.unit_price(asset) * share)
        out.debts = min(asked[0], AMOUNT_MAX), min(asked[1], AMOUNT_MAX)
        out.initial += out.debts[0]
        out.maintenance += out.debts[1]

    @pytest.mark.rule("3.50", "6.39")
    def debt_shares(self, account: Account, asset: int) -> tuple[float, float]:
        """Shares of a debt in an asset that a group must hold, initial and maintenance margin."""
        haircut = 100 * self.assets[asset].haircut
        initial = max(self.parameter(Parameter.DEBT_INITIAL_PPM, account), haircut)
        maintenance = max(self.parameter(Parameter.DEBT_MAINTENANCE_PPM, account), haircut)
        return initial / 1_000_000, maintenance / 1_000_000

    @pytest.mark.rule("3.23", "3.24", "3.30", "3.31")
    def _ask(self, group: Group, out: Numbers, relief: list[int]) -> None:
        """Bound the sums, ask the group's own model and add-ons, and add what orders hold."""
        out.initial, out.maintenance = out.initial - relief[0], out.maintenance - relief[1]
        for name in ("initial", "maintenance", "notional", "unproven"):
            setattr(out, name, min(getattr(out, name), 2 * AMOUNT_MAX))
        held = [i for i in out.share if group.positions[i].lots]
        out.bound = (Bound.CONTRACT if held else Bound.NONE, -1)
        if group.model in self.margin_models:
            self.margin_models[group.model](self, group, out)
        for number in group.add_ons:
            initial, maintenance = self.add_ons[number](self, group)
            out.initial = min(out.initial + initial, 2 * AMOUNT_MAX)
            out.maintenance = min(out.maintenance + maintenance, 2 * AMOUNT_MAX)
        out.initial += group.open_order_hold

    @pytest.mark.rule("3.12", "3.13", "3.14", "3.15", "3.16", "3.17", "3.18")
    def _assess_option(
        self,
        place: tuple[int, int],
        p: Position,
        out: Numbers,
        options: defaultdict[int, int],
        option_gain: defaultdict[int, int],
    ) -> tuple[int, int]:
        """An option is worth its mark in net equity; a short asks for margin, orders included.

        Returns initial and maintenance margin of it.
        """
        i = self.instruments[place[0]]
        short, worst = max(-p.lots, 0), max(p.sells - p.lots, 0)
        if i.mark <= 0 or (p.lots == 0 and worst == 0):
            return 0, 0
        price, unit = self.price_in(i), i.terms["unit"]
        value = i.value(i.mark, p.lots)
        options[i.settles_in] += value
        option_gain[i.settles_in] += value - p.entry_cost
        older = ceil_div(i.mark * i.stale_ppm, 1_000_000)  # rule 5.44
        initial = worth_up(unit * worst * (i.short_initial + older), price)
        if self.short_rule(i).entry_counts and short:
            keep = self.keep(i.settles_in)
            dearer = max(-p.entry_cost - unit * short * i.mark, 0)
            initial += worth_up(dearer, price * keep)
        out.initial += initial
        out.share[place] = worth_up(unit * short * (i.short_maintenance + older), price)
        out.maintenance += out.share[place]
        out.notional += worth_up(abs(value), price)
        out.unproven += worth_up(max(unit * short * (i.slow - i.mark), 0), price)
        return initial, out.share[place]
