from __future__ import annotations

import numpy as np
import pytest

from novate.engine.recover import audit, recover
from novate.errors import JournalError
from novate.kernel.codes import Role
from novate.message import command
from novate.message.parameter import Parameter
from novate.message.refusal import SetLiquidationMethodRefusal as No
from tests.tiny_model import PLUGINS
from tests.unit.clearing import COIN, MINUTE, START, ClearingHouse

SLICES, FULL, LARGEST_FIRST = 0, 1, 2


def failing_house() -> ClearingHouse:
    """A and C are long 50 of X at 500, A also long 100 of Y at 250; 20 of each a slice."""
    house = ClearingHouse(plugins=PLUGINS, parameters={Parameter.SLICE_PPM: 400_000})
    house.list_contract("X")
    house.list_contract("Y")
    for name in ("A", "C"):
        house.open_client(name, deposit=(9_000 if name == "A" else 4_000) * COIN)
    house.open_client("B", deposit=50_000 * COIN)
    house.price(500)
    for name in ("A", "C"):
        house.trade(name, "B", lots=50, ticks=500)
    house.trade("A", "B", lots=60, ticks=500, instrument=1)
    return house


def choose(house: ClearingHouse, name: str, method: int, *, allow_refusals: bool = False) -> None:
    run = command.SET_LIQUIDATION_METHOD.row(account=house.number(name), method=method)
    house.submit(run, allow_refusals=allow_refusals)


def placed(house: ClearingHouse, *, last: bool = False) -> list[tuple[str, int, int]]:
    names = house.state.accounts.references
    return [
        (names[row["account"]], row["subject"], row["quantity"])
        for row in house.events("OrderPlaced", last=last)
    ]


@pytest.mark.rule("11.24", "11.25")
def test_an_account_is_closed_in_slices_until_it_is_given_another_method() -> None:
    house = failing_house()
    choose(house, "A", LARGEST_FIRST)
    assert house.events("LiquidationMethodSet") == [
        {"account": house.number("A"), "method": LARGEST_FIRST}
    ]

    house.price(435, at_ns=START + MINUTE)

    assert placed(house) == [("A", 1, -1), ("C", 0, -20)]
    house.fill(1, 1, 435)
    choose(house, "A", FULL)
    house.advance(START + 2 * MINUTE)
    assert placed(house, last=True) == [("A", 0, -50), ("A", 1, -59)]


@pytest.mark.rule("11.24")
def test_a_method_of_one_file_closes_an_account_and_recovers_and_is_audited() -> None:
    house = failing_house()
    choose(house, "A", LARGEST_FIRST)
    house.price(435, at_ns=START + MINUTE)
    for step in range(1, 15):
        orders = house.state.defaults.orders
        [row] = orders.of(np.array([house.number("A")]))
        house.fill(int(orders.number[row]), 1, 435)
        house.advance(START + (step + 1) * MINUTE)
    closed = {"X": 50 - house.lots("A", 0), "Y": 60 - house.lots("A", 1)}

    assert closed == {"X": 2, "Y": 12}  # ten of Y before both are 50, then in turns
    digest = house.engine.snapshot()
    journal = house.engine.journal
    assert recover(journal, from_snapshot=False, plugins=PLUGINS).state.digest() == digest
    assert recover(journal, plugins=PLUGINS).state.digest() == digest
    assert audit(journal, plugins=PLUGINS).digest == digest


@pytest.mark.rule("11.25")
def test_the_liquidator_closes_what_it_took_over_by_its_own_method() -> None:
    house = failing_house()
    choose(house, "A", FULL)
    choose(house, "LIQUIDATOR", LARGEST_FIRST)

    house.price(425, at_ns=START + MINUTE)

    assert len(house.events("AccountTakenOver")) == 2
    assert placed(house) == [("LIQUIDATOR", 0, -1)]


@pytest.mark.rule("11.24")
@pytest.mark.parametrize(
    ("account", "method", "refusal"),
    [
        ("A", 3, No.UNKNOWN_METHOD),
        ("A", -1, No.UNKNOWN_METHOD),
        ("INSURANCE_FUND", FULL, No.UNKNOWN_ACCOUNT),
        ("M", FULL, No.UNKNOWN_ACCOUNT),
    ],
)
def test_an_unknown_method_or_an_account_that_is_never_closed_is_refused(
    account: str, method: int, refusal: No
) -> None:
    house = failing_house()

    choose(house, account, method, allow_refusals=True)

    assert house.refusals() == [refusal]
    assert not house.state.accounts.used("liquidation_method").any()
    row = command.SET_LIQUIDATION_METHOD.row(account=house.state.accounts.count, method=FULL)
    house.submit(row, allow_refusals=True)
    assert house.refusals() == [No.UNKNOWN_ACCOUNT]


def test_a_journal_with_a_method_that_nobody_knows_is_not_recovered() -> None:
    house = failing_house()
    choose(house, "LIQUIDATOR", LARGEST_FIRST)
    house.engine.snapshot()

    for from_snapshot in (True, False):
        with pytest.raises(JournalError, match="liquidation method 2, the catalogue has no such"):
            recover(house.engine.journal, from_snapshot=from_snapshot)
    again = recover(house.engine.journal, plugins=PLUGINS).state
    assert again.accounts.liquidation_method[again.single(Role.LIQUIDATOR)] == LARGEST_FIRST
