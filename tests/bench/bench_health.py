"""Health of a large book: the full sweep against memory itself, and one mark against the sweep."""

from __future__ import annotations

from collections.abc import Iterator

import numba
import numpy as np

from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE
from novate.kernel.clearing.columns import F64
from novate.kernel.jit import kernel, parallel_kernel
from novate.valuation import ClearingState, MarginCache
from tests.bench.book import build_exposure
from tests.bench.contest import Contest, Side

ACCOUNTS, HELD, INSTRUMENTS = 1_000_000, 5, 500

# What a sweep reads and writes once.  Row: instrument 4, lots 8, settlement cost 8, buy and sell
# lots 16, tier hint 1.  Account: start 8, tail 4, balances 2 x 8, health 3 x 8.
ROW_BYTES, ACCOUNT_BYTES = 37, 52
SWEEP_BYTES = ACCOUNTS * (HELD * ROW_BYTES + ACCOUNT_BYTES)

_PART = 65_536


@kernel
def triad(a, b, c):  # type: ignore[no-untyped-def]
    """Read two columns and write one: 24 bytes an element."""
    for at in range(a.size):
        a[at] = b[at] + 3.0 * c[at]


@parallel_kernel
def triad_parallel(a, b, c):  # type: ignore[no-untyped-def]
    """`triad` on all threads."""
    for part in numba.prange((a.size + _PART - 1) // _PART):
        for at in range(part * _PART, min(a.size, part * _PART + _PART)):
            a[at] = b[at] + 3.0 * c[at]


class Book:
    """One book with its cache, and a triad over as many bytes."""

    def __init__(self) -> None:
        self.exposure: ClearingState = build_exposure(ACCOUNTS, HELD, INSTRUMENTS, 1)
        self.margin_cache = MarginCache(self.exposure)
        size = SWEEP_BYTES // 24
        self.columns: list[F64] = [np.ones(size) for _ in range(3)]
        count = np.bincount(self.state.positions.used("instrument"), minlength=INSTRUMENTS)
        self.by_holders = np.argsort(count, kind="stable")
        self.median = int(self.by_holders[INSTRUMENTS // 2])
        self.holders = int(count[self.median])
        self.turn = 0

    def sweep(self) -> None:
        self.margin_cache.touch_all()
        self.margin_cache.numbers()

    def tick(self, instrument: int) -> None:
        self.turn += 1
        self.state.marks.mark[instrument] += 1 if self.turn % 2 else -1
        self.margin_cache.numbers()

    def warm_ticks(self) -> None:
        for _ in range(50):
            self.tick(self.median)

    def cold_tick(self) -> None:
        """Another instrument of about the median's number of holders each time."""
        self.tick(int(self.by_holders[INSTRUMENTS // 2 - 25 + self.turn // 2 % 50]))

    def is_exact(self) -> bool:
        """Whether the cache holds what a full assessment gives, to the last unit."""
        exact = self.state.assess_all()[:, [EQUITY, INITIAL, MAINTENANCE]]
        return bool((exact == self.margin_cache.numbers()).all())


def contests() -> Iterator[Contest]:
    """Sweep against triad on one and on all threads; ticks against the sweep."""
    book = Book()
    regime = f"{ACCOUNTS:,} x {HELD} positions, {INSTRUMENTS} instruments, ten tiers, from memory"
    threads = numba.get_num_threads()
    for used in sorted({1, threads}):
        kernel_of_triad = triad if used == 1 else triad_parallel

        def ready(used: int = used) -> None:
            numba.set_num_threads(used)

        yield Contest(
            name=f"full sweep, {used} thread{'s' if used > 1 else ''}",
            regime=f"{regime}; {SWEEP_BYTES / 1e6:,.0f} MB, {ROW_BYTES} B a row and "
            f"{ACCOUNT_BYTES} B an account",
            unit="B",
            ours=Side(name="sweep", amount=SWEEP_BYTES, call=book.sweep, ready=ready),
            theirs=Side(
                name="triad",
                amount=SWEEP_BYTES // 24 * 24,
                call=lambda run=kernel_of_triad: run(*book.columns),
                ready=ready,
            ),
            goal=0.8,
            holds=book.is_exact,
        )
    numba.set_num_threads(threads)
    yield Contest(
        name="full sweep, all threads",
        regime=regime,
        unit="accounts",
        ours=Side(name="sweep", amount=ACCOUNTS, call=book.sweep),
        theirs=Side(name="full assessment", amount=ACCOUNTS, call=book.exposure.assess_all),
        goal=0,
        holds=book.is_exact,
    )
    yield Contest(
        name="mark of the median instrument",
        regime=f"{book.holders:,} holders, the same instrument again and again",
        unit="books",
        ours=Side(name="tick", amount=50, call=book.warm_ticks),
        theirs=Side(name="sweep", amount=1, call=book.sweep),
        goal=200,
        holds=book.is_exact,
    )
    yield Contest(
        name="mark of an instrument near the median",
        regime="another instrument each time, caches swept empty in between",
        unit="books",
        ours=Side(name="tick", amount=1, call=book.cold_tick),
        theirs=Side(name="sweep", amount=1, call=book.sweep),
        goal=0,
        holds=book.is_exact,
    )
