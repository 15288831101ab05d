"""Liquidation and funding against published cases of dYdX v4.

Source: dydxprotocol/v4-chain at commit 84d4664 (facts only); file and test stand at the case.
Amounts are in whole USDC there; all comparisons are exact.

What does not fit, and is left out:

- bankruptcy values of solvent accounts, and the sharing of one account's equity between several
  positions: here an account above its takeover level is closed at the market, one below it moves
  as a whole at the mark, and a bankruptcy price appears in auto-deleveraging only;
- a negative balance without positions, which dYdX does not liquidate: here it is a debt that the
  waterfall must take, see `test_a_debt_without_positions_is_taken_through_the_waterfall`;
- a liquidation fee of 100%: fees end at 10%, which the cap by equity makes the same case.
"""

from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.clearing.value import funding_payment
from novate.kernel.codes import AccountStatus, Layer
from novate.message.parameter import Parameter
from tests.unit.clearing import COIN, HOUR, START, ClearingHouse


# protocol/x/perpetuals/lib/lib_test.go, TestGetSettlementPpmWithPerpetual:
# settlement = -(index now - index last) * position, in parts per million of a quote unit.
# The rate here is the change of the index per 1,000 units of value: 1e-9 against 1e-6.
@pytest.mark.rule("8.7")
@pytest.mark.parametrize(
    ("position", "index_now", "index_last", "settlement_ppm"),
    [
        (1_000_000, 4_000_000_000, 4_000_000_000, 0),
        (-1_000_000, 123_456_789_123, 100_000_000_000, 23_456_789_123_000_000),
        (-1_000_000, -123_456_789_123, -100_000_000_000, -23_456_789_123_000_000),
        (10_000_000, 0, 100, 1_000_000_000),
        (-30_000, 100, -100, 6_000_000),
        (-5_000_000, -50, 100, -750_000_000),
    ],
)
def test_funding_is_the_change_of_the_index_times_the_position(
    position: int, index_now: int, index_last: int, settlement_ppm: int
) -> None:
    rate = np.int64(index_now - index_last)
    value, lots = np.int64(1_000 * position), np.int64(position)

    paid = funding_payment(value, lots, rate)
    paid_by_the_other_side = funding_payment(-value, -lots, rate)

    assert -paid * 1_000_000 == settlement_ppm
    assert paid + paid_by_the_other_side == 0


def liquidated(side: int, quote: int, price: int, fee_ppm: int) -> ClearingHouse:
    """An account with 0.1 BTC and a quote balance at a mark where it is below maintenance."""
    house = ClearingHouse(
        parameters={
            Parameter.LIQUIDATION_FEE_PPM: fee_ppm,
            Parameter.SLICE_PPM: 1_000_000,
            Parameter.TAKEOVER_PPM: 0,
        }
    )
    # One lot is 0.1 BTC.  Maintenance is 12%, so that each case is in breach at its fill price.
    house.list_contract(unit=COIN // 10, tiers=((0, 200_000, 120_000),))
    deposit = 3_000
    entry = 10 * (deposit - quote) if side > 0 else 10 * (quote - deposit)
    house.open_client("account", deposit=deposit * COIN)
    house.open_client("other", deposit=10**6 * COIN)
    house.price(entry)
    pair = ("account", "other") if side > 0 else ("other", "account")
    house.trade(*pair, lots=1, ticks=entry)
    house.price(price)
    assert house.status("account") == AccountStatus.LIQUIDATING
    return house


# protocol/x/clob/keeper/liquidations_test.go, TestGetLiquidationInsuranceFundDelta:
# a solvent account pays min(what is left to it, proceeds * largest fee) to the insurance fund.
@pytest.mark.rule("11.15")
@pytest.mark.parametrize(
    ("side", "quote", "price", "fee_ppm", "delta"),
    [
        (1, -5_100, 56_100, 5_000, 28_050_000),
        (1, -5_100, 56_100, 100_000, 510_000_000),  # adapted: 10% instead of 100%
    ],
)
def test_the_liquidation_fee_is_capped_by_what_is_left_of_a_long(
    side: int, quote: int, price: int, fee_ppm: int, delta: int
) -> None:
    house = liquidated(side, quote, price, fee_ppm)

    house.fill(1, 1, price)

    assert house.balance("INSURANCE_FUND") == delta


@pytest.mark.rule("11.15")
def test_the_liquidation_fee_of_a_short_is_a_share_of_what_it_paid() -> None:
    house = liquidated(-1, 4_900, 44_100, 25_000)

    house.fill(1, 1, 44_100)

    assert house.balance("INSURANCE_FUND") == 110_250_000


# protocol/lib/margin/risk_test.go, TestRisk_IsLiquidatable: maintenance > 0 and equity below it.
@pytest.mark.rule("4.18")
@pytest.mark.parametrize(
    ("equity", "is_liquidatable"), [(0, True), (100, False), (99, True), (101, False)]
)
def test_an_account_is_liquidated_when_equity_is_below_maintenance(
    equity: int, is_liquidatable: bool
) -> None:
    house = ClearingHouse()
    house.list_contract(unit=1)  # maintenance 5% of 20 lots at 100: 100
    house.open_client("account", deposit=equity + 2_000)
    house.open_client("other", deposit=10**6)
    house.price(200)
    house.trade("account", "other", lots=20, ticks=200)

    house.price(100)

    assert bool(house.events("LiquidationStarted")) == is_liquidatable


def test_nothing_is_liquidated_in_an_account_without_debt_and_positions() -> None:
    house = ClearingHouse()
    house.list_contract()
    house.open_client("account")
    house.price(100)

    assert house.status("account") == AccountStatus.OPEN


# Differs from dYdX on purpose, see the top of the file.
def test_a_debt_without_positions_is_taken_through_the_waterfall() -> None:
    house = ClearingHouse()
    house.list_contract(unit=1, cycle_ns=0, funding_ns=HOUR, funding_cap_e9=10**9)
    house.deposit("INSURANCE_FUND", 1_000)
    house.open_client("account", deposit=500)
    house.open_client("other", deposit=10**6)
    house.price(100, last={0: 200})
    with house.before_funding_accrues():
        house.trade("account", "other", lots=10, ticks=100)
    house.advance(START + HOUR)  # pays its whole value of 1,010 in funding
    assert house.balance("account") < 0
    house.trade("other", "account", lots=10, ticks=int(house.state.marks.mark[0]))

    house.price(100, last={0: 100})

    assert house.status("account") == AccountStatus.TAKEN_OVER
    [loss] = house.events("LossRecorded")
    [paid] = house.events("LossAllocated")
    assert (paid["layer"], paid["amount"]) == (Layer.INSURANCE_FUND, loss["amount"])


def loss_of(amount: int, *, fund: int) -> ClearingHouse:
    """A short of one lot that fails with a loss, with auto-deleveraging as the last layer."""
    house = ClearingHouse()
    house.waterfall(Layer.AUTO_DELEVERAGING)
    house.list_contract(unit=1)
    if fund:
        house.deposit("INSURANCE_FUND", fund)
    house.open_client("short", deposit=1_000 - amount)
    house.open_client("long", deposit=10**12)
    house.price(100)
    house.trade("long", "short", lots=1, ticks=100)
    house.price(1_100)
    return house


# protocol/x/clob/keeper/deleveraging_test.go, TestIsValidInsuranceFundDelta:
# deleveraging starts when balance + delta < 0.
@pytest.mark.rule("13.3")
@pytest.mark.parametrize(
    ("fund", "loss", "is_enough"),
    [(9_998, 0, True), (500, 500, True), (500, 501, False), (0, 1, False)],
)
def test_winners_are_deleveraged_only_when_the_fund_is_not_enough(
    fund: int, loss: int, is_enough: bool
) -> None:
    house = loss_of(loss, fund=fund)

    assert house.balance("INSURANCE_FUND") == max(fund - loss, 0)
    assert bool(house.events("PositionDeleveraged")) != is_enough


# protocol/x/clob/keeper/liquidations_test.go, TestGetBankruptcyPriceInQuoteQuantums, the case with
# a negative equity: 4,900 and short 0.1 BTC at 50,000 can pay 4,900 for it, a price of 49,000.
@pytest.mark.rule("13.11")
def test_a_winner_is_closed_at_the_bankruptcy_price() -> None:
    house = ClearingHouse()
    house.waterfall(Layer.AUTO_DELEVERAGING)
    house.list_contract(unit=COIN // 10)  # one lot is 0.1 BTC
    house.open_client("short", deposit=900 * COIN)
    house.open_client("long", deposit=10_000 * COIN)
    house.price(40_000)
    house.trade("long", "short", lots=1, ticks=40_000)
    assert house.equity("short") == 900 * COIN  # 4,900 and a debt of 4,000

    house.price(50_000)

    [closed] = house.events("PositionDeleveraged")
    assert closed["ticks"] == 49_000
    assert closed["amount"] == 100 * COIN
    assert house.lots("long") == house.lots("LIQUIDATOR") == 0
