from __future__ import annotations

import pytest

from novate.adapter.memory_journal import MemoryJournal
from novate.adapter.parameter_file import read_parameters
from novate.app.cli import presets
from novate.app.replay.counterfactual import without_controls
from novate.app.replay.venue import open_venue, without_collar
from novate.book.state import SINGLE_ROLES
from novate.engine.engine import Engine
from novate.errors import InputError
from novate.kernel.clearing.value import INVERSE, LINEAR
from novate.message import command
from novate.message.declare import rows_of
from novate.message.parameter import MINUTE, SECOND, SETTINGS, Parameter
from tests.unit.app.replay.small import START_NS, SYMBOLS, parameters


def test_the_opening_is_accepted_by_the_engine_as_it_stands() -> None:
    settings = parameters()
    opened = open_venue(settings, SYMBOLS, START_NS)
    engine = Engine(MemoryJournal())

    batches = engine.submit(opened.opening)

    x = engine.state
    assert "CommandRefused" not in {run.name for batch in batches for run in batch.events}
    assert tuple(x.assets.symbols) == opened.assets == ("USDT", "BTC", "ETH", "USDC")
    assert x.instruments.symbols == list(SYMBOLS)
    assert x.now_ns == START_NS
    assert {role: x.single(role) for role in SINGLE_ROLES} == opened.house
    assert len(opened.house) == x.accounts.count == len(SINGLE_ROLES)
    for parameter, setting in SETTINGS.items():
        stated = settings[setting.section][setting.key]
        assert x.parameter(parameter) == stated * setting.unit.scale, parameter.name
    assert x.parameter(Parameter.CALL_GRACE_NS) == 60 * MINUTE


def test_the_numeraire_is_asset_zero_wherever_the_file_has_it() -> None:
    settings = parameters()
    settings["assets"] = {name: settings["assets"][name] for name in ("USDC", "ETH", "USDT", "BTC")}

    opened = open_venue(settings, SYMBOLS, START_NS)

    assert opened.assets == ("USDT", "USDC", "ETH", "BTC")
    assert opened.asset("ETH") == 2
    with pytest.raises(InputError, match=r"asset 'DOGE' is not declared; known are \['USDT'"):
        opened.asset("DOGE")


def test_terms_become_ticks_lots_and_ledger_units() -> None:
    opened = open_venue(parameters(), SYMBOLS, START_NS)
    [listing] = rows_of(next(run for run in opened.opening if run.name == "ListInstrument"))
    contract = opened.contracts[0]

    # A tick of 0.1 on a lot of 0.001 is 0.0001 USDT: 100 units of 1e-6.
    assert listing["unit"] == 100
    assert listing["ticks_max"] == 1_000_000 * 10
    assert listing["lots_max"] == 2**60 // 100 // 10**7
    assert listing["funding_cap_e9"] == 3_000_000
    assert (contract.tick_e8, contract.lot_e8, contract.form) == (10**7, 10**5, LINEAR)


def test_an_inverse_contract_is_listed_by_its_face_value() -> None:
    settings = parameters()
    settings["instruments"]["BTCUSDT"].update(
        form="inverse", face_value=100 * 10**8, settlement_asset="BTC", tick=5 * 10**7
    )

    opened = open_venue(settings, ("BTCUSDT",), START_NS)

    [listing] = rows_of(next(run for run in opened.opening if run.name == "ListInstrument"))
    assert (listing["form"], listing["unit"]) == (INVERSE, 200 * 10**8)
    assert listing["lots_max"] == 2**60 // (200 * 10**8)
    contract = opened.contracts[0]
    assert (contract.form, contract.face_e8) == (INVERSE, 100 * 10**8)
    assert (contract.unit, contract.settlement) == (listing["unit"], opened.asset("BTC"))


def test_leverage_is_capped_in_every_tier() -> None:
    settings = parameters()
    settings["margin"]["leverage_max"] = 7

    runs = open_venue(settings, SYMBOLS, START_NS).opening

    tiers = [row for run in runs if run.name == "SetTier" for row in rows_of(run)]
    assert min(row["initial_ppm"] for row in tiers) == 142_858  # one seventh, up
    assert {row["instrument"] for row in tiers} == {0, 1}


def test_the_declared_waterfall_is_that_of_the_file() -> None:
    settings = parameters()
    settings["waterfall"].update(
        order=["own-contribution", "skin-in-the-game", "insurance-fund", "default-fund"],
        last_layer="adl",
    )

    runs = open_venue(settings, SYMBOLS, START_NS).opening

    [row] = rows_of(next(run for run in runs if run.name == "DeclareWaterfall"))
    assert list(row.values()) == [1, 3, 2, 4, 6]


def test_a_value_for_one_contract_holds_at_once_or_when_it_becomes_effective() -> None:
    settings = parameters()
    none = dict.fromkeys(["tiers", *(setting.key for setting in SETTINGS.values())])
    settings["overrides"] = {
        "old": {**none, "instrument": "ETHUSDT", "effective": START_NS, "fee_ppm": 7},
        "new": {**none, "instrument": "ETHUSDT", "effective": START_NS + MINUTE, "fee_ppm": 8},
        "far": {
            **none,
            "instrument": "ETHUSDT",
            "effective": None,
            "basis_seconds": 9,
            "tiers": settings["instruments"]["BTCUSDT"]["tiers"],
        },
        "out": {**none, "instrument": "SOLUSDT", "effective": None, "fee_ppm": 1},
    }
    engine = Engine(MemoryJournal())
    engine.submit(open_venue(settings, SYMBOLS, START_NS).opening)
    fee, x = Parameter.LIQUIDATION_FEE_PPM, engine.state

    assert x.parameter(fee) == x.parameter(fee, instrument=0)
    assert x.parameter(fee, instrument=1) == 7
    assert x.parameter(Parameter.BASIS_AVERAGE_NS, instrument=1) == 9 * SECOND
    engine.submit([command.ADVANCE_TIME.row(instant_ns=START_NS + MINUTE)])
    assert x.parameter(fee, instrument=1) == 8
    assert x.overrides.count == 2
    assert x.instruments.maintenance_rate[1].tolist() == x.instruments.maintenance_rate[0].tolist()


def test_the_collar_is_lifted_for_opening_trades_alone() -> None:
    settings = parameters()
    none = dict.fromkeys(["tiers", *(setting.key for setting in SETTINGS.values())])
    settings["overrides"] = {
        "tight": {**none, "instrument": "ETHUSDT", "effective": None, "trade_collar_ppm": 30_000},
    }
    opened = open_venue(settings, SYMBOLS, START_NS)
    trades = command.ADVANCE_TIME.row(instant_ns=START_NS + 1)  # in the place of trades
    runs = without_collar(opened, trades)
    engine = Engine(MemoryJournal())
    engine.submit(opened.opening)
    at, collar, x = runs.index(trades), Parameter.TRADE_COLLAR_PPM, engine.state

    engine.submit(runs[:at])
    assert [x.parameter(collar, instrument=i) for i in (0, 1)] == [0, 0]
    engine.submit(runs[at:])
    assert [x.parameter(collar, instrument=i) for i in (0, 1)] == [100_000, 30_000]


def test_the_rules_for_short_options_are_declared_in_the_order_of_the_file() -> None:
    settings = parameters()
    rules = read_parameters(presets() / "demo.toml", presets())["option_margin"]
    settings["option_margin"] = rules

    opened = open_venue(settings, SYMBOLS, START_NS)
    engine = Engine(MemoryJournal())
    engine.submit(opened.opening)

    declared = engine.state.option_rules
    assert opened.option_rules == tuple(declared.symbols) == tuple(rules)
    assert opened.option_rules[:2] == ("deribit-standard", "bybit")
    assert declared.used("entry_counts").tolist() == [False, True, False]
    assert declared.used("expiry_window_ns").tolist() == [0, 0, 24 * 60 * MINUTE]


def test_a_counterfactual_venue_keeps_the_parameters_of_its_book() -> None:
    settings = parameters()
    rules = without_controls(settings)

    opened = open_venue(settings, SYMBOLS, START_NS, rules)

    settings_run = next(run for run in opened.opening if run.name == "SetParameter")
    values = {row["parameter"]: row["value"] for row in rows_of(settings_run)}
    assert values[Parameter.LIQUIDATION_FEE_PPM] == 0
    assert opened.parameters is settings
    assert opened.rules is rules
