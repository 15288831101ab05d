"""The public names of book risk."""

from __future__ import annotations

import doctest

import pytest

from novate.valuation import risk


@pytest.mark.parametrize("name", risk.__all__)
def test_every_public_name_exists_and_is_documented(name: str) -> None:
    assert getattr(risk, name).__doc__


def test_the_example_is_true() -> None:
    assert doctest.testmod(risk).failed == 0
