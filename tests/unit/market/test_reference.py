from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.market import reference
from novate.market.state import MarketState
from novate.message.refusal import (
    DeclareAssetRefusal,
    DeclareSourceRefusal,
    ListInstrumentRefusal,
    SetHaircutRefusal,
)
from tests.unit.clearing import DAY, HOUR, START, TERMS, Recorder

USDT = {"symbol": "USDT", "decimals": 6, "haircut_bps": 0}
BTC = {"symbol": "BTC", "decimals": 8, "haircut_bps": 500}
ETH = {"symbol": "ETH", "decimals": 12, "haircut_bps": 10_000}


def declared(*rows: dict[str, Any], now_ns: int = START) -> MarketState:
    state = MarketState()
    state.now_ns = now_ns
    for row in rows:
        reference.append_asset(state, {"asset": state.assets.count, **row})
    return state


# ---- assets


@pytest.mark.rule("1.1", "2.5", "2.6")
def test_the_first_asset_is_the_numeraire_at_a_price_of_one() -> None:
    assets = declared(USDT, BTC).assets

    assert assets.symbols == ["USDT", "BTC"]
    assert assets.is_stale[:2].tolist() == [False, True]
    assert assets.unit_price[:2].tolist() == [1.0, 0.0]
    assert assets.collateral_factor[:2].tolist() == [1.0, 0.95]
    assert assets.slow_e8[0] == 10**8


@pytest.mark.rule("1.6")
def test_a_declared_asset_gets_the_next_number() -> None:
    emitted = Recorder()

    assert reference.decide_declare_asset(declared(USDT), BTC, emitted) is None
    assert emitted.events == [("AssetDeclared", {"asset": 1, **BTC})]


@pytest.mark.rule("4.25", "15.9", "15.10")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"symbol": "BTC", "decimals": -1, "haircut_bps": -1}, DeclareAssetRefusal.SYMBOL_TAKEN),
        ({"symbol": ""}, DeclareAssetRefusal.SYMBOL_TAKEN),
        ({"decimals": 13, "haircut_bps": -1}, DeclareAssetRefusal.DECIMALS_OUT_OF_RANGE),
        ({"decimals": -1}, DeclareAssetRefusal.DECIMALS_OUT_OF_RANGE),
        ({"haircut_bps": 10_001}, DeclareAssetRefusal.HAIRCUT_OUT_OF_RANGE),
        ({"haircut_bps": -1}, DeclareAssetRefusal.HAIRCUT_OUT_OF_RANGE),
    ],
)
def test_an_asset_is_refused_in_the_order_of_the_codes(
    change: dict[str, Any], code: DeclareAssetRefusal
) -> None:
    emitted = Recorder()

    refusal = reference.decide_declare_asset(declared(USDT, BTC), {**ETH, **change}, emitted)

    assert refusal is not None
    assert refusal.code == code
    assert emitted.events == []


@pytest.mark.rule("2.6", "15.10")
def test_the_numeraire_has_no_haircut() -> None:
    refusal = reference.decide_declare_asset(declared(), {**USDT, "haircut_bps": 1}, Recorder())

    assert refusal == (DeclareAssetRefusal.HAIRCUT_OUT_OF_RANGE, 1, 0)


@pytest.mark.rule("2.4")
@given(price_e8=st.integers(0, 10**17), decimals=st.integers(0, 12), numeraire=st.integers(0, 12))
def test_the_value_of_a_ledger_unit_is_the_nearest_float(
    price_e8: int, decimals: int, numeraire: int
) -> None:
    assets = declared({**USDT, "decimals": numeraire}, {**BTC, "decimals": decimals}).assets

    reference.set_price(assets, 1, price_e8)

    exact = Fraction(price_e8 * 10**numeraire, 10 ** (8 + decimals))
    assert float(assets.unit_price[1]) == float(exact)


@pytest.mark.rule("6.12", "15.10")
@pytest.mark.parametrize(
    ("asset", "haircut_bps", "code"),
    [
        (0, 20_000, SetHaircutRefusal.UNKNOWN_ASSET),
        (2, 0, SetHaircutRefusal.UNKNOWN_ASSET),
        (1, -1, SetHaircutRefusal.HAIRCUT_OUT_OF_RANGE),
        (1, 10_001, SetHaircutRefusal.HAIRCUT_OUT_OF_RANGE),
        (1, 10_000, None),
        (1, 0, None),
    ],
)
def test_a_haircut_changes_within_its_limits(
    asset: int, haircut_bps: int, code: SetHaircutRefusal | None
) -> None:
    row = {"asset": asset, "haircut_bps": haircut_bps}

    refusal = reference.decide_set_haircut(declared(USDT, BTC), row, Recorder())

    assert (refusal and refusal.code) == code


@pytest.mark.rule("2.6", "6.12")
def test_a_haircut_leaves_its_complement() -> None:
    state = declared(USDT, BTC)

    reference.apply_haircut_set(state, {"asset": 1, "haircut_bps": 1_500})

    assets = state.assets
    assert (assets.haircut_bps[1], assets.collateral_factor[1]) == (1_500, 0.85)


# ---- sources


@pytest.mark.rule("15.11")
@pytest.mark.parametrize(
    ("asset", "weight", "code"),
    [
        (0, 0, DeclareSourceRefusal.UNKNOWN_ASSET),  # the numeraire needs no source
        (2, 1, DeclareSourceRefusal.UNKNOWN_ASSET),
        (1, 0, DeclareSourceRefusal.WEIGHT_NOT_POSITIVE),
        (1, 1_000_001, DeclareSourceRefusal.WEIGHT_NOT_POSITIVE),
        (1, 1_000_000, None),
    ],
)
def test_a_source_prices_a_known_asset_with_a_positive_weight(
    asset: int, weight: int, code: DeclareSourceRefusal | None
) -> None:
    row = {"symbol": "s", "asset": asset, "weight": weight}

    refusal = reference.decide_declare_source(declared(USDT, BTC), row, Recorder())

    assert (refusal and refusal.code) == code


def test_a_declared_source_keeps_its_asset_and_weight() -> None:
    state = MarketState()

    reference.apply_source_declared(state, {"source": 0, "symbol": "s", "asset": 1, "weight": 7})

    sources = state.sources
    assert (sources.symbols, sources.asset[0], sources.weight[0]) == (["s"], 1, 7)


# ---- contracts


def refusal_of(now_ns: int = START, **change: Any) -> ListInstrumentRefusal | None:
    """Code of the refusal to list a contract with changed terms, beside a contract "TAKEN"."""
    state = declared(USDT, BTC, now_ns=now_ns)
    reference.append_instrument(
        state,
        {"instrument": 0, "next_cycle_ns": 0, "next_funding_ns": 0, **TERMS, "symbol": "TAKEN"},
    )
    emitted = Recorder()
    refusal = reference.decide_list_instrument(state, {**TERMS, **change}, emitted)
    assert (refusal is None) == (emitted.names == ["InstrumentListed"])
    return refusal and ListInstrumentRefusal(refusal.code)


WRONG: tuple[tuple[ListInstrumentRefusal, dict[str, Any]], ...] = (
    (ListInstrumentRefusal.SYMBOL_TAKEN, {"symbol": "TAKEN"}),
    (ListInstrumentRefusal.UNKNOWN_FORM, {"form": 3}),
    (ListInstrumentRefusal.UNKNOWN_STYLE, {"style": 0}),
    (ListInstrumentRefusal.UNKNOWN_ASSET, {"underlying": 0}),
    (ListInstrumentRefusal.TICK_OUT_OF_RANGE, {"tick_e8": 0}),
    (ListInstrumentRefusal.UNIT_OUT_OF_RANGE, {"unit": 2**60 + 1}),
    (ListInstrumentRefusal.LIMITS_OVERFLOW, {"lots_max": 0}),
    (ListInstrumentRefusal.FEE_OUT_OF_RANGE, {"taker_fee_ppm": 100_001}),
    (ListInstrumentRefusal.INTERVAL_OUT_OF_RANGE, {"cycle_ns": 31 * DAY}),
    (ListInstrumentRefusal.EXPIRY_PASSED, {"expiry_ns": -1}),
    (ListInstrumentRefusal.CLAMP_OUT_OF_RANGE, {"basis_clamp_ppm": 1_000_001}),
)


@pytest.mark.rule("4.25", "15.12", "15.13", "15.14", "15.15")
@pytest.mark.parametrize("first", range(len(WRONG)), ids=[code.name for code, _ in WRONG])
def test_terms_are_refused_in_the_order_of_the_codes(first: int) -> None:
    code, wrong = WRONG[first]
    later = {key: value for _, change in WRONG[first + 1 :] for key, value in change.items()}

    assert refusal_of(**wrong) == code
    assert refusal_of(now_ns=0, **{**later, **wrong}) == code


@pytest.mark.rule("15.16")
def test_the_clock_is_set_before_the_first_contract() -> None:
    assert refusal_of(now_ns=0) == ListInstrumentRefusal.CLOCK_NOT_SET


@pytest.mark.rule("15.9", "15.12", "15.13", "15.14", "15.15")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"symbol": ""}, ListInstrumentRefusal.SYMBOL_TAKEN),
        ({"underlying": 2}, ListInstrumentRefusal.UNKNOWN_ASSET),
        ({"settlement_asset": 2}, ListInstrumentRefusal.UNKNOWN_ASSET),
        ({"tick_e8": 10**14 + 1}, ListInstrumentRefusal.TICK_OUT_OF_RANGE),
        ({"unit": 0}, ListInstrumentRefusal.UNIT_OUT_OF_RANGE),
        ({"ticks_max": 10**10 + 1, "lots_max": 1}, ListInstrumentRefusal.LIMITS_OVERFLOW),
        ({"ticks_max": 0}, ListInstrumentRefusal.LIMITS_OVERFLOW),
        ({"maker_fee_ppm": -1, "taker_fee_ppm": 0}, ListInstrumentRefusal.FEE_OUT_OF_RANGE),
        ({"maker_fee_ppm": 5, "taker_fee_ppm": -5}, ListInstrumentRefusal.FEE_OUT_OF_RANGE),
        ({"funding_ns": -1}, ListInstrumentRefusal.INTERVAL_OUT_OF_RANGE),
        ({"settlement_window_ns": DAY + 1}, ListInstrumentRefusal.INTERVAL_OUT_OF_RANGE),
        ({"expiry_ns": START}, ListInstrumentRefusal.EXPIRY_PASSED),
        ({"funding_cap_e9": 10**9 + 1}, ListInstrumentRefusal.CLAMP_OUT_OF_RANGE),
        ({"funding_damper_e9": -1}, ListInstrumentRefusal.CLAMP_OUT_OF_RANGE),
        ({"interest_e9": -(10**9) - 1}, ListInstrumentRefusal.CLAMP_OUT_OF_RANGE),
        ({"maker_fee_ppm": -100, "taker_fee_ppm": 100}, None),
        ({"expiry_ns": START + 1}, None),
        ({"cycle_ns": 30 * DAY, "funding_ns": 30 * DAY, "settlement_window_ns": DAY}, None),
    ],
)
def test_each_term_has_limits_on_both_sides(
    change: dict[str, Any], code: ListInstrumentRefusal | None
) -> None:
    assert refusal_of(**change) == code


@pytest.mark.rule("15.12")
@pytest.mark.parametrize("form", [1, 2])
def test_the_largest_position_at_the_highest_price_fits_into_64_bits(form: int) -> None:
    ticks_max = 10**6
    most = 2**60 // 1_000 // (ticks_max if form == 1 else 1)
    terms = {"form": form, "unit": 1_000, "ticks_max": ticks_max}

    assert refusal_of(**terms, lots_max=most) is None
    assert refusal_of(**terms, lots_max=most + 1) == ListInstrumentRefusal.LIMITS_OVERFLOW


@pytest.mark.rule("8.5")
def test_cycles_and_funding_start_at_the_next_multiple_of_their_interval() -> None:
    emitted = Recorder()

    reference.decide_list_instrument(
        declared(USDT, BTC, now_ns=START + 1),
        {**TERMS, "cycle_ns": HOUR, "funding_ns": 8 * HOUR},
        emitted,
    )

    listed = emitted.only()
    assert START % (8 * HOUR) == 0
    assert listed["next_cycle_ns"] == START + HOUR
    assert listed["next_funding_ns"] == START + 8 * HOUR


@pytest.mark.rule("8.5")
def test_on_a_multiple_the_next_one_is_a_whole_interval_away() -> None:
    emitted = Recorder()

    reference.decide_list_instrument(declared(USDT, BTC), TERMS, emitted)

    assert emitted.only()["next_cycle_ns"] == START + HOUR
    assert emitted.only()["next_funding_ns"] == 0


def test_a_listed_contract_keeps_every_term() -> None:
    state = MarketState()
    instruments, marks = state.instruments, state.marks
    terms = {**TERMS, "expiry_ns": START + DAY, "next_cycle_ns": 5, "next_funding_ns": 6}

    reference.append_instrument(state, {"instrument": 0, **terms})

    assert (instruments.count, marks.count, instruments.symbols) == (1, 1, ["X"])
    assert instruments.next_expiry_ns[0] == START + DAY
    for name, value in terms.items():
        if name != "symbol":
            assert getattr(instruments, name)[0] == value, name
