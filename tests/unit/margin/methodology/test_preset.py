from __future__ import annotations

from typing import Any

import pytest

from novate.errors import InputError
from novate.margin.methodology.catalogue import METHODS
from novate.margin.methodology.preset import preset_of

HEAD = {
    "name": "mine", "title": "Mine", "venue": "nobody", "as_of": "2026-01-01",
    "method": "scenario grid", "kind": "portfolio", "sources": ["a page"],
}  # fmt: skip
PARAMETERS = {
    "currency": "USD",
    "initial_factor": 1,
    "maintenance_factor": 0.8,
    "scenarios": [{"move": 0.1, "volatility": "same"}],
    "volatility": {
        "up": 0.5, "down": 0.25, "short_power": 0.3, "long_power": 0.13, "days_min": 1,
        "is_short_at_30_days": True,
    },
}  # fmt: skip


def read(head: dict[str, Any], parameters: dict[str, Any], **more: Any) -> Any:
    return preset_of({"preset": head, "parameters": parameters, **more}, METHODS, "mine.toml")


def test_a_preset_knows_its_version_and_what_confirms_it() -> None:
    found = read(HEAD, PARAMETERS)
    other = read(HEAD, {**PARAMETERS, "initial_factor": 1.1})
    confirmed = read({**HEAD, "confirmed": {"perpetuals": "an example"}}, PARAMETERS)

    assert found.digest == read(dict(reversed(HEAD.items())), PARAMETERS).digest
    assert found.digest != other.digest
    assert (found.is_confirmed, confirmed.is_confirmed) == (False, True)


@pytest.mark.parametrize(
    ("head", "parameters", "more", "told"),
    [
        ({**HEAD, "method": "guess"}, PARAMETERS, {}, "method 'guess'; allowed"),
        ({**HEAD, "colour": "red"}, PARAMETERS, {}, "unknown field `colour`"),
        ({}, PARAMETERS, {}, "missing required field"),
        (HEAD, {**PARAMETERS, "initial_factor": "one"}, {}, "Expected `float`, got `str`"),
        (HEAD, {}, {}, "missing required field"),
        (HEAD, PARAMETERS, {"notes": {}}, r"unknown table \['notes'\]"),
    ],
)
def test_what_is_no_preset_is_refused_with_its_place(
    head: dict[str, Any], parameters: dict[str, Any], more: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=f"mine.toml: .*{told}"):
        read(head, parameters, **more)
