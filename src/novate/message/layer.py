"""The layers of the waterfall, declared once.

Loss allocation, parameter files, observers, summaries and the report take their names, order and
payers from this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from novate.kernel.codes import Layer, Role


class Place(Enum):
    """Where a layer may stand in a declared waterfall."""

    PREFUNDED = "one of the first, in the declared order"
    LAST = "the last one"
    NOWHERE = "what is left when all have paid"


class Bearer(Enum):
    """Who pays in a layer."""

    OWN_MEMBERS = "members whose accounts failed"
    CLEARING_HOUSE = "the clearing house's own money"
    OTHERS = "members and holders who had nothing to do with a failure"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class LayerTerms:
    """What is declared about a layer.

    Attributes
    ----------
    layer
        Code in commands and events.
    key
        Name in summaries and tables.
    choice
        Name in parameter files, empty where it cannot be chosen.
    place, bearer
        Where it stands and who pays.
    role
        Role of the accounts whose balance pays; None for a last layer, which takes from winners.
    label, short
        Words for people, and few of them.
    """

    layer: Layer
    key: str
    choice: str
    place: Place
    bearer: Bearer
    role: Role | None
    label: str
    short: str


# fmt: off
LAYERS: tuple[LayerTerms, ...] = (
    LayerTerms(
        Layer.OWN_CONTRIBUTION, "own_members_default_fund", "own-contribution",
        Place.PREFUNDED, Bearer.OWN_MEMBERS, Role.DEFAULT_FUND,
        "Own members\u2019 default-fund contributions", "Own members",
    ),
    LayerTerms(
        Layer.INSURANCE_FUND, "insurance_fund", "insurance-fund",
        Place.PREFUNDED, Bearer.CLEARING_HOUSE, Role.INSURANCE_FUND,
        "Insurance fund", "Insurance fund",
    ),
    LayerTerms(
        Layer.SKIN_IN_THE_GAME, "skin_in_the_game", "skin-in-the-game",
        Place.PREFUNDED, Bearer.CLEARING_HOUSE, Role.SKIN_IN_THE_GAME,
        "Skin in the game", "Skin in the game",
    ),
    LayerTerms(
        Layer.DEFAULT_FUND, "default_fund", "default-fund",
        Place.PREFUNDED, Bearer.OTHERS, Role.DEFAULT_FUND,
        "Default fund of others", "Default fund",
    ),
    LayerTerms(
        Layer.GAINS_HAIRCUT, "variation_margin_gains_haircutting", "gains-haircut",
        Place.LAST, Bearer.OTHERS, None,
        "Last layer: gains haircut", "Gains haircut",
    ),
    LayerTerms(
        Layer.AUTO_DELEVERAGING, "auto_deleveraging", "adl",
        Place.LAST, Bearer.OTHERS, None,
        "Last layer: auto-deleveraging", "Deleveraging",
    ),
    LayerTerms(
        Layer.UNCOVERED, "uncovered", "",
        Place.NOWHERE, Bearer.NOBODY, None,
        "Uncovered", "Uncovered",
    ),
)
# fmt: on
"""Every layer in order of loss absorption, then what nobody bore."""

TERMS = {terms.layer: terms for terms in LAYERS}
BY_CHOICE = {terms.choice: terms.layer for terms in LAYERS if terms.choice}


def layers_at(place: Place) -> tuple[Layer, ...]:
    """Return the layers that may stand at a place, in order."""
    return tuple(terms.layer for terms in LAYERS if terms.place is place)


def layers_of(bearer: Bearer) -> tuple[Layer, ...]:
    """Return the layers in which somebody pays, in order."""
    return tuple(terms.layer for terms in LAYERS if terms.bearer is bearer)


PREFUNDED, LAST = layers_at(Place.PREFUNDED), layers_at(Place.LAST)
DECLARED_ORDER = (*PREFUNDED, LAST[0])
"""Order in force until another is declared."""

FUNDS = tuple(dict.fromkeys(terms.role for terms in LAYERS if terms.role is not None))
"""Roles of the accounts that pay in a layer."""
OWN_FUNDS = {
    terms.key: terms.role
    for terms in LAYERS
    if terms.bearer is Bearer.CLEARING_HOUSE and terms.role is not None
}
"""Those of the clearing house's own, by the key of their layer."""
BALANCES = {
    "fund": Role.INSURANCE_FUND,
    "skin": Role.SKIN_IN_THE_GAME,
    "default_fund": Role.DEFAULT_FUND,
}
"""What summaries call the balances of the funds."""
