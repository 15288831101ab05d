"""Funding against the published scenarios of Vega.

Sources: vegaprotocol/vega at commit a50750c, core/integration/features, and vegaprotocol/specs at
commit 5fea1f3, protocol/0053-PERP-product_builtin_perpetual_future.md; file and code stand at the
test.

Vega: payment per unit = f - s + min(cu*s, max(cl*s, (1 + dt*r)*s - f)), with f and s the time
averages of perpetual and spot.  Divided by s this is the rate here: P = f/s - 1, interest = dt*r,
rate = P + clamp(interest - P).  Two differences: the clamp here is symmetric, and the notional is
taken at the mark.  The contracts below tie the mark to the index (a basis clamp of zero), so that
the cash flows are Vega's too.
"""

from __future__ import annotations

import pytest

from novate.kernel.codes import Layer
from novate.market.funding import funding_rate
from novate.message.parameter import Parameter
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, START, ClearingHouse


def perpetual(
    *, index: int, last: int, interest_e9: int = 0, damper_e9: int = 0, cap_e9: int = 10**9
) -> ClearingHouse:
    """A long 1, B short 1 in a perpetual that is funded every hour, one full period later."""
    house = ClearingHouse()
    house.list_contract(
        basis_clamp_ppm=0,
        funding_ns=HOUR,
        cycle_ns=0,
        funding_cap_e9=cap_e9,
        funding_damper_e9=damper_e9,
        interest_e9=interest_e9,
    )
    house.open_client("long", deposit=10_000 * COIN)
    house.open_client("short", deposit=10_000 * COIN)
    house.price(index, last={0: last})
    house.trade("long", "short", lots=1, ticks=index)
    house.advance(START + HOUR)
    return house


# settlement/0019-MCAL_fundingMargin2.feature (0019-MCAL-026): clamps wide, payment = s*dt*r
@pytest.mark.rule("8.6")
def test_with_wide_clamps_the_rate_is_the_interest() -> None:
    assert funding_rate(-6_250_000, 100_000, 900_000_000, 10**9) == 100_000

    house = perpetual(index=1600, last=1590, interest_e9=100_000, damper_e9=900_000_000)

    [funding] = house.events("FundingSettled")
    assert funding["rate_e9"] == 100_000  # 0.0001
    assert house.balance("long") == 10_000 * COIN - 160_000  # -0.16
    assert house.balance("short") == 10_000 * COIN + 160_000


# settlement/0019-MCAL_fundingMargin3.feature (0019-MCAL-028, -029): the lower clamp binds
@pytest.mark.rule("8.6")
def test_where_the_clamp_binds_the_premium_beyond_it_is_paid() -> None:
    assert funding_rate(62_500_000, 100_000, 50_000_000, 10**9) == 12_500_000

    house = perpetual(index=1600, last=1700, interest_e9=100_000, damper_e9=50_000_000)

    [funding] = house.events("FundingSettled")
    assert funding["rate_e9"] == 12_500_000  # 0.0125
    assert house.balance("long") == (10_000 - 20) * COIN
    assert house.balance("short") == (10_000 + 20) * COIN


# verified/network_pnl_funding.feature (0053-PERP-037, mirrored -038): f 100, s 101, clamp [0, 0].
# Adapted: the liquidator's cash reaches the pool when it is flat; the exact rate is a fraction, so
# the receiver gets the floor (1.000000) and the last ledger unit of the payer is residue.
@pytest.mark.parametrize(("side", "pool"), [(1, 10_001 * COIN), (-1, 10_000 * COIN - 1_000_001)])
def test_the_liquidator_receives_and_pays_funding_like_anybody(side: int, pool: int) -> None:
    house = ClearingHouse(
        parameters={Parameter.TAKEOVER_PPM: 1_000_000, Parameter.ORDER_LIFE_NS: 0}
    )
    house.list_contract(basis_clamp_ppm=0, funding_ns=HOUR, cycle_ns=0, funding_cap_e9=10**9)
    house.deposit("INSURANCE_FUND", 10_000 * COIN)
    house.open_client("failing", deposit=24 * COIN)
    house.open_client("other", deposit=10_000 * COIN)
    house.price(101 + side * 20, last={0: 101 + side * 20})
    pair = ("failing", "other") if side > 0 else ("other", "failing")
    house.trade(*pair, lots=1, ticks=101 + side * 20)
    house.price(101, at_ns=START + 30 * MINUTE, last={0: 101})
    assert house.lots("LIQUIDATOR") == side
    house.price(101, at_ns=START + HOUR, last={0: 100})
    house.fill(1, 0, 0, is_final=True)
    cash = house.balance("LIQUIDATOR")

    house.price(101, at_ns=START + 2 * HOUR, last={0: 101})

    funding = house.events("FundingSettled")[-1]
    assert funding["rate_e9"] == -9_900_991  # -1/101, rounded down
    received = house.balance("LIQUIDATOR") - cash
    assert received == (COIN if side > 0 else -1_000_001)
    assert house.balance("RESIDUE") == 1

    # Flat again at the mark: all that it is left with goes to the pool.
    orders = house.events("OrderPlaced")
    house.fill(len(orders), 1, 101)
    house.assess()
    # The defaulter left 24 - 20 = 4.  Vega's pool gets all of it, here 0.5% of 101 (rule 12.21).
    charge = 505_000
    assert house.balance("INSURANCE_FUND") == pool + charge
    assert house.balance("failing") == 4 * COIN - charge


# settlement/0053-PERP-040.feature (0053-PERP-040): rate bounds apply after everything else.
# Adapted: rates here end at 1 and there is no scaling factor, so all rates are a tenth: the scaled
# premium -6 is -0.6, the bounds 6 and 5 are 0.6 and 0.5.
@pytest.mark.rule("8.6")
@pytest.mark.parametrize(
    ("cap_e9", "rate_e9"), [(600_000_000, -600_000_000), (500_000_000, -5 * 10**8)]
)
def test_the_cap_is_applied_last(cap_e9: int, rate_e9: int) -> None:
    house = perpetual(index=3000, last=1200, cap_e9=cap_e9)

    [funding] = house.events("FundingSettled")
    assert funding["rate_e9"] == rate_e9
    transfer = 3000 * COIN * -rate_e9 // 10**9
    assert house.balance("long") == 10_000 * COIN + transfer


# 0053-PERP-024: the pool holds a third of the shortfall, winners forgo the other two thirds.
# Adapted: the shortfall of 900 comes from a price move, not from a funding payment.
@pytest.mark.rule("13.1")
def test_the_fund_pays_before_gains_are_cut() -> None:
    house = ClearingHouse()
    house.list_contract(unit=1)
    house.deposit("INSURANCE_FUND", 300)
    house.open_client("loser", deposit=1100)
    house.open_client("winner", deposit=10_000)
    house.price(100)
    house.trade("winner", "loser", lots=100, ticks=100)

    house.price(120)

    paid = {row["layer"]: row["amount"] for row in house.events("LossAllocated")}
    assert house.events("LossRecorded")[0]["amount"] == 900
    assert paid == {Layer.INSURANCE_FUND: 300}
    assert [row["amount"] for row in house.events("GainsCut")] == [600]
    assert house.balance("winner") == 10_000 - 600
    assert house.balance("INSURANCE_FUND") == 0


MARK_MINUTES = ((-1, 10), (1, 11), (3, 10), (5, 9), (7, 8), (9, 7))
SPOT_MINUTES = ((-1, 11), (1, 9), (3, 10), (5, 12), (6, 11), (7, 8), (9, 14))


# 0053-PERP-027: time averages over ten minutes, 9.3 and 10.2.  Here a tick is a tenth.
@pytest.mark.rule("5.17", "5.18", "8.10")
@pytest.mark.parametrize(
    ("observations", "average"), [(MARK_MINUTES, 93), (SPOT_MINUTES, 102)], ids=["mark", "spot"]
)
def test_the_final_price_is_the_time_average_of_a_step_function(
    observations: tuple[tuple[int, int], ...], average: int
) -> None:
    house = ClearingHouse()
    start = START + HOUR
    house.list_contract(
        tick_e8=E8 // 10, expiry_ns=start + 10 * MINUTE, settlement_window_ns=10 * MINUTE
    )
    for minute, price in observations:
        house.price(price, at_ns=start + minute * MINUTE)

    house.advance(start + 10 * MINUTE)

    [expired] = house.events("ContractExpired")
    assert expired["ticks"] == average


# The same path of the perpetual against a spot of 10: an average premium of 9.3 / 10 - 1 = -7%.
@pytest.mark.rule("5.16", "5.18", "8.6")
def test_the_funding_premium_is_the_same_time_average() -> None:
    house = ClearingHouse()
    start = START + 10 * MINUTE
    house.list_contract(
        tick_e8=E8 // 10,
        funding_ns=10 * MINUTE,
        cycle_ns=0,
        funding_cap_e9=10**9,
        basis_clamp_ppm=0,
    )
    for minute, price in MARK_MINUTES:
        house.price(10, at_ns=start + minute * MINUTE, last={0: 10 * price})

    house.advance(start + 10 * MINUTE)

    assert house.events("FundingSettled")[-1]["rate_e9"] == -70_000_000
