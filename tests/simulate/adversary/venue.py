"""A venue whose honest price never moves, and accounts of one mind that want money out of it.

Whatever the attackers do by valid commands, what they took out and may take out is never more than
what they brought in: at a constant honest price nobody can owe them anything.  Uninvolved accounts
trade with them only at the mark, and only while that is the honest price.
"""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass, field
from typing import Any

from novate.canonical import Run
from novate.kernel.codes import MarginMode, OrderKind, ShortfallPolicy, Style
from novate.message import command
from novate.message.declare import rows_of
from novate.message.parameter import SETTINGS
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, SECOND, START, ClearingHouse

HONEST = 500
"""Price of a coin, whole numeraire, for ever."""

LINEAR, INVERSE, FUTURE, AT_CLOSE, CALL, PUT = range(6)
"""Contracts by number."""

SETTLEMENT = START + 30 * HOUR
"""Instant at which the future settles, by the average of the hour before."""

OPTION_EXPIRY = START + 40 * HOUR

IN_THE_MONEY = HONEST * 100 // 10
"""Ticks, hundredths of a numeraire, that call and put are worth at expiry: a tenth of the price."""

SOURCES = (0, 1, 2)
"""The first is the liar when one is moved."""

LINEAR_TIERS = ((0, 20_000, 10_000), (200_000 * COIN, 50_000, 25_000))

ATTACKERS = ("A", "B", "C", "D", "A2", "A3")
"""C is called before it defaults, D is isolated, A2 is of A's margin group and A3 of A's pool."""

BROUGHT = {"A": 8_000, "B": 100_000, "C": 5_000, "D": 4_000}
"""Numeraire that the attackers begin with; A and B have ten coins each besides."""

PARAMETERS = {parameter: setting.default for parameter, setting in SETTINGS.items()}
"""The house has the defaults, where a test house would be laxer."""

CLAMP_PPM = 50_000
"""How far a last price moves the mark of a contract from the index."""


@dataclass
class Venue:
    """The house, what the attackers moved across its door, and every step that was taken."""

    house: ClearingHouse
    flow: int = 0  # withdrawn less deposited, in numeraire units at the honest price
    funding: int = 0  # that the market which wants nothing paid, less what it received
    time_value: int = 0  # that it paid for options, less what it received
    steps: list[str] = field(default_factory=list)
    liar: int = HONEST * E8
    last: dict[int, int] = field(default_factory=dict)

    @property
    def state(self) -> Any:
        return self.house.state

    def say(self, *what: object) -> None:
        self.steps.append(" ".join(str(part) for part in what))

    # ---- commands

    def attempt(self, *runs: Run) -> bool:
        """Submit; whether nothing was refused."""
        self.house.submit(*runs, allow_refusals=True)
        for batch in self.house.last:
            for run in batch.events:
                if run.name in ("CollateralPosted", "CollateralWithdrawn"):
                    self._count(run)
                if run.name in ("FundingSettled", "FundingReturned"):
                    self._count_funding(run)
                if run.name == "OrderFilled":
                    self._count_time_value(run)
        refused = bool(self.house.refusals())
        self.house.batches.clear()
        return not refused

    def _count(self, run: Run) -> None:
        sign = 1 if run.name == "CollateralWithdrawn" else -1
        mine = {self.house.number(name) for name in ATTACKERS}
        columns = dict(run.columns)
        rows = zip(columns["account"], columns["asset"], columns["amount"], strict=True)
        for account, asset, amount in rows:
            if int(account) in mine:
                self.flow += sign * honest_worth(int(asset), int(amount))

    def _count_funding(self, run: Run) -> None:
        """Count what the market pays for the lots that it took over, in contracts paid in cash."""
        market = self.house.number("EXTERNAL_MARKET")
        for row in rows_of(run):
            if run.name == "FundingReturned":
                self.funding -= row["amount"] if row["account"] == market else 0
                continue
            unit = int(self.state.instruments.unit[row["instrument"]])
            lots = self.house.lots("EXTERNAL_MARKET", row["instrument"])
            # Who pays it pays a unit more, and who receives it receives a unit less (rule 8.7).
            self.funding -= unit * lots * row["ticks"] * -row["rate_e9"] // 10**9

    def _count_time_value(self, run: Run) -> None:
        """Count what the market pays for options beyond what they are worth at the honest price."""
        for row in rows_of(run):
            if row["instrument"] in (CALL, PUT):
                unit = int(self.state.instruments.unit[row["instrument"]])
                self.time_value -= unit * row["lots"] * (row["ticks"] - IN_THE_MONEY)

    def settle(
        self, after_ns: int, *, is_fed: bool = True, sources: tuple[int, ...] = SOURCES
    ) -> None:
        """Let time pass, report what the sources say now, assess, and fill what the house orders.

        Orders are filled at the honest price by a market that wants nothing.
        """
        at_ns = self.state.now_ns + after_ns
        runs = [command.ADVANCE_TIME.row(instant_ns=at_ns)]
        if is_fed:
            for source in sources:
                price = self.liar if source == 0 else HONEST * E8
                runs.append(
                    command.REPORT_PRICE.row(source=source, price_e8=price, observed_ns=at_ns)
                )
            for i, ticks in self.last.items():
                if self.state.instruments.status[i] == 1:
                    runs.append(command.REPORT_LAST.row(instrument=i, ticks=ticks))
        self.answer_cancellations()
        self.attempt(*runs, command.ASSESS_MARGIN.row(instant_ns=at_ns))
        self.fill_orders()
        self.pay_from_outside()

    def answer_cancellations(self) -> None:
        """The venue cancels what the house asked it to cancel at an earlier assessment."""
        r = self.state.reservations
        asked = [int(r.number[k]) for k in range(r.count) if r.lots[k] and r.is_cancelling[k]]
        for number in asked:
            self.attempt(command.RELEASE_MARGIN.row(reservation=number))

    def pay_from_outside(self) -> None:
        """The external market pays what it was called for."""
        market = self.house.number("EXTERNAL_MARKET")
        for asset, called in enumerate(self.state.assets.used("external_called").tolist()):
            amount = min(called, max(-int(self.state.accounts.balance[market, asset]), 0))
            if amount:
                self.attempt(command.SETTLE_EXTERNAL_MARKET.row(asset=asset, amount=amount))

    def smile(self) -> None:
        """Report the smile of the options again."""
        at_ns = self.state.now_ns
        if at_ns < OPTION_EXPIRY:
            self.attempt(smile_run(at_ns))

    def fill_orders(self) -> None:
        """Answer every open order of the house, whole, at the honest price."""
        orders = self.state.defaults.orders
        rows = [row for row in range(orders.count) if orders.is_open[row]]
        for number, kind, subject, quantity in [
            [int(getattr(orders, name)[row]) for name in ("number", "kind", "subject", "quantity")]
            for row in rows
        ]:
            is_contract = kind == OrderKind.POSITION
            price = honest_ticks(self, subject) if is_contract else HONEST * E8
            self.attempt(
                command.REPORT_FILL.row(
                    order=number, quantity=abs(quantity), price=price, is_final=True,
                )
            )  # fmt: skip

    # ---- what the attackers have

    def taken(self) -> int:
        """What attackers took out of the house, beside what the market paid them by its choice.

        A market that holds lots while others move the last price pays funding for that, and one
        that fills orders in options at the mark pays for time in which the price does not move.
        """
        return self.flow - max(self.funding + self.time_value, 0)

    def worth(self) -> int:
        """What attackers took out and could at most take out: positive is money of others.

        Net worth of each margin group at the present marks, as far as positive.
        """
        total = self.taken()
        groups = {self.state.group_of(self.house.number(name)) for name in ATTACKERS}
        for group in groups:
            total += max(int(self.state.assess(group).net), 0)
        return total

    def close_out(self) -> None:
        """Cancel the attackers' orders, and close with an uninvolved account what that lets be.

        What is worth something behind an open position can then be withdrawn.  A contract whose
        mark is not at the honest price is left open.
        """
        mine = {self.house.number(name) for name in ATTACKERS}
        r = self.state.reservations
        rows = [k for k in range(r.count) if r.lots[k] and int(r.account[k]) in mine]
        for number in [int(r.number[k]) for k in rows]:
            self.attempt(command.RELEASE_MARGIN.row(reservation=number))
        for name in ATTACKERS:
            for i in (LINEAR, INVERSE, FUTURE, AT_CLOSE):
                held = self.house.lots(name, i)
                if held and int(self.state.marks.mark[i]) == HONEST:
                    buyer, seller = ("H", name) if held > 0 else (name, "H")
                    self.attempt(
                        self.house.trade_run(
                            buyer, seller, instrument=i, lots=abs(held), ticks=HONEST
                        )
                    )

    def cash_out(self) -> None:
        """Withdraw whatever is let go, account by account and asset by asset."""
        for name in ATTACKERS:
            for asset in (0, 1):
                self.withdraw_most(name, asset)

    def withdraw_most(self, name: str, asset: int) -> None:
        """Withdraw the most that is not refused, by halving."""
        most = self.house.balance(name, asset)
        if most <= 0 or self.withdraw(name, asset, most):
            return
        low, high = 0, most
        while high - low > max(most >> 20, 1):
            middle = (low + high) // 2
            if middle > 0 and self.withdraw(name, asset, middle):
                high -= middle
                low = 0
            else:
                high = middle

    def withdraw(self, name: str, asset: int, amount: int) -> bool:
        return self.attempt(
            command.WITHDRAW_COLLATERAL.row(
                account=self.house.number(name), asset=asset, amount=amount
            )
        )


def honest_worth(asset: int, amount: int) -> int:
    """Worth at the honest price in numeraire units; exact, for a unit of the coin is 5 of them."""
    return amount if asset == 0 else amount * HONEST * COIN // E8


def honest_ticks(venue: Venue, instrument: int) -> int:
    """Price in ticks at which the market that wants nothing trades a contract."""
    if instrument in (CALL, PUT):
        return max(int(venue.state.marks.mark[instrument]), 1)
    return HONEST


def smile_run(at_ns: int) -> Run:
    """A flat smile of the options at 60 %."""
    variance = 0.36 * (OPTION_EXPIRY - at_ns) / (365 * 24 * HOUR)
    return command.REPORT_SURFACE.row(
        underlying=1, expiry_ns=OPTION_EXPIRY, carry_e9=0, a_e9=max(round(variance * 1e9), 1),
        b_e9=0, rho_e9=0, m_e9=0, sigma_e9=10**8, observed_ns=at_ns,
    )  # fmt: skip


def _open() -> Venue:
    house = ClearingHouse(
        parameters=PARAMETERS, assets=(("BTC", 8, 500),), default_fund=50_000 * COIN
    )
    for name in ("BTC-2", "BTC-3"):
        house.submit(command.DECLARE_SOURCE.row(symbol=name, asset=1, weight=1))
    house.list_contract("LINEAR", tiers=LINEAR_TIERS, basis_clamp_ppm=CLAMP_PPM)
    house.list_contract(
        "INVERSE", tiers=((0, 20_000, 10_000),), form=2, settlement_asset=1, unit=100 * E8,
        basis_clamp_ppm=CLAMP_PPM,
    )  # fmt: skip
    house.list_contract(
        "FUTURE", tiers=((0, 20_000, 10_000),), expiry_ns=SETTLEMENT, settlement_window_ns=HOUR,
        basis_clamp_ppm=CLAMP_PPM,
    )  # fmt: skip
    house.list_contract(
        "CLOSE", tiers=((0, 20_000, 10_000),), style=int(Style.AT_CLOSE), cycle_ns=0,
        funding_ns=8 * HOUR, funding_cap_e9=10**7, basis_clamp_ppm=CLAMP_PPM,
    )  # fmt: skip
    # In the money: time value is lost for sure at a constant price, whoever is left with it.
    house.list_option("CALL", strike_e8=HONEST * E8 * 9 // 10, expiry_ns=OPTION_EXPIRY)
    house.list_option("PUT", strike_e8=HONEST * E8 * 11 // 10, expiry_ns=OPTION_EXPIRY, side=-1)
    for fund in ("INSURANCE_FUND", "SKIN_IN_THE_GAME"):
        house.deposit(fund, 500_000 * COIN)
    for name in ("H", "K"):
        house.open_client(name, deposit=10**8 * COIN)
        house.deposit(name, 10**5 * E8, asset=1)
    venue = Venue(house)
    house.open_client("A")
    house.open_client("B")
    house.open_client("C", shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT)
    house.open_client("D", mode=MarginMode.ISOLATED)
    first = house.number("A")
    for name, group in (("A2", first), ("A3", -1)):
        house.submit(
            command.OPEN_SUB_ACCOUNT.row(
                reference=name, account=first, mode=int(MarginMode.CROSS), group=group,
                netting_set=-1,
            )
        )  # fmt: skip
    for name, amount in BROUGHT.items():
        post(venue, name, 0, amount * COIN)
    for name in ("A", "B"):
        post(venue, name, 1, 10 * E8)
    venue.settle(SECOND)
    venue.smile()
    venue.settle(MINUTE)
    return venue


@functools.cache
def _opened() -> Venue:
    return _open()


def forget_opened() -> None:
    """Open the next venue anew: its parameters, or rules, are others."""
    _opened.cache_clear()


def open_venue() -> Venue:
    """A venue with six contracts, three sources, funds, uninvolved accounts and the attackers.

    All begin alike: each is a fork of one that is opened once.
    """
    first = _opened()
    house = copy.copy(first.house)
    house.engine = first.house.engine.fork()
    house.batches, house.last = [], []
    return Venue(house, flow=first.flow)


def post(venue: Venue, name: str, asset: int, amount: int) -> bool:
    """Deposit; counts as brought in."""
    return venue.attempt(
        command.POST_COLLATERAL.row(account=venue.house.number(name), asset=asset, amount=amount)
    )
