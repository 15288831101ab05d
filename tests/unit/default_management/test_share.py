from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.default_management.share import share_pro_rata
from novate.errors import InvariantError

WEIGHTS = st.lists(st.integers(0, 10**18), min_size=1, max_size=12)


@pytest.mark.rule("1.7")
@given(WEIGHTS, st.data())
def test_shares_add_up_exactly_and_none_exceeds_its_weight(
    weights: list[int], data: st.DataObject
) -> None:
    amount = data.draw(st.integers(0, sum(weights)))

    shares = share_pro_rata(amount, weights)

    assert sum(shares) == amount
    assert all(0 <= share <= weight for share, weight in zip(shares, weights, strict=True))


@pytest.mark.rule("1.7")
@given(WEIGHTS, st.data())
def test_no_share_is_a_unit_or_more_from_the_exact_quotient(
    weights: list[int], data: st.DataObject
) -> None:
    amount = data.draw(st.integers(0, sum(weights)))
    total = sum(weights)

    for share, weight in zip(share_pro_rata(amount, weights), weights, strict=True):
        assert abs(share * total - amount * weight) <= total


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
        (0, [], []),
    ],
)
def test_units_lost_to_flooring_go_to_the_largest_weights(
    amount: int, weights: list[int], shares: list[int]
) -> None:
    assert share_pro_rata(amount, weights) == shares


def test_more_than_the_total_weight_cannot_be_shared() -> None:
    with pytest.raises(InvariantError, match="is at most the total weight, 7"):
        share_pro_rata(8, [3, 4])
