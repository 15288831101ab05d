from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.adapter.parameter_file import SECTIONS, Kind, Section, Setting, check_parameters
from novate.adapter.parameter_file.check import _order
from novate.errors import InputError
from novate.units import INT64_MAX, PPM, parse_instant

BASE = tomllib.loads("""
[assets.BTC]
decimals = 8
haircut_bps = 500
[assets.USDT]
decimals = 6
[instruments.BTCUSDT]
underlying = "BTC"
tick = "0.10"
lot = "0.001"
tiers = "one"
[option_margin.short]
source = "a venue"
as_of = "2026-09"
initial_ppm = 150000
initial_floor_ppm = 100000
maintenance_ppm = 75000
[tiers.one]
source = "a venue"
as_of = "2026-09"
rows = [
  { floor = "0", cap = "1000", maintenance_rate = "0.004", max_leverage = "150", deduction = "0" },
]
""")

FUTURE = {"kind": "future", "expiry": "2030-01-01T00:00:00Z"}
INVERSE = {"form": "inverse", "face_value": "100", "settlement_asset": "BTC"}
LITTLE = {"kind": "perpetual"}


def tree(section: str = "run", changes: dict[str, Any] | None = None) -> dict[str, Any]:
    changed = copy.deepcopy(BASE)
    target = changed
    for part in section.split("."):
        target = target.setdefault(part, {})
    target.update(changes or {})
    return changed


def test_a_short_file_is_completed_with_defaults() -> None:
    checked = check_parameters(BASE, "file")

    assert list(checked) == [section.name for section in SECTIONS]
    assert list(checked["assets"]) == ["USDT", "BTC"]
    assert checked["liquidation"]["slice_ppm"] == 250_000
    assert checked["run"]["start"] is None
    assert checked["waterfall"]["order"][0] == "own-contribution"
    terms = checked["instruments"]["BTCUSDT"]
    assert (terms["tick"], terms["lot"]) == (10**7, 10**5)
    assert terms["price_symbol"] == "BTCUSDT"


def test_the_leverage_cap_of_the_house_lowers_every_tier() -> None:
    free = check_parameters(BASE, "file")["instruments"]["BTCUSDT"]["tiers"][0]
    capped = check_parameters(tree("margin", {"leverage_max": 50}), "file")
    tier = capped["instruments"]["BTCUSDT"]["tiers"][0]

    assert (free["max_leverage"], free["initial_ppm"]) == (125, 8_000)
    assert (tier["max_leverage"], tier["initial_ppm"]) == (50, 20_000)
    assert capped["tiers"]["one"]["rows"][0]["max_leverage"] == 150


def test_money_instants_and_orders_are_read_exactly() -> None:
    moment = tomllib.loads("x = 2021-05-19T02:00:00+02:00")["x"]
    order = ["insurance-fund", "own-contribution", "default-fund", "skin-in-the-game"]
    changed = tree("waterfall", {"insurance_fund": "0.000001", "order": order})
    changed["run"] = {"start": moment, "end": "2021-05-20T00:00:00Z"}

    checked = check_parameters(changed, "file")

    assert checked["waterfall"]["insurance_fund"] == 1
    assert checked["waterfall"]["order"] == order
    assert checked["run"]["start"] == parse_instant("2021-05-19T00:00:00Z")


@pytest.mark.parametrize("changes", [LITTLE, FUTURE, INVERSE])
def test_each_kind_of_contract_has_its_own_terms(changes: dict[str, str]) -> None:
    checked = check_parameters(tree("instruments.BTCUSDT", changes), "file")

    assert checked["instruments"]["BTCUSDT"]["kind"] in {"perpetual", "future"}


@pytest.mark.parametrize(
    ("section", "changes", "reason"),
    [
        ("liquidatoin", {"x": 1}, r"unknown section 'liquidatoin'; allowed: 'liquidation'"),
        ("liquidation", {"slice_pm": 1}, r"unknown key 'slice_pm'; allowed: 'slice_ppm'"),
        ("liquidation", {"zzzzzz": 1}, "unknown key 'zzzzzz'; allowed: slice_ppm, slice_floor"),
        ("liquidation", {"slice_ppm": 0}, r"\[liquidation\] slice_ppm: 0; allowed: integer, 1 to"),
        ("liquidation", {"slice_ppm": 1_000_001}, "allowed: integer, 1 to 1000000"),
        ("liquidation", {"slice_ppm": 0.5}, "allowed: integer"),
        ("liquidation", {"slice_ppm": True}, "allowed: integer"),
        ("liquidation", {"slice_ppm": "1"}, "allowed: integer"),
        ("liquidation", {"slice_ppm": float("nan")}, "allowed: integer"),
        ("waterfall", {"insurance_fund": 1.5}, "in quotes"),
        ("waterfall", {"insurance_fund": float("inf")}, "in quotes"),
        ("waterfall", {"insurance_fund": True}, "in quotes"),
        ("waterfall", {"insurance_fund": "-1"}, "decimal text, 0"),
        ("waterfall", {"insurance_fund": "nan"}, "decimal text, 0"),
        ("waterfall", {"insurance_fund": "1e20"}, "decimal text, 0"),
        ("waterfall", {"insurance_fund": "0.0000001"}, "decimal text, 0"),
        ("waterfall", {"last_layer": "pray"}, "gains-haircut, adl"),
        ("waterfall", {"last_layer": ["adl"]}, "gains-haircut, adl"),
        ("waterfall", {"order": ["insurance-fund"]}, "each of"),
        ("waterfall", {"order": ["insurance-fund"] * 4}, "each of"),
        ("waterfall", {"order": "insurance-fund"}, "each of"),
        ("waterfall", {"order": [1, 2, 3, 4]}, "each of"),
        ("run", {"path": "sideways"}, "high-first, low-first, both"),
        ("run", {"start": "2021-05-19"}, "zone"),
        ("run", {"start": 5}, "ISO 8601"),
        ("run", {"start": tomllib.loads("x = 2021-05-19")["x"]}, "zone"),
        ("run", {"start": "2021-05-19Z", "end": "2021-05-19Z"}, "after start"),
        ("run", {"numeraire": "EUR"}, r"'EUR'; allowed: \['BTC', 'USDT'\]"),
        ("run", {"numeraire": 7}, "text of at most"),
        ("run", {"numeraire": "BTC"}, "haircut_bps: 500; allowed: 0"),
        ("assets.USDT", {"decimals": 8}, "decimals: 8; allowed: 6"),
        ("assets", {"USDC": 5}, "allowed: a table"),
        ("assets", {"a b": {"decimals": 6}}, "name 'a b'"),
        ("assets.USDC", {}, "'decimals' is missing"),
        ("instruments.BTCUSDT", {"underlying": "BTX"}, "'BTX'; allowed: BTC"),
        ("instruments.BTCUSDT", {"settlement_asset": "?"}, "allowed: USDT, BTC"),
        ("instruments.BTCUSDT", {"tiers": "won"}, "'won'; allowed: one"),
        ("instruments.BTCUSDT", {"tiers": []}, "1 to 16 rows"),
        ("instruments.BTCUSDT", {"tick": "0"}, "tick: '0'"),
        ("instruments.BTCUSDT", {"tick": "0.3"}, "multiple of the tick"),
        ("instruments.BTCUSDT", {"tick": "0.00001"}, "at most 10000000000 ticks"),
        ("instruments.BTCUSDT", {"lot": "0.000001"}, "whole number of ledger units"),
        ("instruments.BTCUSDT", {"expiry": "2030-01-01Z"}, "on a future, only there"),
        ("instruments.BTCUSDT", {"kind": "future"}, "on a future, only there"),
        ("instruments.BTCUSDT", {"form": "inverse"}, "only there"),
        ("instruments.BTCUSDT", {"face_value": "1"}, "only there"),
        ("instruments.BTCUSDT", {"maker_fee_ppm": -600}, "at most the taker fee"),
        ("instruments.BTCUSDT", {"open_interest_share_ppm": 5}, "sums to 5"),
        ("book", {"accounts": 200}, "at least 340 for 12 members"),
        ("option_margin.other", {}, "'source' is missing"),
        ("option_margin.short", {"initial_ppm": 0}, "initial_ppm: 0; allowed: integer, 1 to"),
        ("option_margin.short", {"initial_floor_ppm": 150_001}, "at most initial_ppm 150000"),
        ("option_margin.short", {"expiry_ppm": 1}, "only there"),
        ("option_margin.short", {"expiry_window_hours": 24}, "above 0 with"),
        ("option_margin.short", {"expiry_window_hours": 721}, "0 to 720 hours"),
        ("option_margin.short", {"entry_counts": True}, "allowed: no, yes"),
        ("options", {"margin_rule": "none"}, "margin_rule 'none'; allowed: short"),
        ("options", {"accounts": 4}, "5 to 100000 accounts"),
        ("overrides.x", {"fee_ppm": 1}, "'instrument' is missing"),
        ("overrides.x", {"instrument": "BTCUSD", "fee_ppm": 1}, "'BTCUSD'; allowed: BTCUSDT"),
        (
            "overrides.x",
            {"instrument": "BTCUSDT"},
            "no value; allowed: one at least of tiers, trade",
        ),
        ("overrides.x", {"instrument": "BTCUSDT", "slice_ppm": 0}, "integer, 1 to"),
        ("overrides.x", {"instrument": "BTCUSDT", "grace_minutes": 1}, "unknown key"),
        ("tiers.one", {"rows": 5}, "1 to 16 rows"),
        ("tiers.one", {"source": "x" * 301}, "at most 300"),
    ],
)
def test_what_does_not_fit_is_refused_with_value_and_allowance(
    section: str, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        check_parameters(tree(section, changes), "file")
    assert str(caught.value).startswith("file")


PLAIN = [
    (section, setting)
    for section in SECTIONS
    if not section.is_named
    for setting in section.settings
    if setting.kind is Kind.INTEGER
]


def require_accepted_exactly_within_limits(section: Section, setting: Setting, value: int) -> None:
    changed = tree(section.name, {setting.key: value})
    if section.name == "book":
        # Members need accounts: with most accounts or fewest members either limit stands alone.
        changed["book"] = {"accounts": 5_000_000, "members": 1, setting.key: value}
    is_within = (setting.minimum or 0) <= value <= (setting.maximum or 0)

    try:
        checked = check_parameters(changed, "file")
    except InputError:
        assert not is_within
    else:
        assert is_within
        assert checked[section.name][setting.key] == value


@pytest.mark.parametrize(
    ("section", "setting"),
    PLAIN,
    ids=[f"{section.name}.{setting.key}" for section, setting in PLAIN],
)
def test_an_integer_is_accepted_up_to_both_of_its_limits(
    section: Section, setting: Setting
) -> None:
    minimum, maximum = setting.minimum or 0, setting.maximum or 0
    for value in (minimum - 1, minimum, maximum, maximum + 1):
        require_accepted_exactly_within_limits(section, setting, value)


@given(named=st.sampled_from(PLAIN), value=st.integers(-INT64_MAX, INT64_MAX))
def test_an_integer_is_accepted_exactly_within_its_limits(
    named: tuple[Section, Setting], value: int
) -> None:
    require_accepted_exactly_within_limits(*named, value)


def test_every_default_lies_within_its_own_limits() -> None:
    for section in SECTIONS:
        for setting in section.settings:
            if setting.kind in {Kind.INTEGER, Kind.DECIMAL} and isinstance(setting.default, int):
                assert setting.minimum is not None
                assert setting.maximum is not None
                assert setting.minimum <= setting.default <= setting.maximum, setting
            if setting.kind is Kind.CHOICE:
                assert setting.default in setting.choices


def test_a_value_for_one_contract_says_from_when_on_and_nothing_else_is_set() -> None:
    changed = tree(
        "overrides.late",
        {"instrument": "BTCUSDT", "effective": "2021-05-19T12:00:00Z", "slice_floor": "2.5"},
    )

    [override] = check_parameters(changed, "file")["overrides"].values()

    assert {key: value for key, value in override.items() if value is not None} == {
        "instrument": "BTCUSDT",
        "effective": parse_instant("2021-05-19T12:00:00Z"),
        "slice_floor": 2_500_000,
    }
    assert set(override) > {"trade_collar_ppm", "basis_seconds", "fee_ppm"}


def test_shares_of_open_interest_add_up() -> None:
    changed = tree("instruments.BTCUSDT", {"open_interest_share_ppm": PPM})

    assert check_parameters(changed, "file")["instruments"]["BTCUSDT"]["tiers"]


def test_an_order_takes_as_many_of_the_layers_as_a_waterfall_has() -> None:
    setting = Setting("order", "", Kind.ORDER, ("a", "b"), None, None, "", choices=("a", "b", "c"))

    assert _order(["c", "a"], setting, "here") == ["c", "a"]
    for order in (["a"], ["a", "a"], ["a", "b", "c"], ["a", "d"]):
        with pytest.raises(InputError, match="allowed: a list with 2 of a, b, c once"):
            _order(order, setting, "here")
