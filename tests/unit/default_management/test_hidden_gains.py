"""Gains that colluding accounts would hide, or spread over accounts that have left."""

from __future__ import annotations

import pytest

from novate.canonical import Run
from novate.engine.apply import apply_run
from novate.message import command
from novate.message.parameter import SETTINGS, Parameter
from tests.unit.clearing import COIN, HOUR, MINUTE, ClearingHouse

BROUGHT = 30_000 * COIN
WASHED = 20_000 * COIN


class Window:
    """Two winners of a fall, H and W, and accounts of one mind with W; the price is 500."""

    def __init__(self, **fees: int) -> None:
        parameters = {parameter: setting.default for parameter, setting in SETTINGS.items()}
        parameters |= {
            Parameter.INDEX_SOURCES_MIN: 1,
            Parameter.JUMP_PPM: 0,  # so that the fall takes one step
            Parameter.RAMP_PPM: 0,
        }
        self.house = ClearingHouse(parameters=parameters)
        tiers = ((0, 20_000, 10_000),)
        self.house.list_contract("X", tiers=tiers, basis_clamp_ppm=50_000)
        self.house.list_contract("Y", tiers=tiers, basis_clamp_ppm=50_000, **fees)
        for name in "HW":
            self.house.open_client(name, deposit=BROUGHT)
        for name in "FB":
            self.house.open_client(name)
        self.house.open_client("L", deposit=10_000 * COIN)
        self.pass_time(1, 500)
        self.pass_time(MINUTE, 500)

    def pass_time(self, time_ns: int, price: int) -> None:
        self.house.price(price, at_ns=self.house.state.now_ns + time_ns)

    def wash(self, loser: str, winner: str) -> None:
        """One gives the other 20,000 by trades at 540 and 500, and gets it back from outside."""
        for _ in range(5):
            self.house.trade(loser, winner, lots=100, ticks=540)
            self.house.trade(winner, loser, lots=100, ticks=500)
        self.house.advance((self.house.state.now_ns // HOUR + 1) * HOUR)
        self.pass_time(1, 500)
        self.take(winner, WASHED)
        self.house.deposit(loser, WASHED)

    def take(self, name: str, amount: int) -> None:
        account = self.house.number(name)
        self.house.submit(command.WITHDRAW_COLLATERAL.row(account=account, asset=0, amount=amount))

    def fall(self, buyer: str) -> None:
        """H and W are short 200 lots each against a buyer, and the price falls to 400."""
        for name in "HW":
            self.house.trade(buyer, name, lots=200, ticks=500)
        for time_ns in (2 * MINUTE, HOUR, 8 * HOUR, 2 * HOUR - 1):
            self.pass_time(time_ns, 400)

    def gain(self, name: str) -> int:
        return int(self.house.state.accounts.window_gain[self.house.number(name)])

    def most(self, name: str) -> int:
        """What an account may withdraw, by trial."""
        low, high = 0, self.house.balance(name) + 1
        while high - low > 1:
            middle = (low + high) // 2
            twin = self.house.engine.fork()
            run = command.WITHDRAW_COLLATERAL.row(
                account=self.house.number(name), asset=0, amount=middle
            )
            names = [run.name for batch in twin.submit([run]) for run in batch.events]
            low, high = (low, middle) if "CommandRefused" in names else (middle, high)
        return low


@pytest.mark.rule("7.85")
def test_what_is_conceded_at_a_constant_price_moves_no_window_gain_of_who_concedes() -> None:
    window = Window()
    window.house.deposit("F", WASHED)

    window.wash("W", "F")

    assert (window.gain("W"), window.gain("F")) == (0, WASHED)


@pytest.mark.rule("7.85", "13.9")
@pytest.mark.parametrize("is_washed", [False, True])
def test_a_haircut_reaches_a_winner_that_conceded_before(is_washed: bool) -> None:
    window = Window()
    if is_washed:
        window.house.deposit("F", WASHED)
        window.wash("W", "F")
        window.take("F", WASHED)

    window.fall("L")

    assert window.house.balance("H") == window.house.balance("W") == 35_000 * COIN


@pytest.mark.rule("6.95", "6.96", "7.85")
@pytest.mark.parametrize("loser", ["", "W", "B"])
def test_what_is_unpaid_waits_alike_whatever_was_conceded_before(loser: str) -> None:
    window = Window()
    if loser:
        window.house.deposit("F", WASHED)
        window.house.deposit(loser, BROUGHT)
        for _ in range(3):
            window.wash(loser, "F")
        window.take("F", window.house.balance("F"))
        window.take(loser, window.house.balance(loser) - (BROUGHT if loser == "W" else 0))

    window.fall("EXTERNAL_MARKET")

    assert window.house.state.unpaid == 40_000 * COIN
    assert window.most("H") == window.most("W") == 27_600 * COIN


@pytest.mark.rule("7.85")
def test_a_rebate_is_a_gain_of_the_window_and_a_fee_no_loss() -> None:
    window = Window(maker_fee_ppm=-250, taker_fee_ppm=300)

    window.house.trade("W", "H", lots=10, ticks=500, instrument=1, buyer_is_maker=True)

    assert window.gain("W") == 10 * 500 * COIN * 250 // 10**6
    assert window.gain("H") == 0


@pytest.mark.rule("7.85")
def test_versions_of_a_trade_before_count_what_was_conceded_as_they_did() -> None:
    window = Window()
    window.house.trade("W", "H", lots=10, ticks=540)
    [trade] = [run for batch in window.house.last for run in batch.events]
    before = Window()

    apply_run(before.house.state, Run(trade.name, 2, trade.rows, trade.columns))

    assert window.gain("W") == 10 * 40 * COIN
    assert before.gain("W") == 0
    assert before.house.lots("W") == 10
