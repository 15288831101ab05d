"""Commands from outside: what is refused, and what the rest do."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from novate.kernel.codes import (
    AccountStatus,
    InstrumentStatus,
    Layer,
    MemberStatus,
    OrderKind,
    Role,
    Style,
)
from novate.message import refusal
from novate.message.parameter import Parameter
from tests.simulate.naive import (
    barrier,
    contract,
    failure,
    group,
    margin,
    obligation,
    order,
    takeover,
    terms,
    transfer,
)
from tests.simulate.naive.account import Account, Position
from tests.simulate.naive.accrued import accrued_funding
from tests.simulate.naive.book import add_window_gain, book_leg, fee_of, still_held
from tests.simulate.naive.cash import settle_external_market, share_of_unpaid, there_is
from tests.simulate.naive.number import (
    AMOUNT_MAX,
    RefusedError,
    ceil_div,
    refuse_if,
    worth_up,
)
from tests.simulate.naive.option import declare_option_margin, list_option, report_surface
from tests.simulate.naive.other_price import at_every_price, at_index
from tests.simulate.naive.transfer import lacks_a_price, lacks_an_assessment, must_stay
from tests.simulate.naive.world import (
    Asset,
    Instrument,
    Numbers,
    Order,
    Reservation,
    Source,
    World,
)

PRICE_MAX = 10**17
MILLION = 1_000_000
DAY = 86_400 * 10**9
Row = dict[str, Any]


@pytest.mark.rule("15.9", "15.10")
def declare_asset(w: World, row: Row, _: int) -> None:
    code = refusal.DeclareAssetRefusal
    haircut = row["haircut_bps"]
    refuse_if(not row["symbol"] or row["symbol"] in w.asset_symbols, code.SYMBOL_TAKEN)
    refuse_if(not 0 <= row["decimals"] <= 12, code.DECIMALS_OUT_OF_RANGE)
    refuse_if(not 0 <= haircut <= (10_000 if w.assets else 0), code.HAIRCUT_OUT_OF_RANGE)
    asset = Asset(row["decimals"], haircut)
    if not w.assets:
        asset.price = asset.slow = 10**8
        asset.is_stale = False
    w.assets.append(asset)
    w.asset_symbols.add(row["symbol"])
    w.emit("AssetDeclared", asset=len(w.assets) - 1, **row)


@pytest.mark.rule("6.12")
def set_haircut(w: World, row: Row, _: int) -> None:
    code = refusal.SetHaircutRefusal
    refuse_if(not 0 < row["asset"] < len(w.assets), code.UNKNOWN_ASSET)
    refuse_if(not 0 <= row["haircut_bps"] <= 10_000, code.HAIRCUT_OUT_OF_RANGE)
    w.assets[row["asset"]].haircut = row["haircut_bps"]
    w.emit("HaircutSet", **row)


@pytest.mark.rule("15.11")
def declare_source(w: World, row: Row, _: int) -> None:
    code = refusal.DeclareSourceRefusal
    refuse_if(not 0 < row["asset"] < len(w.assets), code.UNKNOWN_ASSET)
    refuse_if(not 0 < row["weight"] <= MILLION, code.WEIGHT_NOT_POSITIVE)
    w.sources.append(Source(row["asset"], row["weight"]))
    w.emit("SourceDeclared", source=len(w.sources) - 1, **row)


@pytest.mark.rule("5.64", "15.40")
def set_source_weight(w: World, row: Row, _: int) -> None:
    code = refusal.SetSourceWeightRefusal
    refuse_if(row["source"] >= len(w.sources), code.UNKNOWN_SOURCE)
    refuse_if(not 0 <= row["weight"] <= MILLION, code.WEIGHT_OUT_OF_RANGE)
    w.sources[row["source"]].weight = row["weight"]
    w.emit("SourceWeightSet", **row)


@pytest.mark.rule("5.130", "5.133")
def set_source_quote(w: World, row: Row, _: int) -> None:
    code = refusal.SetSourceQuoteRefusal
    refuse_if(row["source"] >= len(w.sources), code.UNKNOWN_SOURCE)
    source = w.sources[row["source"]]
    refuse_if(row["quote"] >= source.asset, code.UNKNOWN_ASSET)
    source.quote, source.is_inverted = row["quote"], bool(row["is_inverted"])
    source.contradicted = source.observed
    note_report(w, source.asset)
    w.emit("SourceQuoteSet", **row)


@pytest.mark.rule("5.40", "5.134")
def note_report(w: World, asset: int) -> None:
    """The price of an asset is not assessed, nor of those whose sources quote in it."""
    w.reported.add(("index", asset))
    for other in {s.asset for s in w.sources if s.quote == asset and asset}:
        note_report(w, other)


@pytest.mark.rule("15.12", "15.13", "15.14", "15.15", "15.16")
def terms_refusals(w: World, row: Row) -> None:
    """The limits of a contract's terms."""
    code = refusal.ListInstrumentRefusal
    assets = len(w.assets)
    taken = not row["symbol"] or row["symbol"] in w.instrument_symbols
    refuse_if(taken, code.SYMBOL_TAKEN)
    refuse_if(row["form"] not in (1, 2), code.UNKNOWN_FORM)
    refuse_if(row["style"] not in (1, 2), code.UNKNOWN_STYLE)
    refuse_if(not 0 < row["underlying"] < assets, code.UNKNOWN_ASSET)
    refuse_if(row["settlement_asset"] >= assets, code.UNKNOWN_ASSET)
    refuse_if(not 0 < row["tick_e8"] <= 10**14, code.TICK_OUT_OF_RANGE)
    refuse_if(not 0 < row["unit"] <= AMOUNT_MAX, code.UNIT_OUT_OF_RANGE)
    most = row["unit"] * row["lots_max"] * (row["ticks_max"] if row["form"] == 1 else 1)
    is_small = 0 < row["ticks_max"] <= 10**10 and row["lots_max"] > 0 and most <= AMOUNT_MAX
    refuse_if(not is_small, code.LIMITS_OVERFLOW)
    maker, taker = row["maker_fee_ppm"], row["taker_fee_ppm"]
    is_fair = abs(maker) <= 100_000 and 0 <= taker <= 100_000 and maker + taker >= 0
    refuse_if(not is_fair, code.FEE_OUT_OF_RANGE)
    intervals = max(row["cycle_ns"], row["funding_ns"], 30 * row["settlement_window_ns"])
    least = min(row["cycle_ns"], row["funding_ns"], row["settlement_window_ns"])
    short = any(0 < row[name] < DAY // 1440 for name in ("cycle_ns", "funding_ns"))
    refuse_if(least < 0 or short or intervals > 30 * DAY, code.INTERVAL_OUT_OF_RANGE)
    refuse_if(row["expiry_ns"] != 0 and row["expiry_ns"] <= w.now, code.EXPIRY_PASSED)
    limits = (row["funding_cap_e9"], row["funding_damper_e9"], abs(row["interest_e9"]))
    in_range = 0 <= row["basis_clamp_ppm"] <= MILLION and 0 <= min(limits) <= max(limits) <= 10**9
    refuse_if(not in_range, code.CLAMP_OUT_OF_RANGE)
    refuse_if(w.now == 0, code.CLOCK_NOT_SET)


@pytest.mark.rule("8.5")
def list_instrument(w: World, row: Row, _: int) -> None:
    terms_refusals(w, row)
    cycle, funding = row["cycle_ns"], row["funding_ns"]
    next_cycle = (w.now // cycle + 1) * cycle if cycle else 0
    next_funding = (w.now // funding + 1) * funding if funding else 0
    w.instruments.append(Instrument(row, next_cycle, next_funding, row["expiry_ns"]))
    w.instruments[-1].funded = w.now
    w.instrument_symbols.add(row["symbol"])
    number = len(w.instruments) - 1
    w.single(Role.SETTLEMENT).positions[number]  # its place for cash paid early
    w.emit(
        "InstrumentListed",
        instrument=number,
        **row,
        next_cycle_ns=next_cycle,
        next_funding_ns=next_funding,
    )


@pytest.mark.rule("13.2", "13.19")
def declare_waterfall(w: World, row: Row, _: int) -> None:
    code = refusal.DeclareWaterfallRefusal
    layers = [row[name] for name in ("first", "second", "third", "fourth")]
    refuse_if(any(layer not in failure.PREFUNDED for layer in layers), code.UNKNOWN_LAYER)
    refuse_if(len(set(layers)) < 4, code.LAYER_TWICE)
    before = (
        layers[: layers.index(Layer.INSURANCE_FUND)] if Layer.INSURANCE_FUND in layers else layers
    )
    too_early = any(layer in failure.OTHERS_PAY for layer in before)
    own_first = layers[0] == Layer.OWN_CONTRIBUTION
    refuse_if(too_early or not own_first, code.SHARED_BEFORE_FUND)
    refuse_if(row["last"] not in failure.LAST, code.UNKNOWN_LAST_LAYER)
    w.waterfall = (*layers, row["last"])
    w.emit("WaterfallDeclared", **row)


@pytest.mark.rule("6.1", "6.2", "6.3", "6.30", "6.51")
def open_account(w: World, row: Row, _: int) -> None:
    code = refusal.OpenAccountRefusal
    role, parent = row["role"], row["parent"]
    refuse_if(not row["reference"] or row["reference"] in w.references, code.REFERENCE_TAKEN)
    refuse_if(role not in list(Role), code.UNKNOWN_ROLE)
    same = [a for a in w.accounts if a.role == role]
    mine = [a for a in same if a.parent == parent]
    taken = {Role.DEFAULT_FUND: mine, Role.MEMBER: [], Role.HOUSE: [], Role.CLIENT: []}
    refuse_if(bool(taken.get(Role(role), same)), code.ROLE_TAKEN)
    owned = role in (Role.HOUSE, Role.CLIENT, Role.DEFAULT_FUND)
    known = 0 <= parent < len(w.accounts) and w.accounts[parent].role == Role.MEMBER
    refuse_if(not known if owned else parent != -1, code.UNKNOWN_MEMBER)
    refuse_if(row["mode"] not in (1, 2), code.UNKNOWN_MODE)
    refuse_if(row["shortfall_policy"] not in (1, 2), code.UNKNOWN_SHORTFALL_POLICY)
    refuse_if(not 0 <= row["segregation"] <= 4, code.UNKNOWN_SEGREGATION)
    inactive = owned and w.accounts[parent].status != MemberStatus.ACTIVE
    refuse_if(inactive, code.MEMBER_NOT_ACTIVE)
    number = len(w.accounts)
    policies = (row["mode"], row["shortfall_policy"], row["segregation"])
    w.accounts.append(Account(number, role, parent, *policies, number, number, number, parent))
    w.references.add(row["reference"])
    w.emit("AccountOpened", account=number, **row)


@pytest.mark.rule("6.4", "6.5", "6.6", "6.7")
def post_collateral(w: World, row: Row, _: int) -> None:
    code = refusal.PostCollateralRefusal
    funds = (Role.DEFAULT_FUND, Role.INSURANCE_FUND, Role.SKIN_IN_THE_GAME)
    number, asset, amount = row["account"], row["asset"], row["amount"]
    refuse_if(number >= len(w.accounts), code.UNKNOWN_ACCOUNT)
    account = w.accounts[number]
    refuse_if(not account.has_margin and account.role not in funds, code.UNKNOWN_ACCOUNT)
    refuse_if(asset >= len(w.assets), code.UNKNOWN_ASSET)
    refuse_if(asset != 0 and account.role in funds, code.UNKNOWN_ASSET)
    refuse_if(amount <= 0, code.AMOUNT_NOT_POSITIVE)
    for one in (account, w.single(Role.CUSTODY)):
        refuse_if(abs(one.balance[asset]) + amount > AMOUNT_MAX, code.AMOUNT_TOO_LARGE)
    is_taken_over = account.status == AccountStatus.TAKEN_OVER
    refuse_if(is_taken_over and asset != 0, code.ACCOUNT_CLOSED)
    worth = obligation.payment_of(w, account, asset, amount)
    account.balance[asset] += amount
    w.single(Role.CUSTODY).balance[asset] -= amount
    repaid = takeover.repay(w, account, amount) if is_taken_over else 0
    w.emit("CollateralPosted", **row, repaid=repaid)
    obligation.pay(w, account.group, worth)


@pytest.mark.rule("6.8", "6.36", "6.52")
def withdraw_collateral(w: World, row: Row, _: int) -> None:
    code = refusal.WithdrawCollateralRefusal
    number, asset, amount = row["account"], row["asset"], row["amount"]
    refuse_if(number >= len(w.accounts), code.UNKNOWN_ACCOUNT)
    account = w.accounts[number]
    refuse_if(not account.has_margin, code.UNKNOWN_ACCOUNT)
    refuse_if(asset >= len(w.assets), code.UNKNOWN_ASSET)
    refuse_if(amount <= 0, code.AMOUNT_NOT_POSITIVE)
    is_free = account.status == AccountStatus.TAKEN_OVER and not w.accounts[account.group].owed
    refuse_if(account.status != AccountStatus.OPEN and not is_free, code.ACCOUNT_NOT_OPEN)
    refuse_if(lacks_a_price(w, account), code.INDEX_STALE)
    held = account.balance[asset]
    refuse_if(held < amount, code.INSUFFICIENT_BALANCE, amount, held)

    def check() -> None:
        account.balance[asset] -= amount
        after = w.assess(account)
        account.balance[asset] += amount
        margin, everything = must_stay(w, account, after)
        refuse_if(after.equity < margin, code.INSUFFICIENT_MARGIN, after.equity, margin)
        refuse_if(after.equity < everything, code.GAINS_UNPROVEN, after.equity, everything)

    at_every_price(w, check)
    refuse_if(w.is_suspended(account), code.MEMBER_NOT_ACTIVE)
    refuse_if(amount > there_is(w, asset), code.CUSTODY_SHORT, amount, there_is(w, asset))
    account.balance[asset] -= amount
    after = w.assess(account)
    account.balance[asset] += amount
    needed = must_stay(w, account, after)[1] + share_of_unpaid(w, account, after)
    refuse_if(after.equity < needed, code.GAINS_NOT_PAID, after.equity, needed)
    refuse_if(lacks_an_assessment(w, account), code.PRICE_NOT_ASSESSED)
    account.balance[asset] -= amount
    w.single(Role.CUSTODY).balance[asset] += amount
    w.emit("CollateralWithdrawn", **row)


@pytest.mark.rule("5.1", "5.2", "5.62")
def report_price(w: World, row: Row, _: int) -> None:
    code = refusal.ReportPriceRefusal
    refuse_if(row["source"] >= len(w.sources), code.UNKNOWN_SOURCE)
    source = w.sources[row["source"]]
    seen = row["observed_ns"]
    refuse_if(not 0 < row["price_e8"] <= PRICE_MAX, code.PRICE_OUT_OF_RANGE)
    refuse_if(seen > w.now, code.OBSERVED_IN_THE_FUTURE, seen, w.now)
    refuse_if(source.observed is not None and seen < source.observed, code.OUT_OF_ORDER)
    note_report(w, source.asset)
    if seen == source.observed and row["price_e8"] != source.price:
        source.contradicted = seen
        w.emit("SourceContradicted", source=row["source"], price_e8=source.price,
               other_e8=row["price_e8"], observed_ns=seen)  # fmt: skip
    else:
        source.price, source.observed = row["price_e8"], seen
        w.emit("PriceReported", **row)
    barrier.touch_by_report(w, source.asset)


@pytest.mark.rule("5.3")
def report_last(w: World, row: Row, _: int) -> None:
    code = refusal.ReportLastRefusal
    refuse_if(row["instrument"] >= len(w.instruments), code.UNKNOWN_INSTRUMENT)
    i = w.instruments[row["instrument"]]
    refuse_if(not 0 < row["ticks"] <= i.terms["ticks_max"], code.PRICE_OUT_OF_RANGE)
    refuse_if(i.status != InstrumentStatus.ACTIVE, code.INSTRUMENT_NOT_ACTIVE)
    i.last = row["ticks"]
    w.reported.add(("last", row["instrument"]))
    w.emit("LastReported", **row)


@pytest.mark.rule("7.5")
def is_elsewhere(account: Account, number: int) -> bool:
    """Whether an isolated account holds another contract, or has open orders in one."""
    return account.is_isolated and any(
        other != number and (p.lots or p.buys or p.sells) for other, p in account.positions.items()
    )


class Side:
    """One side of a trade, tried on a copy of the account."""

    def __init__(self, w: World, row: Row, name: str) -> None:
        self.w, self.row = w, row
        self.number = row[name]
        self.account = w.accounts[self.number]
        self.reservation = row[f"{name}_reservation"]
        self.lots = row["lots"] if name == "buyer" else -row["lots"]
        self.i = w.instruments[row["instrument"]]
        self.value = self.i.value(row["ticks"], self.lots)
        is_maker = row["buyer_is_maker"] == (name == "buyer")
        self.fee = fee_of(self.i, self.value, is_maker=is_maker)
        self.other: Side | None = None

    @property
    @pytest.mark.rule("6.38")
    def netted(self) -> int:
        """Lots of the position that decides what reduces."""
        place = (self.row["instrument"], self.account.netting_set)
        return self.w.group(self.account).positions.get(place, Position()).lots

    @property
    def held(self) -> int:
        p = self.account.positions.get(self.row["instrument"])
        return p.lots if p else 0

    @property
    @pytest.mark.rule("6.37", "7.4")
    def at_most(self) -> int:
        """Lots after the trade; beside a trade without a reservation, orders may fill too."""
        p = self.account.positions.get(self.row["instrument"], Position())
        orders = 0
        if not self.reservation:
            orders = p.buys if self.lots > 0 else -p.sells
        beside = lots_beside(self.w, self.account, self.row["instrument"])
        return abs(self.held + self.lots + orders) + beside

    @property
    def turnover(self) -> int:
        """Value of the trade and entry cost of the position."""
        p = self.account.positions.get(self.row["instrument"])
        return abs(self.value) + (abs(p.entry_cost) if p else 0)

    @property
    @pytest.mark.rule("15.1", "15.2")
    def is_too_large(self) -> bool:
        """Whether a number of this side could leave its bounds."""
        p = self.account.positions.get(self.row["instrument"])
        sizes = [abs(self.account.balance[self.i.settles_in])]
        if p:
            sizes += [abs(p.settlement_cost)]
        if self.turnover + abs(self.fee) + max(sizes) > AMOUNT_MAX:
            return True
        twin = copy.deepcopy(self.account)
        self.book(twin, really=False)
        return gross_of(self.w, twin) > AMOUNT_MAX

    @property
    @pytest.mark.rule("6.38")
    def only_reduces(self) -> bool:
        return self.netted * self.lots < 0 and abs(self.lots) <= abs(self.netted)

    @property
    def added(self) -> int:
        """Lots that a member's side does not use to reduce."""
        if not self.account.has_margin:
            return 0
        netted = self.netted
        reduces = min(abs(netted), abs(self.lots)) if netted * self.lots < 0 else 0
        return abs(self.lots) - reduces

    @property
    @pytest.mark.rule("6.92")
    def added_alone(self) -> int:
        """Lots that a side does not use to reduce a position of its own."""
        reduces = min(abs(self.held), abs(self.lots)) if self.held * self.lots < 0 else 0
        return abs(self.lots) - reduces

    @property
    @pytest.mark.rule("7.40")
    def added_with_orders(self) -> int:
        """The same with the open orders of its side, which want the position too."""
        if not self.account.has_margin:
            return 0
        place = (self.row["instrument"], self.account.netting_set)
        p = self.w.group(self.account).positions.get(place, Position())
        wanted = abs(self.lots) + (p.buys if self.lots > 0 else p.sells)
        return max(wanted - (abs(p.lots) if p.lots * self.lots < 0 else 0), 0)

    @property
    @pytest.mark.rule("7.9", "7.11")
    def is_checked(self) -> bool:
        return self.account.has_margin and not self.reservation

    @property
    @pytest.mark.rule("3.64")
    def sells_protection(self) -> bool:
        """Whether it sells an option and more initial margin is asked after it than before."""
        if not self.i.is_option or self.lots > 0:
            return False
        after, before = self.after(), self.w.assess(self.account)
        return after.initial - after.debts[0] > before.initial - before.debts[0]

    @property
    @pytest.mark.rule("7.55")
    def uncovered(self) -> tuple[int, int] | None:
        """Open orders that close the position too, and its lots that are left: if too few."""
        number = self.row["instrument"]
        place = (number, self.account.netting_set)
        p = self.w.group(*self.twins()).positions[place]
        wanted = sum(abs(r.lots) for r in order.beside(self.w, self.account, number, self.lots))
        return (wanted, abs(p.lots)) if wanted > abs(p.lots) else None

    @property
    @pytest.mark.rule("7.10", "7.52", "7.53", "7.54")
    def conceded(self) -> tuple[int, int]:
        """What the side and the orders that close the position too concede, and the most."""
        number = self.row["instrument"]
        others = order.beside(self.w, self.account, number, self.lots)
        conceded = order.concession(self.w, self.i, self.lots, self.value + self.fee)
        twins = self.twins()
        if len(twins) == 2:
            fees = sum(s.fee for s in (self, self.other) if s is not None)
            conceded = worth_up(max(fees, 0), self.w.price_in(self.i))
        conceded += order.conceded_by_all(self.w, others)
        twins[0].positions[number].lots += sum(r.lots for r in others)
        closed = self.w.assess(*twins)
        most = order.may_concede(self.w, self.account, number, self.lots, closed)
        return conceded, most

    @property
    @pytest.mark.rule("7.6")
    def has_bad_reservation(self) -> bool:
        if not self.reservation:
            return False
        if self.reservation > len(self.w.reservations):
            return True
        r = self.w.reservations[self.reservation - 1]
        mine = (r.account, r.instrument) == (self.number, self.row["instrument"])
        return not mine or r.lots * self.lots <= 0 or abs(r.lots) < abs(self.lots)

    def book(self, account: Account, *, really: bool) -> None:
        w, row = self.w, self.row
        if really:
            book_leg(w, account, row["instrument"], row["ticks"], self.lots, self.value)
            if self.reservation:
                use_reservation(w, self.reservation, abs(self.lots))
            w.single(Role.FEES).balance[self.i.settles_in] += self.fee
        else:
            self.pretend(account)
        account.balance[self.i.settles_in] -= self.fee

    def pretend(self, account: Account) -> None:
        """The trade on a copy; only an option's entry cost and cash matter to its margin."""
        p = account.positions[self.row["instrument"]]
        if self.i.is_option:
            book_leg(self.w, account, self.row["instrument"], self.row["ticks"], self.lots,
                     self.value)  # fmt: skip
            return
        p.lots += self.lots
        p.settlement_cost += self.value

    def position_after(self) -> Position:
        """Lots and open orders of the account in the contract after the trade."""
        p = copy.copy(self.account.positions.get(self.row["instrument"], Position()))
        p.lots += self.lots
        if self.reservation and self.lots > 0:
            p.buys -= self.lots
        elif self.reservation:
            p.sells += self.lots
        return p

    @pytest.mark.rule("6.45")
    def twins(self) -> list[Account]:
        """The account after the trade, and that of the other side if both are of one group."""
        found = []
        for side in (self, self.other):
            if side is not None and side.account.group == self.account.group:
                twin = copy.deepcopy(side.account)
                side.book(twin, really=False)
                found.append(twin)
        return found

    def after(self) -> Numbers:
        return self.w.assess(*self.twins())

    @property
    @pytest.mark.rule("7.92")
    def concedes_nothing(self) -> bool:
        """Whether it closes no worse than at the index, or to another account of its group."""
        assert self.other is not None
        if len(self.twins()) == 2:
            return True
        with at_index(self.w):
            return order.concedes_nothing(self.i, self.lots, self.value, -self.other.fee)


@pytest.mark.rule("2.9", "6.36")
def gross_of(w: World, account: Account) -> int:
    """Settlement costs and reaches of all positions, open orders on their worst side."""
    return sum(
        abs(p.settlement_cost) + w.instruments[k].reach(p.widest)
        for one in w.group(account).accounts
        for k, p in one.positions.items()
    )


@pytest.mark.rule("15.60")
def committed_lots(w: World, number: int, changed: dict[int, Position]) -> int:
    """Lots of a contract that are open when all orders of the worse side have filled."""
    held = {k: a.positions[number] for k, a in enumerate(w.accounts) if number in a.positions}
    positions = (held | changed).values()
    longs = sum(max(p.lots + p.buys, 0) for p in positions)
    return max(longs, sum(max(p.sells - p.lots, 0) for p in positions))


@pytest.mark.rule("15.61", "15.62")
def open_interest_beyond(w: World, number: int, changed: dict[int, Position]) -> int:
    """What an asset's contracts come to with changed positions in one, if that is too much."""
    if committed_lots(w, number, changed) <= committed_lots(w, number, {}):
        return 0
    reaches = {
        k: i.reach(committed_lots(w, k, changed if k == number else {}))
        for k, i in enumerate(w.instruments)
        if i.status == InstrumentStatus.ACTIVE and i.settles_in == w.instruments[number].settles_in
    }
    total, share = sum(reaches.values()), AMOUNT_MAX // (2 * len(reaches))
    if reaches[number] > share:
        total = sum(max(reach, share) for reach in reaches.values())
    return min(total, 2 * AMOUNT_MAX) if total > AMOUNT_MAX else 0


@pytest.mark.rule("15.62", "15.63")
def refuse_open_interest(w: World, number: int, changed: dict[int, Position], code: Any) -> None:
    total = open_interest_beyond(w, number, changed)
    refuse_if(total > 0, code.OPEN_INTEREST_TOO_LARGE, total, AMOUNT_MAX)


@pytest.mark.rule("6.37")
def lots_beside(w: World, account: Account, number: int) -> int:
    """Lots of a contract in the other accounts of a group, the worse side of orders filled."""
    return sum(
        a.positions[number].widest
        for a in w.accounts_of(account.group)
        if a.number != account.number and number in a.positions
    )


@pytest.mark.rule("15.3", "15.4")
def is_too_large_for_the_house(w: World, i: Instrument, number: int, sides: list[Side]) -> bool:
    """Whether fees or what the settlement account advances could leave their bounds."""
    fees = abs(w.single(Role.FEES).balance[i.settles_in]) + sum(abs(s.fee) for s in sides)
    house = w.single(Role.SETTLEMENT)
    advanced = max(
        abs(house.balance[i.settles_in]), abs(house.positions[number].settlement_cost)
    ) + sum(s.turnover for s in sides)
    is_advanced = i.terms["style"] == Style.AT_CLOSE
    return fees > AMOUNT_MAX or (is_advanced and advanced > AMOUNT_MAX)


@pytest.mark.rule("7.30")
def use_reservation(w: World, number: int, lots: int) -> None:
    """Take lots out of a reservation, out of the open orders, and their part of what is held."""
    r = w.reservations[number - 1]
    freed = r.open_order_hold * lots // abs(r.lots)
    r.open_order_hold -= freed
    w.accounts[r.account].open_order_hold -= freed
    p = w.accounts[r.account].positions[r.instrument]
    if r.lots > 0:
        p.buys -= lots
        r.lots -= lots
    else:
        p.sells -= lots
        r.lots += lots


@pytest.mark.rule("7.13", "7.40")
def refuse_adding(w: World, i: Instrument, sides: list[Side]) -> None:
    """Refuse a trade that adds to a position without a price, or for a member not active."""
    code = refusal.SubmitTradeRefusal
    added = max(s.added for s in sides)
    refuse_if(w.is_halted(i) and added > 0, code.PRICE_BLOCKED, added, 0)
    barred = [s for s in sides if w.is_suspended(s.account) and not s.reservation]
    added = max((s.added_with_orders for s in barred), default=0)
    refuse_if(added > 0, code.MEMBER_NOT_ACTIVE, added, 0)


@pytest.mark.rule("6.92", "7.2")
def refuse_outside(w: World, sides: list[Side]) -> None:
    """Refuse what the external market adds while it owes, then too much open interest."""
    code = refusal.SubmitTradeRefusal
    if any(asset.called for asset in w.assets):
        market = [s for s in sides if s.account.role == Role.EXTERNAL_MARKET]
        added = max((s.added_alone for s in market), default=0)
        refuse_if(added > 0, code.EXTERNAL_MARKET_OWES, added, 0)
    after = {s.number: s.position_after() for s in sides}
    refuse_open_interest(w, sides[0].row["instrument"], after, code)


@pytest.mark.rule("6.81", "7.8", "7.9", "7.10", "7.55")
def refuse_margin(w: World, i: Instrument, sides: list[Side]) -> list[tuple[int, int]]:
    """Refuse a side for its margin; returns open orders that it leaves without their position."""
    code = refusal.SubmitTradeRefusal
    uncovered: list[tuple[int, int]] = []
    for s in sides:
        if s.is_checked and not (s.only_reduces and i.mark == 0):
            refuse_if(i.mark == 0 or w.price_in(i) <= 0, code.MARK_MISSING)
            n = s.after()
            is_out = s.only_reduces and not s.sells_protection
            if n.equity < n.initial:
                refuse_if(not is_out, code.INSUFFICIENT_MARGIN, n.equity, n.initial)
                conceded, most = (0, 0) if s.uncovered else s.conceded
                refuse_if(conceded > most, code.INSUFFICIENT_MARGIN, conceded, most)
                uncovered += [s.uncovered] if s.uncovered else []
            at_index = insolvent_at_index(w, s.twins(), n, reduces=is_out)
            if at_index and not (is_out and s.concedes_nothing):
                raise RefusedError(code.INSOLVENT_AT_INDEX, *at_index)
    return uncovered


@pytest.mark.rule("7.90", "7.91", "7.93")
def insolvent_at_index(
    w: World,
    twins: list[Account],
    n: Numbers,
    wanted: Reservation | None = None,
    *,
    reduces: bool,
) -> tuple[int, int] | None:
    """Equity at the index and what it must be, if it is less; accounts stand as afterwards."""
    hold, shorts = w.group(*twins).open_order_hold, order.short_worth(w, *twins)
    accrued = 0 if reduces else accrued_funding(w, *twins)
    with at_index(w):
        equity, gap = w.assess(*twins).equity, order.group_gap(w, twins[0])
        gap += order.order_gap(w, wanted) if wanted else 0
        before_there = w.assess(w.accounts[twins[0].number]).equity
    needed = hold + gap + min(shorts, n.initial - hold) + accrued
    has_gained = before_there > w.assess(w.accounts[twins[0].number]).equity
    is_lost = accrued > 0 or equity - gap < n.equity or has_gained
    return (equity, needed) if equity < needed and is_lost else None


@pytest.mark.rule("7.2", "7.3", "7.7", "7.8")
def submit_trade(w: World, row: Row, place: int) -> None:
    code = refusal.SubmitTradeRefusal
    refuse_if(not may_trade(w, row["buyer"]), code.UNKNOWN_BUYER)
    refuse_if(not may_trade(w, row["seller"]), code.UNKNOWN_SELLER)
    refuse_if(row["instrument"] >= len(w.instruments), code.UNKNOWN_INSTRUMENT)
    i = w.instruments[row["instrument"]]
    refuse_if(row["buyer"] == row["seller"], code.SAME_ACCOUNT)
    refuse_if(not 0 < row["lots"] <= i.terms["lots_max"], code.LOTS_OUT_OF_RANGE)
    refuse_if(not 0 < row["ticks"] <= i.terms["ticks_max"], code.PRICE_OUT_OF_RANGE)
    collar = w.parameter(Parameter.TRADE_COLLAR_PPM, instrument=i)
    if collar and i.mark > 0:
        far = abs(row["ticks"] - i.mark) * 10**6 > collar * i.mark
        refuse_if(far, code.PRICE_OUT_OF_RANGE)
    is_over = i.status != InstrumentStatus.ACTIVE or w.is_over(i)
    refuse_if(is_over, code.INSTRUMENT_NOT_ACTIVE)
    sides = [Side(w, row, "buyer"), Side(w, row, "seller")]
    sides[0].other, sides[1].other = sides[1], sides[0]

    most = i.terms["lots_max"]
    for s in sides:
        refuse_if(s.account.status > AccountStatus.CALLED, code.ACCOUNT_NOT_OPEN)
        refuse_if(s.at_most > most, code.POSITION_LIMIT, s.at_most, most)
        elsewhere = is_elsewhere(s.account, row["instrument"])
        refuse_if(elsewhere, code.ISOLATED_ELSEWHERE)
        refuse_if(s.has_bad_reservation, code.UNKNOWN_RESERVATION)
        if s.reservation:
            limit = w.reservations[s.reservation - 1].limit
            is_worse = row["ticks"] > limit if s.lots > 0 else row["ticks"] < limit
            refuse_if(is_worse, code.WORSE_THAN_LIMIT, row["ticks"], limit)
    refuse_if(any(s.is_too_large for s in sides), code.AMOUNT_TOO_LARGE)
    refuse_if(is_too_large_for_the_house(w, i, row["instrument"], sides), code.AMOUNT_TOO_LARGE)
    with w.seen_as("new credit"):
        uncovered = refuse_margin(w, i, sides)
        refuse_if(is_given_away(w, i, sides[1]), code.BELOW_WORTH, row["ticks"], sale_floor(w, i))
    refuse_adding(w, i, sides)
    if uncovered:
        raise RefusedError(code.ORDERS_UNCOVERED, *uncovered[0])
    refuse_outside(w, sides)
    unproven = book_sides(w, i, *sides)
    i.taken_over = still_held(w.single(Role.EXTERNAL_MARKET), row["instrument"], i.taken_over)
    names = ("buyer", "seller", "instrument", "ticks", "lots")
    w.emit(
        "TradeNovated",
        row=place,
        **{name: row[name] for name in names},
        value=sides[0].value,
        buyer_fee=sides[0].fee,
        seller_fee=sides[1].fee,
        buyer_reservation=row["buyer_reservation"],
        seller_reservation=row["seller_reservation"],
        unproven=unproven,
    )


@pytest.mark.rule("7.80", "7.81", "7.82", "7.83")
def book_sides(w: World, i: Instrument, buyer: Side, seller: Side) -> int:
    """Book a trade; tell which gains that are not proven went to the buyer, or less to the seller.

    A side that trades better than at the mark, its fee included, was conceded something.
    """
    moved, winner, loser = 0, buyer, seller
    for one, other in ((buyer, seller), (seller, buyer)):
        gained = i.value(i.mark, one.lots) - one.value - one.fee if i.mark > 0 else 0
        if gained > 0 and one.account.group != other.account.group:
            not_proven = w.assess(other.account).unproven + w.group(other.account).encumbered
            moved, winner, loser = min(worth_up(gained, w.price_in(i)), not_proven), one, other
    had, was = winner.account.encumbered, loser.account.encumbered
    for side in (buyer, seller):
        side.book(side.account, really=True)
    if buyer.account.group != seller.account.group:
        for side in (buyer, seller):
            count_conceded(w, i, side)
    if moved:
        more = max(moved - (winner.account.encumbered - had), 0)
        winner.account.encumbered = min(winner.account.encumbered + more, AMOUNT_MAX)
        loser.account.encumbered -= min(moved, was)
    return moved if winner is buyer else -moved


@pytest.mark.rule("7.85")
def count_conceded(w: World, i: Instrument, side: Side) -> None:
    """What a side gave away against the mark is no loss of the window, and a rebate is a gain."""
    given = side.value - i.value(i.mark, side.lots) if i.mark > 0 else 0
    for amount in (given, -side.fee):
        if amount > 0:
            add_window_gain(side.account, amount, w.price_in(i))


@pytest.mark.rule("7.12")
def sale_floor(w: World, i: Instrument) -> int:
    """Lowest price at which an account in need may sell a long option."""
    share = w.parameter(Parameter.RISK_REDUCING_SALE_PPM, instrument=i)
    return i.mark - ceil_div(i.mark * share, 10**6)


@pytest.mark.rule("7.12")
def is_given_away(w: World, i: Instrument, seller: Side) -> bool:
    """Whether a seller short of initial margin sells a long option too cheaply."""
    is_long = i.is_option and seller.held > 0 and seller.account.has_margin
    if not is_long or seller.row["ticks"] >= sale_floor(w, i):
        return False
    numbers = w.assess(seller.account)
    return numbers.equity < numbers.initial


@pytest.mark.rule("7.1")
def may_trade(w: World, number: int) -> bool:
    roles = (Role.HOUSE, Role.CLIENT, Role.EXTERNAL_MARKET)
    return number < len(w.accounts) and w.accounts[number].role in roles


@pytest.mark.rule("6.81")
def with_hold(w: World, twin: Account, held: int) -> Numbers:
    """What an account is worth on new credit when it holds more for orders."""
    twin.open_order_hold += held
    with w.seen_as("new credit"):
        return w.assess(twin)


@pytest.mark.rule("7.26", "7.27", "7.28", "7.29", "7.41", "15.5")
def reserve_margin(w: World, row: Row, _: int) -> None:
    code = refusal.ReserveMarginRefusal
    number, lots = row["instrument"], row["lots"]
    refuse_if(row["account"] >= len(w.accounts), code.UNKNOWN_ACCOUNT)
    account = w.accounts[row["account"]]
    refuse_if(not account.has_margin, code.UNKNOWN_ACCOUNT)
    refuse_if(number >= len(w.instruments), code.UNKNOWN_INSTRUMENT)
    i = w.instruments[number]
    most, limit = i.terms["lots_max"], row["limit_ticks"]
    refuse_if(not 0 < abs(lots) <= most, code.LOTS_OUT_OF_RANGE)
    refuse_if(not 0 < limit <= i.terms["ticks_max"], code.PRICE_OUT_OF_RANGE)
    is_over = i.status != InstrumentStatus.ACTIVE or w.is_over(i)
    refuse_if(is_over, code.INSTRUMENT_NOT_ACTIVE)
    refuse_if(account.status > AccountStatus.CALLED, code.ACCOUNT_NOT_OPEN)
    twin = copy.deepcopy(account)
    p = twin.positions[number]
    p.buys, p.sells = p.buys + max(lots, 0), p.sells + max(-lots, 0)
    worst = abs(p.lots + p.buys if lots > 0 else p.lots - p.sells)
    worst += lots_beside(w, account, number)
    refuse_if(worst > most, code.POSITION_LIMIT, worst, most)
    refuse_if(is_elsewhere(account, number), code.ISOLATED_ELSEWHERE)
    refuse_if(i.mark == 0 or w.price_in(i) <= 0, code.MARK_MISSING)
    held = order.order_loss(w, account, i, lots, limit, 1)
    refuse_if(w.group(account).open_order_hold + held > AMOUNT_MAX, code.AMOUNT_TOO_LARGE)
    refuse_if(gross_of(w, twin) > AMOUNT_MAX, code.AMOUNT_TOO_LARGE)
    wanted = Reservation(account.number, number, lots, limit, held)
    reduces = only_closes(w, account, number, lots)
    twin.open_order_hold += held
    with w.seen_as("new credit"):
        after = refuse_order(w, twin, wanted, reduces=reduces)
    refuse_if(w.is_halted(i) and not reduces, code.PRICE_BLOCKED, lots, 0)
    refuse_if(w.is_suspended(account) and not reduces, code.MEMBER_NOT_ACTIVE, lots, 0)
    refuse_open_interest(w, number, {account.number: twin.positions[number]}, code)
    w.accounts[row["account"]] = twin
    w.reservations.append(wanted)
    w.emit(
        "MarginReserved",
        reservation=len(w.reservations),
        **row,
        open_order_hold=held,
        equity=after.equity,
        requirement=after.initial,
    )


@pytest.mark.rule("3.64", "7.26", "7.27")
def refuse_order(w: World, twin: Account, wanted: Reservation, *, reduces: bool) -> Numbers:
    """Refuse an order for its margin; returns the account with it."""
    code, after = refusal.ReserveMarginRefusal, w.assess(twin)
    i = w.instruments[wanted.instrument]
    before = w.assess(w.accounts[wanted.account]).initial
    sells_protection = (
        i.is_option and wanted.lots < 0 and after.initial - wanted.open_order_hold > before
    )
    is_out = reduces and not sells_protection
    if after.equity < after.initial:
        refuse_if(not is_out, code.INSUFFICIENT_MARGIN, after.equity, after.initial)
        conceded, most = order.closing_terms(w, wanted)
        refuse_if(conceded > most, code.INSUFFICIENT_MARGIN, conceded, most)
    found = insolvent_at_index(w, [twin], after, wanted, reduces=reduces)
    if found:
        with at_index(w):
            paid = i.value(wanted.limit, wanted.lots)
            rebate = -fee_of(i, paid, is_maker=True)
            is_out &= order.concedes_nothing(i, wanted.lots, paid, rebate)
        refuse_if(not is_out, code.INSOLVENT_AT_INDEX, *found)
    return after


@pytest.mark.rule("6.38", "7.27")
def only_closes(w: World, account: Account, number: int, lots: int) -> bool:
    """Whether an order, with the open orders of its side, does no more than close the position."""
    place = (number, account.netting_set)
    p = w.group(account).positions.get(place, Position())
    same_side = p.buys if lots > 0 else p.sells
    return p.lots * lots < 0 and same_side + abs(lots) <= abs(p.lots)


@pytest.mark.rule("7.31")
def release_margin(w: World, row: Row, _: int) -> None:
    number = row["reservation"]
    known = 0 < number <= len(w.reservations) and w.reservations[number - 1].lots != 0
    refuse_if(not known, refusal.ReleaseMarginRefusal.UNKNOWN_RESERVATION)
    failure.release(w, number)


@pytest.mark.rule("11.18", "11.19", "11.51")
def report_fill(w: World, row: Row, _: int) -> None:
    code = refusal.ReportFillRefusal
    number = row["order"]
    refuse_if(not 0 < number <= len(w.orders), code.UNKNOWN_ORDER)
    order = w.orders[number - 1]
    refuse_if(not order.is_open, code.ORDER_CLOSED)
    quantity = row["quantity"]
    refuse_if(not 0 <= quantity <= abs(order.quantity), code.QUANTITY_OUT_OF_RANGE)
    most = PRICE_MAX
    if order.kind == OrderKind.POSITION:
        most = w.instruments[order.subject].terms["ticks_max"]
    refuse_if(quantity != 0 and not 0 < row["price"] <= most, code.PRICE_OUT_OF_RANGE)
    if order.quantity < 0:
        quantity = -quantity
    if quantity:
        largest = largest_after_fill(w, order, quantity, row["price"])
        refuse_if(largest >= 2 * AMOUNT_MAX, code.AMOUNT_TOO_LARGE)
        worse = row["price"] > order.limit if quantity > 0 else row["price"] < order.limit
        refuse_if(worse, code.WORSE_THAN_LIMIT, row["price"], order.limit)
        failure.fill(w, number, quantity, row["price"])
    order.quantity -= quantity
    if row["is_final"] or order.quantity == 0:
        failure.close_order(w, number)


@pytest.mark.rule("15.6", "15.7")
def largest_after_fill(w: World, order: Order, quantity: int, price: int) -> int:
    """The largest number that a fill could leave in the books of account and external market."""
    both = (w.accounts[order.account], w.single(Role.EXTERNAL_MARKET))
    if order.kind == OrderKind.CONVERSION:
        scale = 10 ** (8 + w.assets[order.subject].decimals)
        exact = Fraction(quantity * price * 10 ** w.assets[0].decimals, scale)
        paid = abs(math.floor(-exact))
        return max(max(w.load(a, order.subject) + abs(quantity), w.load(a, 0) + paid) for a in both)
    i = w.instruments[order.subject]
    value = abs(i.value(price, quantity))
    return failure.room_of_trade(w, order.subject, value, *both)


OUTSIDE: dict[str, Callable[[World, Row, int], None]] = {
    "DeclareAsset": declare_asset,
    "SetHaircut": set_haircut,
    "DeclareSource": declare_source,
    "SetSourceWeight": set_source_weight,
    "SetSourceQuote": set_source_quote,
    "ListInstrument": list_instrument,
    "DeclareOptionMargin": declare_option_margin,
    "ListOption": list_option,
    "ReportSurface": report_surface,
    "SetHaircutRule": terms.set_haircut_rule,
    "SetIndexMethod": terms.set_index_method,
    "SetTier": terms.set_tier,
    "ReplaceTiers": terms.replace_tiers,
    "ReplaceMarginRule": terms.replace_margin_rule,
    "SetParameter": terms.set_parameter,
    "DeclareWaterfall": declare_waterfall,
    "OpenAccount": open_account,
    "OpenSubAccount": group.open_sub_account,
    "SetMarginGroup": group.set_margin_group,
    "SetMemberStatus": transfer.set_member_status,
    "TransferCollateral": transfer.transfer_collateral,
    "TransferPosition": transfer.transfer_position,
    "ReopenAccount": takeover.reopen_account,
    "PostCollateral": post_collateral,
    "WithdrawCollateral": withdraw_collateral,
    "ReportPrice": report_price,
    "ReportLast": report_last,
    "SubmitTrade": submit_trade,
    "ReserveMargin": reserve_margin,
    "ReleaseMargin": release_margin,
    "SetMarginModel": margin.set_margin_model,
    "SetAddOn": margin.set_add_on,
    "SetLiquidationMethod": failure.set_liquidation_method,
    "SuspendContract": contract.suspend_contract,
    "ResumeContract": contract.resume_contract,
    "DelistContract": contract.delist_contract,
    "ProposeSettlement": contract.propose_settlement,
    "ApproveSettlement": contract.approve_settlement,
    "ReportFill": report_fill,
    "SettleExternalMarket": settle_external_market,
}
