from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from novate.book.columns import AccountColumns
from novate.engine.ledger_digest import ledger_digest
from novate.engine.recover import recover
from novate.engine.state import State
from novate.message import command
from tests.unit.clearing import COIN, ClearingHouse


def house_with_everything() -> ClearingHouse:
    """Balances, positions, a reservation, open orders and a loss that waits."""
    house = ClearingHouse()
    house.list_contract("X")
    house.list_contract("Y")
    house.list_contract("Z")
    house.open_client("A", deposit=5_500 * COIN)
    house.open_client("B", deposit=90_000 * COIN)
    house.open_client("C")
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    house.submit(
        command.RESERVE_MARGIN.row(account=house.number("B"), instrument=1, lots=5, limit_ticks=501)
    )
    house.price(468)
    house.deposit("B", 7, asset=1)
    losses = house.engine.state.defaults.losses
    number = losses.append()
    losses.account[number], losses.amount[number] = house.number("A"), 40
    losses.is_open[number] = True
    return house


def open_row(state: State, table: str) -> int:
    """First row of a table that the digest covers."""
    columns = state.tables()[table]
    is_open = columns.used("is_open" if "is_open" in columns.SPEC else "lots") != 0
    return int(np.flatnonzero(is_open)[0])


CELLS = {
    "positions": ("account", "instrument", "lots", "entry_cost", "settlement_cost", "realised"),
    "reservations": ("account", "instrument", "lots", "limit_ticks", "open_order_hold"),
    "orders": ("account", "subject", "kind", "quantity", "reference", "placed_ns"),
    "losses": ("account", "amount"),
}


@pytest.mark.parametrize(
    ("table", "column"), [(table, column) for table in CELLS for column in CELLS[table]]
)
def test_it_changes_with_each_kind_of_row(table: str, column: str) -> None:
    state = house_with_everything().engine.state
    before = ledger_digest(state)

    row = open_row(state, table)
    getattr(state.tables()[table], column)[row] += 1

    assert ledger_digest(state) != before


def test_it_changes_with_balances_names_and_what_is_open() -> None:
    house = house_with_everything()
    state = house.engine.state
    seen = {ledger_digest(state)}

    state.accounts.balance[house.number("A"), 0] += 1
    seen.add(ledger_digest(state))
    state.accounts.references[house.number("A")] = "C"
    seen.add(ledger_digest(state))
    state.assets.symbols[0] = "USDC"
    seen.add(ledger_digest(state))
    for table in (state.defaults.orders, state.defaults.losses):
        table.is_open[:] = False
        seen.add(ledger_digest(state))

    assert len(seen) == 6


def test_what_is_done_is_not_in_it() -> None:
    state = house_with_everything().engine.state
    before = ledger_digest(state)

    done = state.defaults.orders.append()
    state.defaults.orders.quantity[done] = 9
    state.defaults.losses.amount[state.defaults.losses.append()] = 9
    state.reservations.append()
    state.positions.reserve(1, state.accounts)
    state.positions.append()

    assert ledger_digest(state) == before


def test_neither_layout_nor_clock_nor_settings_are_in_it() -> None:
    state = house_with_everything().engine.state
    before = ledger_digest(state)

    state.compact()
    state.now_ns += 1
    state.parameters[0] += 1
    state.sources_seen["feed"] = 3

    assert ledger_digest(state) == before


class WiderAccounts(AccountColumns):
    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {**AccountColumns.SPEC, "mood": (np.int8, 3)}


def test_a_new_column_changes_the_state_digest_and_not_the_ledger_digest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = house_with_everything()
    engine = recover(house.engine.journal)
    monkeypatch.setattr("novate.book.state.AccountColumns", WiderAccounts)

    wider = recover(house.engine.journal)

    assert wider.state.digest() != engine.state.digest()
    assert ledger_digest(wider.state) == ledger_digest(engine.state)


def test_the_number_of_a_row_is_not_in_it() -> None:
    state = house_with_everything().engine.state
    before = ledger_digest(state)
    orders, reservations = state.defaults.orders, state.reservations

    for table in (orders, reservations, state.defaults.losses):
        table.append()
        for name in table.SPEC:
            column = getattr(table, name)
            column[: table.count] = np.roll(column[: table.count], 1, axis=0)

    assert ledger_digest(state) == before


def test_an_empty_house_has_one_too() -> None:
    assert len(ledger_digest(State())) == 32
