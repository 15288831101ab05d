from __future__ import annotations

from novate.kernel.codes import Kind, Role
from novate.valuation.listing import apply_asset_declared
from tests.unit.clearing import ClearingHouse


def test_a_new_asset_gives_every_account_a_balance_in_it() -> None:
    house = ClearingHouse()
    assert house.state.accounts.balance.shape[1] == 2

    apply_asset_declared(
        house.state, {"asset": 2, "symbol": "ETH", "decimals": 8, "haircut_bps": 0}
    )

    assert house.state.accounts.balance.shape[1] == 3
    assert house.balance("CUSTODY", 2) == 0


def test_a_new_contract_has_its_place_in_the_settlement_account() -> None:
    house = ClearingHouse()
    house.list_contract("X")
    house.list_option("C")
    x = house.state

    assert x.instruments.kind[:2].tolist() == [Kind.DELTA_ONE, Kind.EUROPEAN]
    for i in range(2):
        row = int(x.instruments.suspense[i])
        assert x.positions.account[row] == x.single(Role.SETTLEMENT)
        assert x.positions.instrument[row] == i
