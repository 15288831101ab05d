from __future__ import annotations

import pytest

from novate.market.columns import AssetColumns, MarkColumns, SourceColumns


def test_an_asset_has_no_price_until_its_index_is_known() -> None:
    assets = AssetColumns()
    assets.append()

    assert assets.is_stale[0]
    assert (assets.price_e8[0], assets.unit_price[0], assets.collateral_factor[0]) == (0, 0.0, 1.0)


def test_a_source_has_not_reported_yet() -> None:
    sources = SourceColumns()
    sources.append()

    assert sources.observed_ns[0] == -1


def test_an_instrument_has_no_mark_yet() -> None:
    marks = MarkColumns()
    marks.append()

    assert marks.mark[0] == 0


@pytest.mark.parametrize("table", [AssetColumns, SourceColumns])
def test_a_copy_has_symbols_of_its_own(table: type[AssetColumns] | type[SourceColumns]) -> None:
    columns = table()
    columns.append()
    columns.symbols.append("A")

    twin = columns.copy()
    twin.symbols.append("B")
    twin.price_e8[0] = 5

    assert columns.symbols == ["A"]
    assert columns.price_e8[0] == 0
