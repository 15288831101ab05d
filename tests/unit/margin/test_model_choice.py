from __future__ import annotations

import pytest

from novate.engine.recover import audit, recover
from novate.errors import JournalError
from novate.kernel.codes import AccountStatus
from novate.message import command
from novate.message.refusal import SetMarginModelRefusal as No
from tests.tiny_model import PLUGINS
from tests.unit.clearing import COIN, DAY, START, ClearingHouse


def hedged_house(deposit: int = 1_000) -> ClearingHouse:
    """A is long 40 of X and short 40 of Y at 100, two contracts on one coin; B is its other side.

    Ten per cent of each are asked by the rules of contracts, together 800; the worse of two moves
    is 0, the floor one per cent of 8,000.
    """
    house = ClearingHouse(plugins=PLUGINS)
    for symbol in ("X", "Y"):
        house.list_contract(symbol)
    house.open_client("A", deposit=deposit * COIN)
    house.open_client("B", deposit=100_000 * COIN)
    house.price(100)
    house.trade("A", "B", lots=40, ticks=100)
    house.trade("B", "A", lots=40, ticks=100, instrument=1)
    return house


def asked(house: ClearingHouse, name: str = "A") -> tuple[int, int]:
    numbers = house.state.assess(house.number(name))
    return numbers.initial // COIN, numbers.maintenance // COIN


@pytest.mark.rule("3.29", "3.30")
def test_a_group_has_the_standard_model_until_it_is_given_another() -> None:
    house = hedged_house()
    assert asked(house) == (800, 400)

    house.set_model("A", 1)

    assert asked(house) == (80, 80)
    assert asked(house, "B") == (800, 400)
    assert house.events("MarginModelSet") == [
        {
            "group": house.number("A"), "model": 1,
            "equity": 1_000 * COIN, "requirement": 80 * COIN,
        },
    ]  # fmt: skip
    house.set_model("A", 0)
    assert asked(house) == (800, 400)


@pytest.mark.rule("6.18")
@pytest.mark.parametrize(("model", "known"), [(3, 2), (-1, 2), (32_767, 2)])
def test_an_unknown_model_is_refused(model: int, known: int) -> None:
    house = hedged_house()

    house.set_model("A", model, allow_refusals=True)

    assert house.refusals() == [No.UNKNOWN_MODEL]
    (row,) = house.events("CommandRefused", last=True)
    assert (row["actual"], row["allowed"]) == (model, known)


@pytest.mark.rule("6.18")
@pytest.mark.parametrize("name", ["M", "INSURANCE_FUND", "LIQUIDATOR", "EXTERNAL_MARKET"])
def test_only_margin_accounts_have_a_model(name: str) -> None:
    house = hedged_house()

    house.set_model(name, 1, allow_refusals=True)
    assert house.refusals() == [No.UNKNOWN_GROUP]
    run = command.SET_MARGIN_MODEL.row(group=house.state.accounts.count, model=1)
    house.submit(run, allow_refusals=True)
    assert house.refusals() == [No.UNKNOWN_GROUP]


@pytest.mark.rule("6.19")
def test_a_group_below_initial_margin_under_the_new_model_keeps_its_own() -> None:
    house = hedged_house()
    house.set_model("A", 1)
    run = command.WITHDRAW_COLLATERAL.row(account=house.number("A"), asset=0, amount=300 * COIN)
    house.submit(run)

    house.set_model("A", 0, allow_refusals=True)

    assert house.refusals() == [No.INSUFFICIENT_MARGIN]
    (row,) = house.events("CommandRefused", last=True)
    assert (row["actual"], row["allowed"]) == (700 * COIN, 800 * COIN)
    assert asked(house) == (80, 80)


@pytest.mark.rule("6.19")
def test_a_group_that_is_not_open_or_without_a_price_keeps_its_model() -> None:
    house = hedged_house()
    house.state.accounts.status[house.number("A")] = AccountStatus.CALLED
    house.set_model("A", 1, allow_refusals=True)
    assert house.refusals() == [No.GROUP_NOT_OPEN]
    house.state.accounts.status[house.number("A")] = AccountStatus.OPEN

    house.advance(START + 2 * DAY)
    house.set_model("A", 1, allow_refusals=True)

    assert house.refusals() == [No.PRICE_BLOCKED]


def test_the_model_of_a_group_survives_recovery_snapshot_and_fork() -> None:
    house = hedged_house()
    house.set_model("A", 1)
    digest = house.state.digest()

    assert audit(house.engine.journal, plugins=PLUGINS).digest == digest
    whole = recover(house.engine.journal, plugins=PLUGINS)
    house.engine.snapshot()
    tail = recover(house.engine.journal, plugins=PLUGINS)
    for engine in (whole, tail, house.engine.fork(type(house.engine.journal)())):
        assert engine.state.digest() == digest
        assert engine.state.assess(house.number("A")).initial == 80 * COIN


def test_a_journal_that_names_a_model_is_not_recovered_without_it() -> None:
    house = hedged_house()
    house.set_model("A", 1)

    for _ in range(2):  # from the event, then from a snapshot
        with pytest.raises(JournalError, match="margin model 1, the catalogue has no such"):
            recover(house.engine.journal)
        house.engine.snapshot()
