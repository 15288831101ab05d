from __future__ import annotations

import numpy as np

from novate.canonical import Run
from novate.kernel.codes import Bound
from novate.message import event
from novate.message.declare import rows_of
from novate.message.version import present_event


def test_a_liquidation_of_version_1_was_bound_by_a_contract_or_by_nothing() -> None:
    columns = {
        "account": np.array([3, 4], np.uint32),
        "equity": np.array([1, 2]),
        "requirement": np.array([5, 6]),
        "binding": np.array([7, -1]),
        "mark": np.array([100, 0]),
        "net": np.array([1, 2]),
    }
    old = Run("LiquidationStarted", 1, 2, tuple(columns.items()))

    first, second = rows_of(present_event(old))

    assert present_event(old).version == event.LIQUIDATION_STARTED.version
    assert (first["model"], first["bound"], first["scenario"]) == (0, Bound.CONTRACT, -1)
    assert (second["bound"], second["binding"]) == (Bound.NONE, -1)
