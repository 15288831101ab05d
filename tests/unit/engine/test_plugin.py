from __future__ import annotations

from novate.collateral import haircut
from novate.default_management import liquidation_method, loss
from novate.engine.plugin import PLUGINS, Plugins
from novate.margin import add_on
from novate.market import price_source


def test_without_more_the_plugins_are_those_of_this_release() -> None:
    assert Plugins() == PLUGINS
    assert PLUGINS.haircut_rules == haircut.CATALOGUE
    assert PLUGINS.index_methods == price_source.CATALOGUE
    assert PLUGINS.add_ons == add_on.CATALOGUE
    assert PLUGINS.loss_policies == loss.CATALOGUE
    assert PLUGINS.liquidation_methods == liquidation_method.CATALOGUE


def test_no_two_plugins_of_a_catalogue_have_one_name() -> None:
    for catalogue in (PLUGINS.haircut_rules, PLUGINS.index_methods, PLUGINS.add_ons):
        names = [plugin.name for plugin in catalogue]
        assert len(set(names)) == len(names)
