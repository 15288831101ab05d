"""Margin of short options by formula: Deribit, Bybit and Derive, as shipped and by their cases.

- Bybit: help centre 000001735, short 1 BTC 18,500 put, index 20,250, mark 290, entry 280:
  maintenance 938, initial 2,315; exact.
- Deribit: contract specifications of futures, initial margin of 25 and 350 BTC; exact.  Its options
  are published as formulas; the rows apply them by hand.
- Derive: derivexyz/v2-core at 7736900 (facts only), StandardManager/test-cases.json; the cases
  carry their own parameters; to 1e-6 USD.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest

from novate.margin.methodology.option_formula import LinearTerms, OptionFormula
from novate.margin.methodology.option_rule import LargestLoss, OptionTerms
from novate.margin.methodology.parameters import CollateralTerms
from novate.margin.methodology.portfolio import (
    Collateral,
    Contract,
    Curve,
    Portfolio,
    Position,
    Snapshot,
)
from tests.golden.margin_book import NOW, check_parts, market, method, perpetual

SECONDS = 500_400
EXPIRY = NOW + SECONDS * 10**9


def option(
    strike: float, is_call: bool, underlying: str = "ETH", settlement: str = "USDC"
) -> Contract:
    return Contract(
        symbol=f"{underlying}-{strike:.0f}-{'C' if is_call else 'P'}",
        kind="option",
        underlying=underlying,
        settlement=settlement,
        expiry_ns=EXPIRY,
        strike=strike,
        is_call=is_call,
    )


def test_the_worked_example_of_bybit() -> None:
    put = option(18_500.0, False, "BTC")
    book = Portfolio(positions=(Position(contract=put, quantity=-1.0, entry_price=280.0),))
    now = market(index={"BTC": 20_250.0}, mark={put.symbol: 290.0})
    found = method("bybit_options").outcome(book, now)
    check_parts(found)
    assert (found.maintenance, found.initial) == (938.0, 2_315.0)


def test_bybit_counts_an_entry_price_above_the_mark() -> None:
    put = option(18_500.0, False, "BTC")
    book = Portfolio(positions=(Position(contract=put, quantity=-2.0, entry_price=350.0),))
    now = market(index={"BTC": 20_250.0}, mark={put.symbol: 290.0})
    found = method("bybit_options").outcome(book, now)
    assert (found.maintenance, found.initial) == (2 * 938.0, 2 * 2_375.0)


@pytest.mark.parametrize(
    ("size", "initial", "maintenance"),
    # Maintenance by hand: 1% + 0.005% for each BTC.
    [(0.0, 0.0, 0.0), (25.0, 0.53125, 0.28125), (-350.0, 13.125, 9.625)],
)
def test_inverse_perpetuals_of_deribit(size: float, initial: float, maintenance: float) -> None:
    contract = perpetual("BTC-PERPETUAL", "BTC", "BTC")
    book = Portfolio(positions=(Position(contract=contract, quantity=size),))
    found = method("deribit_standard").outcome(book, market())
    check_parts(found)
    assert found.currency == "BTC"
    assert found.initial == pytest.approx(initial, rel=1e-14)
    assert found.maintenance == pytest.approx(maintenance, rel=1e-14)


@pytest.mark.parametrize(
    ("is_call", "strike", "mark", "initial", "maintenance"),
    [
        (True, 20_000.0, 0.02, 0.17, 0.095),
        # 6% out of the money: max(0.15 - 0.06, 0.10) + 0.02.
        (True, 21_200.0, 0.02, 0.12, 0.095),
        # 2% out of the money: 0.13 + 0.02.
        (False, 19_600.0, 0.02, 0.15, 0.095),
        # A put worth 2 coins: maintenance 0.075 * 2 + 2, initial 0.15 + 2 and no less.
        (False, 60_000.0, 2.0, 2.15, 2.15),
        # Worth 4 coins: maintenance 0.3 + 4 is above 0.15 + 4.
        (False, 100_000.0, 4.0, 4.3, 4.3),
    ],
)
def test_inverse_options_of_deribit_by_hand(
    is_call: bool, strike: float, mark: float, initial: float, maintenance: float
) -> None:
    contract = option(strike, is_call, "BTC", "BTC")
    book = Portfolio(positions=(Position(contract=contract, quantity=-10.0),))
    now = market(mark={contract.symbol: mark}, curve={("BTC", EXPIRY): Curve(forward=20_000.0)})
    found = method("deribit_standard").outcome(book, now)
    check_parts(found)
    assert found.initial == pytest.approx(10 * initial)
    assert found.maintenance == pytest.approx(10 * maintenance)


SPOT, FORWARD = 1_500.0, 1_500.8332793109938176
VOLATILITY = {
    1_000.0: 1.262012129931914496,
    1_100.0: 1.198874027186882048,
    1_200.0: 1.138939398828297472,
    1_300.0: 1.083189415509876480,
    1_500.0: 1.047884494084986240,
    1_600.0: 1.0,
    1_700.0: 1.116354471205355648,
    1_900.0: 1.179993832279113216,
    2_500.0: 1.326538658030860032,
}


def black(strike: float, is_call: bool) -> float:
    """Black-76 without discounting, which is how the manager marks an option."""
    spread = VOLATILITY[strike] * math.sqrt(SECONDS / (365 * 86_400))
    first = math.log(FORWARD / strike) / spread + spread / 2
    cdf = NormalDist().cdf
    call = FORWARD * cdf(first) - strike * cdf(first - spread)
    return call if is_call else call - FORWARD + strike


CASES = OptionFormula(
    currency="USDC",
    options={
        "ETH": OptionTerms(
            initial=0.15,
            initial_floor=0.1,
            maintenance=0.075,
            put_value=0.075,
            put_cover=1.05,
        )
    },
    linear={"ETH": LinearTerms(initial=0.065, maintenance=0.05)},
    largest_loss=LargestLoss(unpaired_initial=1.1, unpaired_maintenance=1.1),
    collateral={"ETH": CollateralTerms(maintenance_haircut=0.9, initial_haircut=0.0)},
)
MARKET: Snapshot = market(
    index={"ETH": SPOT},
    mark={
        **{option(k, c).symbol: black(k, c) for k in VOLATILITY for c in (True, False)},
        "ETH-PERP": 1_505.0,
    },
    curve={("ETH", EXPIRY): Curve(forward=FORWARD, rate=0.03)},
)


@pytest.mark.parametrize(
    ("legs", "initial", "maintenance"),
    [
        ([(-1.0, 1_500.0, "C")], -304.37158518905994, -191.87158518905994),
        ([(1.0, 1_500.0, "C")], 0.0, 0.0),
        ([(-1.0, 1_900.0, "C")], -156.008261835426660352, -118.508261835426660352),
        ([(-1.0, 1_300.0, "P")], -164.32279429437403, -126.82279429437403),
        ([(-1.0, 1_100.0, "C"), (1.0, 1_300.0, "C")], -200.0, -200.0),
        (
            [(1.0, 1_900.0, "C"), (-1.0, 1_700.0, "C")],
            -173.10401446658244608,
            -135.60401446658244608,
        ),
        (
            [(1.0, 1_200.0, "C"), (-1.0, 1_000.0, "C"), (-0.1, 2_500.0, "C")],
            -365.091660724209385472,
            -365.091660724209385472,
        ),
        (
            [(1.0, 1_500.0, "C"), (-1.0, 1_600.0, "C"), (1.0, 1_600.0, "P"), (-1.0, 1_500.0, "P")],
            0.0,
            0.0,
        ),
    ],
)
def test_options_of_derive(
    legs: list[tuple[float, float, str]], initial: float, maintenance: float
) -> None:
    book = Portfolio(
        positions=tuple(
            Position(contract=option(strike, right == "C"), quantity=size)
            for size, strike, right in legs
        )
    )
    found = CASES.outcome(book, MARKET)
    assert sum(part.initial for part in found.parts) == found.initial
    assert found.initial_excess == pytest.approx(initial, abs=1e-6)
    assert found.maintenance_excess == pytest.approx(maintenance, abs=1e-6)


# Long 1 at 1,535, now 1,505, with funding of 10 to receive.
def test_a_perpetual_of_derive() -> None:
    position = Position(contract=perpetual("ETH-PERP", "ETH"), quantity=1.0, unrealised=-30.0 + 10)
    found = CASES.outcome(Portfolio(positions=(position,)), MARKET)
    check_parts(found)
    assert found.initial_excess == pytest.approx(-117.825, rel=1e-14)
    assert found.maintenance_excess == pytest.approx(-95.25, rel=1e-14)


def test_an_asset_as_collateral_of_derive() -> None:
    book = Portfolio(collateral=(Collateral(asset="ETH", quantity=1.0),))
    found = CASES.outcome(book, MARKET)
    check_parts(found)
    assert found.equity == 1_500.0
    assert (found.initial_excess, found.maintenance_excess) == pytest.approx((150.0, 150.0))


# With the venue's configuration, by hand: max(15% - 13.33%, 13%) and 9% of 1,500.
def test_the_shipped_preset_of_derive_by_hand() -> None:
    mark = black(1_300.0, False)
    book = Portfolio(
        positions=(
            Position(contract=option(1_300.0, False), quantity=-1.0),
            Position(contract=perpetual("ETH-PERP", "ETH"), quantity=-2.0),
        )
    )
    found = method("derive_standard").outcome(book, MARKET)
    check_parts(found)
    assert found.initial == pytest.approx(0.13 * 1_500 + mark + 0.1 * 2 * 1_505)
    assert found.maintenance == pytest.approx(0.09 * 1_500 + mark + 0.065 * 2 * 1_505)
