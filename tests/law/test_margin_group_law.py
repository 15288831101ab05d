"""Laws of margin groups: what accounts of a pool may do together and what never follows from it."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.adapter.memory_journal import MemoryJournal
from novate.canonical import Run
from novate.engine.engine import Engine
from novate.engine.recover import audit, recover
from novate.engine.state import State
from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE
from novate.kernel.codes import AccountStatus, Role
from novate.message import command
from novate.message.declare import rows_of
from tests.law.strategies import STEPS, Stream, events_of, play, row_by_row, seeds, stream_of
from tests.law.test_engine_laws import cut, few, middle, sorted_events
from tests.simulate.naive.grouped import Grouped, moves, sub_accounts
from tests.simulate.naive.workload import SINGLE
from tests.tiny_model import PLUGINS

Event = tuple[str, dict[str, Any]]
ACCOUNTS = len(SINGLE) + 18


def engine_of() -> Engine:
    return Engine(MemoryJournal(), State(PLUGINS))


@functools.cache
def grouped_stream(seed: int, steps: int = STEPS) -> Stream:
    """The stream of a seed in which holders have several accounts and groups have models."""
    engine, workload, taken = engine_of(), Grouped(seed, steps=steps), []
    for runs in workload.batches():
        taken.append(runs)
        workload.learn(events_of(engine.submit(runs)))
    return tuple(taken)


def test_grouped_streams_have_groups_that_are_called_liquidated_and_taken_over() -> None:
    reached: Counter[str] = Counter()
    for seed in range(16):
        engine, workload = engine_of(), Grouped(seed)
        for runs in workload.batches():
            workload.learn(events_of(engine.submit(runs)))
        reached += workload.of_several
    seen = {"MarginCalled", "LiquidationStarted", "AccountTakenOver", "MarginGroupSet"}
    assert {name for name in seen if not reached[name]} == set()


# --- a group of one account ----------------------------------------------------------------


def without(events: Sequence[Event], *commands: str) -> list[Event]:
    """Events but for those of opening accounts and of some commands."""
    left_out = {"AccountOpened", "SubAccountOpened", "MarginGroupSet"}
    return [
        (name, {key: value for key, value in row.items() if key != "row"})
        for name, row in events
        if name not in left_out and row.get("command") not in commands
    ]


def two_ways_to_open(stream: Stream) -> tuple[Stream, Stream]:
    """A stream whose clients of a member are of one class, opened each by itself or as more
    accounts of the first, every other one in its group until it leaves.
    """
    (opened,) = stream[1]
    rows = rows_of(opened)
    first = {row["parent"]: k for k, row in reversed([*enumerate(rows)])
             if row["role"] == Role.CLIENT}  # fmt: skip
    alone: list[Run] = []
    more: list[Run] = []
    for number, row in enumerate(rows):
        holder = first.get(row["parent"], number)
        is_more = row["role"] == Role.CLIENT and holder < number
        if is_more:
            row |= {name: rows[holder][name] for name in ("segregation", "shortfall_policy")}
        alone.append(command.OPEN_ACCOUNT.row(**row))
        if not is_more:
            more.append(alone[-1])
            continue
        joins = number % 2 == 0 and 2 not in (row["mode"], rows[holder]["mode"])
        group = holder if joins else -1
        more.append(sub_accounts([(row["reference"], holder, row["mode"], group, group)]))
        if joins:
            more.append(moves([(number, number, number)]))
    return (stream[0], alone, *stream[2:]), (stream[0], more, *stream[2:])


@pytest.mark.rule("6.30", "6.31")
@few
@given(seeds)
def test_an_account_that_is_a_group_alone_is_an_account_like_any_other(seed: int) -> None:
    engines = Engine(MemoryJournal()), Engine(MemoryJournal())
    for one, other in zip(*two_ways_to_open(stream_of(seed)), strict=True):
        assert without(events_of(engines[0].submit(one))) == without(
            events_of(engines[1].submit(other))
        )
    pools = engines[1].state.accounts.used("pool")
    assert np.unique(pools).size < engines[0].state.accounts.count


@pytest.mark.rule("6.33", "6.34")
@few
@given(seeds)
def test_to_put_an_account_where_it_is_changes_nothing(seed: int) -> None:
    plain, other = Engine(MemoryJournal()), Engine(MemoryJournal())
    dice = np.random.default_rng(seed)
    stream = stream_of(seed)
    for runs in stream[:2]:
        plain.submit(runs)
        other.submit(runs)
    seen = 0
    for runs in stream[2:]:
        accounts = dice.integers(len(SINGLE), ACCOUNTS, 3).tolist()
        again = moves([(account, account, account) for account in accounts])
        events = events_of(other.submit([again, *runs]))
        seen += sum(name == "MarginGroupSet" for name, _ in events)
        assert without(events, "SetMarginGroup") == without(events_of(plain.submit(runs)))
    assert other.state.digest() == plain.state.digest()
    assert seen > 0


# --- whole streams -------------------------------------------------------------------------


@pytest.mark.rule("1.5")
@few
@given(seeds)
def test_the_cache_is_exact_and_dropping_it_changes_nothing(seed: int) -> None:
    kept, dropped = engine_of(), engine_of()
    for runs in grouped_stream(seed):
        kept.submit(runs)
        dropped.state.drop_caches()
        dropped.submit(runs)
        exact = kept.state.assess_all()[:, [EQUITY, INITIAL, MAINTENANCE]]
        assert np.array_equal(kept.state.margin_cache.numbers(), exact)
        assert [kept.state.assess(k).equity for k in range(len(exact))] == exact[:, 0].tolist()
    assert kept.head_hash == dropped.head_hash
    assert kept.state.digest() == dropped.state.digest()


@pytest.mark.rule("4.26", "14.4")
@few
@given(seeds)
def test_a_batch_gives_the_same_events_and_state_as_its_rows_one_by_one(seed: int) -> None:
    whole, single = engine_of(), engine_of()
    for runs in grouped_stream(seed):
        together = events_of(whole.submit(runs))
        apart = [e for run in row_by_row(runs) for e in events_of(single.submit([run]))]
        assert sorted_events(together) == sorted_events(apart)
        assert whole.state.digest() == single.state.digest()


@pytest.mark.rule("14.2", "14.3")
@few
@given(seeds, cut)
def test_recovery_snapshots_and_audit_arrive_at_the_live_state(seed: int, share: float) -> None:
    stream = grouped_stream(seed)
    at = middle(stream, share)
    engine = play(stream[:at], engine_of())
    engine.snapshot()
    play(stream[at:], engine)
    digest = engine.state.digest()
    assert recover(engine.journal, plugins=PLUGINS).state.digest() == digest
    whole = recover(engine.journal, from_snapshot=False, plugins=PLUGINS)
    assert whole.state.digest() == digest
    assert audit(engine.journal, plugins=PLUGINS).digest == digest
    links = engine.state.accounts.used("group_link").tolist()
    assert whole.state.accounts.used("group_link").tolist() == links


@pytest.mark.rule("6.30", "6.33", "6.39", "14.8")
@few
@given(seeds)
def test_money_stays_and_groups_lie_in_pools_after_every_batch(seed: int) -> None:
    engine = engine_of()
    for runs in grouped_stream(seed):
        engine.submit(runs)
        a = engine.state.accounts
        assert not a.used("balance").sum(axis=0).any()
        group, netting_set = a.used("margin_group"), a.used("netting_set")
        for column in ("pool", "payer", "status", "margin_model", "role", "shortfall_policy"):
            values = a.used(column)
            assert (values == values[group]).all(), column
        assert (group[group] == group).all()
        assert (netting_set[netting_set] == netting_set).all()
        assert (group[netting_set] == group).all()
        rings = [tuple(np.flatnonzero(group == g).tolist()) for g in group.tolist()]
        assert [a.ring_of(account) for account in range(a.count)] == rings
        isolated = np.flatnonzero(a.used("mode") == 2)
        assert all(len(rings[account]) == 1 for account in isolated)


@pytest.mark.rule("6.34")
@few
@given(seeds)
def test_no_move_leaves_a_group_below_initial_margin(seed: int) -> None:
    engine, dice = engine_of(), np.random.default_rng(seed)
    moved = 0
    for runs in grouped_stream(seed):
        engine.submit(runs)
        traders = engine.state.accounts.count - ACCOUNTS
        for _ in range(6 if traders > 0 else 0):
            moved += is_safe_move(engine, dice)
    assert moved > 0


def is_safe_move(engine: Engine, dice: np.random.Generator) -> bool:
    """Try one move of an account in its pool; whether it was made."""
    x = engine.state
    account = int(dice.integers(len(SINGLE), x.accounts.count))
    pool = np.flatnonzero(x.accounts.used("pool") == x.accounts.pool[account])
    group = x.group_of(int(dice.choice(pool)))
    sets = [account, *x.accounts.netting_set[list(x.group_accounts(group))].tolist()]
    before, left = [x.assess(k).equity for k in pool.tolist()], x.group_of(account)
    move = (account, int(dice.choice([account, group, group])), int(dice.choice(sets)))
    events = events_of(engine.submit([moves([move])]))
    if events[0][0] == "CommandRefused":
        assert [x.assess(k).equity for k in pool.tolist()] == before
        return False
    for one in {x.group_of(left), x.group_of(account)}:
        found = x.assess(one)
        assert found.equity >= found.initial
        assert x.accounts.status[one] == AccountStatus.OPEN
    return True


@pytest.mark.rule("6.32", "6.34", "14.4")
@few
@given(seeds, st.booleans())
def test_to_open_join_and_trade_are_linked_all_or_none(seed: int, is_refused: bool) -> None:
    stream, dice = grouped_stream(seed), np.random.default_rng(seed)
    engine = play(stream[: middle(stream, float(dice.uniform(0.4, 0.9)))], engine_of())
    x = engine.state
    a = x.accounts
    is_joinable = (a.used("status") == AccountStatus.OPEN) & (a.used("mode") == 1)
    choices = np.flatnonzero(is_joinable & a.used("is_margined")).tolist()
    holder, number = int(dice.choice(choices)), a.count
    group = x.group_of(holder)
    runs = [
        sub_accounts([("linked", holder, 1, -1, -1)]),
        command.POST_COLLATERAL.row(account=number, asset=0, amount=10**12),
        moves([(number, group, int(a.netting_set[holder]))]),
        command.SUBMIT_TRADE.row(
            buyer=number, seller=x.single(Role.EXTERNAL_MARKET), instrument=0,
            ticks=max(int(x.marks.mark[0]), 1), lots=3, buyer_is_maker=True, buyer_reservation=0,
            seller_reservation=0,
        ),
    ]  # fmt: skip
    if is_refused:
        runs.append(moves([(number, UNKNOWN_GROUP, number)]))
    digest, twin = x.digest(), engine.fork(MemoryJournal())
    events = events_of(engine.submit(runs, linked=True))
    refused = [name for name, _ in events if name == "CommandRefused"]
    if is_refused or refused:
        assert len(refused) == len(events) == len(runs)
        assert x.digest() == digest
        return
    for run in runs:
        twin.submit([run])
    assert [name for name, _ in events] == [
        "SubAccountOpened", "CollateralPosted", "MarginGroupSet", "TradeNovated",
    ]  # fmt: skip
    assert x.digest() == twin.state.digest()


UNKNOWN_GROUP = 10**6
