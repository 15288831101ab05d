"""Sources that quote in another money than the numeraire, and a numeraire that leaves its peg."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from novate.engine.recover import audit, recover
from novate.kernel.codes import AccountStatus
from novate.market.columns import SourceColumns
from novate.market.source_state import SourceState
from novate.message import command
from novate.message.parameter import Parameter
from novate.message.refusal import SetSourceQuoteRefusal, WithdrawCollateralRefusal
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, START, ClearingHouse

DOLLAR, COIN_IN_DOLLAR = 0, 1
"""Sources by number: of the dollar, and of the coin."""


def house(**parameters: int) -> ClearingHouse:
    """Dollar and coin: a source tells the numeraire's price in dollars, another quotes in them."""
    given = {Parameter[name]: value for name, value in parameters.items()}
    made = ClearingHouse(assets=(("USD", 2, 10_000), ("BTC", 8, 500)), parameters=given)
    quote(made, DOLLAR, 0, is_inverted=True)
    quote(made, COIN_IN_DOLLAR, 1)
    return made


def quote(house: ClearingHouse, source: int, asset: int, *, is_inverted: bool = False) -> None:
    row = {"source": source, "quote": asset, "is_inverted": is_inverted}
    house.submit(command.SET_SOURCE_QUOTE.row(**row))


def report(house: ClearingHouse, told: dict[int, int], *, at_ns: int = 0) -> None:
    """Prices by source in 1e-8 of its quote asset, and an assessment."""
    house.price(None, at_ns=at_ns, e8=told)


def index_of(house: ClearingHouse, asset: int) -> int:
    return int(house.state.assets.price_e8[asset])


@pytest.mark.rule("5.130", "5.132")
def test_a_coin_quoted_in_dollars_costs_more_when_the_numeraire_loses_its_peg() -> None:
    made = house()
    report(made, {DOLLAR: E8, COIN_IN_DOLLAR: 500 * E8})
    assert (index_of(made, 1), index_of(made, 2)) == (E8, 500 * E8)

    # 0.95 dollars for one of the numeraire: a dollar is 1 / 0.95 = 1.052631578947...
    report(made, {DOLLAR: 95_000_000, COIN_IN_DOLLAR: 500 * E8}, at_ns=START + MINUTE)

    assert index_of(made, 1) == 105_263_158
    assert index_of(made, 2) == 52_631_579_000  # 500 x 1.05263158
    recover(made.engine.journal)
    audit(made.engine.journal)


@pytest.mark.rule("5.130", "5.132")
def test_a_short_pays_for_the_lost_peg_at_a_still_price_in_dollars() -> None:
    made = house()
    made.list_contract("X", underlying=2)
    for name in ("long", "short"):
        made.open_client(name, deposit=10_000 * COIN)
    report(made, {DOLLAR: E8, COIN_IN_DOLLAR: 500 * E8})
    made.trade("long", "short", lots=100, ticks=500)
    before = made.equity("long") - made.equity("short")
    assert before == 0

    report(made, {DOLLAR: 95_000_000, COIN_IN_DOLLAR: 500 * E8}, at_ns=START + MINUTE)

    # The mark is 526 ticks: 26 a lot.
    value = 26 * 100 * COIN
    assert made.equity("long") == 10_000 * COIN + value
    assert made.equity("short") == 10_000 * COIN - value


@pytest.mark.rule("5.131")
def test_without_a_fresh_price_of_the_money_its_quotes_do_not_count() -> None:
    made = house()
    report(made, {DOLLAR: E8, COIN_IN_DOLLAR: 500 * E8})
    assert made.state.is_fresh(2)

    # The dollar is silent for three hours, the coin is not.
    report(made, {COIN_IN_DOLLAR: 200 * E8}, at_ns=START + 3 * HOUR)

    assert not made.state.is_fresh(2)
    assert (index_of(made, 2), bool(made.state.assets.is_stale[2])) == (500 * E8, True)


@pytest.mark.rule("5.84", "5.131")
def test_a_wrong_zero_of_the_numeraire_pauses_what_is_quoted_in_dollars() -> None:
    made = house(JUMP_PPM=200_000, INDEX_SOURCES_MIN=1)
    made.list_contract("X", underlying=2)
    for name in ("long", "short"):
        made.open_client(name, deposit=6_000 * COIN)
    report(made, {DOLLAR: E8, COIN_IN_DOLLAR: 500 * E8})
    made.trade("long", "short", lots=100, ticks=500)

    report(made, {DOLLAR: E8 // 10, COIN_IN_DOLLAR: 500 * E8}, at_ns=START + MINUTE)

    assert made.state.assets.jump_ns[1] == START + MINUTE
    assert index_of(made, 2) == 500 * E8
    assert made.status("short") == AccountStatus.OPEN


@pytest.mark.rule("5.132")
def test_sources_of_one_coin_in_two_moneys_make_one_median() -> None:
    made = house(INDEX_SOURCES_MIN=2)
    made.submit(*(command.DECLARE_SOURCE.row(symbol=f"s{a}", asset=a, weight=1) for a in (1, 2, 2)))
    quote(made, 4, 1, is_inverted=True)

    # The dollar: 1 / 0.8 = 1.25 and 1.25.  The coin: 500 dollars = 625; 624; and one dollar for
    # 0.002 coins = 500 dollars = 625.
    told = {0: 80_000_000, 2: 125_000_000, 1: 500 * E8, 3: 624 * E8, 4: 200_000}
    report(made, told)

    assert index_of(made, 1) == 125_000_000
    assert index_of(made, 2) == 625 * E8


@pytest.mark.rule("5.134", "6.80")
def test_a_report_of_the_money_that_no_assessment_saw_lets_no_coin_out() -> None:
    made = house()
    report(made, {DOLLAR: E8, COIN_IN_DOLLAR: 500 * E8})
    made.open_client("holder")
    made.deposit("holder", 10 * E8, asset=2)
    row = {"source": DOLLAR, "price_e8": 2 * E8, "observed_ns": made.state.now_ns + 1}
    made.submit(
        command.ADVANCE_TIME.row(instant_ns=row["observed_ns"]), command.REPORT_PRICE.row(**row)
    )

    take = command.WITHDRAW_COLLATERAL.row(account=made.number("holder"), asset=2, amount=E8)
    made.submit(take, allow_refusals=True)

    assert made.refusals() == [WithdrawCollateralRefusal.PRICE_NOT_ASSESSED]


@pytest.mark.rule("5.133")
def test_what_a_source_said_before_it_changed_its_quote_does_not_count() -> None:
    made = house()
    report(made, {DOLLAR: 80_000_000, COIN_IN_DOLLAR: 500 * E8})
    assert index_of(made, 2) == 625 * E8

    quote(made, COIN_IN_DOLLAR, 0)
    report(made, {}, at_ns=START + MINUTE)
    assert (index_of(made, 2), bool(made.state.assets.is_stale[2])) == (625 * E8, True)

    report(made, {COIN_IN_DOLLAR: 620 * E8}, at_ns=START + 2 * MINUTE)
    assert index_of(made, 2) == 620 * E8


@pytest.mark.rule("5.130")
@pytest.mark.parametrize(
    ("source", "asset", "code"),
    [
        (9, 0, SetSourceQuoteRefusal.UNKNOWN_SOURCE),
        (DOLLAR, 1, SetSourceQuoteRefusal.UNKNOWN_ASSET),
        (COIN_IN_DOLLAR, 2, SetSourceQuoteRefusal.UNKNOWN_ASSET),
        (COIN_IN_DOLLAR, 9, SetSourceQuoteRefusal.UNKNOWN_ASSET),
    ],
)
def test_a_quote_asset_stands_before_the_asset_of_its_source(
    source: int, asset: int, code: SetSourceQuoteRefusal
) -> None:
    made = house()
    row = {"source": source, "quote": asset, "is_inverted": False}

    made.submit(command.SET_SOURCE_QUOTE.row(**row), allow_refusals=True)

    assert made.refusals() == [code]


@pytest.mark.rule("5.65", "5.131")
def test_what_is_quoted_in_a_money_whose_index_is_narrow_is_narrow_too() -> None:
    made = house(INDEX_WEIGHT_MIN_PPM=500_000)
    made.submit(*(command.DECLARE_SOURCE.row(symbol=f"usd-{k}", asset=1, weight=1) for k in "abc"))
    report(made, {0: E8, 2: E8, 3: E8, 4: E8, COIN_IN_DOLLAR: 500 * E8})
    assert made.state.is_broad(2)

    # One of four sources of the dollar reports three hours later.
    report(made, {DOLLAR: E8, COIN_IN_DOLLAR: 500 * E8}, at_ns=START + 3 * HOUR)

    assert made.state.is_fresh(2)
    assert not made.state.is_broad(1)
    assert not made.state.is_broad(2)


def chain(assets: int) -> SourceState:
    """Assets that are each quoted in all before them, and one in the numeraire too."""
    state = SourceState()
    state.now_ns = HOUR
    state.parameters[Parameter.INDEX_SOURCES_MIN] = 1
    for asset in range(assets + 1):
        state.assets.append()
        state.assets.unit_price[asset], state.assets.is_stale[asset] = 1.0, False
        for quote in range(asset):
            source = state.sources.append()
            state.sources.asset[source], state.sources.quote[source] = asset, quote
            state.sources.weight[source], state.sources.observed_ns[source] = 1, HOUR
    return state


def counted_looks(state: SourceState, monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often the sources of each asset are looked through."""
    looks: Counter[int] = Counter()
    for name in ("usable", "standing"):
        real = getattr(SourceColumns, name)

        def look(self: SourceColumns, asset: int, *rest: int, real: Any = real) -> Any:
            looks[asset] += 1
            return real(self, asset, *rest)

        monkeypatch.setattr(SourceColumns, name, look)
    return looks


@pytest.mark.rule("5.19", "5.65", "5.131")
@pytest.mark.parametrize("ask", [SourceState.is_fresh, SourceState.is_broad])
def test_a_chain_of_quotes_is_looked_at_once_whatever_rests_on_it(
    ask: Callable[[SourceState, int], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    state = chain(60)
    looks = counted_looks(state, monkeypatch)

    assert ask(state, 60)
    assert looks == dict.fromkeys(range(1, 61), 1)

    state.assets.jump_ns[1] = 1
    looks.clear()
    assert ask(state, 60)  # 59 of 60 sources are left
    assert max(looks.values()) <= 3  # who counts is named where a quote asset is missing


@pytest.mark.rule("5.131")
def test_all_assets_of_a_chain_together_are_looked_at_about_once_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = chain(60)
    looks = counted_looks(state, monkeypatch)

    with state.looking_once():
        assert all(state.is_fresh(asset) for asset in range(61))
        assert [len(state.usable_sources(asset)) for asset in (1, 60)] == [1, 60]

    assert max(looks.values()) <= 3


@pytest.mark.rule("5.131")
def test_what_was_looked_at_is_forgotten_behind_the_look() -> None:
    state = chain(2)
    with state.looking_once():
        assert state.is_fresh(2)
    state.assets.jump_ns[1] = 1
    assert state.usable_sources(2) == [1]
    state.assets.jump_ns[1] = 0
    assert state.usable_sources(2) == [1, 2]
