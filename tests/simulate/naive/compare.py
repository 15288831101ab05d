"""Run the engine and the naive house side by side and stop at the first difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from novate.adapter.memory_journal import MemoryJournal
from novate.book.columns import AccountColumns
from novate.canonical import Run
from novate.engine.batch import Batch
from novate.engine.engine import Engine
from novate.engine.state import State
from novate.message.declare import rows_of
from tests.simulate.naive.house import NaiveHouse, NaiveRecord
from tests.simulate.naive.workload import Workload
from tests.simulate.naive.world import World
from tests.tiny_model import PLUGINS

Row = dict[str, Any]


def flat(runs: Sequence[Run]) -> list[tuple[str, Row]]:
    """Rows of runs in order."""
    return [(run.name, row) for run in runs for row in rows_of(run)]


def events_of(batches: Sequence[Batch]) -> list[tuple[str, Row]]:
    """All events of some batches in order."""
    return [event for batch in batches for event in flat(batch.events)]


def same_event(ours: tuple[str, Row], theirs: tuple[str, Row]) -> bool:
    """Equal but for numbers that the model leaves open."""
    if ours[0] != theirs[0] or ours[1].keys() != theirs[1].keys():
        return False
    return all(value is None or value == theirs[1][key] for key, value in ours[1].items())


def explain(record: NaiveRecord, batch: Batch) -> str | None:
    """Say how the model's record differs from the engine's, if it does."""
    if (record.origin, record.commands) != (batch.origin, flat(batch.commands)):
        return f"model asked {record.commands}\nengine asked {flat(batch.commands)}"
    events = flat(batch.events)
    for ours, theirs in zip(record.events, events, strict=False):
        if not same_event(ours, theirs):
            return f"commands {record.commands[:8]}\nmodel  {ours}\nengine {theirs}"
    if len(record.events) != len(events):
        extra = record.events[len(events) :], events[len(record.events) :]
        return (
            f"commands {record.commands[:8]}\nmodel has more: {extra[0]}\nengine more: {extra[1]}"
        )
    return None


TERMS = {
    "role": "role",
    "parent": "parent",
    "mode": "mode",
    "shortfall_policy": "shortfall_policy",
    "segregation": "segregation",
    "pool": "pool",
    "group": "margin_group",
    "netting_set": "netting_set",
    "payer": "payer",
    "model": "margin_model",
    "add_on_bits": "add_ons",
    "method": "liquidation_method",
}
"""What an account is, and the engine's columns for it."""


def terms_difference(world: World, columns: AccountColumns) -> str | None:
    """Compare to whom accounts belong, how they are margined, and whether they are suspended."""
    for mine, other in TERMS.items():
        ours = [int(getattr(account, mine)) for account in world.accounts]
        theirs = columns.used(other).tolist()
        if ours != theirs:
            return f"{mine}: model {ours}, engine {theirs}"
    suspended = [world.is_suspended(account) for account in world.accounts]
    held = columns.used("is_suspended").tolist()
    return f"suspended: model {suspended}, engine {held}" if suspended != held else None


def sums_difference(world: World, x: State) -> str | None:
    """Compare what is uncovered, what is unpaid, and the gains that wait for it."""
    ours = (world.uncovered, world.unpaid, world.gains)
    theirs = (x.defaults.uncovered, x.unpaid, x.gains)
    return f"uncovered, unpaid, gains: model {ours}, engine {theirs}" if ours != theirs else None


def asked_difference(world: World, x: State) -> str | None:
    """Compare what is still asked of groups."""
    table = x.obligations
    names = ("number", "account", "amount", "paid", "called_ns")
    ours = [(o.number, o.group, o.amount, o.paid, o.called) for o in world.obligations if o.is_open]
    theirs = [tuple(int(getattr(table, n)[row]) for n in names) for row in table.live()]
    return f"obligations: model {ours}, engine {theirs}" if ours != theirs else None


def state_difference(naive: NaiveHouse, engine: Engine) -> str | None:
    """Compare accounts and positions of both."""
    x = engine.state
    for k, account in enumerate(naive.world.accounts):
        ours = [account.balance[a] for a in range(len(naive.world.assets))]
        theirs = x.accounts.balance[k].tolist()
        if ours != theirs:
            return f"balance of {k}: model {ours}, engine {theirs}"
        for name in ("status", "encumbered", "window_gain", "open_order_hold", "owed"):
            mine, other = int(getattr(account, name)), int(getattr(x.accounts, name)[k])
            if mine != other:
                return f"{name} of {k}: model {mine}, engine {other}"
    difference = sums_difference(naive.world, x) or terms_difference(naive.world, x.accounts)
    difference = difference or asked_difference(naive.world, x)
    if difference:
        return difference
    names = {"lots": "lots", "entry_cost": "entry_cost", "settlement_cost": "settlement_cost",
             "realised": "realised", "buys": "buy_lots", "sells": "sell_lots"}  # fmt: skip
    for row in range(x.positions.count):
        k, i = int(x.positions.account[row]), int(x.positions.instrument[row])
        p = naive.world.accounts[k].positions[i]
        for mine, other in names.items():
            if getattr(p, mine) != int(getattr(x.positions, other)[row]):
                found = {n: int(getattr(x.positions, o)[row]) for n, o in names.items()}
                return f"position of {k} in {i}: model {p}, engine {found}"
    return None


class DifferentError(AssertionError):
    """Model and engine do not agree."""


def count(events: list[tuple[str, Row]], reached: Counter[str]) -> None:
    """Count events, refusals, and what else a stream should reach."""
    for name, row in events:
        reached[name] += 1
        if name == "CommandRefused":
            reached[f"{row['command']} {row['code']}"] += 1
        if "basis" in row:
            reached[f"basis {row['basis']}"] += 1
        if row.get("periods", 1) > 1:
            reached["late funding"] += 1
        if name == "LossAllocated":
            reached[f"layer {row['layer']}"] += 1


def run_both(workload: Workload, reached: Counter[str]) -> tuple[Engine, NaiveHouse]:
    """Run one stream through both; count events and refusals in ``reached``."""
    engine, naive = Engine(MemoryJournal(), State(PLUGINS)), NaiveHouse()
    for number, runs in enumerate(workload.batches()):
        batches = engine.submit(runs)
        records = naive.submit(runs)
        place = f"seed {workload.seed}, batch {number}"
        for record, batch in zip(records, batches, strict=False):
            difference = explain(record, batch)
            if difference:
                raise DifferentError(f"{place}, record {batch.sequence}: {difference}")
        if len(records) != len(batches):
            raise DifferentError(
                f"{place}: {len(records)} records in the model, {len(batches)} in the engine;"
                f" engine: {[flat(b.commands) for b in batches[len(records) :]]}"
                f" model: {[r.commands for r in records[len(batches) :]]}"
            )
        difference = state_difference(naive, engine)
        if difference:
            raise DifferentError(
                f"{place}: {difference}; commands {[flat(b.commands)[:8] for b in batches]}"
            )
        events = events_of(batches)
        count(events, reached)
        workload.learn(events)
    return engine, naive
