"""Two accounts of one mind take out no more than they put in, by trades and orders at one mark.

The attack: one of them leaves orders behind that cost it money, takes away what stands for them,
the position that they close or the collateral, and the other one fills them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.canonical import Run
from novate.default_management import order_margin
from novate.kernel.clearing.value import INVERSE, LINEAR
from novate.kernel.codes import ShortfallPolicy
from novate.margin import admission
from novate.message import command
from novate.message.parameter import Parameter
from novate.message.refusal import SubmitTradeRefusal as No
from tests.unit.clearing import COIN, DAY, E8, ClearingHouse

MARK, STEPS = 500, 60
PAIR = ("A", "B")


@dataclass
class Pair:
    """A house with two confederates who trade one contract, and the worst that either came to."""

    form: int
    seed: int
    worst: int = 0
    booked: int = 0
    house: ClearingHouse = field(init=False)

    def __post_init__(self) -> None:
        self.dice = np.random.default_rng(self.seed)
        dice = self.dice
        self.asset = 0 if self.form == LINEAR else 1
        self.house = house = ClearingHouse(
            assets=(("BTC", 8, int(dice.choice([0, 0, 2_000]))),),
            parameters={
                Parameter.ORDER_BAND_PPM: int(dice.choice([0, 10_000])),
                Parameter.TRADE_COLLAR_PPM: 100_000,
                Parameter.CALL_GRACE_NS: 7 * DAY,
                Parameter.TAKEOVER_PPM: 0,  # nobody fails before there is nothing left
            },
        )
        taker = int(dice.choice([0, 0, 500]))
        self.rate = rate = int(dice.choice([20_000, 100_000]))
        house.list_contract(
            form=self.form,
            settlement_asset=self.asset,
            unit=COIN if self.form == LINEAR else 100 * E8,
            tiers=((0, rate, rate // 2), (30_000 * COIN, 4 * rate, 2 * rate)),
            taker_fee_ppm=taker,
            maker_fee_ppm=-taker // 2,
            cycle_ns=0,
        )
        poor = int(dice.integers(500, 6_000))
        self.most = max(poor * 1_000_000 // (rate * MARK), 2)
        for name, amount in zip(PAIR, (poor, 60_000), strict=True):
            house.open_client(name, shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT)
            units = amount * COIN if self.form == LINEAR else amount * E8 // MARK
            house.deposit(name, units, asset=self.asset)
        house.price(MARK)

    def ticks(self) -> int:
        """A price inside the collar, at the mark more often than not."""
        return int(self.dice.choice([MARK, MARK, self.dice.integers(451, 550)]))

    def lots(self, name: str) -> int:
        """Lots to trade: what an account holds, a part of it, or any number."""
        held = abs(self.house.lots(name)) or self.most
        some = (held, max(held // 2, 1), max(self.most // 10, 1), self.dice.integers(1, self.most))
        return int(self.dice.choice(some))

    def enter(self) -> Run:
        """A trade at the mark, as large as what is free allows."""
        buyer, seller = self.dice.permutation(PAIR).tolist()
        found = self.house.state.assess(self.house.number("A"))
        lots = max((found.equity - found.initial) * 1_000_000 // (self.rate * MARK * COIN), 1)
        return self.house.trade_run(buyer, seller, lots=min(lots, 10**6), ticks=MARK)

    def trade(self) -> Run:
        """A trade between the two, on open orders where some fit."""
        buyer, seller = self.dice.permutation(PAIR).tolist()
        table = self.house.state.reservations
        rows = table.live()
        terms = {"lots": self.lots("A"), "ticks": self.ticks()}
        if rows.size and self.dice.random() < 0.6:
            row = int(self.dice.choice(rows))
            owner = self.house.state.accounts.references[int(table.account[row])]
            other = "B" if owner == "A" else "A"
            buys = table.lots[row] > 0
            buyer, seller = (owner, other) if buys else (other, owner)
            terms = {"lots": abs(int(table.lots[row])), "ticks": int(table.limit_ticks[row])}
            side = "buyer" if buys else "seller"
            terms[f"{side}_reservation"] = int(table.number[row])
        is_maker = bool(self.dice.random() < 0.5)
        return self.house.trade_run(buyer, seller, buyer_is_maker=is_maker, **terms)

    def reserve(self) -> Run:
        name = str(self.dice.choice(PAIR))
        held = self.house.lots(name)
        sign = -int(np.sign(held)) if held and self.dice.random() < 0.7 else 1
        return command.RESERVE_MARGIN.row(
            account=self.house.number(name), instrument=0,
            lots=sign * self.lots(name), limit_ticks=self.ticks(),
        )  # fmt: skip

    def release(self) -> Run:
        number = int(self.dice.integers(1, self.house.state.reservations.given + 2))
        return command.RELEASE_MARGIN.row(reservation=number)

    def withdraw(self) -> Run:
        """As much as there is, or what is above initial margin."""
        name = str(self.dice.choice(PAIR))
        found = self.house.state.assess(self.house.number(name))
        free = max(found.equity - found.initial, 1) * self.dice.choice([1.0, 0.7])
        amount = max(math.floor(free / float(self.house.state.assets.unit_price[self.asset])), 1)
        return command.WITHDRAW_COLLATERAL.row(
            account=self.house.number(name), asset=self.asset, amount=amount
        )

    def squeeze(self, *, order: bool, closes: bool, share: int = 1) -> None:
        """Trade, or order, for one of them at the worst price that is accepted.

        ``share``: one in so many of the lots that it holds, or of those that it could.
        """
        name = str(self.dice.choice(PAIR, p=[0.8, 0.2]))
        other = "B" if name == "A" else "A"
        held = self.house.lots(name)
        lots = max((abs(held) or self.most) // share, 1)
        sells = (held > 0) == closes if held else bool(self.dice.random() < 0.5)
        for away in (50, 40, 30, 20, 15, 12, 10, 8, 6, 5, 4, 3, 2, 1, 0):
            ticks = MARK - away if sells else MARK + away
            sides = (other, name) if sells else (name, other)
            run = self.house.trade_run(*sides, lots=lots, ticks=ticks)
            if order:
                run = command.RESERVE_MARGIN.row(
                    account=self.house.number(name), instrument=0,
                    lots=-lots if sells else lots, limit_ticks=ticks,
                )  # fmt: skip
            self.submit(run)
            if not self.house.refusals():
                return

    def plot(self) -> None:
        """Leave a bad order behind, hand over all that still closes, and fill the order."""
        share = int(self.dice.choice([1, 2, 4, 10]))
        for part in self.dice.permutation(3).tolist():
            if part == 0:
                self.squeeze(order=True, closes=bool(self.dice.random() < 0.5), share=share)
            elif part == 1:
                self.submit(self.enter())
            else:
                self.submit(self.withdraw())
        self.squeeze(order=False, closes=True, share=int(self.dice.choice([1, 1, 2])))
        self.submit(self.trade())

    def submit(self, run: Run) -> None:
        self.house.submit(run, allow_refusals=True)
        self.booked += not self.house.refusals()

    def step(self) -> None:
        """One attempt of the pair, and now and then an assessment."""
        die = self.dice.random()
        if die < 0.15:
            self.plot()
        elif die < 0.5:
            closes = bool(self.dice.random() < 0.7)
            share = int(self.dice.choice([1, 1, 2, 10]))
            self.squeeze(order=bool(self.dice.random() < 0.5), closes=closes, share=share)
        else:
            moves = (self.trade, self.trade, self.trade, self.enter, self.enter, self.reserve)
            kinds = (*moves, self.release, self.withdraw)
            self.submit(kinds[int(self.dice.integers(len(kinds)))]())
        if self.dice.random() < 0.1:
            self.house.assess()
        for name in PAIR:
            self.worst = min(self.worst, self.house.state.assess(self.house.number(name)).net)

    def run(self) -> int:
        """The worst net of either account, numeraire units, after the steps."""
        for _ in range(STEPS):
            self.step()
        return self.worst


@pytest.mark.rule("7.25", "7.27", "7.53", "7.55")
@pytest.mark.parametrize("form", [LINEAR, INVERSE])
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32))
def test_colluding_accounts_take_out_no_more_than_they_put_in(form: int, seed: int) -> None:
    pair = Pair(form, seed)

    # Fills round by four units of the settlement asset each.
    slack = STEPS * (4 * math.ceil(float(pair.house.state.assets.unit_price[pair.asset])) + 2)
    assert pair.run() >= -slack


def test_the_pairs_fill_orders_and_try_to_take_their_position_away() -> None:
    pairs = [Pair(LINEAR, seed) for seed in range(10)]
    for pair in pairs:
        pair.run()
    assert sum(pair.booked for pair in pairs) > len(pairs) * STEPS // 4
    events = [row for pair in pairs for row in pair.house.events("TradeNovated")]
    assert sum(row["buyer_reservation"] + row["seller_reservation"] > 0 for row in events) > 20
    refused = [row for pair in pairs for row in pair.house.events("CommandRefused")]
    assert any(row["code"] == No.ORDERS_UNCOVERED for row in refused)


@pytest.mark.parametrize("form", [LINEAR, INVERSE])
def test_orders_without_a_hold_would_hand_them_the_money_of_others(
    form: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "order_loss", lambda *_: 0)
    nothing = order_margin.Margined(NONE, NONE, are_right=True)
    monkeypatch.setattr(order_margin, "margined", lambda *_: nothing)

    worst = min(Pair(form, seed).run() for seed in range(20))

    assert worst < -100 * COIN


NONE = np.zeros(0, np.int64)
