"""Replacing all margin tiers of an instrument, at once or from an instant on (rules 3.27 and 3.28).

A table is refused as a whole.  Accounts that are short of margin under a new one are called or
liquidated by the next assessment, as after any other change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from novate.canonical import Run, digest_columns
from novate.instrument.columns import InstrumentColumns
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import DueKind, Kind
from novate.margin.contract_rule.notional_tier import (
    BELOW_ALL,
    Tier,
    above,
    apply_tier_set,
    tier_refusal,
)
from novate.market.reference import PPM
from novate.market.state import MarketState
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import EngineCommandRefusal
from novate.message.refusal import ReplaceTiersRefusal as No
from novate.message.topic import (
    EVERYBODY,
    NOBODY,
    Application,
    ColumnDecision,
    Decision,
    Topic,
    column_work,
)

TERMS = ("floor", "initial_ppm", "maintenance_ppm")


def tables_of(columns: Row) -> Iterator[slice]:
    """Yield the rows of each table: it begins with floor 0, a new instrument or a new instant."""
    begins = columns["floor"] == 0
    for name in ("instrument", "effective_ns"):
        begins[1:] |= columns[name][1:] != columns[name][:-1]
    begins[:1] = True
    starts = np.flatnonzero(begins).tolist()
    for start, end in pairwise([*starts, len(begins)]):
        yield slice(start, end)


def decide_replace_tiers(
    state: MarketState, columns: Row, emit: Emit
) -> Sequence[tuple[int, Refusal]]:
    """Decide tables of margin tiers: `TiersReplaced` or `TiersScheduled`, a table an event.

    Parameters
    ----------
    columns
        ``instrument``; ``floor`` of the tier in numeraire units of notional, ascending from 0;
        ``initial_ppm`` and ``maintenance_ppm``, rates of the notional; ``effective_ns``, 0 for at
        once. Shape (rows,), tables one after another as `tables_of` cuts them.

    Returns
    -------
    Sequence[tuple[int, Refusal]]
        Refused tables by their first row, ascending: UNKNOWN_INSTRUMENT, a reason of its tiers
        (rule 15.17), OPTION_HAS_RULE, or INSTANT_OUT_OF_RANGE unless after now.
    """
    refused = []
    for rows in tables_of(columns):
        table = {name: column[rows] for name, column in columns.items()}
        refusal = _table_refusal(state, table)
        if refusal is not None:
            refused.append((rows.start, refusal))
        elif table["effective_ns"][0]:
            tier = np.arange(len(table["floor"]))
            emit.columns(event.TIERS_SCHEDULED, tier=tier, **table)
        else:
            _replace(state, table, emit)
    return refused


def _table_refusal(state: MarketState, table: Row) -> Refusal | None:
    """Say why a table cannot be that of its instrument: the checks of each tier in turn."""
    i, effective_ns = int(table["instrument"][0]), int(table["effective_ns"][0])
    instruments = state.instruments
    if i >= instruments.count:
        return Refusal(No.UNKNOWN_INSTRUMENT, i, instruments.count - 1)
    before = BELOW_ALL
    for number, terms in enumerate(_terms(table)):
        refusal = tier_refusal(before, number, *terms)
        if refusal is not None:
            return refusal
        before = above(before, *terms)
    if instruments.kind[i] != Kind.DELTA_ONE:
        return Refusal(No.OPTION_HAS_RULE, int(instruments.kind[i]), int(Kind.DELTA_ONE))
    if effective_ns and effective_ns <= state.now_ns:
        return Refusal(No.INSTANT_OUT_OF_RANGE, effective_ns, state.now_ns + 1)
    return None


def _terms(table: Row) -> list[tuple[int, int, int]]:
    return list(zip(*(table[name].tolist() for name in TERMS), strict=True))


def _replace(state: MarketState, table: Row, emit: Emit) -> None:
    """Emit a whole table with its deductions, its version and that of the table before."""
    tiers: list[Tier] = [BELOW_ALL]
    for terms in _terms(table):
        tiers.append(above(tiers[-1], *terms))
    count = len(tiers) - 1
    emit.columns(
        event.TIERS_REPLACED,
        tier=np.arange(count),
        initial_deduction=np.array([tier.initial_deduction for tier in tiers[1:]]),
        maintenance_deduction=np.array([tier.maintenance_deduction for tier in tiers[1:]]),
        table=(_version(np.array(_terms(table), np.int64)),) * count,
        replaced=(tier_version(state.instruments, int(table["instrument"][0])),) * count,
        **table,
    )


def tier_version(instruments: InstrumentColumns, i: int) -> str:
    """Return the version of an instrument's tiers: SHA-256 over floors and rates, in hex."""
    count = int(instruments.tier_count[i])
    rows = [
        (
            int(instruments.tier_floor[i, k]),
            round(float(instruments.initial_rate[i, k]) * PPM),
            round(float(instruments.maintenance_rate[i, k]) * PPM),
        )
        for k in range(count)
    ]
    return _version(np.array(rows, np.int64).reshape(count, len(TERMS)))


def _version(rows: I64) -> str:
    return digest_columns([("tiers", rows)]).hex()


def apply_tiers_scheduled(state: MarketState, columns: Row) -> None:
    """Store a table that waits, in place of one for the same instrument and instant."""
    changes = state.tier_changes
    _forget(state, columns)
    for k in range(len(columns["tier"])):
        at = changes.append()
        for name in changes.SPEC:
            getattr(changes, name)[at] = columns[name][k]


def apply_tiers_replaced(state: MarketState, columns: Row) -> None:
    """Put a whole table in force, and drop it from those that wait."""
    instruments, i = state.instruments, int(columns["instrument"][0])
    _forget(state, columns)
    instruments.tier_floor[i] = np.inf
    for name in Tier._fields[1:]:
        getattr(instruments, name)[i] = 0.0
    for k in range(len(columns["tier"])):
        apply_tier_set(state, {name: column[k] for name, column in columns.items()})


def _forget(state: MarketState, columns: Row) -> None:
    """Drop what waits for the instant of a table."""
    changes = state.tier_changes
    waiting = changes.rows_of(int(columns["instrument"][0]), int(columns["effective_ns"][0]))
    for row in waiting[::-1]:
        changes.remove(int(row))


def decide_enact_tiers(state: MarketState, row: Row, emit: Emit) -> Refusal | None:
    """Decide the table that waited for an instant: `TiersReplaced` (rules 3.28 and 4.4).

    Returns
    -------
    Refusal | None
        UNKNOWN_SUBJECT if none waits for the instrument and instant, NOT_DUE before it.
    """
    changes = state.tier_changes
    rows = changes.rows_of(row["instrument"], row["effective_ns"])
    if not rows.size:
        return Refusal(EngineCommandRefusal.UNKNOWN_SUBJECT, row["instrument"], -1)
    if state.now_ns < row["effective_ns"]:
        return Refusal(EngineCommandRefusal.NOT_DUE, state.now_ns, row["effective_ns"])
    table = {name: getattr(changes, name)[rows] for name in changes.SPEC if name != "tier"}
    table["instrument"] = table["instrument"].astype(np.uint32)
    _replace(state, table, emit)
    return None


def _instants(state: MarketState) -> I64:
    """Instants of the tables, at their first rows."""
    changes = state.tier_changes
    instants: I64 = np.where(changes.used("tier") == 0, changes.used("effective_ns"), 0)
    return instants


def _enact(state: MarketState, rows: I64) -> Run:
    changes = state.tier_changes
    columns = {"instrument": changes.instrument[rows], "effective_ns": changes.effective_ns[rows]}
    return command.ENACT_TIERS.run(columns)


TIERS = column_work(DueKind.TIERS, _instants, _enact)

TOPIC: Topic[MarketState] = Topic(
    name="tables of margin tiers",
    decisions=(
        ColumnDecision(command.REPLACE_TIERS, decide_replace_tiers, No),
        Decision(
            command.ENACT_TIERS, decide_enact_tiers, EngineCommandRefusal, is_engine_only=True
        ),
    ),
    applications=(
        Application(event.TIERS_SCHEDULED, apply_tiers_scheduled, NOBODY, is_by_column=True),
        Application(event.TIERS_REPLACED, apply_tiers_replaced, EVERYBODY, is_by_column=True),
    ),
    work=(TIERS,),
)
