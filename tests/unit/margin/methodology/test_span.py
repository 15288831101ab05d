from __future__ import annotations

from typing import Any

import pytest

from novate.errors import InputError
from novate.margin.methodology.outcome import MissingInputError, NotValuedError, Outcome
from novate.margin.methodology.portfolio import (
    Collateral,
    Contract,
    Portfolio,
    Position,
    Snapshot,
)
from novate.margin.methodology.span import NOTES, IntermonthSpread, Leg, ScanPoint, Span
from tests.golden.margin_preset import part


def future(symbol: str, commodity: str = "C") -> Contract:
    return Contract(
        symbol=symbol, kind="future", underlying=commodity, settlement="USD", expiry_ns=1
    )


def option(symbol: str, *, is_call: bool) -> Contract:
    return Contract(
        symbol=symbol, kind="option", underlying="C", settlement="USD", expiry_ns=1, strike=100.0,
        is_call=is_call,
    )  # fmt: skip


NEAR, FAR, OTHER = future("NEAR"), future("FAR"), future("OTHER", "D")
CALL, PUT = option("CALL", is_call=True), option("PUT", is_call=False)
MARKET = Snapshot(instant_ns=0, index={}, mark={"CALL": 7.0, "PUT": 3.0})


def model(**changes: Any) -> Span:
    terms: dict[str, Any] = {
        "currency": "USD",
        "scenarios": (ScanPoint(price=1.0, volatility=0.0), ScanPoint(price=-1.0, volatility=0.0)),
        "arrays": {
            "NEAR": (10.0, -10.0), "FAR": (9.0, -9.0), "OTHER": (2.0, -2.0),
            "CALL": (4.0, -3.0), "PUT": (-2.0, 1.0),
        },
        "initial_factor": 1.5,
        "credits_option_value": False,
    }  # fmt: skip
    return Span(**(terms | changes))


def outcome(*held: tuple[Contract, float], **changes: Any) -> Outcome:
    positions = tuple(Position(contract=contract, quantity=size) for contract, size in held)
    return model(**changes).outcome(Portfolio(positions=positions), MARKET)


def test_commodities_are_scanned_apart_and_initial_margin_is_a_multiple() -> None:
    found = outcome((NEAR, 1.0), (OTHER, -1.0))

    assert (found.maintenance, found.initial) == (12.0, 18.0)
    assert found.binding == {"C": "scenario 2", "D": "scenario 1"}
    assert found.notes == NOTES


def test_an_intermonth_spread_is_charged_for_deltas_that_offset() -> None:
    legs = {"NEAR": Leg(tier="1", delta=1.0), "FAR": Leg(tier="2", delta=1.0),
            "CALL": Leg(tier="2", delta=0.5)}  # fmt: skip
    spreads = {
        "C": (
            IntermonthSpread(first="1", second="2", charge=0.5),
            IntermonthSpread(first="2", second="1", charge=100.0),
        )
    }
    found = outcome((NEAR, 5.0), (FAR, -2.0), (CALL, -2.0), legs=legs, spreads=spreads)
    same_side = outcome((NEAR, 5.0), (FAR, 2.0), legs=legs, spreads=spreads)

    assert part(found, "intermonth charge")[1] == 3 * 0.5
    assert found.maintenance == 50 - 18 - 6 + 1.5
    assert part(same_side, "intermonth charge") == (0.0, 0.0)


@pytest.mark.parametrize(("rule", "count"), [("sum", 5), ("larger", 3)])
def test_short_options_have_a_least_requirement(rule: str, count: int) -> None:
    # Ten puts and as many futures hedge all scenarios away but the options stay short.
    found = outcome((CALL, -2.0), (PUT, -3.0), short_option_minimum=20.0, short_options=rule)

    assert part(found, "scan risk")[1] == 2.0
    assert found.maintenance == 20.0 * count
    assert found.binding == {"C": "short option minimum"}


def test_the_value_of_options_covers_risk_and_that_of_short_ones_adds_to_it() -> None:
    short = outcome((CALL, -1.0), credits_option_value=True)
    long = outcome((CALL, 1.0), credits_option_value=True)
    hedged = outcome((CALL, 1.0), (NEAR, 1.0), credits_option_value=True)

    assert short.maintenance == 4.0 + 7.0
    assert long.maintenance == 0.0
    assert hedged.maintenance == 13.0 - 7.0
    for found in (short, long, hedged):
        assert sum(one.maintenance for one in found.parts) == found.maintenance
        assert sum(one.initial for one in found.parts) == found.initial


def test_value_beyond_the_risk_relieves_no_other_commodity() -> None:
    assert outcome((CALL, 1.0), (OTHER, 1.0), credits_option_value=True).maintenance == 2.0


def test_what_has_no_array_no_mark_or_no_rule_is_refused() -> None:
    with pytest.raises(NotValuedError, match=r"X: the parameters have no risk array.*\['CALL'"):
        outcome((future("X"), 1.0))
    with pytest.raises(NotValuedError, match="1 assets and 0 orders"):
        model().outcome(Portfolio(collateral=(Collateral(asset="USD", quantity=1.0),)), MARKET)
    with pytest.raises(MissingInputError, match="CALL: the market has no mark"):
        model(credits_option_value=True).outcome(
            Portfolio(positions=(Position(contract=CALL, quantity=1.0),)),
            Snapshot(instant_ns=0, index={}),
        )
    with pytest.raises(InputError, match="NEAR: a risk array of 1 numbers; allowed: 2"):
        model(arrays={"NEAR": (1.0,)})
