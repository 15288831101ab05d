from __future__ import annotations

import math

import pytest

from novate.kernel.codes import AccountStatus, InstrumentStatus, ShortfallPolicy
from novate.margin import option_mark
from novate.message import command
from novate.message.parameter import Parameter
from tests.unit.clearing import COIN, DAY, E8, HOUR, MINUTE, OPTION_TERMS, START, ClearingHouse

EXPIRY = OPTION_TERMS["expiry_ns"]


def house_with(*, parameters: dict[Parameter, int] | None = None, **terms: int) -> ClearingHouse:
    """An option at 100, its index and a smile of 60%, and two clients."""
    house = ClearingHouse(parameters=parameters)
    house.list_option(**terms)
    for name in ("long", "short"):
        house.open_client(name, deposit=1_000 * COIN)
    house.price(100)
    house.smile(0.6)
    house.assess()
    return house


def marked(house: ClearingHouse) -> dict[str, int]:
    """The last event that marked an option."""
    return house.events("OptionMarked")[-1]


@pytest.mark.rule("7.9", "9.4", "9.11")
def test_an_option_has_no_mark_before_there_is_a_smile() -> None:
    house = ClearingHouse()
    house.list_option()
    for name in ("long", "short"):
        house.open_client(name, deposit=1_000 * COIN)
    house.price(100)
    assert marked(house)["mark"] == 0
    assert marked(house)["index"] == 100 * E8
    run = house.trade_run("long", "short", lots=1, ticks=600)
    house.submit(run, allow_refusals=True)
    assert [code.name for code in house.refusals()] == ["MARK_MISSING"]
    house.smile(0.6)
    house.assess()
    # At the money, 60% over 30 days: 100 x (2 N(0.086) - 1) = 6.853.
    assert marked(house)["mark"] == 685
    house.submit(run)


@pytest.mark.rule("9.6", "9.7", "9.13")
def test_a_mark_follows_the_index_between_smiles_with_its_volatility() -> None:
    house = house_with(parameters={Parameter.SURFACE_STALENESS_NS: 2 * DAY})
    before = marked(house)
    assert before["delta_e9"] == pytest.approx(534_270_000, rel=1e-4)
    house.price(110)
    after = marked(house)
    assert after["mark"] > before["mark"] + 500
    assert after["slow"] == before["mark"]  # the slow average has had no time to follow
    house.price(110, at_ns=START + DAY)
    assert marked(house)["mark"] < after["mark"]


@pytest.mark.rule("9.12")
def test_the_slow_average_has_a_value_of_its_own() -> None:
    house = house_with()
    house.price(130, at_ns=START + MINUTE)
    assert marked(house)["slow"] < marked(house)["mark"]


@pytest.mark.rule("9.11")
def test_no_option_is_marked_worthless_and_none_above_its_limit() -> None:
    house = house_with(strike_e8=5_000 * E8)
    assert marked(house)["mark"] == 1
    house = house_with(strike_e8=E8, ticks_max=5_000)
    assert marked(house)["mark"] == 5_000


@pytest.mark.rule("5.20", "6.9", "9.4", "11.2")
def test_a_stale_smile_marks_on_but_nothing_is_withdrawn_on_it() -> None:
    house = house_with(parameters={Parameter.SURFACE_STALENESS_NS: HOUR})
    house.trade("long", "short", lots=40, ticks=685)
    assert house.status("short") == AccountStatus.OPEN
    at_ns = START + HOUR + MINUTE
    house.price(110, at_ns=at_ns)
    assert marked(house)["mark"] > 1_000
    assert not house.events("LiquidationStarted")
    short = house.number("short")
    house.submit(
        command.WITHDRAW_COLLATERAL.row(account=short, asset=0, amount=1), allow_refusals=True
    )
    assert [code.name for code in house.refusals()] == ["INDEX_STALE"]
    house.price(160)
    assert house.events("LiquidationStarted")[0]["binding"] == 0


@pytest.mark.rule("4.22", "5.20")
def test_a_call_waits_for_no_smile() -> None:
    house = house_with(parameters={Parameter.SURFACE_STALENESS_NS: HOUR})
    house.open_client(
        "called", deposit=700 * COIN, shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT
    )
    house.trade("long", "called", lots=40, ticks=685)
    house.price(120, at_ns=START + HOUR + MINUTE)
    assert house.events("MarginCalled")[0]["account"] == house.number("called")


@pytest.mark.rule("9.38", "9.39", "9.41", "9.42")
def test_an_option_expires_by_the_index_alone() -> None:
    house = house_with()
    house.trade("long", "short", lots=10, ticks=685)
    house.price(130, at_ns=EXPIRY - 1)
    house.price(None, at_ns=EXPIRY + 1)
    (expired,) = house.events("OptionExpired")
    assert (expired["final_e8"], expired["ticks"]) == (130 * E8, 3_000)
    assert house.state.instruments.status[0] == InstrumentStatus.EXPIRED
    assert house.balance("long") == (1_000_000_000 - 68_500_000) + 300_000_000
    assert house.balance("short") == (1_000_000_000 + 68_500_000) - 300_000_000
    assert house.position("long")["realised"] == 300_000_000 - 68_500_000
    assert house.balance("RESIDUE") == 0


@pytest.mark.rule("9.38")
def test_a_settlement_price_is_the_average_of_the_window() -> None:
    house = house_with(settlement_window_ns=HOUR)
    house.price(110, at_ns=EXPIRY - 2 * HOUR)
    house.price(120, at_ns=EXPIRY - HOUR // 4)
    house.price(None, at_ns=EXPIRY + 1)
    (expired,) = house.events("OptionExpired")
    assert (expired["final_e8"], expired["ticks"]) == (11_250_000_000, 1_250)


@pytest.mark.rule("9.39", "9.41")
def test_an_option_out_of_the_money_expires_worthless() -> None:
    house = house_with(side=-1)
    house.trade("long", "short", lots=10, ticks=685)
    house.price(130, at_ns=EXPIRY - 1)
    house.price(None, at_ns=EXPIRY + 1)
    assert house.events("OptionExpired")[0]["ticks"] == 0
    assert house.balance("short") == 1_000 * COIN + 68_500_000
    assert house.lots("short") == house.position("short")["entry_cost"] == 0


@pytest.mark.rule("4.11", "8.15", "9.42")
def test_an_expiry_waits_for_the_index() -> None:
    house = house_with()
    house.advance(EXPIRY + MINUTE)
    assert not house.events("OptionExpired")
    assert house.events("CyclePostponed")
    house.price(101)
    assert house.events("OptionExpired")[0]["ticks"] == 100


@pytest.mark.rule("9.9", "9.18", "9.39", "9.43")
def test_a_coin_settled_option_is_paid_in_coin() -> None:
    coin = {"settlement_asset": 1, "tick_e8": 10**4, "unit": 10**4}  # a tick is 0.0001 coin
    house = house_with(**coin)
    assert marked(house)["mark"] == 685
    for name in ("long", "short"):
        house.deposit(name, 5 * E8, asset=1)
    house.trade("long", "short", lots=10, ticks=685)
    assert house.balance("long", 1) == 5 * E8 - 68_500_000
    numbers = house.state.assess(house.number("short"))
    # 10 coins: (0.15 + 0.0685...) and (0.075 + 0.0685...) in ticks of 0.0001, rounded up.
    assert (numbers.initial, numbers.maintenance) == (2_186 * 10 * 10_000, 1_436 * 10 * 10_000)
    house.price(125, at_ns=EXPIRY - 1)
    house.price(None, at_ns=EXPIRY + 1)
    assert house.events("OptionExpired")[0]["ticks"] == 2_000
    assert house.balance("long", 1) == 5 * E8 - 68_500_000 + 2 * E8
    assert house.balance("RESIDUE", 1) == 0


def test_days_and_hours_make_the_terms_of_these_tests() -> None:
    assert EXPIRY - START == 30 * DAY


@pytest.mark.rule("9.14")
def test_an_option_whose_value_is_no_number_keeps_what_it_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = house_with()
    before = marked(house)

    monkeypatch.setattr(option_mark, "mark_values", lambda *columns: columns[-1].fill(math.nan))
    house.price(120)

    after = marked(house)
    assert after["index"] == 120 * E8
    for name in ("mark", "slow", "short_initial", "short_maintenance", "delta_e9"):
        assert after[name] == before[name]


@pytest.mark.rule("4.7", "9.2")
def test_options_are_marked_by_number_after_the_contracts_and_not_on_a_stale_index() -> None:
    house = ClearingHouse()
    house.list_option("C")
    house.list_contract("X")
    house.list_option("P", side=-1)
    house.price(100)
    assert house.event_names()[-3:] == ["MarkUpdated", "OptionMarked", "MarginAssessed"]
    assert [row["instrument"] for row in house.events("OptionMarked", last=True)] == [0, 2]

    house.advance(START + 3 * HOUR)
    house.assess()

    assert house.events("OptionMarked", last=True) == []
