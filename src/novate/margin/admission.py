"""Admission: which trades are booked, and what an order sets aside before it is filled.

An order reserves margin on the worse side of all open orders, and an open-order hold for the loss
and the fee of a fill at its limit.  A trade that uses a reservation is not refused for margin: its
other side has accepted it.  A trade without one is refused when equity after it would be below
initial margin; one that only reduces is then bounded by what it concedes (`margin.way_out`).

Sources: rules 7.1 to 7.29 and 7.50 to 7.55; CPMI-IOSCO PFMI Principle 6 (margin before exposure).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import numpy as np

from novate.book.reservation import reservation_rows
from novate.kernel.clearing.bound import AMOUNT_MAX
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.group import gross_lots_elsewhere
from novate.kernel.clearing.order import look_at_order
from novate.kernel.clearing.risk_reducing import AFTER, ASKED, BEFORE, BUYER, CLOSED, SELLER
from novate.kernel.clearing.settle import entry_of_trade, value_of
from novate.kernel.clearing.trade import apply_releases, apply_trades, decide_trades
from novate.kernel.codes import AccountStatus, InstrumentStatus, MarginMode, Role, Style
from novate.margin.index_solvency import order_insolvent_at_index
from novate.margin.way_out import conceded_with, netted_lots, order_loss
from novate.market.collar import collars_of
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.parameter import Parameter
from novate.message.refusal import ReserveMarginRefusal as No
from novate.message.refusal import SubmitTradeRefusal
from novate.message.topic import BOTH_SIDES, Application, ColumnDecision, Decision, Topic
from novate.valuation import Assessment, ClearingState
from novate.valuation.group_book import book_of, joined
from novate.valuation.index_bound import index_bound
from novate.valuation.price_status import halted_among, is_halted, is_over, without_the_expired
from novate.valuation.stale_collateral import without_stale_collateral
from novate.valuation.taken_over import note_trades

_NOVATED = (
    "buyer", "seller", "instrument", "ticks", "lots", "buyer_reservation", "seller_reservation",
)  # fmt: skip
"""Columns of a trade that its event repeats."""

_BOOKED = ("value", "buyer_fee", "seller_fee", "unproven")
"""Columns of the event that the kernel finds."""


def decide_submit_trades(
    x: ClearingState, columns: Row, emit: Emit
) -> Sequence[tuple[int, Refusal]]:
    """Decide and book a run of trades, row by row (rules 7.1 to 7.22, 6.92 and 15.1 to 15.4).

    Each row sees what the rows before it booked.  Booked rows are one `TradeNovated` with the value
    and both fees in ledger units of the settlement asset: value positive for a buyer of a linear
    contract, a fee positive when the side pays; and what is not proven and goes over (rule 7.81).

    Parameters
    ----------
    columns
        ``buyer``, ``seller``, ``instrument``, ``ticks``, ``lots`` (above zero), ``buyer_is_maker``,
        and ``buyer_reservation`` and ``seller_reservation``, 0 for none; shape (rows,).

    Returns
    -------
    Sequence[tuple[int, Refusal]]
        Refused rows, ascending, with reasons of `message.refusal.SubmitTradeRefusal`, tested in the
        order of rule 7.2.
    """
    rows = len(columns["lots"])
    x.positions.reserve(2 * rows, x.accounts)
    refusal, actual, allowed, *booked_columns = np.zeros((7, rows), np.int64)
    buyer_reservation = reservation_rows(x, columns["buyer_reservation"])
    seller_reservation = reservation_rows(x, columns["seller_reservation"])
    collar_ppm = collars_of(x)
    sale_ppm = x.by_instrument(Parameter.RISK_REDUCING_SALE_PPM)
    is_halted = halted_among(x, columns["instrument"])
    market_owes = bool(x.assets.used("external_called").any())
    status = without_the_expired(x, columns["instrument"])
    bound = index_bound(x)
    at, asked_row = 0, -1
    asks = bool(x.modelled_groups().size or x.option_rules.count)
    asked = np.zeros((2 if asks else 0, ASKED), np.int64)
    with without_stale_collateral(x):
        while at < rows:
            at = decide_trades(
                x.account_arrays(), x.positions.arrays(),
                x.instrument_arrays()._replace(status=status), x.asset_arrays(),
                x.reservations.arrays(), x.single(Role.FEES), x.checksum, x.accounts.count,
                x.instruments.count, collar_ppm, sale_ppm, is_halted, market_owes, bound, at,
                asked_row, asked, columns["buyer"], columns["seller"], columns["instrument"],
                columns["ticks"], columns["lots"], columns["buyer_is_maker"], buyer_reservation,
                seller_reservation, refusal, actual, allowed, *booked_columns,
            )  # fmt: skip
            if at < rows:
                asked_row, asked = at, _ask_models(x, columns, at)
    novated = {
        "row": np.arange(rows), **dict(zip(_BOOKED, booked_columns, strict=True)),
        **{name: columns[name] for name in _NOVATED},
    }  # fmt: skip
    if not np.count_nonzero(refusal):
        emit.booked(event.TRADE_NOVATED, **novated)
        note_trades(x, novated)
        return []
    booked = np.flatnonzero(refusal == 0)
    if booked.size:
        taken = {name: column[booked] for name, column in novated.items()}
        emit.booked(event.TRADE_NOVATED, **taken)
        note_trades(x, taken)
    return [
        (int(k), Refusal(int(refusal[k]), int(actual[k]), int(allowed[k])))
        for k in np.flatnonzero(refusal)
    ]


def _ask_models(x: ClearingState, columns: Row, row: int) -> I64:
    """Return what the models of both sides ask after a trade and before it, shape (2, ASKED).

    Rows are the buyer and the seller, columns initial and maintenance margin after the trade, both
    before it, and maintenance margin after it if open orders of its direction fill too, numeraire
    units; zero for a side that holds no margin.  What debts ask for is no part of it.
    """
    asked = np.zeros((2, ASKED), np.int64)
    i, lots, ticks = (int(columns[name][row]) for name in ("instrument", "lots", "ticks"))
    value = int(value_of(x.instruments.form[i], x.instruments.unit[i], ticks, lots))
    for side, name, sign in ((BUYER, "buyer", 1), (SELLER, "seller", -1)):
        account = int(columns[name][row])
        if not x.accounts.is_margined[account]:
            continue
        entry = entry_of_trade(x.positions.arrays(), account, i, sign * lots, sign * value)
        before = book_of(x, account)
        after = before.after(
            i, int(x.accounts.netting_set[account]), lots=sign * lots, entry=int(entry)
        )
        other = int(columns["seller" if side == BUYER else "buyer"][row])
        if x.group_of(other) == x.group_of(account):
            entry = entry_of_trade(x.positions.arrays(), other, i, -sign * lots, -sign * value)
            netting_set = int(x.accounts.netting_set[other])
            after = after.after(i, netting_set, lots=-sign * lots, entry=int(entry))
        _, buys, sells = netted_lots(x, account, i)
        closed = after.after(
            i, int(x.accounts.netting_set[account]), lots=buys if sign > 0 else -sells
        )
        margins = x.margins([x.group_of(account)] * 3, joined([after, before, closed]))
        asked[side, AFTER : AFTER + 2], asked[side, BEFORE : BEFORE + 2] = margins[:2]
        asked[side, CLOSED] = margins[2, 1]
    return asked


def apply_trades_novated(x: ClearingState, c: Row) -> None:
    """Book novated trades: reservations, legs, fees (rules 7.14 to 7.21, 7.30 and 7.85).

    Parameters
    ----------
    c
        Columns of `TradeNovated`, as `decide_submit_trades` emits them; shape (rows,).
    """
    _book_trades(x, c, counts_conceded=True)


def _book_trades(x: ClearingState, c: Row, *, counts_conceded: bool) -> None:
    x.positions.reserve(2 * len(c["lots"]), x.accounts)
    arrays = x.account_arrays(), x.positions.arrays()
    apply_releases(
        *arrays, x.reservations.arrays(), reservation_rows(x, c["buyer_reservation"]),
        reservation_rows(x, c["seller_reservation"]), c["lots"],
    )  # fmt: skip
    apply_trades(
        *arrays, x.instrument_arrays(), x.asset_arrays(), x.single(Role.FEES), x.checksum,
        c["buyer"], c["seller"], c["instrument"], c["ticks"], c["lots"], c["value"],
        c["buyer_fee"], c["seller_fee"], c["unproven"], counts_conceded,
    )  # fmt: skip
    note_trades(x, c)


def apply_trade_before(x: ClearingState, row: Row) -> None:
    """Book a novated trade as versions 1 and 2 did: what it conceded was a loss of the window."""
    fields = event.TRADE_NOVATED.fields
    trade = {field.name: np.array([row[field.name]], field.dtype) for field in fields}
    _book_trades(x, trade, counts_conceded=False)


def decide_reserve_margin(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Decide a reservation: `MarginReserved` with what it holds (rules 7.26 to 7.29 and 15.5).

    Parameters
    ----------
    row
        ``account``, ``instrument``, signed ``lots`` (positive to buy), and ``limit_ticks``, the
        worst price of a fill.

    Returns
    -------
    Refusal | None
        Reasons of `message.refusal.ReserveMarginRefusal`: those of the row and of 64 bits first,
        then INSUFFICIENT_MARGIN, INSOLVENT_AT_INDEX, PRICE_BLOCKED, MEMBER_NOT_ACTIVE, last
        OPEN_INTEREST_TOO_LARGE.
    """
    account, i, lots = row["account"], row["instrument"], row["lots"]
    limit = row["limit_ticks"]
    refusal = _order_refusal(x, account, i, lots, limit)
    if refusal is not None:
        return refusal
    held = order_loss(x, account, i, lots, limit)
    gross, beyond, *netted = look_at_order(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.instruments.count,
        account, i, max(lots, 0), max(-lots, 0),
    )  # fmt: skip
    refusal = _amount_refusal(x, account, held, int(gross))
    if refusal is not None:
        return refusal
    with without_stale_collateral(x) if x.stale_assets() else nullcontext():
        after = x.assess_after(account, i, buys=max(lots, 0), sells=max(-lots, 0))
    after = after._replace(initial=after.initial + held)
    reduces = _only_reduces(lots, *(int(n) for n in netted))
    refusal = _margin_refusal(x, row, held, after, is_closing=reduces)
    if refusal is None and is_halted(x, i) and not reduces:
        refusal = Refusal(No.PRICE_BLOCKED, lots, 0)
    if refusal is None and x.accounts.is_suspended[account] and not reduces:
        refusal = Refusal(No.MEMBER_NOT_ACTIVE, lots, 0)
    if refusal is None and beyond > 0:  # the contracts of its asset with it filled (rule 15.63)
        refusal = Refusal(No.OPEN_INTEREST_TOO_LARGE, int(beyond), AMOUNT_MAX)
    if refusal is not None:
        return refusal
    emit(
        event.MARGIN_RESERVED,
        reservation=x.reservations.given + 1, open_order_hold=held, equity=after.equity,
        requirement=after.initial, **row,
    )  # fmt: skip
    return None


def _margin_refusal(
    x: ClearingState, row: Row, held: int, after: Assessment, *, is_closing: bool
) -> Refusal | None:
    """Whether a group has the margin for an order, at the mark and at the index.

    Parameters
    ----------
    held, after
        What the order holds, and the group's assessment with it, that included in initial margin.
    is_closing
        Whether it does, with the open orders of its side, no more than close the position.
    """
    account, i, lots, limit = (
        row[name] for name in ("account", "instrument", "lots", "limit_ticks")
    )
    equity, initial = after.equity, after.initial
    if equity < initial:
        if not is_closing:
            return Refusal(No.INSUFFICIENT_MARGIN, equity, initial)
        # It only closes the position (rule 7.27): it holds its loss like every other order.
        with without_stale_collateral(x):
            conceded, most = conceded_with(x, account, i, lots, limit)
            before = x.assess(account).initial
        if initial - held > before and lots < 0 and x.instruments.style[i] == Style.PREMIUM:
            # It would sell a long option that limits shorts.
            return Refusal(No.INSUFFICIENT_MARGIN, equity, initial)
        if conceded > most:
            return Refusal(No.INSUFFICIENT_MARGIN, conceded, most)
    return order_insolvent_at_index(x, row, held, after, is_closing=is_closing)


def _amount_refusal(x: ClearingState, account: int, held: int, gross: int) -> Refusal | None:
    """Whether 64 bits hold what the group's orders hold, and all its positions at any price.

    ``held`` is what the order holds, ``gross`` what the positions come to with it.
    """
    held += x.open_order_hold(account)
    if held > AMOUNT_MAX:
        # The number itself may not fit into the journal.
        return Refusal(No.AMOUNT_TOO_LARGE, min(held, 2**62), AMOUNT_MAX)
    if gross > AMOUNT_MAX:
        return Refusal(No.AMOUNT_TOO_LARGE, gross, AMOUNT_MAX)
    return None


def _only_reduces(lots: int, held: int, buys: int, sells: int) -> bool:
    """Whether an order, with the open ones of its side, does no more than close the position.

    ``held``, ``buys`` and ``sells``: signed lots, and open lots, of its netting set without it.
    """
    same_side = buys if lots > 0 else -sells
    return held * lots < 0 and abs(lots + same_side) <= abs(held)


def _order_refusal(x: ClearingState, account: int, i: int, lots: int, limit: int) -> Refusal | None:
    """Checks of a reservation that need no margin."""
    accounts = x.accounts
    if account >= accounts.count or not accounts.is_margined[account]:
        return Refusal(No.UNKNOWN_ACCOUNT, account, accounts.count - 1)
    if i >= x.instruments.count:
        return Refusal(No.UNKNOWN_INSTRUMENT, i, x.instruments.count - 1)
    most = int(x.instruments.lots_max[i])
    if lots == 0 or abs(lots) > most:
        return Refusal(No.LOTS_OUT_OF_RANGE, lots, most)
    if not 0 < limit <= x.instruments.ticks_max[i]:
        return Refusal(No.PRICE_OUT_OF_RANGE, limit, int(x.instruments.ticks_max[i]))
    status = InstrumentStatus.EXPIRED if is_over(x, i) else int(x.instruments.status[i])
    if status != InstrumentStatus.ACTIVE:
        return Refusal(No.INSTRUMENT_NOT_ACTIVE, status, 1)
    standing = int(accounts.status[account])
    if standing > AccountStatus.CALLED:
        return Refusal(No.ACCOUNT_NOT_OPEN, standing, AccountStatus.CALLED)
    held, elsewhere = _worst_side(x, account, i, lots)
    if held > most:
        return Refusal(No.POSITION_LIMIT, held, most)
    if elsewhere >= 0 and int(accounts.mode[account]) == MarginMode.ISOLATED:
        return Refusal(No.ISOLATED_ELSEWHERE, i, elsewhere)
    if x.marks.mark[i] <= 0 or x.assets.unit_price[x.instruments.settlement_asset[i]] <= 0.0:
        return Refusal(No.MARK_MISSING, 0, 1)
    return None


def _worst_side(x: ClearingState, account: int, i: int, lots: int) -> tuple[int, int]:
    """Lots held if all orders of one side fill, and the last other instrument in use or -1."""
    p = x.positions
    held, elsewhere = abs(lots), -1
    row = int(x.accounts.head[account])
    while row >= 0:
        if p.instrument[row] == i:
            side = int(p.buy_lots[row]) if lots > 0 else -int(p.sell_lots[row])
            held = abs(int(p.lots[row]) + side + lots)
        elif p.lots[row] or p.buy_lots[row] or p.sell_lots[row]:
            elsewhere = max(elsewhere, int(p.instrument[row]))
        row = int(p.link[row])
    if x.accounts.group_link[account] >= 0:
        held += int(gross_lots_elsewhere(x.account_arrays(), p.arrays(), account, i))
    return held, elsewhere


TOPIC: Topic[ClearingState] = Topic(
    name="admission",
    decisions=(
        ColumnDecision(command.SUBMIT_TRADE, decide_submit_trades, SubmitTradeRefusal),
        Decision(command.RESERVE_MARGIN, decide_reserve_margin, No),
    ),
    applications=(
        Application(
            event.TRADE_NOVATED,
            apply_trades_novated,
            BOTH_SIDES,
            is_by_column=True,
            older=((2, apply_trade_before),),
        ),
    ),
)
