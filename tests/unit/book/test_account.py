from __future__ import annotations

from typing import Any

import pytest

from novate.book.account import apply_account_opened, decide_open_account
from novate.book.state import BookState
from novate.kernel.codes import AccountStatus, Role
from novate.message.refusal import OpenAccountRefusal
from tests.unit.clearing import OWN_ROLES, Recorder

ROW: dict[str, Any] = {
    "reference": "new",
    "role": int(Role.CLIENT),
    "parent": 0,
    "segregation": 0,
    "mode": 1,
    "shortfall_policy": 1,
}


def opened() -> BookState:
    """A member (0) with a default fund (1), a second member (2), an insurance fund (3)."""
    state = BookState()
    for reference, role, parent in (
        ("M", Role.MEMBER, -1),
        ("M-fund", Role.DEFAULT_FUND, 0),
        ("N", Role.MEMBER, -1),
        ("insurance", Role.INSURANCE_FUND, -1),
    ):
        row = {**ROW, "reference": reference, "role": int(role), "parent": parent}
        apply_account_opened(state, {"account": state.accounts.count, **row})
    return state


def refusal_of(**change: Any) -> OpenAccountRefusal | None:
    emitted = Recorder()
    refusal = decide_open_account(opened(), {**ROW, **change}, emitted)
    assert (refusal is None) == (emitted.names == ["AccountOpened"])
    return refusal and OpenAccountRefusal(refusal.code)


@pytest.mark.rule("1.6", "6.1")
def test_an_account_gets_the_next_number_and_is_found_by_its_reference() -> None:
    accounts = opened().accounts

    assert accounts.references == ["M", "M-fund", "N", "insurance"]
    assert accounts.number["insurance"] == 3
    assert accounts.used("parent").tolist() == [-1, 0, -1, -1]
    assert accounts.used("status").tolist() == [AccountStatus.OPEN] * 4
    assert accounts.used("head").tolist() == [-1] * 4


@pytest.mark.rule("4.25", "6.1", "6.2", "6.3")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"reference": "M", "role": 0}, OpenAccountRefusal.REFERENCE_TAKEN),
        ({"reference": "", "role": 0}, OpenAccountRefusal.REFERENCE_TAKEN),
        ({"role": 0, "parent": 9}, OpenAccountRefusal.UNKNOWN_ROLE),
        ({"role": 13}, OpenAccountRefusal.UNKNOWN_ROLE),
        ({"role": 5, "parent": 9}, OpenAccountRefusal.ROLE_TAKEN),
        ({"role": 4, "parent": 0, "mode": 0}, OpenAccountRefusal.ROLE_TAKEN),
        ({"parent": 9, "mode": 0}, OpenAccountRefusal.UNKNOWN_MEMBER),
        ({"parent": -1}, OpenAccountRefusal.UNKNOWN_MEMBER),
        ({"parent": 1}, OpenAccountRefusal.UNKNOWN_MEMBER),
        ({"role": 1, "parent": 0}, OpenAccountRefusal.UNKNOWN_MEMBER),
        ({"role": 6, "parent": 0}, OpenAccountRefusal.UNKNOWN_MEMBER),
        ({"mode": 0, "shortfall_policy": 0}, OpenAccountRefusal.UNKNOWN_MODE),
        ({"mode": 3}, OpenAccountRefusal.UNKNOWN_MODE),
        ({"shortfall_policy": 0, "segregation": 5}, OpenAccountRefusal.UNKNOWN_SHORTFALL_POLICY),
        ({"shortfall_policy": 3}, OpenAccountRefusal.UNKNOWN_SHORTFALL_POLICY),
        ({"segregation": 5}, OpenAccountRefusal.UNKNOWN_SEGREGATION),
        ({"segregation": -1}, OpenAccountRefusal.UNKNOWN_SEGREGATION),
        ({"role": 4, "parent": 2}, None),
        ({"role": 1, "parent": -1}, None),
        ({"role": 2, "parent": 2, "mode": 2, "shortfall_policy": 2, "segregation": 4}, None),
    ],
)
def test_an_account_is_refused_in_the_order_of_the_codes(
    change: dict[str, Any], code: OpenAccountRefusal | None
) -> None:
    assert refusal_of(**change) == code


@pytest.mark.rule("6.2")
@pytest.mark.parametrize("role", OWN_ROLES, ids=lambda role: role.name)
def test_the_clearing_house_has_one_account_of_each_of_its_roles(role: Role) -> None:
    state = opened()
    row = {**ROW, "reference": "first", "role": int(role), "parent": -1}
    if role != Role.INSURANCE_FUND:
        assert decide_open_account(state, row, Recorder()) is None
        apply_account_opened(state, {"account": state.accounts.count, **row})

    refusal = decide_open_account(state, {**row, "reference": "second"}, Recorder())

    assert refusal is not None
    assert refusal.code == OpenAccountRefusal.ROLE_TAKEN
