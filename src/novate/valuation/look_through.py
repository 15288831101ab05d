"""Look-through of whole books: what synthetic tokens hold, netted with listed positions.

`novate.instrument.synthetic` takes tokens apart into factors, to any depth, and refuses those that
contain themselves.  Here the units that accounts hold multiply those deltas, all accounts at once,
and meet the deltas of their listed contracts, so that a token hedged with a future nets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from novate.errors import InputError
from novate.instrument.synthetic import LookThrough
from novate.kernel.clearing.columns import F64
from novate.valuation.book_risk import RiskTable


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorExposure:
    """Exposures by account and factor, units of the factor, positive = long.

    Attributes
    ----------
    factors
        Names, sorted: columns.
    tokens, listed
        ``[accounts, factors]``: through tokens, and of listed contracts.
    """

    factors: tuple[str, ...]
    tokens: F64
    listed: F64

    @property
    def net(self) -> F64:
        """Both together, ``[accounts, factors]``."""
        return self.tokens + self.listed


def factor_exposure(
    through: LookThrough,
    units: npt.ArrayLike,
    table: RiskTable | None = None,
    assets: Sequence[str] = (),
) -> FactorExposure:
    """Net what accounts hold through tokens with their listed positions.

    Parameters
    ----------
    through
        `novate.instrument.synthetic.look_through` of the tokens.
    units
        Tokens held, ``[accounts, tokens]`` in the order of ``through.symbols``, positive = long.
    table
        Risk of the listed positions by account and underlying at least; none by default.  Its
        ``delta`` counts units of the underlying where spots are quoted in the reporting currency.
    assets
        Names of the table's asset numbers.

    Raises
    ------
    InputError
        If the units have another shape, the table is not by account and underlying, or it names an
        account or an asset that is not there.
    """
    held = np.asarray(units, np.float64)
    if held.ndim != 2 or held.shape[1] != len(through.symbols):
        raise InputError(
            f"units of shape {held.shape}; allowed: (accounts, {len(through.symbols)})"
        )
    factors = tuple(sorted({*through.factors, *(assets if table is not None else ())}))
    tokens = np.zeros((len(held), len(factors)))
    tokens[:, [factors.index(name) for name in through.factors]] = held @ through.delta
    listed = np.zeros_like(tokens)
    if table is not None:
        if not {"account", "underlying"} <= set(table.keys):
            raise InputError("a table by other keys; allowed: by account and underlying")
        account, underlying = table.keys["account"], table.keys["underlying"]
        if (account >= len(held)).any() or (underlying >= len(assets)).any():
            raise InputError("the table names an account or an asset that is not there")
        place = np.array([factors.index(name) for name in assets], np.int64)
        np.add.at(listed, (account, place[underlying]), table["delta"])
    return FactorExposure(factors=factors, tokens=tokens, listed=listed)
