from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.kernel.codes import ShortfallPolicy
from novate.margin.contract_rule import limited_risk
from novate.margin.contract_rule.limited_risk import E8, Leg, largest_loss, reliefs
from novate.message import command
from novate.message.parameter import Parameter, set_parameter
from novate.message.refusal import ReserveMarginRefusal, SubmitTradeRefusal
from novate.valuation.group_book import book_of
from tests.unit.clearing import COIN, DAY, HOUR, START, ClearingHouse

EXPIRY = START + 30 * DAY
ONE = COIN // 100
"""Ledger units of a tick of a lot."""


def house_of(*strikes: int, price: int = 100, **terms: Any) -> ClearingHouse:
    """Calls at some strikes on one coin, the first number 0; a maker with plenty."""
    house = ClearingHouse()
    for k, strike in enumerate(strikes):
        house.list_option(f"K{k}", **{"strike_e8": strike * E8, **terms})
    house.open_client("maker", deposit=10**7 * COIN)
    house.open_client("A")
    house.price(price)
    house.smile(0.6, EXPIRY)
    house.price(price)
    return house


def buy(house: ClearingHouse, name: str, lots: int, option: int, **other: Any) -> Any:
    """Trade with the maker at the mark, negative lots are sold; the refusal if there is one."""
    mark = int(house.state.marks.mark[option])
    sides = (name, "maker") if lots > 0 else ("maker", name)
    run = house.trade_run(*sides, lots=abs(lots), ticks=mark, instrument=option, **other)
    house.submit(run, allow_refusals=True)
    return next(iter(house.refusals()), None)


def margins(house: ClearingHouse, name: str) -> tuple[int, int]:
    numbers = house.state.assess(house.number(name))
    asked = house.state.requirement(house.number(name))
    assert (numbers.initial, numbers.maintenance) == (asked.initial, asked.maintenance)
    return numbers.initial, numbers.maintenance


@pytest.mark.rule("3.60", "3.61")
def test_a_bear_spread_is_asked_its_width_and_not_the_naked_short() -> None:
    """Short 100 calls at 100, long 100 at 110: no price makes it lose more than 10 each."""
    house = house_of(100, 110)
    house.deposit("A", 1_100 * COIN)
    assert buy(house, "A", 100, 1) is None
    assert buy(house, "A", -100, 0) is None
    assert margins(house, "A") == (1_000 * COIN, 1_000 * COIN)


@pytest.mark.rule("3.60", "3.61")
def test_a_bull_spread_whose_premium_is_paid_is_asked_nothing() -> None:
    house = house_of(100, 110)
    house.deposit("A", 700 * COIN)
    assert buy(house, "A", 100, 0) is None  # 6.85 each
    assert buy(house, "A", -100, 1) is None
    assert margins(house, "A") == (0, 0)
    house.price(140)
    assert house.status("A") == 1  # open: the naked short would be short by 3,000 and more
    assert not house.events("LiquidationStarted")


@pytest.mark.rule("3.60")
@pytest.mark.parametrize(
    "other",
    [
        {"expiry_ns": EXPIRY + DAY},
        {"settlement_window_ns": HOUR},
        {"kind": 2, "payout_ticks": 1_000},
        {"barrier": 1, "barrier_e8": 150 * E8, "monitoring": 1},
        {"settlement_asset": 1, "tick_e8": 10**4, "unit": 10**4},
    ],
)
def test_options_that_are_not_settled_at_one_price_do_not_limit_one_another(
    other: dict[str, int],
) -> None:
    house = house_of(100)
    house.list_option("other", strike_e8=105 * E8, **other)
    house.smile(0.61, EXPIRY + DAY)
    house.price(100)
    house.deposit("A", 10**5 * COIN)
    house.deposit("A", 10**3 * E8, asset=1)
    assert buy(house, "A", -100, 0) is None
    naked = margins(house, "A")
    assert buy(house, "A", 100, 1) is None
    assert margins(house, "A") == naked


@pytest.mark.rule("3.60")
def test_a_touched_option_is_a_plain_one() -> None:
    house = house_of(100)
    barrier = {"barrier": 1, "barrier_e8": 150 * E8, "monitoring": 1}
    house.list_option("in", strike_e8=105 * E8, **barrier)
    house.price(100)
    house.deposit("A", 10**5 * COIN)
    assert buy(house, "A", -100, 0) is None
    assert buy(house, "A", 100, 1) is None
    house.price(151)
    assert margins(house, "A") == (500 * COIN, 500 * COIN)


@pytest.mark.rule("3.60")
def test_what_is_not_covered_stays_a_naked_short() -> None:
    house = house_of(100, 110)
    house.deposit("A", 10**4 * COIN)
    assert buy(house, "A", -100, 0) is None
    naked = margins(house, "A")
    assert buy(house, "A", 99, 1) is None
    assert margins(house, "A") == naked


@pytest.mark.rule("3.60")
def test_a_condor_is_asked_the_wider_side_once_and_half_a_tick_a_lot() -> None:
    house = ClearingHouse()
    for k, (side, strike) in enumerate(((-1, 80), (-1, 90), (1, 110), (1, 125))):
        house.list_option(f"K{k}", strike_e8=strike * E8, side=side)
    house.open_client("maker", deposit=10**7 * COIN)
    house.open_client("A", deposit=10**4 * COIN)
    house.price(100)
    house.smile(0.6, EXPIRY)
    house.price(100)
    for option, lots in ((0, 100), (3, 100), (1, -100), (2, -100)):
        assert buy(house, "A", lots, option) is None
    # 15 above, 10 below; never both.  400 lots of half a tick of a cent are 2.
    assert margins(house, "A") == (1_502 * COIN, 1_502 * COIN)


@pytest.mark.rule("3.64", "7.10")
def test_the_long_leg_of_a_spread_is_not_sold_without_margin_for_the_naked_short() -> None:
    house = house_of(100, 110)
    house.deposit("A", 1_100 * COIN)
    assert buy(house, "A", 100, 1) is None
    assert buy(house, "A", -100, 0) is None
    assert buy(house, "A", -1, 1) == SubmitTradeRefusal.INSUFFICIENT_MARGIN
    (refused,) = house.events("CommandRefused", last=True)
    assert refused["allowed"] > 2_000 * COIN
    # What is no protection, or has margin of its own, is sold.
    assert buy(house, "A", 10, 1) is None
    assert buy(house, "A", -10, 1) is None
    house.deposit("A", 2_000 * COIN)
    assert buy(house, "A", -100, 1) is None


@pytest.mark.rule("3.60", "7.26", "7.27")
def test_orders_to_sell_the_long_leg_count_as_if_they_filled() -> None:
    house = house_of(100, 110)
    house.deposit("A", 1_100 * COIN)
    assert buy(house, "A", 150, 1) is None
    assert buy(house, "A", -100, 0) is None

    def sell(lots: int) -> Any:
        terms = {"account": house.number("A"), "instrument": 1, "limit_ticks": 1}
        house.submit(command.RESERVE_MARGIN.row(lots=-lots, **terms), allow_refusals=True)
        return next(iter(house.refusals()), None)

    assert sell(50) is None
    assert margins(house, "A") == (1_000 * COIN, 1_000 * COIN)
    # Each of these closes a long position, and frees as much margin as it may lose: nothing.
    assert sell(1) == ReserveMarginRefusal.INSUFFICIENT_MARGIN
    assert sell(100) == ReserveMarginRefusal.INSUFFICIENT_MARGIN


@pytest.mark.rule("3.60", "4.18", "4.19")
@pytest.mark.parametrize("policy", list(ShortfallPolicy))
def test_nobody_is_called_or_liquidated_on_the_naked_figure(policy: ShortfallPolicy) -> None:
    house = house_of(100, 110)
    house.open_client("B", deposit=1_200 * COIN, shortfall_policy=policy)
    assert buy(house, "B", 100, 1) is None
    assert buy(house, "B", -100, 0) is None
    for price in (120, 160, 90, 105):
        house.price(price)
    assert not house.events("MarginCalled")
    assert not house.events("LiquidationStarted")
    assert house.events("MarginAssessed")[-1]["breaches"] == 0


@pytest.mark.rule("3.60", "6.35", "6.36")
@pytest.mark.parametrize("is_one_set", [True, False])
def test_options_of_two_accounts_limit_one_another_in_one_netting_set_only(
    is_one_set: bool,
) -> None:
    house = house_of(100, 110)
    house.deposit("A", 10**4 * COIN)
    first = house.number("A")
    joins = {"group": first, "netting_set": first if is_one_set else -1}
    sub = {"reference": "A2", "account": first, "mode": 1}
    house.submit(command.OPEN_SUB_ACCOUNT.row(**sub, **joins))
    house.deposit("A2", 10**3 * COIN)
    assert buy(house, "A", -100, 0) is None
    naked = margins(house, "A")
    assert buy(house, "A2", 100, 1) is None
    assert margins(house, "A") == ((1_000 * COIN,) * 2 if is_one_set else naked)


@pytest.mark.rule("3.62")
def test_a_long_option_without_a_mark_limits_nothing() -> None:
    house = house_of(100, 110)
    house.deposit("A", 10**4 * COIN)
    assert buy(house, "A", -100, 0) is None
    naked = margins(house, "A")
    assert buy(house, "A", 100, 1) is None
    house.state.marks.mark[1] = 0
    assert margins(house, "A") == naked


@pytest.mark.rule("3.63")
def test_a_call_spread_paid_in_coin_is_asked_its_width_in_numeraire() -> None:
    """Short a coin's call at 100, long at 110, 100 lots of a coin: 10 each where it is most."""
    coin = {"settlement_asset": 1, "tick_e8": 10**4, "unit": 10**4}
    house = house_of(100, 110, **coin)
    house.deposit("A", 50 * E8, asset=1)
    house.deposit("A", 10**3 * COIN)
    assert buy(house, "A", 100, 1) is None
    naked = house.state.assess(house.number("A"))
    assert naked.initial == 0
    assert buy(house, "A", -100, 0) is None
    # At 110 the short pays 10 / 110 of a coin, 909 ticks of 0.0001, and 100 ticks for 200 halves of
    # rounding on 100 coins: (909 x 100 + 100) x 0.0001 x 110 = 1,001, rounded up in float64.
    assert margins(house, "A") == (1_001 * COIN + 1, 1_001 * COIN + 1)


@pytest.mark.rule("3.63")
def test_short_calls_in_coin_that_outnumber_the_long_ones_have_no_largest_loss() -> None:
    legs = (Leg(1, 100 * E8, 10**4, 10**4, 10**8, -2), Leg(1, 110 * E8, 10**4, 10**4, 10**8, 1))
    assert largest_loss(legs, (6, 8)) is None
    cut = (Leg(1, 100 * E8, 10**4, 10**4, 5_000, -1), Leg(1, 110 * E8, 10**4, 10**4, 5_000, 1))
    assert largest_loss(cut, (6, 8)) is None


LEGS = st.lists(
    st.builds(
        Leg,
        side=st.sampled_from((1, -1)),
        strike=st.integers(50 * E8, 200 * E8),
        tick=st.sampled_from((10**4, 10**6, 3 * 10**6)),
        unit=st.integers(1, 10),
        ticks_max=st.sampled_from((10**3, 10**8)),
        lots=st.integers(-20, 20).filter(bool),
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.rule("3.61")
@given(legs=LEGS, price=st.integers(1, 500 * E8))
def test_no_settlement_price_loses_more_than_the_largest_loss(legs: list[Leg], price: int) -> None:
    most = largest_loss(tuple(legs), None)
    assert most is not None
    assert -sum(leg.lots * leg.unit * leg.payoff(price, False) for leg in legs) <= most


@pytest.mark.rule("3.61")
@given(
    strikes=st.lists(st.integers(50, 200), min_size=2, max_size=5, unique=True),
    lots=st.lists(st.integers(-20, 20).filter(bool), min_size=5, max_size=5),
    side=st.sampled_from((1, -1)),
)
def test_on_one_grid_the_largest_loss_is_reached(
    strikes: list[int], lots: list[int], side: int
) -> None:
    legs = [Leg(side, k * E8, 10**6, 1, 10**8, n) for k, n in zip(strikes, lots, strict=False)]
    most = largest_loss(tuple(legs), None)
    ends = (leg.strike + side * leg.ticks_max * leg.tick for leg in legs)
    prices = [1, 10**17, *(leg.strike for leg in legs), *(end for end in ends if end > 0)]
    losses = [-sum(g.lots * g.payoff(price, False) for g in legs) for price in prices]
    assert most == max(0, *losses)


@pytest.mark.rule("3.63")
@given(legs=LEGS, price=st.integers(10 * E8, 500 * E8))
def test_in_coin_no_price_loses_more_than_the_largest_loss_but_for_rounding(
    legs: list[Leg], price: int
) -> None:
    most = largest_loss(tuple(legs), (6, 8))
    if most is not None:
        loss = -sum(leg.lots * leg.unit * leg.payoff(price, True) for leg in legs)
        ticks = sum(abs(leg.lots) * leg.unit for leg in legs)
        assert (loss - ticks) * price / E8 / 100 <= most


@pytest.mark.rule("3.60")
def test_the_relief_is_a_part_of_the_requirement_with_a_name() -> None:
    house = house_of(100, 110)
    house.deposit("A", 1_100 * COIN)
    buy(house, "A", 100, 1)
    buy(house, "A", -100, 0)
    (part,) = reliefs(house.state, book_of(house.state, house.number("A")))
    assert (part.name, part.subject) == ("limited risk", 0)
    assert part.initial < part.maintenance < 0


@pytest.mark.rule("3.14", "3.60", "5.43")
def test_the_margin_of_shorts_whose_entry_counts_follows_the_decay_of_their_coin() -> None:
    # 100 calls sold, one bought, paid in coin: what they were sold above the mark counts with the
    # collateral factor, which falls while the index is stale and no mark moves.
    house = house_of(100, 110, settlement_asset=1, margin_rule=2, unit=E8 // 10**6)
    house.submit(set_parameter(Parameter.STALE_ADD_ON_PPM, 0))
    house.deposit("maker", 10**6 * E8, asset=1)
    house.deposit("A", 1_000 * E8, asset=1)
    assert buy(house, "A", 1, 1) is None
    assert buy(house, "A", -100, 0) is None
    house.price(80)
    x, number = house.state, house.number("A")
    found = []
    for hours in (3, 9, 15):
        house.price(None, at_ns=START + hours * HOUR)
        found.append(x.assess(number).initial)
        assert x.margin_cache.numbers()[number, 1] == found[-1]
    assert found[0] > found[1] > found[2]


@pytest.mark.rule("3.61", "3.63")
@given(
    legs=LEGS,
    coin=st.sampled_from((None, (6, 8), (2, 0))),
    scale=st.sampled_from((1, 10**6, 10**12)),
)
def test_it_is_the_loss_at_the_worst_turn_to_the_unit(
    legs: list[Leg], coin: tuple[int, int] | None, scale: int
) -> None:
    legs = [leg._replace(lots=leg.lots * scale) for leg in legs]
    most = largest_loss(tuple(legs), coin)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limited_risk, "_FITS", 0)  # by unbounded integers
        assert largest_loss.__wrapped__(tuple(legs), coin) == most
