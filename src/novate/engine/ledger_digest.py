"""The ledger digest: what is owed and what is open, whichever release looks at it.

It covers balances, positions, and the reservations, orders and losses that are open, by the names
that the outside knows.  How columns are called, in which order rows lie, how they are numbered and
what else the state holds does not matter: a journal has one ledger digest for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from novate.canonical import Run, command_digest
from novate.engine.state import State
from novate.kernel.codes import OrderKind

_Numbers = npt.NDArray[np.integer[Any]]


def ledger_digest(state: State) -> bytes:
    """Return the ledger digest, 32 bytes: SHA-256 of the canonical body of its runs of rows."""
    return command_digest(
        [
            _balances(state),
            _positions(state),
            _reservations(state),
            _orders(state),
            _losses(state),
            *_uncovered(state),
        ]
    )


def _rows(name: str, texts: dict[str, Sequence[str]], numbers: dict[str, _Numbers]) -> Run:
    """Return rows in the order of their values, columns from left to right."""
    ranks = []
    for column in texts.values():
        rank = {text: at for at, text in enumerate(sorted(set(column)))}
        ranks.append(np.array([rank[text] for text in column], np.int64))
    plain = {key: column.astype(np.int64) for key, column in numbers.items()}
    order = np.lexsort([*reversed(plain.values()), *reversed(ranks)])
    columns: list[tuple[str, Any]] = [
        (key, tuple(column[at] for at in order)) for key, column in texts.items()
    ]
    columns.extend((key, column[order]) for key, column in plain.items())
    return Run(name, 1, len(order), tuple(columns))


def _named(names: Sequence[str], numbers: _Numbers) -> list[str]:
    return [names[number] for number in numbers.tolist()]


def _balances(state: State) -> Run:
    """Balances that are not zero, ledger units."""
    x = state
    balance = x.accounts.used("balance")
    account, asset = np.nonzero(balance)
    return _rows(
        "balance",
        {
            "account": _named(x.accounts.references, account),
            "asset": _named(x.assets.symbols, asset),
        },
        {"amount": balance[account, asset]},
    )


def _positions(state: State) -> Run:
    """Positions of which anything is not zero: lots, and costs in settlement units."""
    x = state
    table = x.positions
    numbers = {
        "lots": table.used("lots"),
        "entry_cost": table.used("entry_cost"),
        "settlement_cost": table.used("settlement_cost"),
        "realised": table.used("realised"),
    }
    is_there = np.any(list(numbers.values()), axis=0)
    return _rows(
        "position",
        {
            "account": _named(x.accounts.references, table.used("account")[is_there]),
            "instrument": _named(x.instruments.symbols, table.used("instrument")[is_there]),
        },
        {key: column[is_there] for key, column in numbers.items()},
    )


def _reservations(state: State) -> Run:
    """Reservations with lots left: signed lots, limit in ticks, what is held in numeraire units."""
    x = state
    table = x.reservations
    is_open = table.used("lots") != 0
    return _rows(
        "reservation",
        {
            "account": _named(x.accounts.references, table.used("account")[is_open]),
            "instrument": _named(x.instruments.symbols, table.used("instrument")[is_open]),
        },
        {
            "lots": table.used("lots")[is_open],
            "limit": table.used("limit_ticks")[is_open],
            "hold": table.used("open_order_hold")[is_open],
        },
    )


def _orders(state: State) -> Run:
    """Orders of the outbox that are open: what is left, at which reference, placed when."""
    x, table = state, state.defaults.orders
    rows = np.flatnonzero(table.used("is_open"))
    kind, subject = table.kind[rows], table.subject[rows]
    names = [
        x.assets.symbols[number] if of == OrderKind.CONVERSION else x.instruments.symbols[number]
        for of, number in zip(kind.tolist(), subject.tolist(), strict=True)
    ]
    return _rows(
        "order",
        {"account": _named(x.accounts.references, table.account[rows]), "subject": names},
        {
            "kind": kind,
            "quantity": table.quantity[rows],
            "reference": table.reference[rows],
            "placed": table.placed_ns[rows],
        },
    )


def _losses(state: State) -> Run:
    """Losses that the waterfall has not closed, numeraire units."""
    table = state.defaults.losses
    rows = np.flatnonzero(table.used("is_open"))
    return _rows(
        "loss",
        {"account": _named(state.accounts.references, table.account[rows])},
        # What a loss leaves uncovered is known when it closes; the column is part of the digest.
        {"amount": table.amount[rows], "uncovered": np.zeros(len(rows), np.int64)},
    )


def _uncovered(state: State) -> list[Run]:
    """What nobody could bear, numeraire units; no row while all was covered."""
    amount = state.defaults.uncovered
    return [_rows("uncovered", {}, {"amount": np.array([amount])})] if amount else []
