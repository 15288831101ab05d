from __future__ import annotations

import pytest

from novate.market.columns import AssetColumns, MarkColumns, SourceColumns, SurfaceColumns


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


@pytest.mark.rule("5.4")
def test_only_fresh_sources_of_the_asset_are_usable() -> None:
    sources = SourceColumns()
    for asset, age in ((1, 60), (1, 61), (2, 0), (1, 0)):
        source = sources.append()
        sources.asset[source] = asset
        sources.weight[source] = source + 1
        sources.observed_ns[source] = 1_000 - age
    silent = sources.append()
    sources.asset[silent], sources.weight[silent] = 1, 10

    assert sources.usable(1, 1_000, 60) == [0, 3]
    assert sources.usable(1, 1_000, 2_000) == [0, 1, 3]
    assert sources.usable(3, 1_000, 60) == []
    assert sources.standing(1, 1_000, 60) == (2, 1 + 4, 1 + 2 + 4 + 10)
    sources.contradicted_ns[3] = 1_000
    assert sources.usable(1, 1_000, 60) == [0]
    assert sources.standing(1, 1_000, 60) == (1, 1, 17)


def test_a_smile_is_found_by_underlying_and_expiry() -> None:
    surfaces = SurfaceColumns()
    for underlying, expiry_ns in ((1, 5), (2, 5), (1, 6)):
        row = surfaces.append()
        surfaces.underlying[row], surfaces.expiry_ns[row] = underlying, expiry_ns

    assert [surfaces.row_of(*key) for key in ((1, 5), (2, 5), (1, 6), (2, 6))] == [0, 1, 2, -1]
