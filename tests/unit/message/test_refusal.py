from __future__ import annotations

from enum import IntEnum

import pytest

from novate.kernel.clearing import trade_code
from novate.message import refusal

COUNTED = [codes for codes in refusal.REFUSALS if codes is not refusal.LinkedRefusal]


@pytest.mark.parametrize("codes", COUNTED, ids=lambda codes: codes.__name__)
def test_codes_count_from_one_in_the_order_of_the_tests(codes: type[IntEnum]) -> None:
    assert [int(code) for code in codes] == list(range(1, len(codes) + 1))


def test_the_codes_of_a_trade_are_those_of_its_kernel() -> None:
    for code in refusal.SubmitTradeRefusal:
        assert getattr(trade_code, code.name) == code
