from __future__ import annotations

import pytest

from novate.book.ledger import transfer
from novate.default_management.call import (
    decide_call_margins,
    decide_meet_calls,
)
from novate.default_management.call_deadline import decide_expire_calls
from novate.kernel.codes import AccountStatus, Bound, ShortfallPolicy
from novate.message import command
from novate.message.deciding_price import DecidingPrice
from novate.message.parameter import Parameter
from novate.message.refusal import EngineCommandRefusal as No
from novate.valuation.price_status import WAITING
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, START, ClearingHouse, Recorder, decide_one


def called_house(deposit: int = 6_000, **parameters: int) -> ClearingHouse:
    """A is long 100 at 500 and is called before it defaults; its equity is deposit + 100 (p-500).

    Initial margin is 10 p, maintenance 5 p.
    """
    house = ClearingHouse(
        parameters={Parameter[name.upper()]: value for name, value in parameters.items()}
    )
    house.list_contract()
    house.open_client(
        "A", deposit=deposit * COIN, shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT
    )
    house.open_client("B", deposit=20_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    return house


def asked(house: ClearingHouse) -> list[tuple[int, ...]]:
    """Open obligations: number, amount, paid, when it was called and when it is due."""
    table = house.state.obligations
    names = ("number", "amount", "paid", "called_ns", "due_ns")
    return [tuple(int(getattr(table, name)[row]) for name in names) for row in table.live()]


@pytest.mark.rule("4.19", "10.1", "10.50", "10.57")
def test_a_call_asks_for_the_shortfall_to_initial_margin_within_the_grace() -> None:
    house = called_house()

    house.price(485, at_ns=START + MINUTE)

    # Equity 6,000 - 1,500, initial margin 4,850.
    assert house.events("MarginCalled") == [
        {
            "account": house.number("A"),
            "amount": 350 * COIN,
            "deadline_ns": START + MINUTE + HOUR,
            "equity": 4_500 * COIN,
            "requirement": 4_850 * COIN,
            "obligation": 1,
            "binding": 0,
            "mark": 485,
            "model": 0,
            "bound": Bound.CONTRACT,
            "scenario": -1,
            "decided_by": DecidingPrice.MARK,
            "worth": 4_500 * COIN,
            "level": 4_850 * COIN,
        }
    ]
    assert house.status("A") == AccountStatus.CALLED
    assert house.state.accounts.deadline_ns[house.number("A")] == START + MINUTE + HOUR
    assert asked(house) == [(1, 350 * COIN, 0, START + MINUTE, START + MINUTE + HOUR)]


@pytest.mark.rule("4.19")
def test_equity_equal_to_initial_margin_is_not_called() -> None:
    house = called_house()

    # 6,000 + 100 (p - 500) = 10 p at p = 44,000 / 90: 489 is above it, 488 below.
    house.price(489)
    assert house.status("A") == AccountStatus.OPEN
    house.deposit("B", COIN)
    house.price(488)
    assert house.events("MarginCalled")[0]["amount"] == 80 * COIN


@pytest.mark.rule("4.16", "10.4")
def test_a_deposit_of_the_amount_called_meets_the_call() -> None:
    house = called_house()
    house.price(485)
    house.deposit("A", 350 * COIN - 1)
    house.assess()
    assert house.status("A") == AccountStatus.CALLED

    house.deposit("A", 1)
    house.assess()

    assert house.events("MarginCallMet", last=True) == [
        {
            "account": house.number("A"),
            "equity": 4_850 * COIN,
            "requirement": 4_850 * COIN,
            "decided_by": DecidingPrice.MARK,
        }
    ]
    assert house.status("A") == AccountStatus.OPEN
    assert asked(house) == []
    assert house.state.accounts.deadline_ns[house.number("A")] == 0


@pytest.mark.rule("10.8", "10.64")
def test_a_call_that_is_missed_ends_in_default_at_its_deadline_and_the_first_slice() -> None:
    house = called_house()
    house.price(485, at_ns=START + MINUTE)
    house.advance(START + HOUR + MINUTE - 1)
    assert house.status("A") == AccountStatus.CALLED

    house.advance(START + HOUR + MINUTE)

    assert house.events("DefaultDeclared") == [
        {
            "account": house.number("A"),
            "equity": 4_500 * COIN,
            "requirement": 4_850 * COIN,
            "net": 4_500 * COIN,
            "decided_by": DecidingPrice.PROTECTED,
            "worth": 4_500 * COIN,
            "level": 4_850 * COIN,
        }
    ]
    assert house.status("A") == AccountStatus.LIQUIDATING
    [order] = house.events("OrderPlaced")
    assert (order["quantity"], order["instant_ns"]) == (-25, START + HOUR + MINUTE)


@pytest.mark.rule("10.6")
def test_a_call_that_is_covered_by_the_deadline_counts_as_met() -> None:
    house = called_house()
    house.price(485, at_ns=START + MINUTE)
    house.deposit("A", 350 * COIN)

    house.advance(START + HOUR + MINUTE)

    assert house.events("DefaultDeclared") == []
    assert len(house.events("MarginCallMet")) == 1
    assert house.status("A") == AccountStatus.OPEN


@pytest.mark.rule("4.17", "10.8")
def test_a_called_account_below_the_takeover_level_is_in_default_at_once() -> None:
    # A fifth of maintenance margin: the level is p.  5,450 + 100 (p - 500) = p at p = 450.
    house = called_house(deposit=5_450, takeover_ppm=200_000)
    house.price(450)
    assert house.status("A") == AccountStatus.CALLED

    house.price(449)

    assert house.events("DefaultDeclared")[0]["equity"] == 350 * COIN
    assert house.status("A") == AccountStatus.TAKEN_OVER


@pytest.mark.rule("4.17", "8.15", "10.7", "10.60")
def test_a_call_whose_price_is_blocked_at_its_deadline_waits_until_it_is_back() -> None:
    house = called_house(index_staleness_ns=10 * MINUTE)
    house.price(485, at_ns=START + MINUTE)  # stale from eleven minutes on
    due = START + HOUR + MINUTE

    house.advance(due + 90 * MINUTE)

    # The last price counts until ten minutes after the call: 50 are left.
    left = 50 * MINUTE
    waits = {
        "account": house.number("A"), "deadline_ns": due, "instrument": 0, "grace_ns": left,
    }  # fmt: skip
    assert house.events("CallExtended") == [waits]
    assert house.status("A") == AccountStatus.CALLED
    assert house.state.accounts.deadline_ns[house.number("A")] == WAITING - left
    assert [row[-1] for row in asked(house)] == [WAITING]
    assert house.events("DefaultDeclared") == []

    house.price(485)

    assert house.events("CallExtended") == [waits]
    assert house.status("A") == AccountStatus.CALLED
    again = due + 90 * MINUTE + 1 + left
    assert house.events("CallResumed") == [{"account": house.number("A"), "deadline_ns": again}]
    house.price(485, at_ns=again - 1)
    house.advance(again)
    assert house.status("A") == AccountStatus.LIQUIDATING


@pytest.mark.rule("4.16", "10.4")
def test_a_call_that_waits_for_its_price_can_be_met() -> None:
    house = called_house(index_staleness_ns=10 * MINUTE)
    house.price(485, at_ns=START + MINUTE)
    house.advance(START + 2 * HOUR)
    house.deposit("A", 350 * COIN)

    house.price(485)

    assert len(house.events("MarginCallMet")) == 1
    assert house.status("A") == AccountStatus.OPEN
    assert house.state.accounts.deadline_ns[house.number("A")] == 0


@pytest.mark.rule("4.23", "10.5")
def test_a_call_can_be_met_while_its_price_is_blocked() -> None:
    house = called_house(index_staleness_ns=10 * MINUTE)
    house.price(485, at_ns=START + MINUTE)
    house.deposit("A", 350 * COIN)

    house.advance(START + HOUR + MINUTE)

    assert house.events("CallExtended") == []
    assert len(house.events("MarginCallMet")) == 1


@pytest.mark.rule("10.5")
def test_a_price_that_comes_back_worse_is_a_call_with_a_whole_grace() -> None:
    house = called_house(index_staleness_ns=10 * MINUTE, stale_add_on_ppm=0)
    house.price(485, at_ns=START + MINUTE)
    house.advance(START + 50 * MINUTE)
    house.deposit("A", 350 * COIN)
    house.assess()
    assert house.status("A") == AccountStatus.OPEN

    house.price(480, at_ns=START + HOUR)

    assert house.events("MarginCalled", last=True)[0]["deadline_ns"] == START + 2 * HOUR


@pytest.mark.rule("4.22", "10.6")
def test_nobody_defaults_early_on_a_blocked_price() -> None:
    house = called_house(deposit=5_450, takeover_ppm=200_000, index_staleness_ns=MINUTE)
    house.price(450)
    x, a = house.state, house.number("A")
    transfer(x.accounts, 0, a, house.number("B"), 100 * COIN)
    house.engine.state.margin_cache.touch_all()
    recorder = Recorder()

    house.price(None, at_ns=START + 2 * MINUTE)

    assert house.status("A") == AccountStatus.CALLED
    refusal = decide_one(decide_expire_calls, x, {"account": a}, recorder)
    assert refusal is not None
    assert refusal.code == No.NOT_DUE
    assert recorder.events == []
    house.price(450, at_ns=START + 3 * MINUTE)
    assert house.status("A") == AccountStatus.TAKEN_OVER


@pytest.mark.rule("10.7")
def test_the_contract_that_a_call_waits_for_is_the_first_that_is_blocked() -> None:
    house = ClearingHouse(
        assets=(("BTC", 8, 0), ("ETH", 8, 0)),
        parameters={Parameter.INDEX_STALENESS_NS: 10 * MINUTE},
    )
    house.list_contract("X")
    house.list_contract("Y", underlying=2)
    house.open_client("A", deposit=6_000 * COIN, shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT)
    house.price(500, e8={1: 100 * E8})
    for instrument, ticks in ((1, 100), (0, 500)):
        lots = 1 if instrument else 100
        house.trade("A", "EXTERNAL_MARKET", lots=lots, ticks=ticks, instrument=instrument)
    house.price(485, at_ns=START + MINUTE)
    due = int(house.state.accounts.deadline_ns[house.number("A")])

    house.advance(due)

    assert [row["instrument"] for row in house.events("CallExtended")] == [0]


@pytest.mark.rule("10.8")
def test_a_default_releases_what_was_reserved() -> None:
    house = called_house(deposit=9_000)
    house.submit(
        command.RESERVE_MARGIN.row(
            account=house.number("A"), instrument=0, lots=50, limit_ticks=500
        ),
    )
    house.price(450, at_ns=START + MINUTE)  # 4,000 where 100 lots ask 4,500
    assert house.status("A") == AccountStatus.CALLED

    house.advance(START + HOUR + MINUTE)

    assert house.events("MarginReleased") == [{"reservation": 1}]
    assert house.position("A")["buy_lots"] == 0
    assert house.state.accounts.open_order_hold[house.number("A")] == 0


@pytest.mark.rule("4.28")
@pytest.mark.parametrize("account", [0, 10**6])
def test_only_accounts_that_are_called_first_can_be_called(account: int) -> None:
    house = called_house()

    refusal = decide_one(decide_call_margins, house.state, {"account": account}, Recorder())

    assert refusal is not None
    assert refusal.code == No.UNKNOWN_SUBJECT


@pytest.mark.rule("4.28")
def test_a_cause_that_is_gone_is_refused_with_both_numbers() -> None:
    house = called_house()
    a, x, recorder = house.number("A"), house.state, Recorder()

    assert decide_one(decide_call_margins, x, {"account": a}, recorder) == (
        No.CAUSE_GONE, 6_000 * COIN, 5_000 * COIN,
    )  # fmt: skip
    assert decide_one(decide_meet_calls, x, {"account": a}, recorder) == (
        No.UNKNOWN_SUBJECT, a, x.accounts.count - 1,
    )  # fmt: skip
    house.price(485, at_ns=START + MINUTE)
    assert decide_one(decide_meet_calls, x, {"account": a}, recorder) == (
        No.CAUSE_GONE, 4_500 * COIN, 4_850 * COIN,
    )  # fmt: skip
    assert decide_one(decide_expire_calls, x, {"account": a}, recorder) == (
        No.NOT_DUE, START + MINUTE, START + MINUTE + HOUR,
    )  # fmt: skip
    assert recorder.events == []
