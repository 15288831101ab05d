"""The chain that a venue would see of the generated quotes."""

from __future__ import annotations

from novate.simulation.options.chain import quote_chain
from novate.simulation.options.quote import option_quotes
from tests.unit.simulation.option_scene import paths, scene


def test_the_chain_holds_every_live_option_that_settles_in_the_numeraire() -> None:
    shown = option_quotes(scene().book, paths(), 0, 1)
    chain = quote_chain(scene().book, paths(), shown, 1)

    assert len(chain) == 3 * 9 * 2
    assert chain.underlying == "ETH"
    assert chain.spot == paths()[1].spot_e8[0] / 1e8
