"""The plug-ins that an engine decides with: every catalogue that its state asks.

Journals hold the number of a plug-in: its place in its catalogue or, of margin models, add-ons,
loss policies and liquidation methods, its own.  Who recovers or audits a journal passes the
plug-ins that it was written with.
"""

from __future__ import annotations

from dataclasses import dataclass

from novate.collateral import haircut
from novate.collateral.haircut import HaircutRule
from novate.default_management import liquidation_method, loss
from novate.default_management.liquidation_method import LiquidationMethod
from novate.default_management.loss import LossPolicy
from novate.margin import add_on
from novate.margin import catalogue as margin_model
from novate.market import price_source
from novate.market.price_source import IndexMethod
from novate.valuation.add_on import AddOn
from novate.valuation.margin_model import MarginModel


@dataclass(frozen=True, slots=True)
class Plugins:
    """Catalogues in force; without more those of this release."""

    haircut_rules: tuple[HaircutRule, ...] = haircut.CATALOGUE
    index_methods: tuple[IndexMethod, ...] = price_source.CATALOGUE
    margin_models: tuple[MarginModel, ...] = margin_model.CATALOGUE
    add_ons: tuple[AddOn, ...] = add_on.CATALOGUE
    loss_policies: tuple[LossPolicy, ...] = loss.CATALOGUE
    liquidation_methods: tuple[LiquidationMethod, ...] = liquidation_method.CATALOGUE


PLUGINS = Plugins()
"""Those of this release."""
