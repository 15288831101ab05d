"""Table of obligations: what margin groups were asked to pay and have not paid yet."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from novate.book.numbered import NumberedColumns
from novate.kernel.clearing.columns import I8, I32, I64


class ObligationColumns(NumberedColumns):
    """Open obligations of margin groups, numbered from 1 (rule 10.50).

    Attributes
    ----------
    number, account
        Which obligation, and the margin group that owes it; shape (rows,), as all columns.
    kind
        `message.obligation.ObligationKind`.
    asset
        Asset that it is counted in: the numeraire.
    amount, paid
        What was asked, above zero, and what of it was paid, from 0; numeraire units.
    called_ns, due_ns
        When it was asked, and when it is due; -1 while its deadline waits for a price.
    is_open
        Whether something of it is still asked.
    """

    LIVE = "is_open"
    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {
        "number": (np.int64, 0),
        "account": (np.int32, 0),
        "kind": (np.int8, 0),
        "asset": (np.int32, 0),
        "amount": (np.int64, 0),
        "paid": (np.int64, 0),
        "called_ns": (np.int64, 0),
        "due_ns": (np.int64, 0),
        "is_open": (np.bool_, False),
    }
    account: I32
    kind: I8
    asset: I32
    amount: I64
    paid: I64
    called_ns: I64
    due_ns: I64
    is_open: npt.NDArray[np.bool_]

    def of_group(self, group: int) -> I64:
        """Return the open rows of one margin group, in order of number."""
        rows: I64 = np.flatnonzero((self.used("account") == group) & self.used("is_open"))
        return rows

    def asked(self, groups: I64, before_ns: int | None = None) -> I64:
        """Return what is still asked of some margin groups, numeraire units, not negative.

        Parameters
        ----------
        groups
            Different groups; shape (groups,).
        before_ns
            Leaves out what was asked at or after this instant.
        """
        out = np.zeros(groups.size, np.int64)
        rows = self.of(groups)
        if before_ns is not None:
            rows = rows[self.called_ns[rows] < before_ns]
        if rows.size:
            sorter = np.argsort(groups, kind="stable")
            place = sorter[np.searchsorted(groups, self.account[rows], sorter=sorter)]
            np.add.at(out, place, self.amount[rows] - self.paid[rows])
        return out
