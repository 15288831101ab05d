"""Where a run begins, and how its accounts are found."""

from __future__ import annotations

import numpy as np

from novate.insight.observed_run import opening_balance
from tests.unit.app.replay.small import finished


def test_accounts_are_found_by_the_engines_numbers() -> None:
    accounts = finished()[1].run.accounts

    assert len(accounts) == 3
    assert [accounts.position_of()[int(number)] for number in accounts.numbers] == [0, 1, 2]


def test_a_run_begins_with_its_equity_and_its_funds() -> None:
    run = finished()[1].run

    found = opening_balance(run.state, 9, run.accounts)

    assert found.sequence == 9
    assert np.array_equal(found.equity, run.equity_end)
    assert run.opening.funds == {
        "fund": 2_600 * 10**6,  # 2 % of a long notional of 130,000
        "skin": 650 * 10**6,
        "default_fund": 2_600 * 10**6,
    }
