"""Mark-to-market settlement against the published scenarios of Vega.

Source of every case: vegaprotocol/vega at commit a50750c, core/integration/features; the file and
the scenario stand at the test.  Amounts are whole asset units there and ledger units here (one
tick on one lot is one ledger unit), so every comparison is exact.  Vega's margin model differs
(slippage and a risk factor for each side): only cash, positions and pools are compared, and a
balance here is Vega's margin account plus its general account.
"""

from __future__ import annotations

import pytest

from novate.kernel.clearing.value import LINEAR, contract_value
from novate.message.parameter import Parameter
from tests.unit.clearing import HOUR, START, ClearingHouse


def house_with(**deposits: int) -> ClearingHouse:
    """Accounts with deposits and a contract whose cash is whole ledger units."""
    house = ClearingHouse(parameters={Parameter.TAKEOVER_PPM: 1_000_000})
    house.list_contract(unit=1)
    for name, deposit in deposits.items():
        house.open_client(name, deposit=deposit)
    return house


def settle(house: ClearingHouse) -> None:
    """Pass the next full hour: one cycle at the present mark."""
    house.advance((house.state.now_ns // HOUR + 1) * HOUR)


# verified/0003-MTMK-mark_to_market_settlement.feature, "settlement amount <= margin balance"
@pytest.mark.rule("7.14", "8.1")
def test_a_short_that_doubles_while_the_price_doubles_pays_once_for_what_it_held() -> None:
    house = house_with(party1=10_000, party2=10_000, party3=10_000)
    house.price(1000)
    house.trade("party2", "party1", lots=1, ticks=1000)
    settle(house)
    assert house.balance("party1") == 1200 + 8800
    assert house.balance("party2") == 1212 + 8788

    house.trade("party3", "party1", lots=1, ticks=2000)
    house.price(2000)
    settle(house)

    assert house.balance("party1") == 4800 + 4200
    assert house.balance("party2") == 2424 + 8576
    assert house.balance("party3") == 2424 + 7576
    assert house.balance("RESIDUE") == 0


# verified/0003-MTMK-mark_to_market_settlement.feature, "no mark change -> no transfers"
@pytest.mark.rule("8.1")
def test_a_trade_of_others_at_an_unchanged_mark_moves_no_cash() -> None:
    house = house_with(party1=10_000, party2=10_000, party3=10_000)
    house.price(1000)
    house.trade("party2", "party1", lots=1, ticks=1000)
    settle(house)
    before = house.state.accounts.used("balance").copy()

    house.trade("party3", "party1", lots=1, ticks=1000)
    settle(house)

    assert (house.state.accounts.used("balance") == before).all()
    assert house.balance("party2") == 1212 + 8788
    assert house.lots("party1") == -2
    assert house.balance("party1") == 2400 + 7600


# settlement/mark_to_market_settlement_neg_pdp.feature, "position decimal places -3"
def test_a_lot_of_a_thousand_contracts_pays_a_thousand_times_the_move() -> None:
    house = ClearingHouse()
    house.list_contract(unit=1000)
    house.open_client("party1", deposit=5_000_000)
    house.open_client("party2", deposit=5_000_000)
    house.price(1000)
    house.trade("party2", "party1", lots=1, ticks=1000)

    house.price(2000)
    settle(house)

    assert house.balance("party1") == 5_000_000 - 1_000_000


# verified/0003-MTMK-mark_to_market_settlement_using_insurance_pool.feature, "loss then close-out".
# Adapted: here the liquidator pays no fee on its trades, so the pool keeps the 601 that Vega's
# pool pays for the close-out (9,520 + 601 = 10,121).  The fee of the published trade is charged.
@pytest.mark.rule("11.16", "12.12")
def test_the_residue_of_a_liquidation_goes_to_the_fund_and_its_slippage_comes_out() -> None:
    house = ClearingHouse(parameters={Parameter.TAKEOVER_PPM: 1_000_000})
    house.list_contract(unit=1, taker_fee_ppm=100_000)
    house.deposit("INSURANCE_FUND", 10_000)
    for name, deposit in (("party1", 5122), ("party2", 10_000), ("party3", 10_000)):
        house.open_client(name, deposit=deposit)
    house.price(1000)
    house.trade("party2", "party1", lots=1, ticks=1000)  # the buyer is the aggressor
    settle(house)
    assert house.balance("party1") == 5122
    assert house.balance("party2") == 9900

    house.trade("party2", "party3", lots=1, ticks=6000, buyer_is_maker=True)
    house.price(6000)
    house.fill(1, 1, 6001)
    settle(house)
    house.assess()

    # party1 had 5122 - 5000 left: Vega's pool gets all, here 0.5% of 6000 (rule 12.21).
    charge = 30
    assert (house.balance("party1"), house.lots("party1")) == (122 - charge, 0)
    assert (house.balance("party2"), house.lots("party2")) == (14_900, 2)
    assert house.balance("party3") == 9400
    assert house.balance("SETTLEMENT") == 0
    assert house.balance("INSURANCE_FUND") == 10_000 + charge - (6001 - 6000)
    assert house.balance("INSURANCE_FUND") + house.balance("party1") == 9520 + 601


# verified/Test-PnL.feature, "partial closes at 1005, 995, 1009" (average entry price)
@pytest.mark.rule("7.16")
def test_partial_closes_realise_against_the_average_entry_price() -> None:
    house = house_with(party1=100_000, party2=100_000)
    house.price(1000)
    house.trade("party1", "party2", lots=50, ticks=1000)
    closes = ((5, 1005, 45, 225, 25), (5, 995, 40, -200, 0), (2, 1009, 38, 342, 18))

    for size, price, volume, unrealised, realised in closes:
        house.trade("party2", "party1", lots=size, ticks=price)
        house.price(price)

        for party, sign in (("party1", 1), ("party2", -1)):
            held = house.position(party)
            value = contract_value(LINEAR, 1, price, held["lots"])
            assert held["lots"] == sign * volume
            assert value - held["entry_cost"] == sign * unrealised
            assert held["realised"] == sign * realised


def test_the_scenarios_start_on_a_full_hour() -> None:
    assert START % HOUR == 0
