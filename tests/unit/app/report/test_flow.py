from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import msgspec
import pyarrow as pa
import pytest

from novate.app.report.flow import LAYERS, beyond_collateral, layer_of, loss_flow, who_paid
from novate.app.report.load import Payer, Run, Table
from novate.default_management import loss


def paying(run: Run, *payers: Payer) -> Run:
    return replace(run, summary=msgspec.structs.replace(run.summary, payers=list(payers)))


def losing(run: Run, rows: list[tuple[int, str, str, float]]) -> Run:
    names = ("defaulter", "layer", "payer", "amount")
    data = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    data |= {"loss": [0] * len(rows), "instant_ns": [0] * len(rows)}
    return replace(run, tables=run.tables | {"losses": Table(name="losses", data=pa.table(data))})


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("insurance_fund", "insurance_fund"),
        ("Insurance Fund", "insurance_fund"),
        ("defaulter collateral", "defaulter_collateral"),
        ("Auto-deleveraging", "auto_deleveraging"),
    ],
)
def test_a_layer_is_known_in_any_spelling(name: str, key: str) -> None:
    assert layer_of(name).key == key


def test_named_layers_appear_in_order_even_when_they_paid_nothing(quiet_run: Run) -> None:
    keys = [row.layer.key for row in who_paid(paying(quiet_run).summary)]

    assert keys == [
        "defaulter_collateral",
        "own_members_default_fund",
        "insurance_fund",
        "skin_in_the_game",
        "default_fund",
        "last_layer",
        "uncovered",
    ]


def test_an_unknown_layer_is_shown_before_what_nobody_paid(quiet_run: Run) -> None:
    run = paying(quiet_run, Payer(layer="parent_guarantee", amount=Decimal(3)))
    rows = who_paid(run.summary)

    assert [row.layer.label for row in rows[-2:]] == ["Parent guarantee", "Uncovered"]
    assert beyond_collateral(rows) == 3


def test_the_shortfall_is_what_was_paid_beyond_collateral(loss_run: Run) -> None:
    assert beyond_collateral(who_paid(loss_run.summary)) == loss_run.summary.result.shortfall


def test_no_loss_gives_no_flow(quiet_run: Run) -> None:
    assert loss_flow(quiet_run) is None


def test_what_flows_into_a_layer_is_what_was_lost(loss_run: Run) -> None:
    flow = loss_flow(loss_run)

    assert flow is not None
    into: dict[int, float] = {}
    for link in flow["links"]:
        into[link["target"]] = into.get(link["target"], 0.0) + link["amount"]
    total = sum(loss_run.table("losses").floats("amount").tolist())
    layers = [place for place, node in enumerate(flow["nodes"]) if node["column"] == 1]
    assert sum(into[place] for place in layers) == pytest.approx(total)


def test_few_defaulters_have_names_and_the_rest_share_one(quiet_run: Run) -> None:
    rows = [(100 + n, "insurance_fund", "insurance_fund", 50.0 - n) for n in range(30)]
    flow = loss_flow(losing(quiet_run, rows))

    assert flow is not None
    sources = [node["label"] for node in flow["nodes"] if node["column"] == 0]
    assert len(sources) == 10
    assert sources[-1] == "21 other defaulters"


def test_members_stand_behind_the_default_fund_only(quiet_run: Run) -> None:
    rows = [(101, "insurance_fund", "insurance_fund", 5.0), (101, "default_fund", "M01", 7.0)]
    flow = loss_flow(losing(quiet_run, rows))

    assert flow is not None
    assert [node["label"] for node in flow["nodes"] if node["column"] == 2] == ["M01"]
    assert [node["label"] for node in flow["nodes"] if node["column"] == 0] == ["A1001"]


def test_every_declared_layer_has_words_and_a_colour_of_its_own() -> None:
    assert [layer.key for layer in LAYERS[1:]] == [terms.key for terms in loss.LAYERS]
    assert all(layer.label and layer.tone for layer in LAYERS)
    labels = [layer.label for layer in LAYERS]
    assert len(labels) == len(set(labels))
