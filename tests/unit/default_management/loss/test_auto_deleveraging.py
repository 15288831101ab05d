from __future__ import annotations

import pytest

from novate.default_management.loss.auto_deleveraging import Queues, ranking_score
from novate.engine.recover import audit, recover
from novate.kernel.codes import AccountStatus, Layer
from tests.unit.clearing import COIN, ClearingHouse


@pytest.mark.rule("13.13")
def test_the_score_is_return_times_effective_leverage() -> None:
    assert ranking_score(3_600, 30_000, 26_400, 23_600) == pytest.approx(0.12 * 26_400 / 23_600)
    assert ranking_score(50, 100, 200, 0) == 0.5  # without equity: by return alone
    assert ranking_score(50, 100, 200, -7) == 0.5
    assert ranking_score(-50, 100, 200, 100) == -1.0
    assert ranking_score(50, 0, 200, 100) == 0.0


def house(*, deposit: int = 5_500, ticks_max: int = 10**6, is_long: bool = True) -> ClearingHouse:
    """A holds 100 lots at 500 against B (60, equity 20,000) and C (40, equity 10,000)."""
    made = ClearingHouse()
    made.waterfall(Layer.AUTO_DELEVERAGING)
    made.list_contract(ticks_max=ticks_max)
    made.open_client("A", deposit=deposit * COIN)
    made.open_client("B", deposit=20_000 * COIN)
    made.open_client("C", deposit=10_000 * COIN)
    made.price(500)
    for other, lots in (("B", 60), ("C", 40)):
        buyer, seller = ("A", other) if is_long else (other, "A")
        made.trade(buyer, seller, lots=lots, ticks=500)
    return made


def deleveraged(made: ClearingHouse) -> list[tuple[str, int, int, int]]:
    """Who was closed: (account, lots, ticks, amount borne), in order."""
    names = made.state.accounts.references
    return [
        (names[row["account"]], row["lots"], row["ticks"], row["amount"])
        for row in made.events("PositionDeleveraged")
    ]


def ranked(made: ClearingHouse, side: int) -> list[str]:
    """Winners of the contract on one side, best first."""
    queues, x, found = Queues(made.state), made.state, []
    while (row := queues.best(0, side)) >= 0:
        found.append(x.accounts.references[x.positions.account[row]])
    return found


@pytest.mark.rule("13.12", "13.13")
def test_the_queue_ranks_winners_on_one_side() -> None:
    made = house()
    made.price(480)

    # B gained 1,200 of 30,000 with notional 28,800 over 21,200; C 800 of 20,000, 19,200 / 10,800.
    assert 0.04 * 19_200 / 10_800 > 0.04 * 28_800 / 21_200
    assert ranked(made, -1) == ["C", "B"]
    assert ranked(made, 1) == []  # A has lost


@pytest.mark.rule("13.12")
def test_ties_go_to_the_lower_number_and_failed_accounts_are_left_out() -> None:
    made = house()
    made.open_client("D", deposit=20_000 * COIN)
    made.open_client("E", deposit=20_000 * COIN)
    made.trade("EXTERNAL_MARKET", "E", lots=60, ticks=500)
    made.trade("EXTERNAL_MARKET", "D", lots=60, ticks=500)
    made.price(480)
    made.state.accounts.status[made.number("C")] = AccountStatus.LIQUIDATING

    assert ranked(made, -1) == ["B", "D", "E"]


def test_an_account_that_was_closed_or_moved_is_ranked_by_what_it_is_now() -> None:
    made = house()
    made.price(480)
    queues, x = Queues(made.state), made.state
    rows = {x.accounts.references[a]: k for k, a in enumerate(x.positions.used("account"))}
    first = queues.best(0, -1)
    assert first == rows["C"]
    x.positions.lots[rows["B"]] = 0  # closed: its entry is passed over
    queues.enter(made.number("B"))
    x.accounts.balance[made.number("C"), 0] += 10**12
    queues.enter(made.number("C"))

    assert queues.best(0, -1) == rows["C"]
    assert queues.best(0, -1) == -1


@pytest.mark.rule("13.11", "13.15")
def test_winners_close_at_the_price_at_which_the_whole_position_bears_the_loss() -> None:
    made = house()

    made.price(440)  # 500 short on 100 lots: 5 above the mark

    assert deleveraged(made) == [("C", 40, 445, 200 * COIN), ("B", 60, 445, 300 * COIN)]
    assert (made.lots("LIQUIDATOR"), made.lots("B"), made.lots("C")) == (0, 0, 0)
    assert made.equity("LIQUIDATOR") == 0
    assert made.equity("C") == (10_000 + 40 * 55) * COIN
    assert made.equity("B") == (20_000 + 60 * 55) * COIN
    assert made.events("LossAllocated") == []


@pytest.mark.rule("13.11")
def test_a_short_liquidator_buys_below_the_mark() -> None:
    made = house(is_long=False)

    made.price(560)

    assert deleveraged(made) == [("C", -40, 555, 200 * COIN), ("B", -60, 555, 300 * COIN)]


@pytest.mark.rule("13.11", "13.15")
def test_the_price_is_the_nearest_tick_and_what_it_bears_beyond_the_loss_is_swept() -> None:
    made = house(deposit=5_550)

    made.price(440)  # 450 short: 4.5 ticks, so 5

    assert deleveraged(made) == [("C", 40, 445, 200 * COIN), ("B", 60, 445, 250 * COIN)]
    assert made.events("SurplusSwept")[0]["amount"] == 50 * COIN
    assert made.balance("INSURANCE_FUND") == 50 * COIN


@pytest.mark.rule("13.17")
def test_when_the_queue_is_too_short_the_gains_bear_the_rest() -> None:
    made = house()
    made.trade("B", "EXTERNAL_MARKET", lots=60, ticks=500)

    made.price(440)  # C alone: 40 x 5

    assert deleveraged(made) == [("C", 40, 445, 200 * COIN)]
    [cut] = made.events("GainsCut")
    assert (cut["amount"], cut["winners"]) == (300 * COIN, 1)
    assert made.equity("C") == (10_000 + 40 * 55 - 300) * COIN
    assert made.lots("LIQUIDATOR") == 60


@pytest.mark.rule("13.14", "13.18")
def test_no_winner_is_closed_at_a_loss_and_the_rest_is_uncovered() -> None:
    made = house(deposit=50_500)
    made.list_contract("Y")
    made.price(500)
    made.trade("A", "EXTERNAL_MARKET", lots=900, ticks=500, instrument=1)

    made.price(440)  # 9,500 short; the world outside is in no queue

    # 95 ticks above the mark would bear it, but winners sold at 500: 60 ticks are all they have.
    assert deleveraged(made) == [("C", 40, 500, 2_400 * COIN), ("B", 60, 500, 3_600 * COIN)]
    [rest] = made.events("LossAllocated")
    assert (rest["layer"], rest["amount"]) == (Layer.UNCOVERED, 3_500 * COIN)
    assert made.equity("B") == 20_000 * COIN
    assert made.equity("C") == 10_000 * COIN


@pytest.mark.rule("13.15")
def test_a_position_is_closed_only_as_far_as_the_loss_needs() -> None:
    made = house()
    made.open_client("D", deposit=5_000 * COIN)
    made.trade("EXTERNAL_MARKET", "D", lots=60, ticks=500)

    made.price(440)

    # D ranks first, then C; the 100 lots are used up before B.
    assert [name for name, _, _, _ in deleveraged(made)] == ["D", "C"]
    assert made.lots("B") == -60


@pytest.mark.rule("13.14", "13.17")
def test_no_winner_is_deleveraged_below_maintenance_margin() -> None:
    made = house()
    balance = made.state.accounts.balance
    balance[made.number("C"), 0] -= 11_400 * COIN  # lost elsewhere: 1,000 at 440, 880 are needed
    balance[made.number("B"), 0] += 11_400 * COIN

    made.price(440)

    # 5 above the mark would cost C 200; it has 120 to spare.
    assert deleveraged(made) == [("C", 40, 443, 120 * COIN), ("B", 60, 445, 300 * COIN)]
    assert [row["amount"] for row in made.events("GainsCut")] == [80 * COIN]
    assert 0 < made.equity("C") < 880 * COIN  # flat now, it bears its part of the cut


@pytest.mark.rule("13.10")
def test_the_largest_position_of_the_liquidator_is_closed_first() -> None:
    made = house()
    made.list_contract("Y")
    made.open_client("D", deposit=50_000 * COIN)
    made.price(500)
    made.trade("A", "D", lots=10, ticks=500, instrument=1)

    made.price(445)  # A: 5,500 - 110 x 55 = -550

    # 100 lots of X come before 10 of Y, and bear it all at 6 above the mark.
    assert deleveraged(made) == [("C", 40, 451, 240 * COIN), ("B", 60, 451, 310 * COIN)]
    assert {row["instrument"] for row in made.events("PositionDeleveraged")} == {0}
    assert made.lots("D", 1) == -10


@pytest.mark.rule("11.23", "13.16")
def test_orders_that_deleveraging_made_too_large_are_cancelled() -> None:
    made = house()
    made.price(446)  # taken over with 100: the first slice, 25 lots, is out
    order = made.events("OrderPlaced")[-1]
    assert (order["account"], order["quantity"]) == (made.number("LIQUIDATOR"), -25)

    made.price(440)  # 500 short: all 100 lots are closed against winners

    assert made.lots("LIQUIDATOR") == 0
    names = made.event_names()
    at = names.index("PositionDeleveraged")
    assert names[at : at + 3] == ["PositionDeleveraged", "OrderClosed", "LossClosed"]
    assert made.events("OrderClosed", last=True) == [{"order": order["order"]}]


@pytest.mark.rule("4.30", "14.2")
def test_what_prefunded_layers_paid_is_journaled_before_winners_are_closed() -> None:
    made = house(is_long=False)
    made.deposit("INSURANCE_FUND", 100 * COIN)

    made.price(560)  # the short liquidator buys, and the checksum of a trade counts its balance

    assert [(row["layer"], row["amount"]) for row in made.events("LossAllocated")] == [
        (Layer.INSURANCE_FUND, 100 * COIN)
    ]
    names = made.event_names()
    assert names.index("LossAllocated") < names.index("PositionDeleveraged")
    again = recover(made.engine.journal, from_snapshot=False)
    assert again.state.digest() == made.state.digest()
    assert audit(made.engine.journal).digest == made.state.digest()
