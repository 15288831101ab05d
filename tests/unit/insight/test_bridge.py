"""The way of an account to its failure adds up, and agrees with numbers made by hand."""

from __future__ import annotations

from decimal import Decimal

from tests.unit.insight.test_story import told


def test_the_items_of_each_stage_add_up_to_its_ends() -> None:
    _, _, _, found = told()

    stages = found["failure"]["stages"]
    assert [(stage["from"], stage["to"]) for stage in stages] == [
        ("start", "failure"), ("failure", "takeover"),
    ]  # fmt: skip
    for stage in stages:
        items = {row["item"]: Decimal(row["amount"]) for row in stage["items"]}
        assert Decimal(stage["opening"]) + sum(items.values()) == Decimal(stage["closing"])
        # What the causes do not explain is the rounding of worths alone.
        assert abs(items.get("Rounding", Decimal(0))) <= Decimal("0.001")
        assert "Other" not in items
    assert stages[0]["closing"] == stages[1]["opening"] == found["failure"]["net"]


def test_the_comparison_that_failed_the_account_is_the_journals() -> None:
    _, _, _, found = told()
    failure = found["failure"]

    assert Decimal(failure["equity"]) < Decimal(failure["requirement"])
    assert Decimal(failure["net"]) + Decimal(failure["haircuts"]) == Decimal(failure["equity"])
    assert [position["instrument"] for position in failure["positions"]] == ["BTCUSDT"]


def test_profit_of_a_contract_is_size_times_price_move() -> None:
    """The long of 2 BTC was opened at 50,000: what it lost to the mark is by hand."""
    _, _, _, found = told()
    failure = found["failure"]
    items = {row["item"]: Decimal(row["amount"]) for row in failure["stages"][0]["items"]}
    mark = Decimal(failure["positions"][0]["mark"].replace(",", ""))

    assert failure["positions"][0]["size"] == "+2"
    assert items["Profit of BTCUSDT"] == 2 * (mark - 50_000)
