"""The declared order of loss absorption, and losses on their way through it."""

from __future__ import annotations

from enum import IntEnum

from novate.message.declare import Field, declare
from novate.message.field import INSTRUMENT

_PREFUNDED = (
    "number of a prefunded layer: 1 own contribution, 2 insurance fund, 3 skin in the game,"
    " 4 default fund of others"
)

DECLARE_WATERFALL = declare(
    "DeclareWaterfall",
    "Declare the order of loss absorption after the defaulter's collateral.",
    Field("first", "int8", _PREFUNDED),
    Field("second", "int8", "layer"),
    Field("third", "int8", "layer"),
    Field("fourth", "int8", "layer"),
    Field("last", "int8", "number of a last layer: 5 gains haircut, 6 auto-deleveraging"),
)
ALLOCATE_LOSS = declare(
    "AllocateLoss", "Take a loss through the waterfall.", Field("loss", "uint32", "loss, from 1")
)
SHARE_UNCOVERED = declare(
    "ShareUncovered",
    "Try again who bears what no layer could.",
    Field("account", "uint32", "liquidator"),
)

WATERFALL_DECLARED = declare(
    "WaterfallDeclared",
    "The order of loss absorption changed.",
    Field("first", "int8", "layer"),
    Field("second", "int8", "layer"),
    Field("third", "int8", "layer"),
    Field("fourth", "int8", "layer"),
    Field("last", "int8", "layer"),
)
LOSS_ALLOCATED = declare(
    "LossAllocated",
    "A layer of the waterfall paid part of a loss to the liquidator.",
    Field("loss", "uint32", "loss; 0: what is uncovered of all of them"),
    Field(
        "layer", "int8", "number of a loss policy; 7, uncovered, moves no cash; 20, by net worth"
    ),
    Field("payer", "uint32", "account that paid"),
    Field("amount", "int64", "numeraire units"),
)
GAINS_CUT = declare(
    "GainsCut",
    "Winners of the gains window bore a loss, pro rata; `apply` expands it over them.",
    Field("loss", "uint32", "loss; 0: what is uncovered of all of them"),
    Field("amount", "int64", "numeraire units"),
    Field("gains", "int64", "sum of what the winners could bear, numeraire units"),
    Field("winners", "int64", "accounts that could bear something"),
    version=2,
    renamed={2: {}},
)
POSITION_DELEVERAGED = declare(
    "PositionDeleveraged",
    "A winner's position was closed against the liquidator away from the mark.",
    Field("loss", "uint32", "loss"),
    Field("account", "uint32", "winner"),
    INSTRUMENT,
    Field("lots", "int64", "signed lots the winner traded"),
    Field("ticks", "int64", "price"),
    Field("value", "int64", "signed value of the winner in settlement units"),
    Field("amount", "int64", "loss borne, numeraire units"),
)
LOSS_CLOSED = declare(
    "LossClosed", "A loss went through the waterfall.", Field("loss", "uint32", "loss")
)
UNCOVERED_SHARED = declare(
    "UncoveredShared",
    "What was uncovered was borne, or a part of it; the rest waits.",
    Field("amount", "int64", "borne now, numeraire units"),
    Field("left", "int64", "still uncovered, numeraire units"),
    Field("due_ns", "int64", "when that is shared by net worth, 0 without a rest"),
)


class DeclareWaterfallRefusal(IntEnum):
    """Why declaring the waterfall was refused."""

    UNKNOWN_LAYER = 1
    LAYER_TWICE = 2
    SHARED_BEFORE_FUND = 3
    UNKNOWN_LAST_LAYER = 4
