"""Reading the state of earlier releases: its columns, one state version at a time.

A snapshot keeps the columns that were written.  A version says here what it renamed, or has a
function; a new column with a default in its ``SPEC`` needs neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from novate.engine.earlier_state import (
    Named,
    drop_called_amount,
    drop_done_rows,
    drop_price_collar,
    fill_account_policies,
    fill_final_index,
    keep_earlier_defaults,
)
from novate.errors import JournalError

STATE_VERSION = 3
"""Version of the columns in a snapshot.

Raise it when the same journal folds into other columns: one is added, renamed, removed or means
something else.  It may still change until a sidecar of a frozen journal states its digest.
"""


@dataclass(frozen=True, slots=True)
class StateStep:
    """What a state version changed, beside new columns with a default.

    Attributes
    ----------
    renamed
        Old name to new name.
    upcast
        Makes its columns from those of the version before, after they have their new names.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    upcast: Callable[[Named], Named] | None = None


STEPS: dict[int, StateStep] = {
    2: StateStep(
        renamed={
            "accounts.defence": "accounts.shortfall_policy",
            "accounts.held": "accounts.open_order_hold",
            "reservations.held": "reservations.open_order_hold",
            "assets.keep": "assets.collateral_factor",
        },
        upcast=lambda named: fill_account_policies(drop_done_rows(named)),
    ),
    3: StateStep(
        upcast=lambda named: keep_earlier_defaults(
            fill_final_index(drop_price_collar(drop_called_amount(named)))
        ),
    ),
}
"""By the state version that it leads to."""


def upcast_state(named: Named, version: int) -> Named:
    """Return columns of a state version as the present one names and means them.

    Parameters
    ----------
    named
        Columns as they were stored.
    version
        Their state version, from 1.

    Raises
    ------
    JournalError
        If they are of a later version than this release knows.
    """
    if not 1 <= version <= STATE_VERSION:
        raise JournalError(
            f"the snapshot has state version {version}, this release reads 1 to {STATE_VERSION}:"
            " read it with the release that wrote it, or a later one"
        )
    for present in range(version + 1, STATE_VERSION + 1):
        step = STEPS.get(present, StateStep())
        named = {step.renamed.get(name, name): array for name, array in named.items()}
        if step.upcast is not None:
            named = step.upcast(named)
    return named
