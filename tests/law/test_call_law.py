"""Who pays every call in full and in time is in no default for a call; who pays nothing is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.default_management.close_out import assess_positions
from novate.default_management.deciding_price import assess_protected
from novate.engine.batch import Batch
from novate.engine.recover import audit
from novate.kernel.clearing.assess import EQUITY, INITIAL
from novate.kernel.codes import AccountStatus, ShortfallPolicy
from novate.message import command
from novate.message.declare import Row, rows_of
from novate.message.parameter import Parameter
from tests.tiny_model import PLUGINS
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, ClearingHouse

GRACE = HOUR
SILENCE = 3 * HOUR
"""Longest time for which no source reports: a deadline may wait as long."""


def ready(dice: np.random.Generator) -> ClearingHouse:
    """A, which pays what it is called for, and C, which pays nothing, hold a linear contract, and
    A also an inverse one; the takeover level is zero, so that calls alone decide."""
    house = ClearingHouse(
        plugins=PLUGINS,
        parameters={
            Parameter.CALL_GRACE_NS: GRACE,
            Parameter.TAKEOVER_PPM: 0,
            Parameter.CALL_MINIMUM: int(dice.choice([0, 10, 500])) * COIN,
            Parameter.STALE_HORIZON_NS: int(dice.choice([0, 24])) * HOUR,
        },
    )
    house.list_contract("X", cycle_ns=int(dice.choice([0, HOUR])))
    house.list_contract("Y", form=2, settlement_asset=1, unit=100 * E8, cycle_ns=0)
    for name in ("A", "C"):
        house.open_client(
            name, deposit=200_000 * COIN, shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT
        )
        house.deposit(name, 100 * E8, asset=1)
    house.open_client("B", deposit=10**9 * COIN)
    house.deposit("B", 10**6 * E8, asset=1)
    house.price(500)
    for name in ("A", "C"):
        sides = (name, "B") if dice.random() < 0.5 else ("B", name)
        house.trade(*sides, lots=int(dice.integers(100, 4_000)), ticks=500)
    sides = ("A", "B") if dice.random() < 0.5 else ("B", "A")
    house.submit(
        house.trade_run(*sides, lots=int(dice.integers(1, 3_000)), ticks=500, instrument=1),
        allow_refusals=True,
    )
    return house


def pay(house: ClearingHouse, dice: np.random.Generator) -> None:
    """A pays all that it was asked for: in coins as far as they count, the rest in numeraire."""
    x, a = house.state, np.array([house.number("A")])
    if dice.random() < 0.3 and x.obligations.asked(a)[0]:
        house.deposit("A", int(dice.integers(1, 10 * E8)), asset=1)
    left = int(x.obligations.asked(a)[0])
    if left:
        house.deposit("A", left)


def live(house: ClearingHouse, dice: np.random.Generator) -> None:
    """A price, time without one, other terms, or a trade of A."""
    what, now = dice.random(), house.state.now_ns
    later = now + int(dice.integers(1, 50)) * MINUTE
    price = max(int(house.state.assets.price_e8[1] * np.exp(dice.normal(0, 0.04))), E8)
    if what < 0.6:
        house.price(None, at_ns=later, e8={0: price})
    elif what < 0.7:
        house.advance(now + int(dice.integers(1, SILENCE)))
    elif what < 0.8:
        house.submit(command.SET_HAIRCUT.row(asset=1, haircut_bps=int(dice.integers(0, 3_000))))
    else:
        lots, mark = int(dice.integers(1, 500)), int(house.state.marks.mark[0])
        sides = ("A", "B") if dice.random() < 0.5 else ("B", "A")
        house.submit(house.trade_run(*sides, lots=lots, ticks=mark), allow_refusals=True)


@pytest.mark.rule("10.53", "10.58", "10.59")
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_who_pays_each_call_in_time_is_never_in_default_and_who_pays_nothing_is(seed: int) -> None:
    dice = np.random.default_rng(seed)
    house = ready(dice)
    c = house.number("C")
    for _ in range(int(dice.integers(5, 30))):
        live(house, dice)
        pay(house, dice)
        x = house.state
        worth = x.assess(house.number("A")).equity
        failed = [row["account"] for row in house.events("DefaultDeclared")]
        if house.number("A") in failed:
            # Below the takeover level, here 0, nobody has a grace, whatever he paid.
            lost = next(r for r in house.events("DefaultDeclared") if r["account"] != c)
            assert lost["equity"] < 0, worth
            break
        first = [row["deadline_ns"] for row in house.events("MarginCalled") if row["account"] == c]
        if x.accounts.status[c] == AccountStatus.CALLED:
            assert x.now_ns < first[-1] or x.accounts.deadline_ns[c] < 0
            assert x.obligations.asked(np.array([c]))[0] > 0
    assert audit(house.engine.journal, plugins=PLUGINS).digest == house.state.digest()


LIFE = 10 * MINUTE
"""For how long a source counts in the second law."""


def pushed_house(dice: np.random.Generator) -> ClearingHouse:
    """C is long a contract whose last price may be pushed as far as its clamp lets the mark go."""
    house = ClearingHouse(
        assets=(("BTC", 8, 0), ("ETH", 8, 0)),
        parameters={
            Parameter.CALL_GRACE_NS: GRACE,
            Parameter.TAKEOVER_PPM: 0,
            Parameter.INDEX_STALENESS_NS: LIFE,
            Parameter.CALL_MINIMUM: int(dice.choice([0, 10])) * COIN,
            Parameter.STALE_ADD_ON_PPM: 0,
        },
    )
    house.list_contract("X", cycle_ns=0, basis_clamp_ppm=50_000, tiers=((0, 20_000, 10_000),))
    call = ShortfallPolicy.CALL_THEN_DEFAULT
    house.open_client("C", deposit=2_600 * COIN, shortfall_policy=call)
    house.open_client("B", deposit=10**6 * COIN)
    house.price(1_000, e8={1: 100 * E8}, last={0: 1_000})
    house.trade("C", "B", lots=100, ticks=1_000)
    return house


def is_at_level(house: ClearingHouse) -> bool:
    """Whether C is at its call level at the protected prices."""
    x, c = house.state, np.array([house.number("C")])
    numbers = assess_protected(x, c, assess_positions(x, c), assess_positions)
    return bool(numbers[0, EQUITY] >= numbers[0, INITIAL])


@dataclass
class Watch:
    """What somebody outside knows of the time in which C could act; ns."""

    reported_ns: int
    seen_ns: int
    is_fresh: bool = True
    usable_ns: int = 0
    longest_ns: int = 0

    def until(self, at_ns: int) -> int:
        """Return the time since the last assessment in which the price counted."""
        end_ns = min(at_ns, self.reported_ns + LIFE)
        return max(end_ns - self.seen_ns, 0) if self.is_fresh else 0

    def see(self, at_ns: int, *, has_report: bool, is_found: bool) -> None:
        """Go on to the next assessment; a silence that was over before it was found is none."""
        is_unseen = self.is_fresh and has_report and not is_found
        self.usable_ns += at_ns - self.seen_ns if is_unseen else self.until(at_ns)
        self.longest_ns = max(self.longest_ns, at_ns - self.seen_ns)
        self.reported_ns = at_ns if has_report else self.reported_ns
        self.seen_ns, self.is_fresh = at_ns, at_ns <= self.reported_ns + LIFE


def go_on(house: ClearingHouse, dice: np.random.Generator, watch: Watch) -> None:
    """A push, a move of the index by a little, or no price at all; then an assessment."""
    at_ns = house.state.now_ns + int(dice.integers(1, 25)) * MINUTE
    has_report = bool(dice.random() < 0.7)
    index = int(dice.integers(988, 995)) if dice.random() < 0.9 else 1_000
    last = int(dice.choice([index, index, 2 * index, index // 2]))
    waits = len(house.events("CallExtended"))
    house.price(
        index if has_report else None,
        at_ns=at_ns,
        e8={1: 100 * E8} if dice.random() < 0.5 else {},
        last={0: last},
    )
    is_found = len(house.events("CallExtended")) > waits
    watch.see(at_ns, has_report=has_report, is_found=is_found)


@pytest.mark.rule("4.16", "4.85", "4.86", "5.81", "8.84", "10.6")
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_who_pays_nothing_is_met_at_protected_prices_alone_and_has_its_grace_once(
    seed: int,
) -> None:
    dice = np.random.default_rng(seed)
    house = pushed_house(dice)
    c, watch = house.number("C"), Watch(house.state.now_ns, house.state.now_ns)
    for _ in range(60):
        before, seen = is_at_level(house), replace(watch)
        met, waived = (len(house.events(name)) for name in ("MarginCallMet", "MarginCallPaid"))
        was_called = house.state.accounts.status[c] == AccountStatus.CALLED
        go_on(house, dice, watch)
        if len(house.events("MarginCallMet")) > met:
            assert before or is_at_level(house)
            was_called = False
        ended = [(b.instant_ns, r) for b in house.batches for r in told(b, "DefaultDeclared")]
        if ended:
            usable_ns = seen.usable_ns + seen.until(ended[0][0])
            assert usable_ns <= GRACE + watch.longest_ns
            # The whole of it, unless all that was left is worth less than nothing.
            assert usable_ns == GRACE or ended[0][1]["equity"] < 0
            break
        is_paid = len(house.events("MarginCallPaid")) > waived
        if not was_called or is_paid or house.state.accounts.status[c] != AccountStatus.CALLED:
            watch.usable_ns = watch.longest_ns = 0
    assert audit(house.engine.journal).digest == house.state.digest()


def told(batch: Batch, name: str) -> list[Row]:
    """Rows of an event in a batch."""
    return [row for run in batch.events if run.name == name for row in rows_of(run)]
