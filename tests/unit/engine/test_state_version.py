from __future__ import annotations

import numpy as np
import pytest

from novate.engine import state_version
from novate.engine.earlier_state import Named
from novate.engine.state_version import STATE_VERSION, STEPS, StateStep, upcast_state
from novate.errors import JournalError


def shown(named: Named) -> dict[str, list[int]]:
    return {name: array.tolist() for name, array in named.items()}


def add_up(named: Named) -> Named:
    """One column for two."""
    named = dict(named)
    named["pair.sum"] = named.pop("pair.left") + named.pop("pair.right")
    return named


@pytest.fixture
def three_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """State version 4: a new column, a rename, a function."""
    monkeypatch.setattr(state_version, "STATE_VERSION", 4)
    steps = {
        3: StateStep(renamed={"pair.a": "pair.left"}),
        4: StateStep(renamed={"pair.b": "pair.right"}, upcast=add_up),
    }
    monkeypatch.setattr(state_version, "STEPS", steps)


def test_versions_follow_one_another(three_steps: None) -> None:
    first = {"pair.a": np.array([1, 2]), "pair.b": np.array([3, 4])}
    third = {"pair.left": np.array([1, 2]), "pair.b": np.array([3, 4])}

    for version, named in ((1, first), (2, first), (3, third)):
        assert shown(upcast_state(named, version)) == {"pair.sum": [4, 6]}
    assert set(first) == {"pair.a", "pair.b"}


def test_columns_of_the_present_version_stay_as_they_are(three_steps: None) -> None:
    named = {"pair.a": np.array([1])}

    assert upcast_state(named, 4) is named


@pytest.mark.parametrize("version", [0, 5])
def test_a_later_version_is_for_a_later_release(three_steps: None, version: int) -> None:
    with pytest.raises(JournalError, match=f"state version {version}, this release reads 1 to 4"):
        upcast_state({}, version)


def test_no_step_leads_to_a_version_that_is_not_there() -> None:
    assert set(STEPS) <= set(range(2, STATE_VERSION + 1))
