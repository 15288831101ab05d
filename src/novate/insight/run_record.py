"""What is known of a run so far: sums, tables, and the facts of each account."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from novate.default_management.loss import LAYERS
from novate.default_management.loss.policy import LayerTerms
from novate.engine.batch import Batch
from novate.engine.state import State
from novate.insight.listing import Listing
from novate.insight.measure import UNIT, Row

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
FACTS_MAX = 60
"""Facts that are kept of an account."""


@dataclass(slots=True)
class RunRecord:
    """Sums, tables and facts of a run.  Money in tables is float64, for charts; sums are integers.

    ``failed`` holds, by account, the net equity with which it last went into liquidation or
    default, and what was paid in since; an account that is released leaves it.  ``fund_low`` is the
    lowest balance of the insurance fund after any event since ``watch_fund``, ``fund_low_ns`` when
    it was first there.  ``layers`` are the names of the layers by number.
    """

    accounts: I64
    listing: Listing = field(default_factory=Listing)
    layers: dict[int, str] = field(default_factory=lambda: layer_keys(LAYERS))
    tables: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    totals: Counter[str] = field(default_factory=Counter)
    payers: Counter[str] = field(default_factory=Counter)
    refusals: Counter[tuple[str, str]] = field(default_factory=Counter)
    flows: Counter[int] = field(default_factory=Counter)
    shortfall: Counter[int] = field(default_factory=Counter)
    taken_over_ns: dict[int, int] = field(default_factory=dict)
    equity_taken: Counter[int] = field(default_factory=Counter)
    failed: dict[int, int] = field(default_factory=dict)
    holdings: dict[int, str] = field(default_factory=dict)
    facts: dict[int, list[Row]] = field(default_factory=lambda: defaultdict(list))
    calls: dict[int, Row] = field(default_factory=dict)
    marks: dict[int, int] = field(default_factory=dict)
    unit_price: list[float] = field(default_factory=list)
    index: dict[int, int] = field(default_factory=dict)
    loss_account: dict[int, int] = field(default_factory=dict)
    closed: set[int] = field(default_factory=set)
    before: tuple[I32, I32, I64] | None = None
    fund: int | None = None
    fund_low: int = 0
    fund_low_ns: int = 0
    fees: npt.NDArray[np.float64] = field(init=False)
    funding: npt.NDArray[np.float64] = field(init=False)
    records: int = 0
    events: int = 0

    def __post_init__(self) -> None:
        size = int(self.accounts.max()) + 1
        self.fees = np.zeros(size)
        self.funding = np.zeros(size)

    def watch_fund(self, balance: int, instant_ns: int) -> None:
        """Begin to follow the insurance fund from a balance."""
        self.fund = self.fund_low = balance
        self.fund_low_ns = instant_ns

    def move_fund(self, amount: int, instant_ns: int) -> None:
        """Add what an event paid into the fund or, negative, out of it."""
        if self.fund is None:
            return
        self.fund += amount
        if self.fund < self.fund_low:
            self.fund_low, self.fund_low_ns = self.fund, instant_ns

    def note_positions(self, state: State) -> None:
        """Keep the positions before a step: its events are reported with what was held then."""
        p = state.positions
        self.before = (
            p.used("account").copy(), p.used("instrument").copy(), p.used("lots").copy(),
        )  # fmt: skip

    def positions_text(self, account: int) -> str:
        """Positions of an account before the present step, as text."""
        if self.before is None:
            return ""
        rows = np.flatnonzero((self.before[0] == account) & (self.before[2] != 0))
        texts = []
        for row in rows:
            listed = self.listing.instruments[int(self.before[1][row])]
            texts.append(f"{listed.size_text(int(self.before[2][row]))} {listed.symbol}")
        return ", ".join(texts)

    def worth(self, asset: int, amount: int) -> int:
        """Numeraire units of an amount of an asset, at the price after the present step."""
        return amount if asset == 0 else int(amount * self.unit_price[asset])

    def fact(self, batch: Batch, account: int, kind: str, text: str, **numbers: str) -> None:
        """Keep a fact of an account's story, at most `FACTS_MAX` of them."""
        facts = self.facts[account]
        if len(facts) < FACTS_MAX:
            facts.append(
                {
                    "sequence": batch.sequence,
                    "instant": batch.instant_ns,
                    "kind": kind,
                    "text": text,
                    "numbers": numbers,
                }
            )


def layer_keys(layers: Iterable[LayerTerms]) -> dict[int, str]:
    """Return the keys of layers by their numbers."""
    return {int(terms.number): terms.key for terms in layers}


def money(amount: int) -> str:
    """Numeraire units as text with thousands separators."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // UNIT:,}.{abs(amount) % UNIT:06d}"
