"""Skin in the game: the clearing house's own capital at stake (EMIR 45(4))."""

from __future__ import annotations

from novate.default_management.loss.policy import Bearer, LayerTerms, Place, Prefunded
from novate.kernel.codes import Layer, Role


class SkinInTheGame(Prefunded):
    """The clearing house's own capital."""

    role = Role.SKIN_IN_THE_GAME
    terms = LayerTerms(
        Layer.SKIN_IN_THE_GAME, "skin_in_the_game", "skin-in-the-game",
        Place.PREFUNDED, Bearer.CLEARING_HOUSE,
        "Skin in the game", "Skin in the game",
    )  # fmt: skip
