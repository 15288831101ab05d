from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from novate.app.margin.book import read_book
from novate.app.margin.compute import after_trades, compared, requirement
from novate.app.margin.presets import load, load_all
from novate.app.margin.show import show_change, show_compared, show_requirement
from tests.unit.app.margin.files import write


def console() -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, width=160), text


def test_a_requirement_is_shown_with_its_parts_and_scenarios(tmp_path: Path) -> None:
    found = requirement(load("derive_pmrm2_btc"), *read_book(*write(tmp_path)))
    (short, told), (long, explained) = console(), console()

    show_requirement(short, found, explain=False)
    show_requirement(long, found, explain=True)

    assert "liquidated above" in told.getvalue()
    assert "worst scenario" not in told.getvalue()
    for text in ("worst scenario", "sum", "-33.0%, volatility up", "parameters"):
        assert text in explained.getvalue()


def test_an_unconfirmed_model_says_so(tmp_path: Path) -> None:
    found = requirement(load("derive_pmrm_unconfirmed"), *read_book(*write(tmp_path)))
    at, text = console()

    show_requirement(at, found, explain=False)

    assert "no published number confirms this model" in text.getvalue()


def test_models_stand_side_by_side_with_the_reasons_of_those_that_refuse(tmp_path: Path) -> None:
    rows = compared(load_all(), *read_book(*write(tmp_path)))
    at, text = console()

    show_compared(at, rows)

    assert "derive_pmrm2_eth: BTC: not an underlying" in text.getvalue()
    assert all(row["model"] in text.getvalue() for row in rows)


def test_figures_before_and_after_trades_are_shown(tmp_path: Path) -> None:
    book = read_book(*write(tmp_path))
    found = after_trades(load("paradex_2024"), *book, ["BTC-PERP=-2"])
    at, text = console()

    show_change(at, found)

    assert text.getvalue().splitlines()[1].split() == ["before", "after", "change"]
