from __future__ import annotations

from typing import Any

import pytest

from novate.engine.recover import audit, recover
from novate.message import command
from novate.message.parameter import HOUR, MINUTE, SETTINGS, Parameter, Scope, set_parameter
from novate.message.parameter_state import Key
from novate.message.refusal import EngineCommandRefusal, SetParameterRefusal
from novate.valuation import ClearingState
from novate.valuation.parameter_change import decide_enact_parameter, decide_set_parameter
from tests.unit.clearing import COIN, START, ClearingHouse, Recorder


def row(parameter: int, value: int, **more: int) -> dict[str, Any]:
    return {"parameter": parameter, "value": value, "scope": 0, "subject": 0, "effective_ns": 0,
            **more}  # fmt: skip


@pytest.mark.rule("6.13")
@pytest.mark.parametrize("parameter", list(Parameter), ids=lambda parameter: parameter.name)
def test_a_parameter_is_set_up_to_its_limits_and_refused_beyond(parameter: Parameter) -> None:
    setting = SETTINGS[parameter]
    x = ClearingState()
    for value, code, allowed in (
        (setting.minimum, None, None),
        (setting.maximum, None, None),
        (setting.minimum - 1, SetParameterRefusal.BELOW_MINIMUM, setting.minimum),
        (setting.maximum + 1, SetParameterRefusal.ABOVE_MAXIMUM, setting.maximum),
    ):
        emitted = Recorder()

        refusal = decide_set_parameter(x, row(parameter, value), emitted)

        if code is None:
            assert refusal is None
            assert emitted.only() == {
                **row(parameter, value),
                "parameter_set": x.parameter_set({Key(parameter, 0, 0): value}),
            }
        else:
            assert refusal == (code, value, allowed)
            assert emitted.events == []


@pytest.mark.rule("6.13")
@pytest.mark.parametrize("number", [-1, len(Parameter)])
def test_a_parameter_that_does_not_exist_is_refused_whatever_the_value(number: int) -> None:
    refusal = decide_set_parameter(ClearingState(), row(number, -1), Recorder())

    assert refusal == (SetParameterRefusal.UNKNOWN_PARAMETER, number, len(Parameter) - 1)


@pytest.mark.rule("6.13")
@pytest.mark.parametrize("parameter", list(Parameter), ids=lambda parameter: parameter.name)
@pytest.mark.parametrize("scope", list(Scope), ids=lambda scope: scope.name)
def test_only_scopes_that_a_parameter_declares_and_subjects_that_exist_are_taken(
    parameter: Parameter, scope: Scope
) -> None:
    house = ClearingHouse()
    house.list_contract()
    x, value = house.state, parameter.setting.default
    subjects = {Scope.HOUSE: 1, Scope.INSTRUMENT: 1}.get(scope, x.accounts.count)

    def answer(subject: int) -> Any:
        return decide_set_parameter(
            x, row(parameter, value, scope=int(scope), subject=subject), Recorder()
        )

    if scope not in (Scope.HOUSE, *parameter.setting.scopes):
        assert answer(0).code == SetParameterRefusal.SCOPE_NOT_ALLOWED
        return
    assert answer(0) is None
    assert answer(subjects - 1) is None
    for subject in (-1, subjects):
        expected = (SetParameterRefusal.UNKNOWN_SUBJECT, subject, subjects - 1)
        assert answer(subject) == expected


@pytest.mark.rule("6.13")
def test_a_parameter_of_a_group_needs_a_group_of_that_number() -> None:
    house = ClearingHouse()
    house.open_client("A")
    sub = {"reference": "A2", "account": house.number("A"), "mode": 1, "netting_set": -1}
    house.submit(command.OPEN_SUB_ACCOUNT.row(**sub, group=house.number("A")))
    run = set_parameter(Parameter.CALL_GRACE_NS, 5, Scope.GROUP, house.number("A2"))

    house.submit(run, allow_refusals=True)

    assert house.refusals() == [SetParameterRefusal.UNKNOWN_SUBJECT]
    house.submit(set_parameter(Parameter.CALL_GRACE_NS, 5, Scope.ACCOUNT, house.number("A2")))


@pytest.mark.rule("6.14")
@pytest.mark.parametrize(("at_ns", "is_refused"), [(-1, True), (START, True), (START + 1, False)])
def test_a_value_waits_for_an_instant_after_now(at_ns: int, is_refused: bool) -> None:
    house, emitted = ClearingHouse(), Recorder()

    refusal = decide_set_parameter(house.state, row(1, 5, effective_ns=at_ns), emitted)

    if is_refused:
        assert refusal == (SetParameterRefusal.INSTANT_OUT_OF_RANGE, at_ns, START + 1)
    else:
        assert emitted.names == ["ParameterScheduled"]


@pytest.mark.rule("4.5", "6.14")
def test_a_dated_value_holds_from_its_instant_on_before_other_work_of_it() -> None:
    house = ClearingHouse()
    house.list_contract()
    house.submit(set_parameter(Parameter.GAINS_WINDOW_NS, HOUR))
    at = START + HOUR
    house.submit(
        set_parameter(Parameter.SLICE_PPM, 5, Scope.INSTRUMENT, 0, at),
        set_parameter(Parameter.GAINS_WINDOW_NS, 2 * HOUR, effective_ns=at),
    )

    house.advance(at - 1)
    assert house.state.parameter(Parameter.SLICE_PPM, instrument=0) == 250_000
    house.advance(at)

    assert house.state.parameter(Parameter.SLICE_PPM, instrument=0) == 5
    assert house.state.parameter_changes.count == 0
    enacted = house.events("ParameterSet", last=True)
    assert [entry["effective_ns"] for entry in enacted] == [at, at]
    assert enacted[-1]["parameter_set"] == house.state.parameter_set()
    names = [run.name for batch in house.last for run in batch.commands]
    assert names.index("EnactParameter") < names.index("SettleCycle")


def test_what_does_not_wait_or_is_not_due_is_not_enacted() -> None:
    house = ClearingHouse()
    house.submit(set_parameter(Parameter.SLICE_PPM, 5, effective_ns=START + HOUR))
    dated = {"parameter": 1, "scope": 0, "subject": 0, "effective_ns": START + HOUR}

    gone = decide_enact_parameter(house.state, {**dated, "subject": 3}, Recorder())
    early = decide_enact_parameter(house.state, dated, Recorder())

    assert gone is not None
    assert gone.code == EngineCommandRefusal.UNKNOWN_SUBJECT
    assert early == (EngineCommandRefusal.NOT_DUE, START, START + HOUR)


@pytest.mark.rule("14.2", "14.3")
def test_overrides_and_what_waits_recover_from_records_and_from_a_snapshot() -> None:
    house = ClearingHouse()
    house.list_contract()
    house.open_client("A", deposit=COIN)
    house.submit(
        set_parameter(Parameter.SLICE_PPM, 5, Scope.ACCOUNT, house.number("A")),
        set_parameter(Parameter.SLICE_PPM, 6, Scope.INSTRUMENT, 0, START + HOUR),
        set_parameter(Parameter.SLICE_PPM, 7, effective_ns=START + 2 * HOUR),
    )
    house.advance(START + HOUR + MINUTE)
    whole = recover(house.engine.journal, from_snapshot=False)
    house.engine.snapshot()
    again = recover(house.engine.journal)

    for engine in (whole, again):
        x = engine.state
        assert x.digest() == house.state.digest()
        assert x.parameter(Parameter.SLICE_PPM, instrument=0) == 6
        assert x.parameter(Parameter.SLICE_PPM, account=house.number("A")) == 5
        assert x.parameter_changes.used("value").tolist() == [7]
    assert audit(house.engine.journal).digest == house.state.digest()
    fork = again.state.copy()
    fork.overrides.value[0] = 1
    assert again.state.parameter(Parameter.SLICE_PPM, account=house.number("A")) == 5


# ---- what reads a scoped value


def test_a_collar_and_a_share_of_one_instrument_leave_the_others() -> None:
    house = ClearingHouse()
    house.list_contract("X")
    house.list_contract("Y")
    house.submit(set_parameter(Parameter.TRADE_COLLAR_PPM, 1_000, Scope.INSTRUMENT, 1))

    assert house.state.by_instrument(Parameter.TRADE_COLLAR_PPM).tolist() == [0, 1_000]
    for name in ("A", "B"):
        house.open_client(name, deposit=20_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=1, ticks=505)
    run = house.trade_run("A", "B", lots=1, ticks=505, instrument=1)
    house.submit(run, allow_refusals=True)

    assert [code.name for code in house.refusals()] == ["PRICE_OUT_OF_RANGE"]
