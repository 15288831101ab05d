from __future__ import annotations

from novate.collateral.haircut import CATALOGUE
from novate.collateral.state import CollateralState


def test_without_more_the_rules_are_those_of_this_release() -> None:
    assert CollateralState().haircut_rules == CATALOGUE
