from __future__ import annotations

from pathlib import Path

import pytest

from novate.app.margin.book import read_book
from novate.app.margin.compute import after_trades, compared, requirement
from novate.app.margin.presets import load, load_all
from novate.errors import InputError
from tests.unit.app.margin.files import write


def test_a_requirement_is_explained_by_parts_that_add_up(tmp_path: Path) -> None:
    found = requirement(load("derive_pmrm2_btc"), *read_book(*write(tmp_path)))

    for name in ("initial", "maintenance"):
        assert sum(part[name] for part in found["parts"]) == pytest.approx(found[name])
        assert found[f"{name}_excess"] == pytest.approx(found["equity"] - found[name])
    assert found["binding"] == {"BTC": "+18.0%, volatility up"}
    [liquidation] = found["liquidation"]
    assert liquidation["above"] > 70_000
    assert liquidation["assessments"] <= 50


def test_models_are_compared_and_a_refusal_names_its_reason(tmp_path: Path) -> None:
    rows = {row["model"]: row for row in compared(load_all(), *read_book(*write(tmp_path)))}

    assert rows["derive_pmrm2_btc"]["initial"] > rows["derive_pmrm2_btc"]["maintenance"] > 0
    assert rows["derive_standard"]["notes"][0] == "contracts paid in USD are taken as paid in USDC"
    assert "allowed: ['ETH']" in rows["derive_pmrm2_eth"]["refused"]
    assert set(rows) == {preset.terms.name for preset in load_all()}


def test_a_trade_changes_the_requirement_and_no_equity(tmp_path: Path) -> None:
    book = read_book(*write(tmp_path))
    found = after_trades(load("paradex_2024"), *book, ["BTC-PERP=-2", "BTC-20MAR26-70000-C=10"])

    assert found["before"]["equity"] == pytest.approx(found["after"]["equity"])
    assert found["change"]["initial"] == pytest.approx(
        found["after"]["initial"] - found["before"]["initial"]
    )
    assert found["after"]["initial"] < found["before"]["initial"]


@pytest.mark.parametrize(
    ("trade", "told"),
    [
        ("ETH-PERP=1", "SYMBOL=QUANTITY of"),
        ("BTC-PERP=many", "allowed: a number"),
        ("BTC-PERP=nan", "of at most 1e"),
    ],
)
def test_a_trade_of_another_form_is_refused(tmp_path: Path, trade: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        after_trades(load("paradex_2024"), *read_book(*write(tmp_path)), [trade])
