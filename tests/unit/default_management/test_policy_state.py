from __future__ import annotations

import numpy as np
import pytest

from novate.default_management.loss import CATALOGUE
from novate.default_management.loss.gains_haircut import GainsHaircut
from novate.default_management.policy_state import PolicyState
from novate.default_management.waterfall import PLACES
from novate.engine.recover import recover
from novate.errors import InvariantError, JournalError
from novate.message import command
from tests.tiny_model import PLUGINS
from tests.unit.clearing import ClearingHouse


def test_the_waterfall_in_force_is_that_of_the_catalogue() -> None:
    x = PolicyState()

    assert x.prefunded_layers() == list(CATALOGUE[:4])
    assert isinstance(x.last_layer(), GainsHaircut)


def test_a_waterfall_that_ends_with_a_prefunded_layer_is_a_fault() -> None:
    x = PolicyState()
    x.defaults.waterfall[-1] = 4

    with pytest.raises(InvariantError, match="a waterfall ends with a last layer"):
        x.last_layer()


def test_a_waterfall_of_unknown_layers_is_not_recovered() -> None:
    house = ClearingHouse(plugins=PLUGINS)
    house.submit(command.DECLARE_WATERFALL.row(**dict(zip(PLACES, (1, 2, 9, 4, 8), strict=True))))
    house.engine.snapshot()

    for from_snapshot in (True, False):
        with pytest.raises(JournalError, match="a waterfall has layer 9, the catalogue has no"):
            recover(house.engine.journal, from_snapshot=from_snapshot)
    found = recover(house.engine.journal, plugins=PLUGINS).state.defaults.waterfall
    assert np.array_equal(found, [1, 2, 9, 4, 8])
