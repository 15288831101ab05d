from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from novate.errors import InputError
from novate.margin.methodology.outcome import MissingInputError, NotValuedError, Outcome
from novate.margin.methodology.parameters import VolatilityShock
from novate.margin.methodology.portfolio import (
    Collateral,
    Contract,
    Curve,
    Portfolio,
    Position,
    Snapshot,
)
from novate.margin.methodology.risk_unit import (
    INVERSE_NOTE,
    MANY_NOTE,
    OPTIONS_NOTE,
    RiskUnit,
    sliced,
)
from novate.margin.methodology.risk_unit_terms import OptionStress, PegBand, PegRisk, Slice
from novate.valuation import pricing
from tests.golden.margin_preset import part, preset

DAY_NS = 86_400 * 10**9
EXPIRY_NS = 73 * DAY_NS
STRESS = OptionStress(
    volatility=VolatilityShock(
        up=0.5, down=0.25, short_power=0.3, long_power=0.13, days_min=1.0, is_short_at_30_days=False
    ),
    decay_hours=24.0,
    term_structure={"BTC": 11.0},
    interest_rate={"BTC": 7.0},
)


def swap(settlement: str, underlying: str = "BTC") -> Contract:
    return Contract(
        symbol=f"{underlying}-{settlement}", kind="perpetual", underlying=underlying,
        settlement=settlement,
    )  # fmt: skip


FUTURE = Contract(
    symbol="FUTURE", kind="future", underlying="BTC", settlement="USDT", expiry_ns=EXPIRY_NS
)
CALL = Contract(
    symbol="CALL", kind="option", underlying="BTC", settlement="USD", expiry_ns=EXPIRY_NS,
    strike=50_000.0, is_call=True,
)  # fmt: skip
MARKET = Snapshot(
    instant_ns=0,
    index={"USDT": 0.99, "USDC": 1.0, "BTC": 50_000.0, "ETH": 2_000.0},
    mark=dict.fromkeys(("BTC-USDT", "BTC-USDC", "BTC-USD", "BTC-BTC", "FUTURE"), 50_000.0),
    curve={("BTC", EXPIRY_NS): Curve(forward=50_000.0)},
    volatility={"CALL": 0.5},
)


def model(**changes: Any) -> RiskUnit:
    """The preset, with terms of its first unit or parameters of the whole changed."""
    found = preset("okx_2025_01").methodology
    assert isinstance(found, RiskUnit)
    first, *others = found.units
    own = {name: changes.pop(name) for name in list(changes) if hasattr(first, name)}
    units = (msgspec.structs.replace(first, **own), *others)
    return msgspec.structs.replace(found, units=units, **changes)


def outcome(*held: tuple[Contract, float], **changes: Any) -> Outcome:
    positions = tuple(Position(contract=contract, quantity=size) for contract, size in held)
    return model(**changes).outcome(Portfolio(positions=positions), MARKET)


def test_a_hedged_unit_is_bound_by_the_minimum_charge_on_gross_delta() -> None:
    found = outcome((swap("USDT"), 1.0), (FUTURE, -1.0))
    cash = 50_000 * 0.99
    basis = cash * (0.002 + max(0.002, math.expm1(0.05 * 0.2)))

    assert part(found, "MR4")[1] == pytest.approx(basis)
    assert part(found, "MR1") == (0.0, 0.0)
    assert found.maintenance == pytest.approx(max(basis, 2 * 0.0045 * cash))
    assert found.binding == {"BTC": "MR1"}
    assert found.notes == (MANY_NOTE,)
    floor = outcome((swap("USDT"), 1.0), (FUTURE, -1.0), minimum_rate=0.1)
    assert floor.binding == {"BTC": "MR7"}
    assert floor.maintenance == pytest.approx(0.1 * 2 * cash)
    assert floor.initial == pytest.approx(1.3 * 0.1 * 2 * cash)


def test_the_parts_add_up_and_borrowing_is_added_once() -> None:
    bare = outcome((swap("USDT"), 2.0))
    found = outcome((swap("USDT"), 2.0), borrow_initial=50.0, borrow_maintenance=10.0)

    assert found.initial - bare.initial == pytest.approx(50.0)
    assert found.maintenance - bare.maintenance == pytest.approx(10.0)
    for one in (bare, found):
        assert one.initial == pytest.approx(sum(p.initial for p in one.parts), abs=0)
        assert one.maintenance == pytest.approx(sum(p.maintenance for p in one.parts), abs=0)


def test_options_take_stated_parameters_and_are_refused_without() -> None:
    with pytest.raises(NotValuedError, match="BTC: 1 options, and the parameters do not cover"):
        outcome((CALL, -1.0))

    found = outcome((CALL, -1.0), options=STRESS)
    F, K, T, vol = 50_000.0, 50_000.0, 0.2, 0.5
    up = vol * (1 + 0.5 * (30 / 73) ** 0.13)
    base = float(pricing.black76(1, F, K, T, vol).price)
    mr1 = float(pricing.black76(1, 1.12 * F, K, T, up).price) - base
    mr6 = (float(pricing.black76(1, 1.24 * F, K, T, vol).price) - base) / 2
    delta = float(pricing.greeks(1, F, K, T, vol).delta) * F
    expected = max(mr1, mr6) + 11.0 + 7.0 + delta * math.expm1(0.05 * T)

    assert found.maintenance == pytest.approx(expected)
    assert found.equity == pytest.approx(-base)
    assert found.notes == (OPTIONS_NOTE,)
    assert len(found.scenarios) == 7 * 3 + 2


def test_a_day_of_decay_is_the_loss_of_a_long_option_that_moves_do_not_hurt() -> None:
    found = outcome((CALL, 1.0), options=STRESS, moves=(0.0,), extreme_move=0.0,
                    minimum_rate=0.0)  # fmt: skip
    T = 0.2
    lost = float(
        pricing.black76(1, 5e4, 5e4, T, 0.5).price
        - pricing.black76(1, 5e4, 5e4, T - 1 / 365, 0.5).price
    )

    assert part(found, "MR2")[1] == 0.0  # a fall of volatility costs more
    assert found.binding == {"BTC": "MR1"}
    still = msgspec.structs.replace(STRESS.volatility, up=0.0, down=0.0)
    calm = outcome((CALL, 1.0), options=msgspec.structs.replace(STRESS, volatility=still),
                   moves=(0.0,), extreme_move=0.0, minimum_rate=0.0)  # fmt: skip
    assert part(calm, "MR2")[1] == pytest.approx(lost)


def test_an_option_unit_without_a_stated_term_structure_is_refused() -> None:
    stress = msgspec.structs.replace(STRESS, term_structure={})
    with pytest.raises(MissingInputError, match="BTC: no stated MR3 of it"):
        outcome((CALL, -1.0), options=stress)


def test_hedges_across_currencies_are_counted_in_order_at_the_price_of_the_first() -> None:
    peg = PegRisk(
        pairs=(("USDT", "USD"), ("USDT", "USDC"), ("USDC", "USD")),
        bands=(
            PegBand(price_min=0.995, slices=(Slice(factor=0.01),)),
            PegBand(price_min=0.9, slices=(Slice(factor=0.1),)),
        ),
    )
    found = outcome((swap("USDT"), 1.0), (swap("USD"), -2.0), (swap("USDC"), 0.5), peg=peg)

    expected = 0.1 * 49_500 + 0.01 * 25_000
    assert part(found, "MR9")[1] == pytest.approx(expected)
    low = msgspec.structs.replace(peg, bands=peg.bands[:1])
    with pytest.raises(NotValuedError, match=r"USDT at 0.99 USD: below every band; .* 0.995"):
        outcome((swap("USDT"), 1.0), (swap("USD"), -1.0), peg=low)


def test_a_contract_paid_in_coin_is_valued_in_quote_currency_and_that_is_said() -> None:
    found = outcome((swap("BTC"), 1.0))

    assert part(found, "MR1")[1] == pytest.approx(0.12 * 50_000)
    assert found.notes == (INVERSE_NOTE,)


def test_slices_add_up_and_end_where_they_are_said_to() -> None:
    slices = (Slice(up_to=10.0, factor=1.0), Slice(up_to=30.0, factor=2.0))

    assert [sliced(x, slices) for x in (0.0, 10.0, 15.0, 30.0)] == [0.0, 10.0, 20.0, 50.0]
    with pytest.raises(NotValuedError, match=r"31\.0: beyond the last slice; allowed: up to 30"):
        sliced(31.0, slices)


def test_other_underlyings_collateral_and_unpriced_contracts_are_refused() -> None:
    with pytest.raises(NotValuedError, match=r"SOL: not an underlying .* \['BTC', 'ETH', 'LTC'\]"):
        outcome((swap("USDT", "SOL"), 1.0))
    with pytest.raises(NotValuedError, match="1 assets and 0 orders"):
        model().outcome(Portfolio(collateral=(Collateral(asset="BTC", quantity=1.0),)), MARKET)
    with pytest.raises(MissingInputError, match="ETH-USDT: no mark of it"):
        outcome((swap("USDT", "ETH"), 1.0))
    book = Portfolio(positions=(Position(contract=swap("DAI"), quantity=1.0),))
    marks = Snapshot(instant_ns=0, index={"BTC": 1.0}, mark={"BTC-DAI": 1.0})
    with pytest.raises(MissingInputError, match="DAI: no index of it"):
        model().outcome(book, marks)
    expired = Portfolio(positions=(Position(contract=FUTURE, quantity=1.0),))
    with pytest.raises(MissingInputError, match="FUTURE: expired at"):
        model().outcome(expired, replace(MARKET, instant_ns=EXPIRY_NS))


def test_an_option_without_a_price_is_refused_rather_than_margined_at_nothing() -> None:
    book = Portfolio(positions=(Position(contract=CALL, quantity=-1.0),))
    with pytest.raises(InputError, match=r"an option has no price: .* volatility -1"):
        model(options=STRESS).outcome(book, replace(MARKET, volatility={"CALL": -1.0}))
