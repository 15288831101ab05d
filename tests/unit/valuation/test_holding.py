"""The risk of one unit of each contract, native and in the reporting currency."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from novate.errors import InputError
from novate.instrument.european import European
from novate.kernel.clearing.value import INVERSE, LINEAR
from novate.kernel.codes import PricingStatus
from novate.valuation import pricing
from novate.valuation.exotic_terms import Exotics
from novate.valuation.holding import (
    NATIVE,
    REPORTING,
    Contracts,
    Kind,
    UnitRisk,
    reporting_rows,
    unit_risk,
    years_to_expiry,
)
from tests.unit.valuation.books import (
    BTC,
    DAY,
    ETH,
    NOW,
    SPOT,
    USDT_PRICE,
    WORLD,
    bumped,
    contract,
    contracts,
    market,
)

TERMS = contracts()
AT = market(TERMS)
RISK = unit_risk(TERMS, AT)
EVERYTHING = [("value", "delta"), ("delta", "gamma"), ("gamma", "speed")]


def slope(name: str, terms: Contracts, *, spot: float = 0.0, vol: float = 0.0) -> np.ndarray:
    """Central difference of a reporting measure."""
    up, down = (unit_risk(terms, bumped(terms, AT, s * spot, s * vol)) for s in (1.0, -1.0))
    width = 2.0 * (spot * AT.spot if spot else vol)
    return (up[name] - down[name]) / width


def close(found: np.ndarray, expected: np.ndarray, scale: np.ndarray | float) -> None:
    """Agreement to a millionth of a scale: differences of differences lose digits."""
    assert (np.abs(found - expected) <= 2e-6 * (np.abs(expected) + scale)).all()


@pytest.mark.parametrize(("name", "derivative"), EVERYTHING)
def test_reporting_greeks_are_the_slopes_of_the_worth_to_spot_with_its_coin(
    name: str, derivative: str
) -> None:
    order = {"delta": 1, "gamma": 2, "speed": 3}[derivative]
    scale = np.abs(RISK[name]) / AT.spot + np.abs(RISK["cash_delta"]) / AT.spot**order
    close(slope(name, TERMS, spot=1e-4), RISK[derivative], scale)


@pytest.mark.parametrize(
    ("name", "derivative"),
    [("value", "vega"), ("vega", "volga"), ("delta", "vanna"), ("gamma", "zomma")],
)
def test_reporting_greeks_are_the_slopes_of_the_worth_to_volatility(
    name: str, derivative: str
) -> None:
    close(slope(name, TERMS, vol=1e-4), RISK[derivative], np.abs(RISK[name]))


@pytest.mark.parametrize(
    ("name", "derivative"), [("value", "theta"), ("delta", "charm"), ("gamma", "colour")]
)
def test_reporting_greeks_are_the_slopes_of_the_worth_to_passing_time(
    name: str, derivative: str
) -> None:
    h = DAY // 200
    after, before = (unit_risk(TERMS, replace(AT, as_of_ns=NOW + s * h)) for s in (1, -1))
    found = (after[name] - before[name]) / (2 * h / (365 * DAY))
    close(found, RISK[derivative], np.abs(RISK[name]))


def worth_in(reporting: int | None, spot_move: float, **moves: float) -> UnitRisk:
    """The world in a reporting currency (None: dollars), after a move of each spot."""
    spot = AT.spot * (1.0 + spot_move)
    dollars = np.full(len(TERMS), USDT_PRICE)
    dollars = np.where(
        TERMS.settlement == BTC, np.where(TERMS.underlying == BTC, spot, 6e4), dollars
    )
    dollars = np.where(
        TERMS.settlement == ETH, np.where(TERMS.underlying == ETH, spot, 3e3), dollars
    )
    unit = {None: 1.0, BTC: np.where(TERMS.underlying == BTC, spot, 6e4)}[reporting]
    at = replace(
        AT,
        as_of_ns=NOW + round(moves.get("years", 0.0) * 365 * DAY),
        spot=spot,
        forward=AT.forward * (1.0 + spot_move),
        vol=AT.vol + moves.get("vol", 0.0),
        settlement_price=dollars / unit,
        reporting_asset=reporting,
    )
    return unit_risk(TERMS, at)


@pytest.mark.parametrize("reporting", [None, BTC])
@pytest.mark.parametrize("name", ["value", "delta", "gamma"])
def test_greeks_are_slopes_of_the_worth_whatever_the_reporting_currency_is(
    reporting: int | None, name: str
) -> None:
    slopes = {
        "value": ("delta", "vega", "theta"),
        "delta": ("gamma", "vanna", "charm"),
        "gamma": ("speed", "zomma", "colour"),
    }[name]
    here, h = worth_in(reporting, 0.0), {"spot": 1e-4, "vol": 1e-4, "years": 1e-5}
    up, down = (worth_in(reporting, s * h["spot"])[name] for s in (1, -1))
    scale = sum(np.abs(here[at]) / AT.spot**k for k, at in enumerate(("gamma", "delta", "value")))
    scale = scale / AT.spot ** {"value": -1, "delta": 0, "gamma": 1}[name]
    close((up - down) / (2.0 * h["spot"] * AT.spot), here[slopes[0]], scale)
    for move, slope_name in zip(("vol", "years"), slopes[1:], strict=True):
        up, down = (worth_in(reporting, 0.0, **{move: s * h[move]})[name] for s in (1, -1))
        close((up - down) / (2.0 * h[move]), here[slope_name], 10.0 * scale * AT.spot)


def test_a_coin_settled_worth_in_its_own_coin_has_the_greeks_of_its_coin_price() -> None:
    here, own = worth_in(BTC, 0.0), (TERMS.settlement == BTC)

    assert own.sum() > 2
    np.testing.assert_array_equal(here.reporting[: len(NATIVE), own], here.native[:, own])


def test_rho_is_the_slope_to_the_rate_with_the_forward_held() -> None:
    h = 1e-5
    up, down = (unit_risk(TERMS, replace(AT, rate=AT.rate + s * h)) for s in (1, -1))

    close((up["value"] - down["value"]) / (2 * h), RISK["rho"], np.abs(RISK["value"]))


def test_the_net_delta_of_a_coin_option_is_its_delta_less_its_worth_in_coin() -> None:
    coin = np.flatnonzero(TERMS.is_coin)
    in_coin = RISK["delta"][coin] - RISK["net_delta"][coin]

    np.testing.assert_allclose(in_coin, RISK.native[0, coin] * USDT_PRICE, rtol=1e-12)
    linear = np.flatnonzero(~TERMS.is_coin)
    np.testing.assert_array_equal(RISK["delta"][linear], RISK["net_delta"][linear])


def test_the_coin_delta_is_that_of_black_76_where_forward_and_spot_agree() -> None:
    terms = contracts([contract(Kind.EUROPEAN, INVERSE, strike=62_000.0)])
    at = market(terms, forward=np.array([60_000.0]), settlement_price=np.array([60_000.0]))
    risk = unit_risk(terms, at)
    black = pricing.greeks(1, 60_000.0, 62_000.0, 30 / 365, at.vol, 0.0)

    for name in ("delta", "gamma", "vega", "vanna", "volga", "speed", "zomma", "theta"):
        np.testing.assert_allclose(risk[name], getattr(black, name), rtol=1e-9)
    np.testing.assert_allclose(risk["net_delta"], black.delta - black.price / 60_000.0, rtol=1e-12)


def test_futures_and_spot_are_worth_what_their_formulas_say() -> None:
    F = AT.forward

    assert RISK.native[0, 0] == SPOT[0]
    assert RISK.native[0, 1] == 0.001 * (60_000.0 - 58_000.0)
    np.testing.assert_allclose(RISK.native[0, 2], 100.0 * (1 / 61_000.0 - 1 / F[2]), rtol=1e-10)
    assert (RISK.native[NATIVE.index("vega"), :3] == 0.0).all()


def test_an_inverse_future_of_100000_usd_loses_half_a_coin_from_50000_to_40000() -> None:
    terms = contracts([contract(Kind.FUTURE, INVERSE, strike=50_000.0, unit=100_000.0)])
    at = market(terms, spot=np.array([40_000.0]), forward=np.array([40_000.0]))

    assert unit_risk(terms, at).native[0, 0] == pytest.approx(-0.5, rel=1e-15)


def test_cash_measures_scale_with_the_spot() -> None:
    np.testing.assert_array_equal(RISK["cash_delta"], AT.spot * RISK["delta"])
    np.testing.assert_array_equal(RISK["cash_gamma"], AT.spot * AT.spot * RISK["gamma"])


def test_a_contract_that_cannot_be_priced_says_why_and_spoils_no_other() -> None:
    rows = [*WORLD, *[contract(Kind.EUROPEAN) for _ in range(7)], contract(9), contract(1, INVERSE)]
    terms = contracts(rows)
    at = market(terms)
    first = len(WORLD)
    at.spot[first] = 0.0
    at.forward[first + 1] = -1.0
    at.vol[first + 2] = -0.1
    at.vol[first + 3] = np.nan
    at.settlement_price[first + 4] = np.nan
    terms.side[first + 5] = 0.0
    terms.expiry_ns[first + 6] = NOW - 1
    risk = unit_risk(terms, at)

    assert risk.status[:first].tolist() == [PricingStatus.OK] * first
    assert risk.status[first:].tolist() == [
        PricingStatus.FORWARD_NOT_POSITIVE,
        PricingStatus.FORWARD_NOT_POSITIVE,
        PricingStatus.VOLATILITY_NEGATIVE,
        PricingStatus.NOT_FINITE,
        PricingStatus.NOT_FINITE,
        PricingStatus.SIDE_UNKNOWN,
        PricingStatus.TIME_NEGATIVE,
        PricingStatus.PARAMETER_OUT_OF_RANGE,
        PricingStatus.PARAMETER_OUT_OF_RANGE,
    ]
    np.testing.assert_array_equal(risk.reporting[:, :first], RISK.reporting)
    assert np.isnan(risk.reporting[:, first:]).all()


def test_a_volatility_is_not_asked_of_what_does_not_read_it() -> None:
    terms = contracts([contract(Kind.SPOT), contract(Kind.FUTURE)])

    assert unit_risk(terms, market(terms, vol=np.full(2, np.nan))).status.tolist() == [0, 0]


def test_years_count_365_days_and_nothing_without_an_expiry() -> None:
    years = years_to_expiry(TERMS, NOW)

    assert years[:2].tolist() == [0.0, 0.0]
    assert years[3] == 30 / 365


@pytest.mark.parametrize("in_coin", [False, True])
def test_what_an_instrument_says_of_itself_is_what_the_call_by_kind_says(in_coin: bool) -> None:
    form = INVERSE if in_coin else LINEAR
    strikes = (50_000.0, 60_000.0, 75_000.0)
    rows = [
        contract(kind, form, side=-1.0, strike=strike, unit=0.3)
        for kind in (Kind.EUROPEAN, Kind.VALUED)
        for strike in strikes
    ]
    without = contracts(rows)
    option = European(side=-1.0, strike=np.array(strikes), in_coin=in_coin)
    terms = replace(without, exotics=(Exotics(rows=np.arange(3, 6), terms=option),))
    at = market(terms)
    before, risk = unit_risk(without, at), unit_risk(terms, at)

    assert before.status.tolist() == [0, 0, 0, *[PricingStatus.PARAMETER_OUT_OF_RANGE] * 3]
    assert not risk.status.any()
    largest = np.abs(risk.native[:, :3]).max(axis=1, keepdims=True)
    apart = np.abs(risk.native[:, 3:] - risk.native[:, :3])
    assert (apart <= 1e-10 * largest + 1e-15).all()
    np.testing.assert_array_equal(risk.native[:, :3], before.native[:, :3])


def test_rows_written_by_others_take_part_in_the_reporting_measures() -> None:
    rows = np.ones((len(NATIVE), len(TERMS)))
    reporting = reporting_rows(TERMS, AT, rows)

    assert reporting.shape == (len(REPORTING), len(TERMS))
    np.testing.assert_array_equal(reporting[0], AT.settlement_price)
    assert isinstance(RISK, UnitRisk)


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="all of one length"):
        replace(TERMS, strike=np.ones(2))
    with pytest.raises(InputError, match="as contracts"):
        unit_risk(TERMS, market(contracts(WORLD[:2])))


def test_forms_are_those_of_the_engine() -> None:
    assert (LINEAR, INVERSE) == (1, 2)


def test_a_coin_reported_in_itself_is_worth_the_same_whatever_its_price() -> None:
    here, up = worth_in(BTC, 0.0), worth_in(BTC, 0.5)

    assert [here["value"][0], up["value"][0]] == pytest.approx([USDT_PRICE] * 2, rel=1e-15)
    for name in ("delta", "gamma", "speed", "cash_delta", "cash_gamma"):
        assert here[name][0] == pytest.approx(0.0, abs=1e-12), name
