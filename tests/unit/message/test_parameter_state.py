from __future__ import annotations

import numpy as np
import pytest

from novate.message.parameter import SETTINGS, Parameter, Scope
from novate.message.parameter_state import (
    Key,
    ParameterState,
    apply_parameter_scheduled,
    apply_parameter_set,
    key_of,
)

SLICE = int(Parameter.SLICE_PPM)


def given(value: int, scope: Scope = Scope.HOUSE, subject: int = 0, at_ns: int = 0) -> dict:
    return {
        "parameter": SLICE,
        "value": value,
        "scope": int(scope),
        "subject": subject,
        "effective_ns": at_ns,
    }


@pytest.mark.rule("6.13")
def test_a_parameter_that_was_set_is_in_force_and_the_others_keep_theirs() -> None:
    x = ParameterState()

    apply_parameter_set(x, given(7))

    assert x.parameter(Parameter.SLICE_PPM) == 7
    for other in set(Parameter) - {Parameter.SLICE_PPM}:
        assert x.parameter(other) == SETTINGS[other].default


@pytest.mark.rule("6.15")
def test_of_the_values_that_fit_the_narrowest_counts() -> None:
    x = ParameterState()
    for value, scope, subject in (
        (1, Scope.HOUSE, 0),
        (2, Scope.INSTRUMENT, 5),
        (3, Scope.GROUP, 8),
        (4, Scope.ACCOUNT, 9),
    ):
        apply_parameter_set(x, given(value, scope, subject))

    assert x.parameter(Parameter.SLICE_PPM) == 1
    assert x.parameter(Parameter.SLICE_PPM, instrument=5) == 2
    assert x.parameter(Parameter.SLICE_PPM, instrument=4, account=7) == 1
    assert x.parameter(Parameter.SLICE_PPM, instrument=5, account=7) == 2
    assert x.parameter(Parameter.SLICE_PPM, instrument=5, account=8) == 3
    assert x.parameter(Parameter.SLICE_PPM, instrument=5, account=9) == 4
    assert x.parameter_of(Parameter.SLICE_PPM, np.array([9, 7, 8, 9])).tolist() == [4, 1, 3, 4]
    assert x.parameter_of(Parameter.TAKEOVER_PPM, np.array([9])).tolist() == [333_333]


def test_a_value_that_is_set_again_takes_the_place_of_the_first() -> None:
    x = ParameterState()
    for value in (3, 4):
        apply_parameter_set(x, given(value, Scope.ACCOUNT, 9))

    assert x.overrides.used("value").tolist() == [4]


@pytest.mark.rule("6.14")
def test_a_value_waits_and_no_longer_waits_when_it_holds() -> None:
    x = ParameterState()
    apply_parameter_scheduled(x, given(3, Scope.ACCOUNT, 9, at_ns=50))
    apply_parameter_scheduled(x, given(5, Scope.ACCOUNT, 9, at_ns=60))
    apply_parameter_scheduled(x, given(4, Scope.ACCOUNT, 9, at_ns=50))
    assert x.parameter_changes.used("value").tolist() == [4, 5]
    assert x.parameter(Parameter.SLICE_PPM, account=9) == 250_000

    apply_parameter_set(x, given(4, Scope.ACCOUNT, 9, at_ns=50))

    assert x.parameter_changes.used("effective_ns").tolist() == [60]
    assert x.parameter(Parameter.SLICE_PPM, account=9) == 4


@pytest.mark.rule("6.16")
def test_equal_values_have_one_version_and_others_another() -> None:
    x, y = ParameterState(), ParameterState()
    for value, scope, subject in ((2, Scope.INSTRUMENT, 5), (4, Scope.ACCOUNT, 9)):
        apply_parameter_set(x, given(value, scope, subject))
    promised = y.parameter_set({key_of(given(4, Scope.ACCOUNT, 9)): 4})
    for value, scope, subject in (
        (4, Scope.ACCOUNT, 9),
        (8, Scope.INSTRUMENT, 5),
        (2, Scope.INSTRUMENT, 5),
    ):
        apply_parameter_set(y, given(value, scope, subject))
        versions = {ParameterState().parameter_set(), promised, x.parameter_set()}
        assert len(versions) == 3
        assert (y.parameter_set() == promised) == (y.overrides.count == 1)

    assert x.parameter_set() == y.parameter_set()
    assert len(x.parameter_set()) == 64
    key = Key(SLICE, Scope.HOUSE, 0)
    assert x.parameter_set({key: 1}) != x.parameter_set({key: 2})
