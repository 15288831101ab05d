"""What account holders do during the crash: top up, give up, or take their money out.

Every account draws its traits once, at the start; what it then does is a pure function of its
traits, its memory and what it sees.  A cascade run with another liquidation rule therefore meets
the same people with the same money, which is what a comparison on common random numbers needs.

A holder who tops up notices when equity over initial margin falls below a trigger, needs a while
to move funds, and has limited wealth.  Some withdraw free collateral once, early or in panic;
nobody can withdraw below initial margin.  Money is in ledger units of the numeraire throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from novate.errors import InputError
from novate.simulation.population.book import Book
from novate.simulation.population.terms import AccountType, BoolArray, FloatArray, IntArray
from novate.simulation.stream import Purpose, stream

NEVER_NS = np.iinfo(np.int64).max
"""An instant that does not come."""

_PPM = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How accounts of one type behave.

    Attributes
    ----------
    top_up_share
        Share of the accounts that add collateral at all.
    trigger_min, trigger_max
        Equity over initial margin below which they act; drawn evenly per account.
    target
        Equity over initial margin that a top-up restores.
    delay_ns
        Median time between noticing and the collateral's arrival.
    wealth
        Median of the funds outside the venue over the equity inside.
    withdraw_share
        Share of the accounts that withdraw during the crash.
    withdraw_part
        Part of the free collateral that they take.
    """

    top_up_share: float
    trigger_min: float
    trigger_max: float
    target: float
    delay_ns: int
    wealth: float
    withdraw_share: float
    withdraw_part: float


def venue_habits() -> dict[AccountType, Habit]:
    """Default habits: takers rarely top up and slowly, makers and houses do so within minutes."""
    minute = 60_000_000_000
    rare = {"withdraw_share": 0.02, "withdraw_part": 0.5}
    return {
        AccountType.TAKER: Habit(
            top_up_share=0.25, trigger_min=0.6, trigger_max=1.2, target=1.5,
            delay_ns=10 * minute, wealth=0.5, withdraw_share=0.04, withdraw_part=0.8,
        ),
        AccountType.MARKET_MAKER: Habit(
            top_up_share=0.90, trigger_min=1.2, trigger_max=2.0, target=2.5,
            delay_ns=5 * minute, wealth=1.0, withdraw_share=0.10, withdraw_part=0.5,
        ),
        AccountType.BASIS_TRADER: Habit(
            top_up_share=0.40, trigger_min=0.9, trigger_max=1.5, target=2.0,
            delay_ns=30 * minute, wealth=0.3, **rare,
        ),
        AccountType.FUND: Habit(
            top_up_share=0.75, trigger_min=0.9, trigger_max=1.3, target=1.5,
            delay_ns=45 * minute, wealth=0.6, **rare,
        ),
        AccountType.HOUSE: Habit(
            top_up_share=1.0, trigger_min=1.1, trigger_max=1.3, target=1.5,
            delay_ns=30 * minute, wealth=1.0, withdraw_share=0.0, withdraw_part=0.0,
        ),
    }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashWindow:
    """When withdrawals happen.

    Attributes
    ----------
    start_ns
        Begin of the stress.
    length_ns
        Withdrawal instants are exponential after the start with this mean.
    lead_ns
        One withdrawal in three comes early, up to this long before the start.
    """

    start_ns: int
    length_ns: int
    lead_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What each account will do; columns of shape (accounts,).

    Attributes
    ----------
    will_top_up
        Whether the holder adds collateral at all.
    trigger_ppm, target_ppm
        Equity over initial margin at which they act, and which they restore.
    delay_ns
        Time from noticing to arrival.
    wealth
        Funds outside the venue at the start, ledger units.
    withdraw_ns, withdraw_ppm
        When they withdraw (`NEVER_NS` if not) and which part of the free collateral.
    """

    will_top_up: BoolArray
    trigger_ppm: IntArray
    target_ppm: IntArray
    delay_ns: IntArray
    wealth: IntArray
    withdraw_ns: IntArray
    withdraw_ppm: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What accounts have done so far; columns of shape (accounts,).

    Attributes
    ----------
    wealth_left
        Funds outside the venue that are not under way.
    pending, due_ns
        Top-up under way, and when it arrives (`NEVER_NS` if none).
    has_withdrawn
        Whether the withdrawal was made.
    """

    wealth_left: IntArray
    pending: IntArray
    due_ns: IntArray
    has_withdrawn: BoolArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """Answer of the holders at one instant; columns of shape (accounts,).

    Attributes
    ----------
    deposit, withdrawal
        Collateral that arrives and that is asked for, ledger units, never negative.
    memory
        What to pass in next time.
    """

    deposit: IntArray
    withdrawal: IntArray
    memory: Memory = field(repr=False)


def draw_traits(
    book: Book,
    window: CrashWindow,
    seed: int,
    *,
    habits: dict[AccountType, Habit] | None = None,
) -> Traits:
    """Draw each account's traits.

    Parameters
    ----------
    book
        The generated book; wealth is drawn relative to the equity in it.
    window
        When withdrawals happen.
    seed
        Run seed.
    habits
        Habits by type; all types of the book must be there.

    Raises
    ------
    InputError
        If a type has no habits.
    """
    habits = venue_habits() if habits is None else habits
    kind = book.accounts.kind
    for key in np.unique(kind):
        if AccountType(int(key)) not in habits:
            msg = f"habits lack the account type {AccountType(int(key)).name}"
            raise InputError(msg)
    count = len(kind)
    rng = stream(seed, Purpose.BEHAVIOUR, 0)
    chance = rng.random((4, count))
    shape = rng.standard_normal((2, count))
    wait = rng.exponential(size=count)

    def of(name: str) -> FloatArray:
        column = np.zeros(count)
        for key, habit in habits.items():
            column[kind == key] = getattr(habit, name)
        return column

    trigger = of("trigger_min") + chance[1] * (of("trigger_max") - of("trigger_min"))
    is_early = chance[3] < 1 / 3
    early = window.start_ns - (chance[3] * 3.0 * window.lead_ns).astype(np.int64)
    late = window.start_ns + (wait * window.length_ns).astype(np.int64)
    withdraw_ns = np.where(is_early, early, late)
    withdraw_ns[chance[2] >= of("withdraw_share")] = NEVER_NS
    wealth = book.equity() * of("wealth") * np.exp(0.8 * shape[1])
    return Traits(
        will_top_up=chance[0] < of("top_up_share"),
        trigger_ppm=np.rint(trigger * _PPM).astype(np.int64),
        target_ppm=np.rint(of("target") * _PPM).astype(np.int64),
        delay_ns=np.rint(of("delay_ns") * np.exp(0.6 * shape[0])).astype(np.int64),
        wealth=np.floor(wealth).astype(np.int64),
        withdraw_ns=withdraw_ns,
        withdraw_ppm=np.rint(of("withdraw_part") * _PPM).astype(np.int64),
    )


def fresh_memory(traits: Traits) -> Memory:
    """Memory of accounts that have done nothing yet."""
    count = len(traits.wealth)
    return Memory(
        wealth_left=traits.wealth.copy(),
        pending=np.zeros(count, dtype=np.int64),
        due_ns=np.full(count, NEVER_NS, dtype=np.int64),
        has_withdrawn=np.zeros(count, dtype=bool),
    )


def react(
    traits: Traits,
    memory: Memory,
    *,
    equity: IntArray,
    initial_margin: IntArray,
    instant_ns: int,
) -> Reaction:
    """Decide what the holders do at an instant.

    Parameters
    ----------
    traits, memory
        Who they are and what they did so far.
    equity, initial_margin
        As the venue shows them, ledger units, shape (accounts,).  Equity may be negative.
    instant_ns
        Now; not before the last call.

    Returns
    -------
    Reaction
        Deposits that arrive now, withdrawals asked for now, and the new memory.  A top-up that is
        due for an account without positions stays with its holder.  Nobody sends money to an
        account that it cannot bring back above initial margin: the position is given up.
    """
    is_due = memory.due_ns <= instant_ns
    is_open = initial_margin > 0
    deposit = np.where(is_due & is_open, memory.pending, 0)
    wealth_left = memory.wealth_left + np.where(is_due & ~is_open, memory.pending, 0)
    pending = np.where(is_due, 0, memory.pending)
    due_ns = np.where(is_due, NEVER_NS, memory.due_ns)
    seen = equity + deposit

    is_low = seen < _share(initial_margin, traits.trigger_ppm)
    missing = np.maximum(_share(initial_margin, traits.target_ppm) - seen, 0)
    amount = np.minimum(missing, wealth_left)
    is_enough = seen + amount >= initial_margin
    starts = traits.will_top_up & is_open & is_low & (pending == 0) & (amount > 0) & is_enough
    pending = np.where(starts, amount, pending)
    due_ns = np.where(starts, instant_ns + traits.delay_ns, due_ns)
    wealth_left = wealth_left - np.where(starts, amount, 0)

    is_leaving = (traits.withdraw_ns <= instant_ns) & ~memory.has_withdrawn
    free = np.maximum(seen - initial_margin, 0)
    withdrawal = np.where(is_leaving, _share(free, traits.withdraw_ppm), 0)
    return Reaction(
        deposit=deposit,
        withdrawal=withdrawal,
        memory=Memory(
            wealth_left=wealth_left + withdrawal,
            pending=pending,
            due_ns=due_ns,
            has_withdrawn=memory.has_withdrawn | is_leaving,
        ),
    )


def _share(amount: IntArray, ppm: IntArray) -> IntArray:
    """Floor of amount * ppm / 1e6 for amounts of at least zero, without overflow."""
    whole: IntArray = amount // _PPM * ppm + amount % _PPM * ppm // _PPM
    return whole
