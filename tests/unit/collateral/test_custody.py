from __future__ import annotations

from typing import Any

import pytest

from novate.kernel.codes import AccountStatus, Role
from novate.message import command
from novate.message.parameter import Parameter
from novate.message.refusal import PostCollateralRefusal, WithdrawCollateralRefusal
from tests.unit.clearing import COIN, E8, HOUR, START, ClearingHouse

Post = PostCollateralRefusal
Withdraw = WithdrawCollateralRefusal


def house() -> ClearingHouse:
    """A and B with 1,000 USDT; B has 1 BTC at 100 and a haircut of 20% too."""
    built = ClearingHouse(
        assets=(("BTC", 8, 2_000),), default_fund=5 * COIN,
        parameters={Parameter.LIQUIDATION_COST_PPM: 10_000},
    )  # fmt: skip
    built.list_contract()
    for name in ("A", "B"):
        built.open_client(name, deposit=1_000 * COIN)
    built.deposit("B", E8, asset=1)
    built.price(100)
    return built


def post(built: ClearingHouse, account: int, amount: int, asset: int = 0) -> list[Any]:
    built.submit(
        command.POST_COLLATERAL.row(account=account, asset=asset, amount=amount),
        allow_refusals=True,
    )
    return built.refusals()


def withdraw(built: ClearingHouse, account: int, amount: int, asset: int = 0) -> list[Any]:
    built.submit(
        command.WITHDRAW_COLLATERAL.row(account=account, asset=asset, amount=amount),
        allow_refusals=True,
    )
    return built.refusals()


# ---- deposits


@pytest.mark.rule("1.2", "6.7")
def test_custody_is_the_other_side_of_a_deposit_and_of_a_withdrawal() -> None:
    built = house()
    before = built.balance("CUSTODY")

    assert post(built, built.number("A"), 70) == []
    assert withdraw(built, built.number("A"), 30) == []

    assert built.balance("A") == 1_000 * COIN + 40
    assert built.balance("CUSTODY") == before - 40
    assert built.events("CollateralPosted")[-1]["amount"] == 70
    assert built.events("CollateralWithdrawn")[-1]["amount"] == 30


@pytest.mark.rule("4.25", "6.4", "6.5")
@pytest.mark.parametrize(
    ("account", "amount", "asset", "code"),
    [
        ("MISSING", -1, 9, Post.UNKNOWN_ACCOUNT),
        ("M", 1, 0, Post.UNKNOWN_ACCOUNT),
        ("LIQUIDATOR", 1, 0, Post.UNKNOWN_ACCOUNT),
        ("CUSTODY", 1, 0, Post.UNKNOWN_ACCOUNT),
        ("A", -1, 2, Post.UNKNOWN_ASSET),
        ("M-fund", -1, 1, Post.UNKNOWN_ASSET),
        ("INSURANCE_FUND", 1, 1, Post.UNKNOWN_ASSET),
        ("SKIN_IN_THE_GAME", 1, 1, Post.UNKNOWN_ASSET),
        ("A", 0, 0, Post.AMOUNT_NOT_POSITIVE),
        ("A", -1, 0, Post.AMOUNT_NOT_POSITIVE),
        ("A", 2**60, 0, Post.AMOUNT_TOO_LARGE),
        ("A", 2**60, 1, Post.AMOUNT_TOO_LARGE),
        ("A", 2**60 - E8, 1, None),
        ("M-fund", 1, 0, None),
        ("INSURANCE_FUND", 1, 0, None),
        ("SKIN_IN_THE_GAME", 1, 0, None),
    ],
)
def test_a_deposit_is_refused_in_the_order_of_the_codes(
    account: str, amount: int, asset: int, code: PostCollateralRefusal | None
) -> None:
    built = house()
    number = 99 if account == "MISSING" else built.number(account)
    before = built.engine.state.digest()

    assert post(built, number, amount, asset) == ([code] if code else [])
    assert (built.engine.state.digest() == before) == (code is not None)


@pytest.mark.rule("6.5")
def test_deposits_of_all_accounts_together_stay_in_64_bits() -> None:
    built = house()

    assert post(built, built.number("A"), 2**60 - 2 * E8, asset=1) == []
    assert post(built, built.number("B"), E8 + 1, asset=1) == [Post.AMOUNT_TOO_LARGE]
    assert post(built, built.number("B"), E8, asset=1) == []


@pytest.mark.rule("6.4")
def test_a_house_account_takes_collateral_like_a_client() -> None:
    built = house()
    built.open_client("own", role=Role.HOUSE)

    assert post(built, built.number("own"), 5, asset=1) == []


@pytest.mark.rule("6.6")
@pytest.mark.parametrize(
    ("status", "codes"),
    [
        (AccountStatus.CALLED, []),
        (AccountStatus.LIQUIDATING, []),
        (AccountStatus.TAKEN_OVER, [Post.ACCOUNT_CLOSED]),
    ],
)
def test_an_account_in_trouble_may_add_collateral_and_a_taken_over_one_numeraire(
    status: AccountStatus, codes: list[Post]
) -> None:
    built = house()
    built.state.accounts.status[built.number("A")] = status

    assert post(built, built.number("A"), 1, asset=1) == codes
    assert post(built, built.number("A"), 1) == []


# ---- withdrawals


@pytest.mark.rule("4.25", "6.8", "6.9", "6.10")
def test_a_withdrawal_is_refused_in_the_order_of_the_codes() -> None:
    built = house()
    a = built.number("A")
    built.trade("A", "B", lots=10, ticks=100)
    x = built.state

    assert withdraw(built, 99, 0, 9) == [Withdraw.UNKNOWN_ACCOUNT]
    assert withdraw(built, built.number("INSURANCE_FUND"), 0, 9) == [Withdraw.UNKNOWN_ACCOUNT]
    assert withdraw(built, built.number("M-fund"), 1) == [Withdraw.UNKNOWN_ACCOUNT]
    x.accounts.status[a] = AccountStatus.CALLED
    x.assets.is_stale[1] = True
    assert withdraw(built, a, 0, 2) == [Withdraw.UNKNOWN_ASSET]
    assert withdraw(built, a, 0) == [Withdraw.AMOUNT_NOT_POSITIVE]
    assert withdraw(built, a, 10**12) == [Withdraw.ACCOUNT_NOT_OPEN]
    x.accounts.status[a] = AccountStatus.OPEN
    assert withdraw(built, a, 10**12) == [Withdraw.INDEX_STALE]
    x.assets.is_stale[1] = False
    assert withdraw(built, a, 10**12) == [Withdraw.INSUFFICIENT_BALANCE]
    assert withdraw(built, a, 1_000 * COIN) == [Withdraw.INSUFFICIENT_MARGIN]


@pytest.mark.rule("6.8", "6.10")
def test_without_positions_everything_may_leave() -> None:
    built = house()

    assert withdraw(built, built.number("B"), E8, asset=1) == []
    assert withdraw(built, built.number("B"), 1_000 * COIN) == []
    assert withdraw(built, built.number("B"), 1) == [Withdraw.INSUFFICIENT_BALANCE]


# 10 lots at 100: initial margin 100, and 1% of the notional of 1,000 for closing it.
@pytest.mark.rule("6.10")
def test_initial_margin_and_the_cost_of_liquidation_stay() -> None:
    built = house()
    built.trade("A", "B", lots=10, ticks=100)
    a = built.number("A")

    assert withdraw(built, a, 890 * COIN + 1) == [Withdraw.INSUFFICIENT_MARGIN]
    [refused] = built.events("CommandRefused", last=True)
    assert (refused["actual"], refused["allowed"]) == (110 * COIN - 1, 110 * COIN)
    assert withdraw(built, a, 890 * COIN) == []


@pytest.mark.rule("3.20", "6.10")
def test_collateral_leaves_at_its_value_after_the_haircut() -> None:
    built = house()
    built.trade("A", "B", lots=10, ticks=100)
    b = built.number("B")

    assert withdraw(built, b, 970 * COIN) == []  # 30 and 80 of the coin are 110
    assert withdraw(built, b, 1, asset=1) == [Withdraw.INSUFFICIENT_MARGIN]


@pytest.mark.rule("3.11", "6.11")
def test_a_gain_that_the_slow_average_has_not_confirmed_margins_but_does_not_leave() -> None:
    built = house()
    built.trade("A", "B", lots=10, ticks=100)
    a = built.number("A")
    built.price(120, at_ns=START + HOUR)  # the average is at 110 after its time constant
    assert built.state.marks.slow[0] == 110

    # Equity 1,200 less 120 of margin less 12 of cost; 100 of the gain is not proven.
    assert withdraw(built, a, 968 * COIN + 1) == [Withdraw.GAINS_UNPROVEN]
    [refused] = built.events("CommandRefused", last=True)
    assert (refused["actual"], refused["allowed"]) == (232 * COIN - 1, 232 * COIN)
    built.state.accounts.encumbered[a] = 8 * COIN
    assert withdraw(built, a, 960 * COIN + 1) == [Withdraw.GAINS_UNPROVEN]
    assert withdraw(built, a, 960 * COIN) == []


@pytest.mark.rule("4.25")
def test_a_refused_withdrawal_changes_nothing() -> None:
    built = house()
    built.trade("A", "B", lots=10, ticks=100)
    before = built.engine.state.digest()

    assert withdraw(built, built.number("A"), 999 * COIN) == [Withdraw.INSUFFICIENT_MARGIN]

    assert built.engine.state.digest() == before


@pytest.mark.rule("6.9")
def test_a_stale_index_of_a_contract_that_is_not_held_does_not_matter() -> None:
    built = ClearingHouse(assets=(("BTC", 8, 0), ("ETH", 8, 0)))
    built.list_contract("X")
    built.list_contract("Y", underlying=2)
    for name in ("A", "B"):
        built.open_client(name, deposit=1_000 * COIN)
    built.price(100)
    built.trade("A", "B", lots=1, ticks=100)
    assert built.state.assets.is_stale[2]

    assert withdraw(built, built.number("A"), COIN) == []
