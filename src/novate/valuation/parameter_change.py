"""Setting risk parameters: for all or for one subject, at once or from an instant on.

What a value may hold for is declared with the parameter; whether its subject exists is known on
this floor, above contracts and accounts.
"""

from __future__ import annotations

from novate.canonical import Run
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import DueKind
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.parameter import SETTINGS, Parameter, Scope
from novate.message.parameter import SetParameterRefusal as No
from novate.message.parameter_state import (
    apply_parameter_scheduled,
    apply_parameter_set,
    key_of,
)
from novate.message.refusal import EngineCommandRefusal
from novate.message.topic import NOBODY, Application, Decision, Topic, column_work
from novate.valuation.clearing_state import ClearingState


def decide_set_parameter(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Decide a value of a risk parameter: `ParameterSet`, or `ParameterScheduled`.

    Rules 6.13 to 6.16; a value may hold for the house or for one narrower subject.

    Parameters
    ----------
    row
        ``parameter``; ``scope`` and ``subject``, whom it holds for; ``value`` in the unit of its
        setting (`message.parameter.SETTINGS`); ``effective_ns``, 0 for at once.

    Returns
    -------
    Refusal | None
        UNKNOWN_PARAMETER, BELOW_MINIMUM, ABOVE_MAXIMUM, SCOPE_NOT_ALLOWED, UNKNOWN_SUBJECT, or
        INSTANT_OUT_OF_RANGE unless after now; tested in this order.
    """
    refusal = _value_refusal(row) or _subject_refusal(x, row)
    if refusal is not None:
        return refusal
    if row["effective_ns"] == 0:
        version = x.parameter_set({key_of(row): row["value"]})
        emit(event.PARAMETER_SET, **row, parameter_set=version)
        return None
    if row["effective_ns"] <= x.now_ns:
        return Refusal(No.INSTANT_OUT_OF_RANGE, row["effective_ns"], x.now_ns + 1)
    emit(event.PARAMETER_SCHEDULED, **row)
    return None


def _value_refusal(row: Row) -> Refusal | None:
    """Why no subject may have this value."""
    setting = SETTINGS.get(row["parameter"])
    if setting is None:
        return Refusal(No.UNKNOWN_PARAMETER, row["parameter"], len(Parameter) - 1)
    if row["value"] < setting.minimum:
        return Refusal(No.BELOW_MINIMUM, row["value"], setting.minimum)
    if row["value"] > setting.maximum:
        return Refusal(No.ABOVE_MAXIMUM, row["value"], setting.maximum)
    return None


def _subject_refusal(x: ClearingState, row: Row) -> Refusal | None:
    """Why the parameter has no value of its own for this subject."""
    scopes = (Scope.HOUSE, *SETTINGS[row["parameter"]].scopes)
    if row["scope"] not in scopes:
        return Refusal(No.SCOPE_NOT_ALLOWED, row["scope"], max(scopes))
    subjects = 1
    if row["scope"] != Scope.HOUSE:
        is_contract = row["scope"] == Scope.INSTRUMENT
        subjects = x.instruments.count if is_contract else x.accounts.count
    subject = row["subject"]
    is_known = 0 <= subject < subjects
    if row["scope"] == Scope.GROUP:
        is_known = is_known and x.group_of(subject) == subject
    if not is_known:
        return Refusal(No.UNKNOWN_SUBJECT, subject, subjects - 1)
    return None


def decide_enact_parameter(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Decide the value that waited for an instant: `ParameterSet` (rule 6.14).

    Returns
    -------
    Refusal | None
        UNKNOWN_SUBJECT if none waits, NOT_DUE before the instant.
    """
    key, changes = key_of(row), x.parameter_changes
    waiting = changes.waiting_row(key, row["effective_ns"])
    if waiting < 0:
        return Refusal(EngineCommandRefusal.UNKNOWN_SUBJECT, row["subject"], -1)
    if x.now_ns < row["effective_ns"]:
        return Refusal(EngineCommandRefusal.NOT_DUE, x.now_ns, row["effective_ns"])
    value = int(changes.value[waiting])
    emit(event.PARAMETER_SET, **row, value=value, parameter_set=x.parameter_set({key: value}))
    return None


def _instants(x: ClearingState) -> I64:
    return x.parameter_changes.used("effective_ns")


def _enact(x: ClearingState, waiting: I64) -> Run:
    names = ("parameter", "scope", "subject", "effective_ns")
    return command.ENACT_PARAMETER.run(
        {name: getattr(x.parameter_changes, name)[waiting] for name in names}
    )


PARAMETER = column_work(DueKind.PARAMETER, _instants, _enact)

TOPIC: Topic[ClearingState] = Topic(
    name="parameters",
    decisions=(
        Decision(command.SET_PARAMETER, decide_set_parameter, No, is_before_house=True),
        Decision(
            command.ENACT_PARAMETER,
            decide_enact_parameter,
            EngineCommandRefusal,
            is_engine_only=True,
        ),
    ),
    applications=(
        Application(event.PARAMETER_SCHEDULED, apply_parameter_scheduled, NOBODY),
        Application(event.PARAMETER_SET, apply_parameter_set, NOBODY),
    ),
    work=(PARAMETER,),
)
