from __future__ import annotations

import pytest

from novate.errors import InputError
from novate.instrument.contract import Contract
from novate.kernel.clearing.value import INVERSE, LINEAR, contract_value
from novate.message import command
from tests.unit.instrument.listed import ALL, E8, NAMES, inverse, linear


@pytest.mark.parametrize(
    ("contract", "unit"),
    [
        # A tick of 0.1 on a lot of 0.001 is 0.0001 USDT: 100 units of 1e-6.
        (linear(), 100),
        (linear(tick_e8=1, lot_e8=10**10), 1),
        # 100 numeraire of face, ticks of 0.5: 200 coins times ticks, in 1e-8.
        (inverse(), 200 * E8),
    ],
)
def test_the_value_unit_is_exact(contract: Contract, unit: int) -> None:
    assert contract.unit == unit


@pytest.mark.parametrize("lot", [1, 10**9 + 1])
def test_a_step_below_a_ledger_unit_is_refused(lot: int) -> None:
    contract = linear(tick_e8=1, lot_e8=lot)

    with pytest.raises(InputError, match=rf"X: a tick on a lot is worth {lot * 10**6}/10+ ledger"):
        contract.listing()


@pytest.mark.parametrize("contract", ALL, ids=NAMES)
def test_terms_fill_the_command_that_lists_the_contract(contract: Contract) -> None:
    command.LIST_INSTRUMENT.row(**contract.listing())


@pytest.mark.parametrize("contract", ALL, ids=NAMES)
def test_the_largest_position_fits_at_every_price(contract: Contract) -> None:
    for ticks in (1, contract.ticks_max):
        value = contract_value(contract.form, contract.unit, ticks, contract.lots_max)
        assert abs(value) <= 2**60
    assert contract.form in (LINEAR, INVERSE)


def test_a_linear_contract_settled_in_another_coin_is_a_quanto() -> None:
    # 0.000001 BTC per numeraire of ETH's price: 10 satoshi a tick of 0.1.
    quanto = linear(underlying=2, settlement_asset=1, decimals=8, lot_e8=100)

    assert quanto.unit == 10
    assert contract_value(quanto.form, quanto.unit, 20_001, 3) == 3 * 10 * 20_001
