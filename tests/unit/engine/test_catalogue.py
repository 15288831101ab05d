from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from novate.book.state import BookState
from novate.engine import apply as apply_module
from novate.engine import control, decide, order
from novate.engine.apply import apply_run
from novate.engine.catalogue import (
    APPLICATIONS,
    BEFORE_HOUSE,
    DECISIONS,
    ENGINE_ONLY,
    REFUSALS,
    TOPICS,
    applications_of,
    decisions_of,
    refusal_of,
)
from novate.engine.decide import Events, decide_run
from novate.errors import InvariantError
from novate.kernel.codes import Origin
from novate.message import command, event
from novate.message.declare import Emit, Field, Message, Refusal, Row
from novate.message.refusal import (
    EngineCommandRefusal,
    LinkedRefusal,
    OpenAccountRefusal,
    SubmitTradeRefusal,
)
from novate.message.topic import ACCOUNT, Application, Decision, Reach, Topic
from tests.unit.clearing import COIN, ClearingHouse


def test_every_command_is_decided_once_and_every_event_applied_once() -> None:
    decided = [decision.command for topic in TOPICS for decision in topic.decisions]
    applied = [application.event for topic in TOPICS for application in topic.applications]

    assert sorted(m.name for m in decided) == sorted(m.name for m in command.COMMANDS)
    assert sorted(m.name for m in applied) == sorted(m.name for m in event.EVENTS)
    assert len(DECISIONS) == len(decided)
    assert len(APPLICATIONS) == len(applied)
    names = [topic.name for topic in TOPICS]
    assert len(set(names)) == len(names)


def test_a_command_or_event_of_two_topics_is_a_fault() -> None:
    with pytest.raises(InvariantError, match="AdvanceTime is decided once"):
        decisions_of((control.TOPIC, control.TOPIC))
    with pytest.raises(InvariantError, match="TimeAdvanced is applied once"):
        applications_of((control.TOPIC, control.TOPIC))


def test_every_command_has_its_refusals_and_those_of_the_engine_share_theirs() -> None:
    for name, codes in REFUSALS.items():
        if codes is not EngineCommandRefusal:
            assert codes.__name__ == f"{name}Refusal"
            assert name not in ENGINE_ONLY
    shared = {name for name, codes in REFUSALS.items() if codes is EngineCommandRefusal}
    assert shared - ENGINE_ONLY == {"AssessMargin"}
    assert shared >= ENGINE_ONLY


def test_a_journaled_code_stands_for_a_member() -> None:
    assert refusal_of("SubmitTrade", 1) is SubmitTradeRefusal.UNKNOWN_BUYER
    assert refusal_of("SettleCycle", 3) is EngineCommandRefusal.NOT_DUE
    assert refusal_of("SubmitTrade", 1000) is LinkedRefusal.LINKED


def test_what_only_the_engine_may_issue_is_said_by_name() -> None:
    assert {
        "SettleCycle", "SettleFunding", "SettleExpiry", "StartGainsWindow", "CallMargin",
        "ChargeInterest",
        "MeetCall", "ExpireCall", "StartLiquidation", "StopLiquidation", "PlaceSlice",
        "ExpireOrder", "TakeOver", "RecordShortfall", "AllocateLoss", "SweepSurplus",
        "ShareUncovered",
        "ObserveBarrier", "EnactParameter", "EnactTiers", "EnactMarginRule", "UpgradeEngine",
        "RemarginOrder", "RequestCancellation",
    } == ENGINE_ONLY  # fmt: skip


def test_what_needs_no_account_of_the_house_moves_no_money() -> None:
    assert {
        "AdvanceTime", "AssessMargin", "DeclareAsset", "DeclareSource", "SetHaircut",
        "SetParameter", "DeclareWaterfall", "DeclareOptionMargin", "ReportPrice", "OpenAccount",
        "SetHaircutRule", "SetIndexMethod", "SetSourceWeight", "SetSourceQuote",
        "UpgradeEngine",
    } == BEFORE_HOUSE  # fmt: skip


def test_phases_work_and_stages_that_are_registered_are_those_that_have_a_place() -> None:
    phases = [phase for topic in TOPICS for phase in topic.phases]
    work = [entry for topic in TOPICS for entry in topic.work]
    stages = [stage for topic in TOPICS for stage in topic.stages]

    assert sorted(p.__name__ for p in phases) == sorted(p.__name__ for p in order.PHASES)
    assert sorted(w.kind for w in work) == sorted(w.kind for w in order.WORK)
    assert sorted(s.__name__ for s in stages) == sorted(s.__name__ for s in order.STAGES)
    kinds = [entry.kind for entry in order.WORK]
    assert kinds == sorted(kinds), "the order of kinds is that of their codes"
    assert len(set(kinds)) == len(kinds)


@pytest.mark.parametrize("message", event.EVENTS, ids=lambda message: message.name)
def test_every_event_says_whom_it_touches(message: Message) -> None:
    touches = APPLICATIONS[message].touches

    assert isinstance(touches, Reach) or callable(touches)
    columns = {field.name for field in message.fields}
    if touches is ACCOUNT:
        assert "account" in columns


def test_an_earlier_rule_of_an_event_has_a_version_before_the_present_one() -> None:
    for message, application in APPLICATIONS.items():
        versions = [version for version, _ in application.older]
        assert versions == sorted(set(versions))
        assert all(version < message.version for version in versions)


# ---- a topic of a test: two messages declared once, registered by one entry

GIVE = Message(
    "Give",
    1,
    (Field("account", "uint32", "account"), Field("amount", "int64", "ledger units")),
    "Give an account something out of custody.",
)
GIVEN = Message("Given", 1, GIVE.fields, "Something was given.")


def decide_give(state: BookState, row: Row, emit: Emit) -> Refusal | None:
    if row["amount"] <= 0:
        return Refusal(OpenAccountRefusal.UNKNOWN_ROLE, row["amount"], 1)
    emit(GIVEN, **row)
    return None


def apply_given(state: BookState, row: Row) -> None:
    state.accounts.balance[row["account"], 0] += row["amount"]


GIFTS: Topic[BookState] = Topic(
    name="gifts",
    decisions=(Decision(GIVE, decide_give, OpenAccountRefusal),),
    applications=(Application(GIVEN, apply_given, ACCOUNT),),
)


@dataclass
class Venue:
    house: ClearingHouse
    account: int

    def equity(self) -> int:
        return int(self.house.state.margin_cache.numbers()[self.account, 0])


@pytest.fixture
def venue(monkeypatch: pytest.MonkeyPatch) -> Venue:
    """A clearing house whose engine lists the topic of this test too."""
    topics = (*TOPICS, GIFTS)
    monkeypatch.setitem(command.BY_NAME, "Give", GIVE)
    monkeypatch.setitem(event.BY_NAME, "Given", GIVEN)
    monkeypatch.setattr(decide, "DECISIONS", decisions_of(topics))
    monkeypatch.setattr(decide, "APPLICATIONS", applications_of(topics))
    monkeypatch.setattr(apply_module, "APPLICATIONS", applications_of(topics))
    house = ClearingHouse()
    house.open_client("A", deposit=5 * COIN)
    house.state.margin_cache.numbers()
    return Venue(house, house.number("A"))


def test_a_topic_that_is_listed_is_decided_applied_and_touched(venue: Venue) -> None:
    state = venue.house.state
    events = Events(state)

    decide_run(state, GIVE.row(account=venue.account, amount=3), Origin.EXTERNAL, events)
    decide_run(state, GIVE.row(account=venue.account, amount=0), Origin.EXTERNAL, events)
    events.flush()

    assert [run.name for run in events.runs] == ["Given", "CommandRefused"]
    assert venue.equity() == 5 * COIN + 3
    assert state.is_moved


def test_its_events_are_applied_in_recovery_too(venue: Venue) -> None:
    state = venue.house.state

    apply_run(state, GIVEN.run({"account": [venue.account] * 2, "amount": [3, 4]}))

    assert venue.equity() == 5 * COIN + 7


def test_an_application_by_column_takes_a_row_as_columns_of_one(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def apply_columns(state: BookState, columns: Row) -> None:
        seen.append(columns["amount"].tolist())

    by_column = Application(GIVEN, apply_columns, ACCOUNT, is_by_column=True)
    monkeypatch.setitem(decide.APPLICATIONS, GIVEN, by_column)
    monkeypatch.setitem(apply_module.APPLICATIONS, GIVEN, by_column)
    events = Events(venue.house.state)

    events(GIVEN, account=venue.account, amount=3)
    events.columns(GIVEN, account=[venue.account] * 2, amount=[4, 5])
    events.booked(GIVEN, account=[venue.account], amount=[6])
    events.flush()

    assert seen == [[3], [4, 5]]
    assert [run.rows for run in events.runs] == [1, 2, 1]
