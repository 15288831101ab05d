"""Commands that open accounts and positions."""

from __future__ import annotations

import numpy as np

from novate.app.replay.opening import account_row, deposit_row, trade_run
from novate.kernel.codes import MarginMode, Role, ShortfallPolicy
from novate.message.declare import rows_of


def test_an_account_is_opened_under_its_parent() -> None:
    [plain] = rows_of(account_row("m", Role.MEMBER))
    [client] = rows_of(
        account_row(
            "c", Role.CLIENT, 4, mode=MarginMode.ISOLATED,
            shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT,
        )
    )  # fmt: skip

    assert (plain["reference"], plain["role"], plain["parent"]) == ("m", Role.MEMBER, -1)
    assert (plain["mode"], plain["shortfall_policy"]) == (
        MarginMode.CROSS, ShortfallPolicy.AUTO_LIQUIDATE,
    )  # fmt: skip
    assert (client["parent"], client["mode"]) == (4, MarginMode.ISOLATED)
    assert client["shortfall_policy"] == ShortfallPolicy.CALL_THEN_DEFAULT


def test_a_deposit_is_of_the_numeraire() -> None:
    assert rows_of(deposit_row(3, 70)) == [{"account": 3, "asset": 0, "amount": 70}]


def test_trades_have_no_reservations_and_a_taker_on_both_sides_unless_told() -> None:
    one = [np.array([value]) for value in (8, 9, 0, 50, 7)]
    buyer, seller, *terms = one

    [plain] = rows_of(trade_run((buyer, seller), *terms))
    [made] = rows_of(trade_run((buyer, seller), *terms, np.array([True])))

    assert (plain["buyer"], plain["seller"], plain["ticks"], plain["lots"]) == (8, 9, 50, 7)
    assert (plain["buyer_reservation"], plain["seller_reservation"]) == (0, 0)
    assert (plain["buyer_is_maker"], made["buyer_is_maker"]) == (False, True)
