"""Holders with several accounts, and what they move between them, for tests of transfers.

>>> house = holder_house()
>>> send(house, "A", "A2", 100 * COIN)
[]
"""

from __future__ import annotations

from typing import Any

from novate.kernel.codes import MarginMode, MemberStatus, ShortfallPolicy
from novate.message import command
from novate.message.parameter import Parameter
from tests.tiny_model import PLUGINS
from tests.unit.clearing import COIN, ClearingHouse


def holder_house(
    *, deposit: int = 1_000, group: bool = False, is_netted: bool = False,
    policy: ShortfallPolicy = ShortfallPolicy.AUTO_LIQUIDATE,
) -> ClearingHouse:  # fmt: skip
    """A has the empty sub-account A2; B is the other side of everything; X is at 100.

    A lot of X is worth its price in coins, initial margin is a tenth and maintenance margin a
    twentieth of the notional, and liquidation is thought to cost a hundredth.
    """
    house = ClearingHouse(plugins=PLUGINS, parameters={Parameter.LIQUIDATION_COST_PPM: 10_000})
    house.list_contract("X")
    house.open_client("A", deposit=deposit * COIN, shortfall_policy=policy)
    house.open_client("B", deposit=100_000 * COIN)
    open_sub(house, "A2", "A", group="A" if group else "", netting_set="A" if is_netted else "")
    house.price(100)
    return house


def open_sub(
    house: ClearingHouse, name: str, of: str, *, group: str = "", netting_set: str = "",
    mode: MarginMode = MarginMode.CROSS, allow_refusals: bool = False,
) -> list[Any]:  # fmt: skip
    """Open another account of a holder; returns the refusals."""
    row = {
        "reference": name, "account": house.number(of), "mode": mode,
        "group": house.number(group) if group else -1,
        "netting_set": house.number(netting_set) if netting_set else -1,
    }  # fmt: skip
    house.submit(command.OPEN_SUB_ACCOUNT.row(**row), allow_refusals=allow_refusals)
    return house.refusals()


def send(house: ClearingHouse, sender: str, receiver: str, amount: int, asset: int = 0) -> Any:
    """Transfer collateral; returns the refusals."""
    row = {"sender": house.number(sender), "receiver": house.number(receiver)}
    run = command.TRANSFER_COLLATERAL.row(**row, asset=asset, amount=amount)
    house.submit(run, allow_refusals=True)
    return house.refusals()


def move(house: ClearingHouse, sender: str, receiver: str, lots: int, instrument: int = 0) -> Any:
    """Transfer lots; returns the refusals."""
    row = {"sender": house.number(sender), "receiver": house.number(receiver)}
    run = command.TRANSFER_POSITION.row(**row, instrument=instrument, lots=lots)
    house.submit(run, allow_refusals=True)
    return house.refusals()


def withdraw(house: ClearingHouse, account: str, amount: int, asset: int = 0) -> Any:
    """Withdraw; returns the refusals."""
    run = command.WITHDRAW_COLLATERAL.row(account=house.number(account), asset=asset, amount=amount)
    house.submit(run, allow_refusals=True)
    return house.refusals()


def order(house: ClearingHouse, account: str, lots: int, limit: int, instrument: int = 0) -> Any:
    """Reserve margin; returns the refusals."""
    run = command.RESERVE_MARGIN.row(
        account=house.number(account), instrument=instrument, lots=lots, limit_ticks=limit
    )
    house.submit(run, allow_refusals=True)
    return house.refusals()


def set_status(house: ClearingHouse, status: MemberStatus, member: str = "M") -> Any:
    """Set the status of a member; returns the refusals."""
    run = command.SET_MEMBER_STATUS.row(member=house.number(member), status=status)
    house.submit(run, allow_refusals=True)
    return house.refusals()


def split(house: ClearingHouse, account: str) -> Any:
    """Take an account out of its margin group; returns the refusals."""
    own = house.number(account)
    run = command.SET_MARGIN_GROUP.row(account=own, group=own, netting_set=own)
    house.submit(run, allow_refusals=True)
    return house.refusals()


def numbers(house: ClearingHouse) -> tuple[int, int]:
    """The number that broke and the one allowed, of the one refusal of the last call."""
    [row] = house.events("CommandRefused", last=True)
    return row["actual"], row["allowed"]


def asked(house: ClearingHouse, account: str) -> tuple[int, int]:
    """Equity and initial margin of the group of an account, in whole coins."""
    found = house.state.assess(house.number(account))
    return found.equity // COIN, found.initial // COIN
