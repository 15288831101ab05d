"""Partial liquidation against the worked example of Paradex.

Source: tradeparadex/paradex-docs at commit 9b82a75, fern/pages/risk-system/liquidations.mdx:
collateral 1,000, long 0.1 BTC from 60,000, short 1 ETH from 3,000, marks 54,800 and 3,400,
maintenance 1%.  The page states a fee of 70% of the maintenance margin of what is closed, but all
its numbers use 50%, which is 0.5% of notional.  Paradex looks for the smallest share that brings
requirement / equity below 90%; a slice here has a fixed share, so each share of the table is
tried.  Exact but for the published ratios, which are cut to one decimal.
"""

from __future__ import annotations

import pytest

from novate.kernel.codes import AccountStatus
from novate.message.parameter import Parameter
from tests.unit.clearing import COIN, E8, ClearingHouse

CENT = COIN // 100


def liquidated_by(share_ppm: int) -> ClearingHouse:
    """The example with one slice of a share of every position filled at the marks."""
    house = ClearingHouse(
        assets=(("BTC", 8, 0), ("ETH", 8, 0)),
        parameters={
            Parameter.SLICE_PPM: share_ppm,
            Parameter.SLICE_FLOOR: 0,
            Parameter.TAKEOVER_PPM: 0,
            Parameter.RELEASE_PPM: 1_111_112,  # equity above requirement / 0.9
            Parameter.LIQUIDATION_FEE_PPM: 5_000,
        },
    )
    tiers = ((0, 20_000, 10_000),)
    # A lot is a thousandth of a coin.
    house.list_contract("BTC-PERP", tiers=tiers, unit=1_000)
    house.list_contract("ETH-PERP", tiers=tiers, unit=1_000, underlying=2)
    house.open_client("trader", deposit=1_000 * COIN)
    house.open_client("other", deposit=10**6 * COIN)
    house.price(None, e8={0: 60_000 * E8, 1: 3_000 * E8})
    house.trade("trader", "other", lots=100, ticks=60_000)
    house.trade("other", "trader", lots=1_000, ticks=3_000, instrument=1)
    house.price(None, e8={0: 54_800 * E8, 1: 3_400 * E8})
    for order in house.events("OrderPlaced"):
        house.fill(order["order"], abs(order["quantity"]), order["reference"])
    return house


def test_the_account_is_liquidated_at_80_of_88_point_8() -> None:
    house = liquidated_by(400_000)

    [started] = house.events("LiquidationStarted")

    assert started["equity"] == 80 * COIN
    assert started["requirement"] == 8_880 * CENT


@pytest.mark.parametrize(
    ("share_ppm", "requirement", "penalty", "equity", "ratio_pct"),
    [
        (200_000, 7_104, 888, 7_112, 99.9),
        (400_000, 5_328, 1_776, 6_224, 85.6),
        (600_000, 3_552, 2_664, 5_336, 66.6),
        (800_000, 1_776, 3_552, 4_448, 39.9),
    ],
)
def test_each_share_of_the_table_gives_its_row(
    share_ppm: int, requirement: int, penalty: int, equity: int, ratio_pct: float
) -> None:
    house = liquidated_by(share_ppm)

    numbers = house.state.assess(house.number("trader"))

    assert numbers.maintenance == requirement * CENT
    assert house.balance("INSURANCE_FUND") == penalty * CENT
    assert numbers.equity == equity * CENT
    assert 100 * numbers.maintenance / numbers.equity == pytest.approx(ratio_pct, abs=0.1)


def test_the_chosen_share_releases_the_account_and_the_one_below_does_not() -> None:
    for share_ppm, status in (
        (200_000, AccountStatus.LIQUIDATING),
        (400_000, AccountStatus.OPEN),
    ):
        house = liquidated_by(share_ppm)
        house.assess()
        assert house.status("trader") == status


def test_the_chosen_share_leaves_the_published_position_and_collateral() -> None:
    house = liquidated_by(400_000)

    realised = sum(house.position("trader", i)["realised"] for i in (0, 1))
    fee = house.balance("INSURANCE_FUND")

    assert (house.lots("trader", 0), house.lots("trader", 1)) == (60, -600)
    assert realised == -368 * COIN
    assert 1_000 * COIN + realised - fee == 61_424 * CENT
