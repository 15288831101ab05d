from __future__ import annotations

import pytest

import novate


def test_a_name_is_loaded_on_first_use_and_kept() -> None:
    vars(novate).pop("Engine", None)

    engine = novate.Engine

    assert vars(novate)["Engine"] is engine
    assert engine.__module__ == "novate.engine.engine"


def test_modules_of_messages_are_public_too() -> None:
    assert novate.command.__name__ == "novate.message.command"
    assert novate.event.__name__ == "novate.message.event"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Clearing'"):
        novate.Clearing  # noqa: B018  the access is the test


def test_the_listing_holds_the_public_names_only() -> None:
    assert dir(novate) == sorted(novate.__all__)
