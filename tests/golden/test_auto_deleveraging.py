"""Ranking and allocation of auto-deleveraging against published forms and worked figures.

Sources: BitMEX, "What is Auto-Deleveraging" (score = return times effective leverage, which is
value at the mark over its distance from the bankruptcy value); Binance, Bybit and Hyperliquid
publish the same form.  The worked positions are linear, quantity 1, marked at 15,000.  Tolerance:
1e-12 relative, the figures are quotients of float64.
"""

from __future__ import annotations

import pytest

from novate.default_management.loss.auto_deleveraging import Queues, ranking_score
from novate.kernel.codes import Layer
from tests.unit.clearing import COIN, E8, ClearingHouse
from tests.unit.kernel.share import share_pro_rata

MARK = 15_000

# name, side, entry, bankruptcy price, score
POSITIONS = (
    ("A", -1, 20_000, 22_000, 0.5357142857142857),
    ("B", -1, 16_000, 16_160, (1_000 / 16_000) * (15_000 / 1_160)),
    ("C", -1, 18_000, 36_000, 0.11904761904761904),
    ("E", 1, 10_000, 9_000, 1.25),
)
LOSING = ("D", -1, 14_800, 15_540)


@pytest.mark.rule("13.13")
@pytest.mark.parametrize(("name", "side", "entry", "bankruptcy", "score"), POSITIONS)
def test_the_score_is_return_times_effective_leverage(
    name: str, side: int, entry: int, bankruptcy: int, score: float
) -> None:
    profit = side * (MARK - entry)
    equity = side * (MARK - bankruptcy)

    assert ranking_score(profit, entry, MARK, equity) == pytest.approx(score, rel=1e-12)


def ranked_house() -> ClearingHouse:
    """The worked positions; equity is the distance to the bankruptcy price."""
    house = ClearingHouse()
    house.list_contract(tiers=((0, 9_000, 5_000),))
    house.open_client("dealer", deposit=10**6 * COIN)
    house.price(MARK)
    for name, side, entry, bankruptcy in (*(row[:4] for row in POSITIONS), LOSING):
        house.open_client(name, deposit=side * (entry - bankruptcy) * COIN)
        pair = (name, "dealer") if side > 0 else ("dealer", name)
        house.trade(*pair, lots=1, ticks=entry)
    return house


@pytest.mark.rule("13.12")
def test_shorts_and_longs_are_ranked_apart_and_a_loser_is_not_in_the_queue() -> None:
    house = ranked_house()
    names = {house.number(name): name for name in "ABCDE"}

    queues = Queues(house.state)
    shorts, longs = (
        [(names[a], -less) for less, a, _ in queues.ranked(0, side) if a in names]
        for side in (-1, 1)
    )

    assert [name for name, _ in shorts] == ["B", "A", "C"]
    assert [name for name, _ in longs] == ["E"]
    for name, score in shorts + longs:
        expected = next(row[4] for row in POSITIONS if row[0] == name)
        assert score == pytest.approx(expected, rel=1e-12)


WINNERS = (
    ("wins 0.12", 1, 102),
    ("wins 0.20", 2, 100),
    ("wins 0.30", 3, 100),
    ("wins 0.40", 4, 100),
)
"""Name, lots and entry in hundredths of shorts that gain 0.10 a lot (0.12 the first) at 0.90."""


def deficit_of_fifty_cents(last: Layer) -> ClearingHouse:
    """A long of 5 lots fails with a deficit of 0.50 while four shorts have won 1.02."""
    house = ClearingHouse()
    house.waterfall(last)
    # One tick is a hundredth of the numeraire, and so is one tick on one lot.
    house.list_contract(unit=COIN // 100, tick_e8=E8 // 100, tiers=((0, 1_000, 500),))
    house.open_client("dealer", deposit=100 * COIN)
    house.open_client("failing", deposit=COIN // 2)
    for name, lots, entry in WINNERS:  # at the mark: nobody gives anything away
        house.open_client(name, deposit=COIN)
        house.price(None, e8={0: entry * E8 // 100})
        house.trade("dealer", name, lots=lots, ticks=entry)
    house.price(None, e8={0: 110 * E8 // 100})
    house.trade("failing", "dealer", lots=5, ticks=110)

    house.price(None, e8={0: 90 * E8 // 100})

    [loss] = house.events("LossRecorded")
    assert loss["amount"] == COIN // 2
    return house


# Winners of 0.12, 0.20, 0.30 and 0.40, a deficit of 0.50: the queue takes 0.40 and 0.10.
@pytest.mark.rule("13.15")
def test_the_queue_takes_all_of_the_best_winner_and_the_rest_of_the_next() -> None:
    house = deficit_of_fifty_cents(Layer.AUTO_DELEVERAGING)

    closed = house.events("PositionDeleveraged")

    assert [(row["account"], row["lots"], row["ticks"], row["amount"]) for row in closed] == [
        (house.number("wins 0.40"), 4, 100, 400_000),
        (house.number("wins 0.30"), 1, 100, 100_000),
    ]
    assert house.events("GainsCut") == house.events("LossAllocated") == []
    assert house.lots("LIQUIDATOR") == 0
    assert house.state.assess(house.number("LIQUIDATOR")).net == 0
    equity = [house.equity(name) for name, _, _ in WINNERS]
    assert equity == [1_120_000, 1_200_000, 1_200_000, 1_000_000]


# The same deficit pro rata: 0.0588, 0.0980, 0.1471, 0.1961 (four decimals).
@pytest.mark.rule("13.9")
def test_pro_rata_every_winner_bears_its_share() -> None:
    house = deficit_of_fifty_cents(Layer.GAINS_HAIRCUT)

    amounts = [COIN - house.balance(name) for name, _, _ in WINNERS]

    assert amounts == [58_823, 98_039, 147_059, 196_079]
    assert [round(amount / COIN, 4) for amount in amounts] == [0.0588, 0.0980, 0.1471, 0.1961]
    assert sum(amounts) == COIN // 2


# aeyakovenko/percolator at commit d594e6a, README.md: a deficit of 200,000 on 1,000,000 scales all
# claims by 0.8.  Adapted: there the principal is scaled, here gains are.
def test_one_scale_factor_applies_to_all_claims() -> None:
    claims = [100_000, 400_000, 500_000]

    kept = share_pro_rata(800_000, claims)

    assert kept == [80_000, 320_000, 400_000]
