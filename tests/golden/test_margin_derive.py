"""Portfolio margin as Derive's own tests publish it, scenario by scenario.

Source: derivexyz/v2-core @ 7736900, PMRM_2 portfolio cases; numbers only.  Each case carries its
own parameters.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from novate.margin.methodology.outcome import Outcome
from novate.margin.methodology.portfolio import (
    Collateral,
    Contract,
    Curve,
    Portfolio,
    Position,
    Snapshot,
)
from novate.margin.methodology.scenario_grid import ScenarioGrid

DATA = Path(__file__).parent / "data" / "derive_pmrm2.json"
NOW_NS = 1_700_000_000 * 10**9
SHOCKS = {
    "Up": "up", "Down": "down", "None": "same", "LINEAR": "linear skew", "ABS": "absolute skew",
}  # fmt: skip
FLAGS = {1: "up", 0: "same", -1: "down", "LINEAR": "linear skew", "ABS": "absolute skew"}
KINDS = {"regular", "tail", "skew", "fwd_contingency"}


@cache
def published() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return found


def cases() -> list[dict[str, Any]]:
    return list(published()["cases"])


def methodology(case: dict[str, Any]) -> ScenarioGrid:
    """The grid with the parameters of one case."""
    own = {
        name: {**table, **case["changed"].get(name, {})}
        for name, table in published()["parameters"].items()
    }
    vol, skew, rates = own["VolShock"], own["SkewShock"], own["Margin"]
    basis, other = own["BasisContingency"], own["OtherContingency"]
    stated = published()["portfolios"][case["portfolio"]]
    table = {
        "currency": "USD",
        "scenarios": [
            {"move": spot - 1.0, "volatility": SHOCKS[shock], "weight": weight}
            for spot, shock, weight in published()["scenarios"][case["scenarios"]]
        ],
        "volatility": {
            "up": vol["VOLRANGEUP"], "down": vol["VOLRANGEDOWN"],
            "floor": vol["MIN_VOL_EVAL_SHOCKED"], "short_power": vol["SHORTTERMPOWER"],
            "long_power": vol["LONGTERMPOWER"], "days_min": vol["DTE_FLOOR"],
            "is_short_at_30_days": True,
        },
        "skew": {
            "linear_cap_base": skew["LINEAR_SCALE_CAP"], "linear_cap_slope": skew["LINEAR_CBASE"],
            "absolute_cap_base": skew["ABS_SCALE_CAP"], "absolute_cap_slope": skew["ABS_CBASE"],
            "k_star_min": skew["MIN_K_STAR"], "width": skew["MIN_WIDTH_SCALE"],
            "v_base": skew["VOL_PARAM_STATIC"], "v_slope": skew["VOL_PARAM_SCALE"],
        },
        "discount": {
            "long_factor": rates["BASE_STATIC_DISCOUNT"],
            "long_multiple": rates["LONG_RATE_MULTSCALE"],
            "long_addition": rates["LONG_RATE_ADDSCALE"],
            "short_factor": rates["BASE_STATIC_DISCOUNT_NEG"],
            "short_multiple": rates["SHORT_RATE_MULTSCALE"],
            "short_addition": rates["SHORT_RATE_ADDSCALE"],
        },
        "basis": {
            "down": basis["SCENARIO_SPOT_DOWN"] - 1.0, "up": basis["SCENARIO_SPOT_UP"] - 1.0,
            "addition": basis["BASIS_CONT_ADD_FACTOR"],
            "multiple": basis["BASIS_CONT_MULT_FACTOR"],
        },
        "initial_factor": rates["IM_LOSS_FACTOR"],
        "maintenance_factor": rates["MM_LOSS_FACTOR"],
        "linear": {"initial": other["IM_PERP_PERCENT"], "maintenance": other["MM_PERP_PERCENT"]},
        "short_option": {
            "initial": other["IM_OPTION_PERCENT"], "maintenance": other["MM_OPTION_PERCENT"],
        },
        "confidence": {"threshold": other["CONF_THRESHOLD"], "share": other["CONF_MARGIN"]},
        "peg": {"threshold": other["PEG_LOSS_THRESHOLD"], "factor": other["PEG_LOSS_FACTOR"]},
        "collateral": {
            f"held {one['name']}": {
                "maintenance_haircut": one["mm_haircut"],
                "initial_haircut": one["im_haircut_extra"],
                "moves_with": "ETH" if one["risk_cancelling"] else "",
            }
            for one in stated["collaterals"]
        },
    }  # fmt: skip
    return msgspec.convert(table, ScenarioGrid)


def book_and_market(case: dict[str, Any]) -> tuple[Portfolio, Snapshot]:
    """What one case holds, and its market."""
    stated = published()["portfolios"][case["portfolio"]]
    expiries = {one["sec_to_expiry"]: one for one in stated["expiries"]}
    positions, volatility, curve = [], {}, {}
    for k, option in enumerate(stated["options"]):
        symbol, seconds = f"option {k}", option["sec_to_expiry"]
        expiry_ns = NOW_NS + seconds * 10**9
        contract = Contract(
            symbol=symbol, kind="option", underlying="ETH", settlement="USD", expiry_ns=expiry_ns,
            strike=option["strike"], is_call=option["call"],
        )  # fmt: skip
        positions.append(Position(contract=contract, quantity=option["amount"]))
        volatility[symbol] = option["vol"]
        told = expiries[seconds]
        curve["ETH", expiry_ns] = Curve(
            forward=told["forward"], rate=told["rate"], discount=option["discount"],
            confidence=min(told["forward_conf"], told["rate_conf"], told["vol_conf"]),
        )  # fmt: skip
    perpetual = stated["perp"]
    if perpetual["position"]:
        contract = Contract(
            symbol="perpetual", kind="perpetual", underlying="ETH", settlement="USD"
        )
        unrealised = perpetual["unrealised_pnl"] + perpetual["unrealised_funding"]
        positions.append(
            Position(contract=contract, quantity=perpetual["position"], unrealised=unrealised)
        )
    held = {f"held {one['name']}": one for one in stated["collaterals"]}
    snapshot = Snapshot(
        instant_ns=NOW_NS,
        index={"ETH": stated["spot"], **{name: one["price"] for name, one in held.items()}},
        mark={"perpetual": perpetual["price"]},
        curve=curve,
        volatility=volatility,
        confidence={
            "ETH": stated["spot_conf"], "perpetual": perpetual["conf"],
            **{name: one["conf"] for name, one in held.items()},
        },
        stable_price=stated["stable_price"],
    )  # fmt: skip
    collateral = [Collateral(asset=name, quantity=one["amount"]) for name, one in held.items()]
    portfolio = Portfolio(
        positions=tuple(positions), collateral=tuple(collateral), cash=stated["cash"]
    )
    return portfolio, snapshot


def outcome_of(case: dict[str, Any]) -> Outcome:
    return methodology(case).outcome(*book_and_market(case))


def close(expected: float) -> Any:
    return pytest.approx(expected, rel=published()["tolerance_rel"], abs=1e-6)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["name"])
def test_excess_over_margin_is_the_published_one(case: dict[str, Any]) -> None:
    outcome, expected = outcome_of(case), case["expected"]

    assert outcome.initial_excess == close(expected["IM"])
    assert outcome.maintenance_excess == close(expected["MM"])
    assert outcome.equity == close(expected["portfolio_mtm"])


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["name"])
def test_every_scenario_is_the_published_one(case: dict[str, Any]) -> None:
    found = {(round(one.move, 9), one.volatility): one.profit for one in outcome_of(case).scenarios}

    expected = case["expected"]["profit"]
    if not found:  # nothing that is held moves with an underlying
        assert [profit for _, _, profit in expected] == [0.0] * len(expected)
        return
    for move, flag, profit in expected:
        assert found[round(move, 9), FLAGS[flag]] == close(profit)
    assert len(found) == len(expected)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["name"])
def test_what_binds_is_of_the_published_kind(case: dict[str, Any]) -> None:
    binding = outcome_of(case).binding.get("ETH", "")

    kind = case["expected"]["worst_kind"]
    assert kind in KINDS
    assert ("skew" in binding) == (kind == "skew")
    assert (binding == "basis") == (kind == "fwd_contingency")


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["name"])
def test_parts_add_up_to_the_requirement(case: dict[str, Any]) -> None:
    outcome = outcome_of(case)

    assert sum(part.initial for part in outcome.parts) == pytest.approx(outcome.initial)
    assert sum(part.maintenance for part in outcome.parts) == pytest.approx(outcome.maintenance)
