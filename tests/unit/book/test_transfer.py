from __future__ import annotations

import pytest

from novate.book.transfer import parties_refusal
from novate.kernel.codes import AccountStatus, MemberStatus
from novate.message.declare import Refusal
from novate.message.refusal import TransferCollateralRefusal, TransferPositionRefusal
from tests.unit.transfers import holder_house, open_sub, set_status

BOTH = (TransferCollateralRefusal, TransferPositionRefusal)


def test_both_transfers_have_the_same_first_reasons() -> None:
    first, second = ([(code.name, code.value) for code in list(no)[:6]] for no in BOTH)
    assert first == second


@pytest.mark.rule("4.25", "6.53")
@pytest.mark.parametrize("no", BOTH)
def test_the_accounts_are_tested_in_the_order_of_the_codes(
    no: type[TransferCollateralRefusal] | type[TransferPositionRefusal],
) -> None:
    house = holder_house()
    open_sub(house, "B2", "B")
    a, a2, b, m = (house.number(name) for name in ("A", "A2", "B", "M"))
    status = house.state.accounts.status

    def refusal(sender: int, receiver: int) -> Refusal | None:
        return parties_refusal(house.state, {"sender": sender, "receiver": receiver}, no)

    assert refusal(999, 999) == (no.UNKNOWN_SENDER, 999, house.state.accounts.count - 1)
    assert refusal(m, m) == (no.UNKNOWN_SENDER, m, house.state.accounts.count - 1)
    assert refusal(a, house.number("CUSTODY"))[0] == no.UNKNOWN_RECEIVER  # type: ignore[index]
    status[a], status[a2] = AccountStatus.CALLED, AccountStatus.LIQUIDATING
    set_status(house, MemberStatus.SUSPENDED)
    assert refusal(a, a) == (no.SAME_ACCOUNT, a, -1)
    assert refusal(a, b) == (no.OTHER_POOL, b, a)
    assert refusal(a, a2) == (no.ACCOUNT_NOT_OPEN, AccountStatus.CALLED, AccountStatus.OPEN)
    status[a] = AccountStatus.OPEN
    assert refusal(a, a2) == (no.ACCOUNT_NOT_OPEN, AccountStatus.LIQUIDATING, AccountStatus.OPEN)
    status[a2] = AccountStatus.OPEN
    assert refusal(a, a2) == (
        no.MEMBER_NOT_ACTIVE, MemberStatus.SUSPENDED, MemberStatus.ACTIVE,
    )  # fmt: skip
    set_status(house, MemberStatus.ACTIVE)
    assert refusal(a, a2) is None
    assert refusal(a2, a) is None
