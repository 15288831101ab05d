"""Losses and their payers against a readable twin."""

from __future__ import annotations

import numpy as np
import pytest

from novate.book.state import BookState
from novate.kernel.clearing.columns import AccountArrays
from novate.kernel.clearing.loss import ALL, OTHERS, OWN, bear_prefunded, cut_gains, share_pro_rata
from novate.kernel.codes import Layer
from tests.unit.kernel.share import share_pro_rata as readable_share

LAYERS = (Layer.OWN_CONTRIBUTION, Layer.INSURANCE_FUND, Layer.SKIN_IN_THE_GAME, Layer.DEFAULT_FUND)
TERMS = np.array(
    [
        (Layer.OWN_CONTRIBUTION, OWN),
        (Layer.INSURANCE_FUND, ALL),
        (Layer.SKIN_IN_THE_GAME, ALL),
        (Layer.DEFAULT_FUND, OTHERS),
    ],
    np.int64,
)
LIQUIDATOR = 9
IS_OF_LAYER = np.array([[0, 0, 1, 1, 1, 1], [1, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0]], np.bool_)[
    [0, 1, 2, 0]
]
"""Payers are the fund, the skin, and the contributions of four members."""


def accounts_of(balance: list[int], gain: list[int] | None = None) -> AccountArrays:
    """Accounts with a numeraire balance, and a window gain if any."""
    state = BookState()
    state.accounts.ensure(len(balance))
    state.accounts.balance[: len(balance), 0] = balance
    if gain is not None:
        state.accounts.window_gain[: len(gain)] = gain
    return state.account_arrays()


@pytest.mark.rule("1.7")
@pytest.mark.parametrize(
    ("amount", "weights", "shares"),
    [
        (100, [3, 1, 96], [3, 1, 96]),
        (10, [60, 40], [6, 4]),
        (11, [60, 40], [7, 4]),  # 6.6 and 4.4: the lost unit goes to the larger
        (2, [5, 5, 5], [1, 1, 0]),  # 0.67 each: ties to the first
        (5, [1, 7, 7, 1], [0, 3, 2, 0]),  # 0.31, 2.19, 2.19, 0.31
        (0, [4, 4], [0, 0]),
    ],
)
def test_units_lost_to_flooring_go_to_the_largest_weights(
    amount: int, weights: list[int], shares: list[int]
) -> None:
    found = np.empty(len(weights), np.int64)

    share_pro_rata(amount, np.array(weights), found)

    assert found.tolist() == shares == readable_share(amount, weights)


@pytest.mark.parametrize("seed", range(50))
def test_shares_are_those_of_the_readable_rule(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, int(rng.choice([3, 50, 2**57])), int(rng.integers(1, 9)))
    amount = int(rng.integers(0, int(weights.sum()) + 1))
    shares = np.empty_like(weights)

    share_pro_rata(amount, weights, shares)

    assert shares.tolist() == readable_share(amount, weights.tolist())
    assert shares.sum() == amount
    assert (shares <= weights).all()
    total = int(weights.sum())
    for share, weight in zip(shares.tolist(), weights.tolist(), strict=True):
        assert abs(share * total - amount * weight) <= total


def readable_losses(
    balance: list[int], member_of: dict[int, int], failed: set[int], losses: list[tuple[int, int]]
) -> tuple[list[list[int]], list[int]]:
    """Rows paid and what is left, loss by loss; accounts 0 and 1 are fund and skin."""
    paid, left = [], []
    for k, (member, amount) in enumerate(losses):
        rest = amount
        own = failed if member < 0 else {member}
        for layer in LAYERS:
            payers = {
                Layer.OWN_CONTRIBUTION: [a for a, m in member_of.items() if m in own],
                Layer.DEFAULT_FUND: [a for a, m in member_of.items() if m not in own],
                Layer.INSURANCE_FUND: [0],
                Layer.SKIN_IN_THE_GAME: [1],
            }[layer]
            funds = [max(balance[a], 0) for a in payers]
            for a, share in zip(payers, readable_share(min(rest, sum(funds)), funds), strict=True):
                if share:
                    paid.append([k, int(layer), a, share])
                    balance[a] -= share
                    balance[LIQUIDATOR] += share
                    rest -= share
        left.append(rest)
    return paid, left


@pytest.mark.parametrize("seed", range(30))
def test_prefunded_layers_pay_loss_by_loss(seed: int) -> None:
    rng = np.random.default_rng(seed)
    balance = rng.integers(-50, 400, 10)
    balance[LIQUIDATOR] = -1_000
    member_of = {2: 20, 3: 21, 5: 22, 6: 23}
    members = rng.choice([-1, 20, 21, 22, 23, 99], 12)
    amounts = rng.integers(1, 150, 12)
    before, expected = balance.sum(), balance.tolist()
    rows, rest = readable_losses(
        expected, member_of, {21, 22}, list(zip(members.tolist(), amounts.tolist(), strict=True))
    )
    left = np.zeros(12, np.int64)

    accounts = accounts_of(balance.tolist())
    paid = bear_prefunded(
        accounts, TERMS, IS_OF_LAYER, np.array([0, 1, *member_of]),
        np.array([-1, -1, *member_of.values()]), np.array([21, 22]), LIQUIDATOR,
        members, amounts, left,
    )  # fmt: skip

    assert paid.tolist() == rows
    assert left.tolist() == rest
    assert accounts.balance[: len(expected), 0].tolist() == expected
    assert accounts.balance.sum() == before
    assert accounts.balance_sum.tolist() == [0]


def test_rows_paid_find_room_however_many_they_are() -> None:
    payers = np.arange(400)
    accounts = accounts_of([10] * 401)
    left = np.zeros(1, np.int64)

    paid = bear_prefunded(
        accounts, TERMS[3:], np.ones((1, 400), np.bool_), payers, payers.copy(), np.array([-5]),
        400, np.array([-1]), np.array([4_000]), left,
    )  # fmt: skip

    assert (len(paid), left[0], accounts.balance[400, 0]) == (400, 0, 4_010)


@pytest.mark.parametrize("seed", range(40))
def test_gains_are_cut_loss_by_loss_pro_rata_to_what_is_left(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spare = rng.integers(0, int(rng.choice([4, 1_000, 2**50])), 8)
    wanted = rng.integers(1, int(spare.sum()) + 3, 5) // int(rng.choice([1, 3]))
    accounts = accounts_of([7] * 10, spare.tolist())
    bearable, expected = spare.tolist(), []
    for amount in wanted.tolist():
        taken = min(amount, sum(bearable))
        expected.append((taken, sum(bearable), sum(1 for b in bearable if b)))
        shares = readable_share(taken, bearable)
        bearable = [b - share for b, share in zip(bearable, shares, strict=True)]
    winners = np.argsort(-spare, kind="stable")
    winners = winners[spare[winners] > 0]
    out = [np.zeros(5, np.int64) for _ in range(3)]

    cut_gains(accounts, winners, spare[winners], LIQUIDATOR, wanted, *out)

    assert list(zip(*(column.tolist() for column in out), strict=True)) == expected
    assert accounts.window_gain[:8].tolist() == bearable
    assert (accounts.balance.sum(), accounts.balance_sum[0]) == (70, 0)
    assert accounts.balance[LIQUIDATOR, 0] == 7 + sum(taken for taken, _, _ in expected)
