from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from novate.book.ledger import transfer
from novate.engine.state import State
from novate.engine.state_version import STATE_VERSION
from novate.errors import InvariantError, JournalError
from novate.kernel.clearing.bound import COST_STOP
from novate.message import event
from tests.unit.clearing import COIN, HOUR, START, ClearingHouse


def busy_house() -> ClearingHouse:
    """Positions, reservations, orders, a loss, and a source key."""
    house = ClearingHouse()
    house.list_contract("X")
    house.list_contract("Y")
    house.open_client("A", deposit=5_500 * COIN)
    house.open_client("B", deposit=90_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    house.trade("B", "EXTERNAL_MARKET", lots=7, ticks=501, instrument=1)
    house.price(440)
    house.engine.state.sources_seen["feed"] = 4
    return house


def test_a_snapshot_brings_back_the_whole_state() -> None:
    state = busy_house().engine.state

    again = State.restored(state.columns(), STATE_VERSION)

    assert again.digest() == state.digest()
    assert again.sources_seen == {"feed": 4}
    assert again.accounts.number == state.accounts.number
    assert again.defaults.waterfall.tolist() == state.defaults.waterfall.tolist()
    again.require_sound()


def test_a_restored_state_goes_on_as_the_old_one_would() -> None:
    house = busy_house()
    twin = ClearingHouse()
    twin.engine.state = State.restored(house.engine.state.columns(), STATE_VERSION)

    for each in (house, twin):
        each.price(438, at_ns=START + HOUR)
        each.trade("B", "EXTERNAL_MARKET", lots=3, ticks=438)

    assert twin.engine.state.digest() == house.engine.state.digest()


def test_a_column_that_the_stored_state_lacks_has_its_default() -> None:
    state = busy_house().engine.state
    named = state.columns()
    for name in ("accounts.slice_ns", "sources.observed_ns", "clock", "waterfall", "parameters"):
        del named[name]

    again = State.restored(named, 1)

    assert again.accounts.used("slice_ns").tolist() == [0] * state.accounts.count
    assert again.sources.used("observed_ns").tolist() == [-1]
    assert (again.now_ns, again.window_ns) == (0, 0)
    fresh = State()
    assert again.parameters.tolist() == fresh.parameters.tolist()
    assert again.defaults.waterfall.tolist() == fresh.defaults.waterfall.tolist()


def test_a_table_and_a_list_of_texts_that_it_lacks_are_empty() -> None:
    named = busy_house().engine.state.columns()
    texts = msgspec.json.decode(named["texts"].tobytes())
    del texts["option_rules"], texts["seen"]
    named["texts"] = np.frombuffer(msgspec.json.encode(texts), np.uint8)
    kept = {name: array for name, array in named.items() if not name.startswith("losses.")}

    again = State.restored(kept, 1)

    assert again.defaults.losses.count == 0
    assert (again.option_rules.symbols, again.sources_seen) == ([], {})


def test_lists_that_grew_keep_what_was_stored_and_add_defaults() -> None:
    state = busy_house().engine.state
    state.parameters[0] = 77
    named = state.columns()
    named["parameters"] = named["parameters"][:3]
    named["clock"] = named["clock"][:1]

    again = State.restored(named, 1)

    fresh = State().parameters.tolist()
    assert again.parameters.tolist() == [77, *fresh[1:]]
    assert (again.now_ns, again.window_ns) == (state.now_ns, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"accounts.mood": [0]}, "column 'accounts.mood' of state version 1 is unknown"),
        ({"moods.depth": [0]}, "column 'moods.depth' of state version 1 is unknown"),
        ({"weather": [0]}, "column 'weather' of state version 1 is unknown"),
        ({"clock": [1, 2, 3, 4, 5, 6, 7]}, "'clock' has 7 entries, 6 are known"),
        ({"parameters": [0] * 99}, r"'parameters' has 99 entries, \d+ are known"),
        ({"texts": np.frombuffer(b'{"moods": []}', np.uint8)}, "texts 'moods' is unknown"),
    ],
)
def test_what_nobody_knows_is_refused_by_name(change: dict[str, object], message: str) -> None:
    named = busy_house().engine.state.columns()

    with pytest.raises(JournalError, match=message):
        State.restored({**named, **{name: np.array(given) for name, given in change.items()}}, 1)


def test_the_digest_covers_every_table_and_the_keys_of_sources() -> None:
    house = busy_house()
    state = house.engine.state
    digests = {state.digest()}

    transfer(state.accounts, 0, house.number("A"), house.number("B"), 1)
    digests.add(state.digest())
    state.defaults.orders.quantity[0] += 1
    digests.add(state.digest())
    state.now_ns += 1
    digests.add(state.digest())
    state.sources_seen["feed"] += 1
    digests.add(state.digest())
    state.parameters[0] += 1
    digests.add(state.digest())

    assert len(digests) == 6


@pytest.mark.rule("1.5")
def test_the_digest_does_not_depend_on_the_layout() -> None:
    state = busy_house().engine.state
    before = state.digest()

    state.drop_caches()
    state.accounts.ensure(5_000)
    state.positions.reserve(5_000, state.accounts)

    assert state.digest() == before


def test_a_copy_shares_nothing() -> None:
    house = busy_house()
    state = house.engine.state
    before = state.digest()
    twin = state.copy()

    transfer(twin.accounts, 0, house.number("A"), house.number("B"), 1)
    twin.positions.lots[0] += 1
    twin.defaults.losses.append()
    twin.sources_seen["feed"] = 9

    assert state.digest() == before
    assert twin.digest() != before


@pytest.mark.rule("14.8")
def test_money_from_nowhere_stops_the_engine() -> None:
    house = busy_house()
    state = house.engine.state
    state.require_sound()

    state.accounts.balance[house.number("A"), 0] += 1

    with pytest.raises(InvariantError, match=r"debits equal credits in every asset, sums \[1, 0\]"):
        state.require_sound()


@pytest.mark.rule("14.8")
def test_a_position_without_its_other_side_stops_the_engine() -> None:
    state = busy_house().engine.state
    state.positions.lots[int(np.argmax(state.positions.lots))] += 1

    with pytest.raises(InvariantError, match=r"positions of every contract sum to zero"):
        state.require_sound()


def test_pending_cash_that_does_not_cancel_stops_the_engine() -> None:
    state = busy_house().engine.state
    state.positions.settlement_cost[0] += 1

    with pytest.raises(InvariantError, match=r"pending cash of every contract cancels.*'X', 1"):
        state.require_sound()


def test_rounding_of_inverse_values_may_leave_a_unit_per_holder_after_a_cycle() -> None:
    house = ClearingHouse()
    house.list_contract(form=2, settlement_asset=1, unit=10**10)
    for name in ("A", "B", "C"):
        house.open_client(name)
        house.deposit(name, 10**8, asset=1)
    house.price(500)
    house.trade("A", "B", lots=1, ticks=499)
    house.trade("A", "C", lots=2, ticks=497)
    house.price(499)
    house.advance(START + HOUR)

    house.engine.state.require_sound()

    assert int(house.state.accounts.used("balance").sum()) == 0


# ---- after one record


def test_a_record_is_sound_when_its_legs_cancel() -> None:
    house = busy_house()
    state = house.engine.state
    state.is_moved = True
    state.margin_cache.touch(3, 4)

    touched = state.require_still_sound([])

    assert touched is not None
    assert touched.tolist() == [3, 4]
    assert not state.is_moved


@pytest.mark.parametrize(
    ("forget", "message"),
    [
        (lambda s: s.accounts.add(3, 0, 1), r"debits equal credits in every asset, sums \[1, 0\]"),
        (lambda s: s.instruments.lots_sum.__setitem__(0, 2), "sum to zero, sums \\[2, 0\\]"),
        (lambda s: s.instruments.pending_sum.__setitem__(1, -3), r"cancels, left \[\('Y', -3\)\]"),
    ],
)
def test_a_leg_that_is_missing_stops_the_engine_at_once(
    forget: Callable[[State], None], message: str
) -> None:
    state = busy_house().engine.state
    forget(state)
    state.require_still_sound([])  # nothing moved: nothing is looked at
    state.is_moved = True

    with pytest.raises(InvariantError, match=message):
        state.require_still_sound([])


def test_what_no_command_may_bring_about_is_held_to_the_bounds() -> None:
    house = busy_house()
    state = house.engine.state
    account = house.number("B")
    row = int(state.accounts.head[account])
    unadmitted = [
        event.ACCOUNT_TAKEN_OVER.run({f.name: [] for f in event.ACCOUNT_TAKEN_OVER.fields})
    ]
    for column, value, words in (
        ("settlement_cost", COST_STOP + 2**10, "no account's costs are over"),
        ("lots", COST_STOP // 10**12 + 1, "no account reaches over"),
    ):
        kept = int(getattr(state.positions, column)[row])
        getattr(state.positions, column)[row] = value
        for events, accounts in (([], [account]), (unadmitted, [account + 1])):
            state.is_moved = True
            state.margin_cache.touch(*accounts)
            state.require_still_sound(events)
        state.is_moved = True
        state.margin_cache.touch(account)
        with pytest.raises(InvariantError, match=words):
            state.require_still_sound(unadmitted)
        getattr(state.positions, column)[row] = kept


def test_a_record_that_touches_everything_is_added_up() -> None:
    house = busy_house()
    state = house.engine.state
    state.accounts.balance[3, 0] += 1  # past the bookings
    state.is_moved = True
    state.margin_cache.touch_all()

    with pytest.raises(InvariantError, match="debits equal credits"):
        state.require_still_sound([])


def test_running_totals_that_are_not_those_of_the_rows_stop_the_engine() -> None:
    state = busy_house().engine.state
    state.accounts.balance_sum[0] += 1

    with pytest.raises(InvariantError, match="running totals are those of the rows"):
        state.require_sound()
