from __future__ import annotations

from enum import IntEnum

import pytest

from novate.kernel.clearing import trade
from novate.message import command, refusal

ENUMS = [*refusal.REFUSALS.values(), refusal.EngineCommandRefusal]


@pytest.mark.parametrize("codes", ENUMS, ids=lambda codes: codes.__name__)
def test_codes_count_from_one_in_the_order_of_the_tests(codes: type[IntEnum]) -> None:
    assert [int(code) for code in codes] == list(range(1, len(codes) + 1))


def test_refusals_are_listed_under_the_command_they_answer() -> None:
    for name, codes in refusal.REFUSALS.items():
        assert name in command.BY_NAME
        assert codes.__name__ == f"{name}Refusal"


def test_a_journaled_code_stands_for_a_member() -> None:
    of = refusal.refusal_of

    assert of("SubmitTrade", 1) is refusal.SubmitTradeRefusal.UNKNOWN_BUYER
    assert of("SettleCycle", 3) is refusal.EngineCommandRefusal.NOT_DUE
    assert of("SubmitTrade", 1000) is refusal.LinkedRefusal.LINKED


def test_the_codes_of_a_trade_are_those_of_its_kernel() -> None:
    for code in refusal.SubmitTradeRefusal:
        assert getattr(trade, code.name) == code
