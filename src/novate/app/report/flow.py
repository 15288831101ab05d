"""Who lost and who paid: the layers of the waterfall and the flow of losses through them.

Order of loss absorption::

    defaulter's collateral -> default-fund contribution of its member -> insurance fund
        -> skin in the game -> default fund of others
        -> last layer (gains haircut or auto-deleveraging) -> uncovered

All that the layers after the first bear is the shortfall.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from novate.app.report.load import Run, Summary
from novate.app.report.wording import count, words
from novate.default_management.loss import LAYERS as DECLARED
from novate.default_management.loss.policy import Place
from novate.kernel.codes import Layer as Code

SOURCES_MAX = 10
PAYERS_MAX = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer of the waterfall.

    Parameters
    ----------
    key
        Identifier.
    label, short
        As a reader says it, and in few letters where there is no room (empty: the same).
    tone
        Colour class of the page.
    is_collateral
        Whether the layer is the defaulters' collateral, which stands before any shortfall.
    is_named
        Whether the report names the layer even when it paid nothing.
    """

    key: str
    label: str
    tone: str
    short: str = ""
    is_collateral: bool = False
    is_named: bool = True


TONES: dict[int, str] = {
    Code.OWN_CONTRIBUTION: "member",
    Code.INSURANCE_FUND: "fund",
    Code.SKIN_IN_THE_GAME: "skin",
    Code.DEFAULT_FUND: "mutual",
    Code.UNCOVERED: "bad",
}
"""Colour of each layer; the others have that of the last one."""

COLLATERAL = Layer(
    key="defaulter_collateral",
    label="Defaulters\u2019 collateral",
    short="Own collateral",
    tone="own",
    is_collateral=True,
)
LAYERS: tuple[Layer, ...] = (
    COLLATERAL,
    *(
        Layer(
            key=terms.key,
            label=terms.label,
            short=terms.short,
            tone=TONES.get(terms.number, "last"),
            is_named=terms.place is not Place.LAST and terms.number != Code.NET_WORTH,
        )
        for terms in DECLARED
    ),
)
LAST = tuple(terms.key for terms in DECLARED if terms.place is Place.LAST)
SHORT = {layer.label: layer.short or layer.label for layer in LAYERS}
LAYER_PLACES = {layer.label: float(place) for place, layer in enumerate(LAYERS)}
REST = re.compile(r"[\d,]+ other (defaulters|payers)")
BY_NAME = {layer.key: layer for layer in LAYERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """What one layer paid, in numeraire units."""

    layer: Layer
    amount: Decimal


def layer_of(name: str) -> Layer:
    """Return the layer of a name in any spelling; an unknown name becomes a layer of its own."""
    key = re.sub(r"[^a-z0-9]+", "_", name.casefold().replace("\u2019", "").replace("'", ""))
    known = BY_NAME.get(key.strip("_"))
    return known or Layer(key=name, label=words(name), tone="last", is_named=False)


def who_paid(summary: Summary) -> list[Paid]:
    """Return each layer with what it paid, in order of loss absorption.

    Named layers appear even with zero, so that a reader sees what was not touched; when no form of
    the last layer is listed, one row stands for it.
    """
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    strangers: list[Layer] = []
    listed: set[str] = set()
    for payer in summary.payers:
        layer = layer_of(payer.layer)
        amounts[layer.key] += payer.amount
        if layer not in LAYERS and layer.key not in listed:
            strangers.append(layer)
        listed.add(layer.key)
    rows: list[Paid] = []
    for layer in LAYERS:
        if layer.key == "uncovered":
            rows += [Paid(layer=other, amount=amounts[other.key]) for other in strangers]
        if layer.is_named or layer.key in listed:
            rows.append(Paid(layer=layer, amount=amounts[layer.key]))
        elif layer.key == LAST[0] and not listed.intersection(LAST):
            label = "Last layer: gains haircut or auto-deleveraging"
            last = Layer(key="last_layer", label=label, tone="last")
            rows.append(Paid(layer=last, amount=Decimal(0)))
    return rows


def beyond_collateral(paid: list[Paid]) -> Decimal:
    """Return what the layers after the defaulters' collateral bore, in numeraire units."""
    return sum((row.amount for row in paid if not row.layer.is_collateral), Decimal(0))


def loss_flow(run: Run) -> dict[str, Any] | None:
    """Return the losses as a graph: defaulters, the layers that paid, and those behind a layer.

    Returns
    -------
    `columns` (headings), `nodes` (label, short, column, tone, amount) and `links` (source and
    target as positions in `nodes`, amount), amounts in numeraire units; None when nothing was
    lost.  The largest defaulters and payers have a node of their own, the rest share one.
    """
    losses = run.table("losses")
    names = run.references()
    sources = [names.get(text, text) for text in losses.texts("defaulter")]
    payers = [names.get(text, text) for text in losses.texts("payer")]
    layers = [layer_of(text) for text in losses.texts("layer")]
    amounts = losses.floats("amount").tolist()
    rows = [row for row in zip(sources, layers, payers, amounts, strict=True) if row[3] > 0]
    if not rows:
        return None
    source_of = _grouped([(row[0], row[3]) for row in rows], SOURCES_MAX, "defaulters")
    graph = _Graph()
    for source, layer, _, amount in rows:
        start = graph.node(source_of[source], 0, "source")
        graph.link(start, graph.node(layer.label, 1, layer.tone), amount)
    behind = [row for row in rows if _has_payers_behind(row[1], row[2])]
    payer_of = _grouped([(row[2], row[3]) for row in behind], PAYERS_MAX, "payers")
    for _, layer, payer, amount in behind:
        start = graph.node(layer.label, 1, layer.tone)
        graph.link(start, graph.node(payer_of[payer], 2, layer.tone), amount)
    headings = ["Source of loss", "Layer that paid", "Payer behind the layer"]
    return graph.packed(headings if behind else headings[:2])


def _has_payers_behind(layer: Layer, payer: str) -> bool:
    is_shared = layer.tone in {"member", "mutual", "last"}
    return is_shared and payer != "" and layer_of(payer).key != layer.key


def _grouped(amounts: list[tuple[str, float]], limit: int, plural: str) -> dict[str, str]:
    totals: dict[str, float] = defaultdict(float)
    for name, amount in amounts:
        totals[name] += amount
    ranked = sorted(totals, key=lambda name: (-totals[name], name))
    if len(ranked) <= limit:
        return {name: name for name in ranked}
    rest = f"{count(len(ranked) - limit + 1)} other {plural}"
    return {name: name if place < limit - 1 else rest for place, name in enumerate(ranked)}


def _reading_order(node: tuple[str, int], amount: float) -> tuple[int, int, float, str]:
    """Layers stand in order of loss absorption, the others by size with the rest last."""
    label, column = node
    if column == 1:
        known = LAYER_PLACES.get(label, len(LAYERS) - 1.5)
        return column, 0, known, label
    return column, int(REST.fullmatch(label) is not None), -amount, label


class _Graph:
    """Nodes by (label, column) and the summed links between them."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[str, int], tuple[int, str]] = {}
        self._links: dict[tuple[int, int], float] = defaultdict(float)

    def node(self, label: str, column: int, tone: str) -> int:
        known = self._nodes.setdefault((label, column), (len(self._nodes), tone))
        return known[0]

    def link(self, source: int, target: int, amount: float) -> None:
        self._links[source, target] += amount

    def packed(self, columns: list[str]) -> dict[str, Any]:
        inward: dict[int, float] = defaultdict(float)
        outward: dict[int, float] = defaultdict(float)
        for (source, target), amount in self._links.items():
            outward[source] += amount
            inward[target] += amount
        places = [place for place, _ in self._nodes.values()]
        amounts = {place: max(inward[place], outward[place]) for place in places}
        ordered = sorted(
            self._nodes.items(), key=lambda item: _reading_order(item[0], amounts[item[1][0]])
        )
        moved = {place: position for position, (_, (place, _)) in enumerate(ordered)}
        nodes = [
            {
                "label": label,
                "short": SHORT.get(label, label),
                "column": column,
                "tone": tone,
                "amount": amounts[place],
            }
            for (label, column), (place, tone) in ordered
        ]
        links = [
            {"source": moved[source], "target": moved[target], "amount": amount}
            for (source, target), amount in self._links.items()
        ]
        return {"columns": columns, "nodes": nodes, "links": links}
