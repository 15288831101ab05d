from __future__ import annotations

import numpy as np
import pytest

from novate.default_management.liquidation_method.slices import Slices
from novate.message.parameter import Parameter, Scope, set_parameter
from tests.unit.clearing import COIN
from tests.unit.default_management.liquidation_method.test_method import house_in_two_contracts


@pytest.mark.rule("11.5", "11.6")
def test_a_slice_is_a_share_of_a_position_and_all_of_a_small_one() -> None:
    house = house_in_two_contracts()
    for parameter, value in ((Parameter.SLICE_PPM, 250_001), (Parameter.SLICE_FLOOR, 2_000 * COIN)):
        house.submit(set_parameter(parameter, value))
    a = house.number("A")

    assert Slices().orders(house.state, np.array([a])).tolist() == [[a, 0, -26], [a, 1, 40]]

    account = {"scope": Scope.ACCOUNT, "subject": a}
    house.submit(set_parameter(Parameter.SLICE_FLOOR, 1_999 * COIN, **account))
    assert Slices().orders(house.state, np.array([a])).tolist() == [[a, 0, -26], [a, 1, 11]]
