"""Leave out one leg of one booking at a time and say whether the running totals find it.

Run with the compiler off (``NUMBA_DISABLE_JIT=1``), so that a kernel is a function whose code can
be exchanged.  Prints one line per leg: ``found`` or ``MISSED``, the function, and the leg.
"""

from __future__ import annotations

import ast
import copy
import inspect
import textwrap
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType

from novate.book import ledger
from novate.engine.recover import recover
from novate.errors import InvariantError
from novate.kernel.clearing import loss, position, settle, takeover, trade, transfer
from novate.kernel.codes import Layer, Style
from novate.message import command
from novate.settlement import interest
from tests.unit.clearing import COIN, E8, HOUR, START, ClearingHouse

LEGS = {"add_balance", "add_lots", "add_pending", "add", "add_many"}
"""Functions that book one leg."""


def traded(**terms: int) -> ClearingHouse:
    """Two clients and a contract with fees, opened and partly closed."""
    house = ClearingHouse()
    house.list_contract(taker_fee_ppm=400, maker_fee_ppm=100, **terms)
    house.open_client("A", deposit=5_500 * COIN)
    house.open_client("B", deposit=90_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    house.trade("B", "A", lots=40, ticks=490)
    return house


def at_close() -> None:
    """A contract that realises its profit when it is closed."""
    traded(style=int(Style.AT_CLOSE))


def premium() -> None:
    """An option."""
    house = ClearingHouse()
    option = house.list_option()
    house.open_client("A", deposit=90_000 * COIN)
    house.open_client("B", deposit=90_000 * COIN)
    house.smile(0.8)
    house.price(100)
    house.trade("A", "B", lots=10, ticks=500, instrument=option)


def inverse(**terms: int) -> ClearingHouse:
    """Three holders of an inverse contract whose values do not divide."""
    house = ClearingHouse()
    house.list_contract(form=2, settlement_asset=1, unit=10**10, **terms)
    for name in ("A", "B", "C"):
        house.open_client(name)
        house.deposit(name, 10**9, asset=1)
    house.price(500)
    house.trade("A", "B", lots=1, ticks=499)
    house.trade("A", "C", lots=1, ticks=499)
    house.price(497, at_ns=START + HOUR - 1)
    return house


def cycle() -> None:
    """A cycle after the price moved, with a rest for the residue account."""
    house = inverse()
    house.advance(START + HOUR)
    assert house.events("CycleSettled")
    assert house.balance("RESIDUE", 1)


def funding() -> None:
    """A funding payment that does not divide."""
    terms = {"funding_cap_e9": 10**6, "funding_damper_e9": 10**6, "interest_e9": 12_345}
    house = inverse(cycle_ns=0, funding_ns=HOUR, **terms)
    house.advance(START + HOUR)
    assert house.events("FundingSettled")
    assert house.balance("RESIDUE", 1)


def expiry() -> None:
    """A contract that expires with open positions."""
    house = inverse(expiry_ns=START + HOUR, cycle_ns=0)
    house.advance(START + HOUR)
    assert house.events("ContractExpired")
    assert house.balance("RESIDUE", 1)


def bust() -> None:
    """An account that is taken over, and winners who forgo gains that do not divide."""
    house = ClearingHouse()
    house.waterfall(Layer.GAINS_HAIRCUT)
    house.list_contract()
    house.open_client("A", deposit=5_500 * COIN - 1)
    for name in ("B", "C"):
        house.open_client(name, deposit=20_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=60, ticks=500)
    house.trade("A", "C", lots=40, ticks=500)
    house.price(440)
    assert house.events("AccountTakenOver")
    assert house.events("GainsCut")


def covered() -> ClearingHouse:
    """A loss that the insurance fund bears, and a second time from the journal."""
    house = ClearingHouse()
    house.list_contract()
    house.deposit("INSURANCE_FUND", 1_000 * COIN)
    house.open_client("A", deposit=5_500 * COIN - 1)
    house.open_client("B", deposit=20_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    house.price(440)
    assert house.events("LossAllocated")
    return house


def covered_again() -> None:
    """The loss as recovery books it."""
    journal = covered().engine.journal
    assert journal is not None
    recover(journal, from_snapshot=False)


def overdrawn() -> None:
    """An account that has coins and owes cash pays interest."""
    house = ClearingHouse()
    house.list_contract()
    house.open_client("A")
    house.open_client("B", deposit=90_000 * COIN)
    house.deposit("A", 900 * E8, asset=1)
    house.price(100)
    house.trade("A", "B", lots=10, ticks=100)
    house.price(90)
    house.advance(START + 9 * HOUR)


def withdrawal() -> None:
    """Money that comes and goes."""
    house = ClearingHouse()
    house.open_client("A", deposit=5)
    house.submit(command.WITHDRAW_COLLATERAL.row(account=house.number("A"), asset=0, amount=2))


def two_books() -> None:
    """A holder moves part of a position to another account."""
    house = traded()
    house.deposit("B", 90_000 * COIN)
    sub = {"reference": "B2", "account": house.number("B"), "mode": 1}
    house.submit(command.OPEN_SUB_ACCOUNT.row(**sub, group=-1, netting_set=-1))
    house.deposit("B2", 90_000 * COIN)
    pair = {"sender": house.number("B"), "receiver": house.number("B2")}
    house.submit(command.TRANSFER_POSITION.row(**pair, instrument=0, lots=-7))


BOOKINGS: dict[Callable[..., object], tuple[Callable[[], object], ...]] = {
    position.move_position: (traded,),
    trade.book_leg: (at_close, premium),
    trade.book_trade: (traded,),
    settle.apply_cycle: (cycle,),
    settle.apply_funding: (funding,),
    settle.apply_expiry: (expiry,),
    settle.settle_early: (bust,),
    takeover._give: (bust,),
    interest.apply_interest_charged: (overdrawn,),
    loss.bear_prefunded: (covered,),
    loss.cut_gains: (bust,),
    transfer.move_lots: (two_books,),
    ledger.transfer: (withdrawal,),
    ledger.collect: (covered_again,),
}
"""Every function that books, and what happens in a house that makes it book."""


def leg_of(statement: ast.stmt) -> str:
    """The leg that a statement books, or nothing."""
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return ""
    called = statement.value.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return ast.unparse(statement) if name in LEGS else ""


class LeaveOut(ast.NodeTransformer):
    """Makes the leg of a number depend on ``keeps(amount)``, which says no to the first one."""

    def __init__(self, number: int) -> None:
        self.number, self.seen, self.left_out = number, 0, ""

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        leg = leg_of(node)
        if not leg:
            return node
        self.seen += 1
        if self.seen - 1 != self.number:
            return node
        self.left_out = leg
        assert isinstance(node.value, ast.Call)
        amount = copy.deepcopy(node.value.args[-1])
        test = ast.Call(ast.Name("keeps", ast.Load()), [amount], [])
        return ast.copy_location(ast.If(test, [node], []), node)


class Keeps:
    """Says no to the first amount that is not zero."""

    def __init__(self) -> None:
        self.is_forgotten = False

    def __call__(self, amount: int) -> bool:
        keeps = self.is_forgotten or amount == 0
        self.is_forgotten = self.is_forgotten or not keeps
        return keeps


def mutants(function: FunctionType) -> Iterator[tuple[str, CodeType]]:
    """Each leg of a function, and the code that forgets it once: both sides may call the same."""
    source = textwrap.dedent(inspect.getsource(function))
    for number in range(source.count("add")):
        tree = ast.parse(source)
        leave_out = LeaveOut(number)
        tree = ast.fix_missing_locations(leave_out.visit(tree))
        if not leave_out.left_out:
            return
        definition = tree.body[0]
        assert isinstance(definition, ast.FunctionDef)
        definition.decorator_list = []
        place: dict[str, FunctionType] = {}
        function.__globals__["keeps"] = Keeps()
        exec(compile(tree, function.__name__, "exec"), function.__globals__, place)  # noqa: S102
        yield leave_out.left_out, place[function.__name__].__code__


def is_found(happenings: tuple[Callable[[], object], ...]) -> bool:
    """Whether the engine stops in one of them because something does not cancel."""
    for happens in happenings:
        try:
            happens()
        except InvariantError as error:
            return any(
                words in str(error)
                for words in ("debits equal credits", "sum to zero", "pending cash")
            )
    return False


def main() -> None:
    for happens in {each for all_of in BOOKINGS.values() for each in all_of}:
        happens()  # with every leg in its place nothing stops
    for function, happenings in BOOKINGS.items():
        assert isinstance(function, FunctionType), "the compiler is off"
        whole = function.__code__
        for leg, code in mutants(function):
            function.__code__ = code
            found = is_found(happenings)
            function.__code__ = whole
            print("found" if found else "MISSED", function.__name__, leg)


if __name__ == "__main__":
    main()
