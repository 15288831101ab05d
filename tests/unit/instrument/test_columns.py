from __future__ import annotations

import numpy as np

from novate.instrument.columns import TIERS_MAX, InstrumentColumns
from novate.kernel.codes import InstrumentStatus


def listed(*symbols: str) -> InstrumentColumns:
    instruments = InstrumentColumns(capacity=2)
    for symbol in symbols:
        instruments.append()
        instruments.symbols.append(symbol)
    return instruments


def test_a_new_instrument_is_active_and_asks_for_its_whole_notional() -> None:
    instruments = listed("X")

    assert instruments.status[0] == InstrumentStatus.ACTIVE
    assert instruments.suspense[0] == -1
    assert instruments.tier_count[0] == 0
    for name in ("initial_rate", "maintenance_rate"):
        assert getattr(instruments, name)[0].tolist() == [1.0] + [0.0] * (TIERS_MAX - 1)
    assert instruments.tier_floor[0].tolist() == [0.0] + [np.inf] * (TIERS_MAX - 1)


def test_instruments_beyond_the_first_capacity_start_like_the_first() -> None:
    instruments = listed(*"ABCDEFG")

    assert instruments.count == 7
    assert instruments.capacity == 8
    for name in instruments.SPEC:
        column = instruments.used(name)
        assert (column == column[0]).all(), name


def test_rows_survive_export_and_restore_apart_from_the_place_of_the_settlement_account() -> None:
    instruments = listed("A", "B")
    instruments.unit[:2] = (5, 7)
    instruments.tier_floor[1, 1] = 1e6
    instruments.suspense[:2] = (3, 9)

    columns = instruments.export()
    again = InstrumentColumns()
    again.restore(columns)

    assert "suspense" not in columns
    assert again.suspense[:2].tolist() == [-1, -1]
    for name, column in columns.items():
        assert (again.used(name) == column).all(), name


def test_a_copy_shares_nothing() -> None:
    instruments = listed("A")

    twin = instruments.copy()
    twin.unit[0] = 9
    twin.symbols.append("B")

    assert instruments.unit[0] == 0
    assert instruments.symbols == ["A"]
