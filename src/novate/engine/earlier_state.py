"""Columns of earlier state versions, made into those of the next."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from novate.book.account import BY_ROLE, Policies
from novate.book.columns import AccountColumns
from novate.kernel.codes import Kind, Role
from novate.message.parameter import initial_parameters

Named = dict[str, npt.NDArray[Any]]
"""Columns by name: ``table.column``, or the name of an array that stands alone."""


def fill_account_policies(named: Named) -> Named:
    """Give accounts the columns that until then followed from their role and number.

    Each was a margin group, a netting set and a pool of collateral of its own, and its member was
    the payer.

    Parameters
    ----------
    named
        Columns of a state without them; they are not changed.
    """
    changed = dict(named)
    number = np.arange(len(named["accounts.role"]), dtype=np.int32)
    for name in ("margin_group", "netting_set", "pool"):
        changed[f"accounts.{name}"] = number
    changed["accounts.payer"] = named["accounts.parent"]
    roles = [BY_ROLE.get(Role(role), Policies()) for role in named["accounts.role"].tolist()]
    for column in fields(Policies):
        dtype = AccountColumns.SPEC[column.name][0]
        values = np.array([getattr(policies, column.name) for policies in roles], dtype)
        changed[f"accounts.{column.name}"] = values
    return changed


def fill_final_index(named: Named) -> Named:
    """Give contracts the index that their settlement window adds up: until then that of the mark.

    Parameters
    ----------
    named
        Columns of a state without it; they are not changed.
    """
    is_contract = named["instruments.kind"] == Kind.DELTA_ONE
    return {**named, "marks.final_index": np.where(is_contract, named["marks.index"], 0)}


_LIVE = {"reservations": "lots", "orders": "is_open", "losses": "is_open"}
"""Tables that kept rows which were done, and the column that is zero in those."""


def drop_done_rows(named: Named) -> Named:
    """Give rows their numbers, and take out those that are done.

    Before, reservations, orders and losses were numbered by their rows and stayed for ever; what
    stayed uncovered was a column of the losses.

    Parameters
    ----------
    named
        Columns of a state in which every row is there; they are not changed.

    Returns
    -------
    dict
        The columns with ``number`` and ``given`` in each table, and with ``uncovered``, numeraire
        units.
    """
    changed = dict(named)
    changed["uncovered"] = changed.pop("losses.uncovered").sum(keepdims=True).astype(np.int64)
    for table, live in _LIVE.items():
        is_live = named[f"{table}.{live}"] != 0
        for name in [name for name in changed if name.startswith(f"{table}.")]:
            changed[name] = changed[name][is_live]
        changed[f"{table}.number"] = np.flatnonzero(is_live) + 1
        changed[f"{table}.given"] = np.array([len(is_live)], np.int64)
    return changed


def keep_earlier_defaults(named: Named) -> Named:
    """Give parameters that are new in state version 3 the values that journals of before have.

    Parameters
    ----------
    named
        Columns of state version 2; they are not changed.

    Returns
    -------
    dict
        The columns with every parameter, those that were stored as they were.
    """
    stored = named["parameters"]
    rest = initial_parameters(2)[len(stored) :]
    return {**named, "parameters": np.concatenate((stored, rest))}


def drop_called_amount(named: Named) -> Named:
    """Take out what accounts were called for: a call of before has no obligation (rule 10.62)."""
    changed = dict(named)
    changed.pop("accounts.call_amount", None)
    return changed


def drop_price_collar(named: Named) -> Named:
    """Take out which accounts the trade collar bound: it binds all of them."""
    changed = dict(named)
    changed.pop("accounts.is_price_collared", None)
    return changed
