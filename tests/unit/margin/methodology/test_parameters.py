from __future__ import annotations

import msgspec
import pytest

from novate.errors import InputError
from novate.margin.methodology.parameters import Grid, PerUnit, Scenario, Tail, scenarios_of


def test_a_grid_is_listed_from_the_top_and_a_tail_loses_its_cap() -> None:
    rows = scenarios_of(
        (Scenario(move=0.0, volatility="linear skew"),),
        Grid(reach=0.1, steps=1, volatility=("same",), edge=("up", "down")),
        Tail(moves=(-0.5, 2.0), cap=0.1),
    )

    assert [(one.move, one.volatility, one.weight) for one in rows] == [
        (0.1, "up", 1.0), (0.1, "down", 1.0), (0.0, "same", 1.0), (-0.1, "up", 1.0),
        (-0.1, "down", 1.0), (-0.5, "up", 0.2), (2.0, "up", 0.05), (0.0, "linear skew", 1.0),
    ]  # fmt: skip


def test_nothing_that_moves_is_no_grid() -> None:
    with pytest.raises(InputError, match="without scenarios"):
        scenarios_of((), None, None)


def test_unknown_keys_and_other_types_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert({"initial": 0.1, "maintenance": 0.1, "other": 1.0}, PerUnit)
    with pytest.raises(msgspec.ValidationError, match="Expected `float`"):
        msgspec.convert({"initial": "0.1", "maintenance": 0.1}, PerUnit)


@pytest.mark.parametrize(("reach", "steps"), [(0.1, 0), (-0.1, 2), (1.0, 2)])
def test_a_grid_has_steps_and_none_to_a_price_of_nothing(reach: float, steps: int) -> None:
    table = {"reach": reach, "steps": steps, "volatility": ["same"], "edge": ["up"]}

    with pytest.raises(msgspec.ValidationError, match="allowed: a reach between 0 and 1"):
        msgspec.convert(table, Grid)
