"""Final settlement: expiry of contracts, with and without prices in their window (8.10 to 8.12).

A price is made from what was observed in the settlement window.  If that is too little, settlement
waits for the first index after it, which stands for the time that was not observed, and at the end
of its patience takes the last index that there is.

Sources: CPMI-IOSCO PFMI Principle 8 (final settlement at a time that is known before); ISDA 2002
Definitions, chapter 6, and the rulebooks of futures exchanges declare a fallback for a settlement
price that is not published.
"""

from __future__ import annotations

import numpy as np

from novate.book.reservation import end_reservations
from novate.book.state import HOLDERS
from novate.canonical import Run
from novate.kernel.clearing.columns import I64, MarginColumns
from novate.kernel.clearing.settle import apply_expiry
from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import DueKind, InstrumentStatus, Role
from novate.market.mark import MS, final_so_far, option_final_so_far
from novate.market.option import payoff_ticks
from novate.market.reference import PPM
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.parameter import Parameter
from novate.message.settlement import Basis
from novate.message.topic import Application, Topic, column_work, commands
from novate.settlement.cycle import known, postpone, subject_refusal
from novate.valuation import ClearingState
from novate.valuation.price_status import has_stale_index


def settle_expiry(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Decide an expiry: `ContractExpired` or `OptionExpired`, or `CyclePostponed` while it waits.

    Rules 8.10, 8.15, 8.42 to 8.44 and 9.38 to 9.42.  Open orders are closed by
    `default_management.contract_end`.

    Parameters
    ----------
    row
        ``instrument``.

    Returns
    -------
    Refusal | None
        UNKNOWN_SUBJECT unless active, NOT_DUE before its instant.
    """
    i = row["instrument"]
    refusal = subject_refusal(x, i, int(x.instruments.expiry_ns[i]) if known(x, i) else 0)
    if refusal is not None:
        return refusal
    basis = basis_of(x, i)
    if basis is None:
        wait = x.parameter(Parameter.SETTLEMENT_WAIT_NS, instrument=i)
        postpone(x, i, DueKind.EXPIRY, int(x.instruments.expiry_ns[i]) + wait, emit)
        return None
    price = final_price(x, i, basis)
    if x.is_option(i):
        ticks = payoff_ticks(x.instruments, i, price)
        final = {"final_e8": price, "ticks": ticks}
        emit(event.OPTION_EXPIRED, instrument=i, instant_ns=x.now_ns, basis=int(basis), **final)
    else:
        emit(
            event.CONTRACT_EXPIRED,
            instrument=i, ticks=price, instant_ns=x.now_ns, basis=int(basis),
        )  # fmt: skip
    return None


def basis_of(x: ClearingState, i: int) -> Basis | None:
    """Return what the final settlement price of a contract is made from now; None: it must wait.

    Of a contract whose expiry has come.
    """
    c = x.instruments
    expiry, window_ms = int(c.expiry_ns[i]), int(c.settlement_window_ns[i]) // MS
    share = x.parameter(Parameter.SETTLEMENT_COVERAGE_PPM, instrument=i)
    if window_ms and _observed(x, i)[1] * PPM >= share * window_ms:
        return Basis.WINDOW
    oldest = x.now_ns - x.index_life_ns()
    is_recent = x.marks.index[i] > 0 and x.marks.updated_ns[i] >= oldest
    if is_recent and not has_stale_index(x, i):
        has_waited = c.next_expiry_ns[i] != expiry
        return Basis.FIRST_FRESH if window_ms or has_waited else Basis.WINDOW
    if x.now_ns >= expiry + x.parameter(Parameter.SETTLEMENT_WAIT_NS, instrument=i):
        return Basis.LAST
    return None


def _observed(x: ClearingState, i: int) -> tuple[int, int]:
    """Index times time observed in the settlement window, and that time in ms."""
    return option_final_so_far(x, i) if x.is_option(i) else final_so_far(x, i)


def final_price(x: ClearingState, i: int, basis: Basis) -> int:
    """Return a final settlement price (rules 8.10, 8.42 to 8.44 and 9.38).

    Parameters
    ----------
    i, basis
        Instrument, and what its price is made from.

    Returns
    -------
    int
        Ticks, of an option 1e-8 numeraire; at least 1, of a linear contract at least 0.
    """
    total, elapsed = _observed(x, i)
    is_option = x.is_option(i)
    last = x.assets.price_e8[x.instruments.underlying[i]] if is_option else x.marks.final_index[i]
    price = int(last)
    if basis == Basis.FIRST_FRESH:
        window_ms = int(x.instruments.settlement_window_ns[i]) // MS
        total += price * max(window_ms - elapsed, 0)
        elapsed = max(window_ms, elapsed)
    if basis != Basis.LAST and elapsed:
        price = (2 * total + elapsed) // (2 * elapsed)
    least = 0 if x.instruments.form[i] == LINEAR and not is_option else 1
    return max(price, least)


def apply_contract_expired(x: ClearingState, row: Row) -> None:
    """Close every position at the final price, and note that no assessment has seen it (6.110)."""
    settle_contract(x, row)
    x.has_settled = True


def settle_contract(x: ClearingState, row: Row) -> None:
    """Close every position at the final price, ticks; reservations of the contract lapse."""
    close_contract(x, row["instrument"], row["ticks"])


def close_contract(x: ClearingState, i: int, ticks: int) -> None:
    """Pay every holder at a last price and end the contract (rules 8.11, 8.12 and 9.41).

    Parameters
    ----------
    i, ticks
        Instrument and last price; of an option the payoff or the rebate.  Holders gain value less
        settlement cost, of an option the value, in ledger units of the settlement asset.
    """
    apply_expiry(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
        x.single(Role.RESIDUE), i, ticks, x.holders(i),
    )  # fmt: skip
    end_reservations(x, i)
    x.instruments.status[i] = InstrumentStatus.EXPIRED
    x.instruments.stale_ppm[i] = 0
    x.forget_age()
    x.forget_watched()
    x.instruments.next_cycle_ns[i] = 0
    x.instruments.next_funding_ns[i] = 0
    x.instruments.next_expiry_ns[i] = 0
    x.instruments.next_observation_ns[i] = 0


def expiries(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Return `SettleExpiry` for expiries that need not wait any longer (rule 4.11)."""
    c = x.instruments
    over = np.flatnonzero((c.used("next_expiry_ns") != 0) & (c.used("expiry_ns") <= x.now_ns))
    back = [i for i in over.tolist() if basis_of(x, i) is not None]
    return commands(command.SETTLE_EXPIRY, instrument=back)


def _ends(x: ClearingState) -> I64:
    return x.instruments.used("next_expiry_ns")


def _settle_expiry(x: ClearingState, instruments: I64) -> Run:
    return command.SETTLE_EXPIRY.run({"instrument": instruments})


EXPIRY = column_work(DueKind.EXPIRY, _ends, _settle_expiry)

TOPIC: Topic[ClearingState] = Topic(
    name="expiry",
    applications=(
        Application(
            event.CONTRACT_EXPIRED, apply_contract_expired, HOLDERS, older=((2, settle_contract),)
        ),
        Application(
            event.OPTION_EXPIRED, apply_contract_expired, HOLDERS, older=((2, settle_contract),)
        ),
    ),
    work=(EXPIRY,),
    stages=(expiries,),
)
