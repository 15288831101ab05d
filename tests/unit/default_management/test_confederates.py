"""What two confederates, or one holder with several accounts, try in order to take money out.

Each test is one attempt by transfers: to leave a loss behind, to part cash from what it must cover,
or to be out of reach when losses are shared.
"""

from __future__ import annotations

import pytest

from novate.kernel.codes import AccountStatus, Layer, MemberStatus, ShortfallPolicy
from novate.message.refusal import (
    SetMarginGroupRefusal,
    SubmitTradeRefusal,
    TransferCollateralRefusal,
    TransferPositionRefusal,
)
from tests.unit.clearing import COIN, HOUR, START, ClearingHouse
from tests.unit.transfers import (
    asked,
    holder_house,
    move,
    numbers,
    open_sub,
    order,
    send,
    set_status,
    split,
    withdraw,
)

CASH, LOTS = TransferCollateralRefusal, TransferPositionRefusal


@pytest.mark.rule("7.48")
def test_a_losing_position_is_not_left_with_an_empty_account() -> None:
    house = holder_house()
    house.trade("A", "B", lots=40, ticks=100)
    house.price(92)  # 320 are lost

    assert move(house, "A", "A2", 40) == [LOTS.INSUFFICIENT_MARGIN]
    assert numbers(house)[0] == -320 * COIN
    assert move(house, "A", "A2", 1) == [LOTS.INSUFFICIENT_MARGIN]


@pytest.mark.rule("6.55")
def test_cash_is_not_sent_away_from_a_losing_position() -> None:
    house = holder_house()
    house.trade("A", "B", lots=40, ticks=100)
    house.price(92)

    # 680 of equity cover 368 of margin and 36.8 of cost.
    assert send(house, "A", "A2", 276 * COIN) == [CASH.INSUFFICIENT_MARGIN]
    assert send(house, "A", "A2", 275 * COIN) == []


@pytest.mark.rule("7.48")
def test_a_position_is_not_moved_off_the_cash_that_its_unproven_gain_was_paid_in() -> None:
    house = holder_house()
    house.trade("A", "B", lots=10, ticks=100)
    house.price(120, at_ns=START + HOUR)
    house.price(120, at_ns=START + 2 * HOUR)  # 200 are paid, of which 50 are not proven
    house.deposit("A2", 181 * COIN)
    assert house.balance("A") == 1_200 * COIN

    # A2 could hold the position; A would then withdraw the 50 too.
    assert move(house, "A", "A2", 10) == [LOTS.GAINS_UNPROVEN]
    assert numbers(house) == (181 * COIN, 182 * COIN)
    house.deposit("A2", 1 * COIN)
    assert move(house, "A", "A2", 10) == []
    assert withdraw(house, "A", 1_200 * COIN) == []
    assert [code.name for code in withdraw(house, "A2", 1)] == ["GAINS_UNPROVEN"]


@pytest.mark.rule("6.11", "7.48")
def test_a_proven_gain_does_not_carry_off_what_covers_closed_gains() -> None:
    house = holder_house()
    house.state.accounts.encumbered[house.number("A")] = 900 * COIN  # as if closed before
    z = house.list_contract("Z", cycle_ns=0)
    house.price(100)
    house.deposit("A2", 1_000 * COIN)
    house.trade("A", "B", lots=10, ticks=100, instrument=z)
    house.price(150, at_ns=START + HOUR)
    house.state.marks.slow[z] = 150
    assert send(house, "A", "A2", 436 * COIN) == [CASH.GAINS_UNPROVEN]
    assert send(house, "A", "A2", 435 * COIN) == []  # 1,065: 150 + 15 of margin and 900

    assert move(house, "A", "A2", 10, z) == [LOTS.GAINS_UNPROVEN]
    assert numbers(house) == (565 * COIN, 900 * COIN)


@pytest.mark.rule("6.58")
def test_no_account_leaves_a_group_with_the_cash_of_its_unproven_gains() -> None:
    house = holder_house(group=True)
    house.trade("A", "B", lots=10, ticks=100)
    house.price(120, at_ns=START + HOUR)
    house.price(120, at_ns=START + 2 * HOUR)
    assert send(house, "A", "A2", 1_060 * COIN) == []  # A keeps margin and cost of 132, and 8 more

    assert split(house, "A2") == [SetMarginGroupRefusal.GAINS_UNPROVEN]
    assert numbers(house) == (140 * COIN, 182 * COIN)
    assert withdraw(house, "A2", 1_018 * COIN + 1) != []  # 120 + 12 + 50 stay in the group
    assert withdraw(house, "A2", 1_018 * COIN) == []


@pytest.mark.rule("7.12", "7.48")
def test_a_long_option_that_an_account_in_need_may_not_sell_cheaply_does_not_move_either() -> None:
    house = holder_house()
    option = house.list_option()
    house.smile(0.8)
    house.price(100)
    mark = int(house.state.marks.mark[option])
    house.trade("A", "B", lots=10, ticks=mark, instrument=option)
    house.trade("A", "B", lots=85, ticks=100)
    house.price(98)
    house.smile(0.8)
    equity, initial = asked(house, "A")
    assert equity < initial
    house.submit(
        house.trade_run("B", "A", lots=10, ticks=mark // 2, instrument=option), allow_refusals=True
    )
    assert house.refusals() == [SubmitTradeRefusal.BELOW_WORTH]

    assert move(house, "A", "A2", 10, option) == [LOTS.INSUFFICIENT_MARGIN]

    house.deposit("A", 1_000 * COIN)
    house.deposit("A2", 10 * COIN)
    house.assess()
    entry = house.position("A", option)["entry_cost"]
    assert move(house, "A", "A2", 10, option) == []
    assert house.position("A2", option)["entry_cost"] == entry == 10 * mark * COIN // 100


@pytest.mark.rule("6.53")
def test_who_is_called_sends_nothing_and_gets_no_lots() -> None:
    house = holder_house(policy=ShortfallPolicy.CALL_THEN_DEFAULT)
    house.deposit("A2", 1_000 * COIN)
    house.trade("A", "B", lots=95, ticks=100)
    house.price(99)
    assert house.status("A") == AccountStatus.CALLED

    assert send(house, "A", "A2", 1) == [CASH.ACCOUNT_NOT_OPEN]
    assert move(house, "A", "A2", 95) == [LOTS.ACCOUNT_NOT_OPEN]
    assert move(house, "A2", "A", 95) == [LOTS.ACCOUNT_NOT_OPEN]


@pytest.mark.rule("6.53")
def test_who_is_liquidated_moves_neither_cash_nor_lots_out_of_the_way() -> None:
    house = holder_house()
    house.deposit("A2", 1_000 * COIN)
    house.trade("A", "B", lots=95, ticks=100)
    house.price(94)
    assert house.status("A") == AccountStatus.LIQUIDATING

    assert send(house, "A", "A2", 1) == [CASH.ACCOUNT_NOT_OPEN]
    assert move(house, "A", "A2", 95) == [LOTS.ACCOUNT_NOT_OPEN]
    assert move(house, "A", "A2", 1) == [LOTS.ACCOUNT_NOT_OPEN]


def haircut(sent: int, lots: int = 0) -> tuple[int, list[int]]:
    """Let a debtor fail by 900 while W and C have gained 1,000 each.

    Before, W sends cash, and lots, to its sub-account.  Returns what W has lost by the haircut over
    both accounts, and what each of them paid.
    """
    house = ClearingHouse()
    house.waterfall(Layer.GAINS_HAIRCUT)
    house.list_contract("X")
    for name, deposit in (("W", 10_000), ("C", 10_000), ("L", 1_100)):
        house.open_client(name, deposit=deposit * COIN)
    open_sub(house, "W2", "W")
    house.deposit("W2", 1_000 * COIN)
    house.price(100)
    for name in ("W", "C"):
        house.trade(name, "L", lots=50, ticks=100)
    house.price(105, at_ns=START + HOUR)
    house.price(105, at_ns=START + 20 * HOUR)  # 250 are paid to each, and proven
    house.assess()  # the cycle that had waited for a price is settled (rule 6.110)
    if sent:
        assert send(house, "W", "W2", sent) == []
    if lots:
        assert move(house, "W", "W2", lots) == []
    cash = [house.balance(name) for name in ("W", "W2", "C")]

    house.price(120)

    assert house.status("L") == AccountStatus.TAKEN_OVER
    [cut] = house.events("GainsCut", last=True)
    assert cut["amount"] == 900 * COIN
    assert cut["gains"] == 2_000 * COIN
    paid = [was - house.balance(name) for name, was in zip(("W", "W2", "C"), cash, strict=True)]
    assert sum(paid) == 900 * COIN
    return paid[0] + paid[1], paid[:2]


@pytest.mark.rule("6.56", "13.9")
@pytest.mark.parametrize(
    ("sent", "lots"),
    [(100, 0), (250, 0), (4_000, 0), (9_500, 0), (0, 50), (0, 20), (250, 30), (5_000, 50)],
)
def test_a_gain_that_was_sent_away_is_cut_like_one_that_stayed(sent: int, lots: int) -> None:
    whole, alone = haircut(0)
    assert (whole, alone) == (450 * COIN, [450 * COIN, 0])

    parted, paid = haircut(sent * COIN, lots)

    assert parted == whole
    assert paid[1] > 0


@pytest.mark.rule("13.4")
def test_accounts_of_one_pool_answer_by_the_contribution_of_the_same_member() -> None:
    house = ClearingHouse(default_fund=500 * COIN)
    house.list_contract("X")
    house.open_client("A", deposit=1_000 * COIN)
    house.open_client("B", deposit=100_000 * COIN)
    open_sub(house, "A2", "A")
    house.price(100)
    house.deposit("A2", 250 * COIN)
    house.trade("A", "B", lots=20, ticks=100)
    assert move(house, "A", "A2", 20) == []

    house.price(80)  # A2 has lost 400 and had 250

    losses = house.events("LossAllocated", last=True)
    assert [(row["layer"], row["amount"]) for row in losses] == [
        (Layer.OWN_CONTRIBUTION, 150 * COIN)
    ]
    assert losses[0]["payer"] == house.number("M-fund")


@pytest.mark.rule("6.37", "7.44")
def test_sub_accounts_of_a_group_have_one_position_limit() -> None:
    house = holder_house(group=True)
    house.state.instruments.lots_max[0] = 20
    house.trade("A", "B", lots=20, ticks=100)

    assert move(house, "A", "A2", 12) == []
    house.submit(house.trade_run("A", "B", lots=1, ticks=100), allow_refusals=True)
    assert house.refusals() == [SubmitTradeRefusal.POSITION_LIMIT]


@pytest.mark.rule("7.45")
def test_an_order_granted_without_margin_does_not_become_one_that_opens() -> None:
    house = holder_house()
    house.deposit("A2", 1_000 * COIN)
    house.trade("A", "B", lots=90, ticks=100)
    house.state.accounts.balance[house.number("A"), 0] -= 300 * COIN  # in need, and may reduce
    assert order(house, "A", -90, 98) == []
    assert house.state.reservations.open_order_hold[0] == 180 * COIN
    house.state.accounts.balance[house.number("A"), 0] += 300 * COIN

    # Its 90 lots would be a short at 98, for which no margin is asked beside what they lose.
    assert move(house, "A", "A2", 90) == [LOTS.ORDERS_UNCOVERED]
    assert move(house, "A", "A2", 1) == [LOTS.ORDERS_UNCOVERED]


@pytest.mark.rule("6.53")
def test_a_suspended_member_moves_nothing_between_its_accounts() -> None:
    house = holder_house()
    house.trade("A", "B", lots=10, ticks=100)
    house.deposit("A2", 500 * COIN)
    set_status(house, MemberStatus.SUSPENDED)

    assert send(house, "A", "A2", 1) == [CASH.MEMBER_NOT_ACTIVE]
    assert move(house, "A", "A2", 1) == [LOTS.MEMBER_NOT_ACTIVE]
