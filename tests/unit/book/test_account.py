from __future__ import annotations

from typing import Any

import pytest

from novate.book.account import (
    apply_account_opened,
    apply_sub_account_opened,
    decide_open_account,
    decide_open_sub_account,
    put_into_group,
)
from novate.book.state import BookState
from novate.kernel.clearing.group import GROUP_MAX
from novate.kernel.codes import AccountStatus, Role
from novate.message.refusal import OpenAccountRefusal, OpenSubAccountRefusal
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


SUB: dict[str, Any] = {"reference": "new", "account": 4, "mode": 1, "group": -1, "netting_set": -1}


def grouped() -> BookState:
    """`opened`, clients A (4) and B (5), A's sub-account (6) in its group and set, another (7)."""
    state = opened()
    for reference in ("A", "B"):
        apply_account_opened(
            state, {"account": state.accounts.count, **ROW, "reference": reference}
        )
    for number, (group, netting_set) in enumerate(((4, 4), (7, 7)), start=6):
        row = {"group": group, "netting_set": netting_set, "mode": 1, "holder": 4}
        apply_sub_account_opened(state, {"account": number, "reference": f"A{number}", **row})
    return state


def sub_refusal(state: BookState, **change: Any) -> OpenSubAccountRefusal | None:
    emitted = Recorder()
    refusal = decide_open_sub_account(state, {**SUB, **change}, emitted)
    assert (refusal is None) == (emitted.names == ["SubAccountOpened"])
    return refusal and OpenSubAccountRefusal(refusal.code)


@pytest.mark.rule("4.25", "6.31", "6.32")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"reference": "A", "account": 9}, OpenSubAccountRefusal.REFERENCE_TAKEN),
        ({"reference": ""}, OpenSubAccountRefusal.REFERENCE_TAKEN),
        ({"account": 9, "mode": 0}, OpenSubAccountRefusal.UNKNOWN_ACCOUNT),
        ({"account": 0}, OpenSubAccountRefusal.UNKNOWN_ACCOUNT),
        ({"mode": 3, "group": 9}, OpenSubAccountRefusal.UNKNOWN_MODE),
        ({"group": 9}, OpenSubAccountRefusal.UNKNOWN_GROUP),
        ({"group": 6}, OpenSubAccountRefusal.UNKNOWN_GROUP),
        ({"group": -2}, OpenSubAccountRefusal.UNKNOWN_GROUP),
        ({"group": 5}, OpenSubAccountRefusal.OTHER_POOL),
        ({"group": 4, "mode": 2}, OpenSubAccountRefusal.ISOLATED_IN_GROUP),
        ({"netting_set": 4}, OpenSubAccountRefusal.UNKNOWN_NETTING_SET),
        ({"netting_set": -2}, OpenSubAccountRefusal.UNKNOWN_NETTING_SET),
        ({"group": 4, "netting_set": 7}, OpenSubAccountRefusal.UNKNOWN_NETTING_SET),
        ({"group": 4, "netting_set": 6}, OpenSubAccountRefusal.UNKNOWN_NETTING_SET),
        ({"group": 4, "netting_set": 4}, None),
        ({"group": 7, "netting_set": -1}, None),
        ({"account": 6, "mode": 2}, None),
    ],
)
def test_a_sub_account_is_opened_where_it_may_stand(
    change: dict[str, Any], code: OpenSubAccountRefusal | None
) -> None:
    assert sub_refusal(grouped(), **change) == code


@pytest.mark.rule("6.32")
def test_a_group_that_is_called_or_full_takes_no_more_accounts() -> None:
    state = grouped()
    state.accounts.status[4] = AccountStatus.CALLED
    assert sub_refusal(state, group=4) == OpenSubAccountRefusal.GROUP_NOT_OPEN
    state.accounts.status[4] = AccountStatus.OPEN
    for number in range(8, 8 + GROUP_MAX - 2):
        row = {"group": 4, "netting_set": number, "mode": 1, "holder": 4}
        apply_sub_account_opened(state, {"account": number, "reference": str(number), **row})

    assert len(state.group_accounts(4)) == GROUP_MAX
    assert sub_refusal(state, group=4) == OpenSubAccountRefusal.GROUP_FULL


@pytest.mark.rule("6.30", "6.31")
def test_accounts_know_their_group_and_the_rings_are_made_again() -> None:
    accounts = grouped().accounts

    assert accounts.used("margin_group").tolist() == [0, 1, 2, 3, 4, 5, 4, 7]
    assert accounts.used("pool").tolist() == [0, 1, 2, 3, 4, 5, 4, 4]
    assert accounts.used("payer").tolist() == [-1, 0, -1, -1, 0, 0, 0, 0]
    assert (accounts.ring_of(6), accounts.ring_of(7), accounts.grouped) == ((4, 6), (7,), 2)
    accounts.group_link[:] = 99
    accounts.link_groups()
    assert (accounts.ring_of(6), accounts.ring_of(7), accounts.grouped) == ((4, 6), (7,), 2)


@pytest.mark.rule("6.33")
def test_an_account_that_leaves_and_joins_keeps_the_rings_ascending() -> None:
    state = grouped()
    put_into_group(state, 6, 7, 7)
    assert (state.accounts.ring_of(4), state.accounts.ring_of(7)) == ((4,), (6, 7))
    put_into_group(state, 4, 7, 4)
    assert state.accounts.ring_of(6) == (4, 6, 7)
    assert state.accounts.group_link[[4, 6, 7]].tolist() == [6, 7, 4]
    put_into_group(state, 6, 6, 6)
    put_into_group(state, 4, 4, 4)
    assert state.accounts.grouped == 0
    assert state.accounts.used("group_link").tolist() == [-1] * 8
