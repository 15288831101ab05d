"""Novation of a batch of trades: admission, booking and the running checksum.

``decide_trades`` and ``apply_trades`` call the same ``book_trade``: what a live engine does to its
state is what recovery does.
"""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.assess import SCRATCH, WIDTH
from novate.kernel.clearing.bound import AMOUNT_MAX, oversize
from novate.kernel.clearing.concession import move_unproven, unproven_moved
from novate.kernel.clearing.ledger import add_balance, add_open_lots, add_pending
from novate.kernel.clearing.open_interest import commit, fill_committed
from novate.kernel.clearing.position import (
    hold_position,
    move_position,
    spread,
)
from novate.kernel.clearing.trade_code import (
    ACCEPTED,
    AMOUNT_TOO_LARGE,
    ASK,
    OPEN_INTEREST_TOO_LARGE,
)
from novate.kernel.clearing.trade_refusal import entry_refusal, needs_model, risk_refusal
from novate.kernel.clearing.value import WORTH_MAX, contract_value, fee_of
from novate.kernel.clearing.window_gain import add_window_gain, count_conceded
from novate.kernel.codes import Style
from novate.kernel.jit import JIT_ENABLED, inlined, kernel, muldiv_floor, prefetch

_EACH_CYCLE = int(Style.EACH_CYCLE)
_PREMIUM = int(Style.PREMIUM)

AHEAD = 16
"""Trades between asking for memory and using it."""


def _mix_readable(a, b, c):  # type: ignore[no-untyped-def]
    """Twin of `mix` with unbounded integers."""
    word = 0xFFFFFFFFFFFFFFFF
    x = (int(a) * 0x9E3779B97F4A7C15 ^ int(b) * 0xC2B2AE3D27D4EB4F ^ int(c)) & word
    x ^= x >> 29
    return (x * 0x165667B19E3779F9) & word


def _mix(a, b, c):  # type: ignore[no-untyped-def]
    x = (
        np.uint64(a) * np.uint64(0x9E3779B97F4A7C15)
        ^ np.uint64(b) * np.uint64(0xC2B2AE3D27D4EB4F)
        ^ np.uint64(c)
    )
    x ^= x >> np.uint64(29)
    return x * np.uint64(0x165667B19E3779F9)


mix = inlined(_mix) if JIT_ENABLED else _mix_readable


def _accumulate(checksum, word):  # type: ignore[no-untyped-def]
    checksum[0] += word


def _accumulate_readable(checksum, word):  # type: ignore[no-untyped-def]
    checksum[0] = np.uint64((int(checksum[0]) + int(word)) & 0xFFFFFFFFFFFFFFFF)


accumulate = inlined(_accumulate) if JIT_ENABLED else _accumulate_readable


@inlined
def book_leg(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, account, i, ticks, lots, value
):
    """Book one leg; returns nothing.  ``lots`` and ``value`` are signed for this account."""
    form = instruments.form[i]
    unit = instruments.unit[i]
    asset = instruments.settlement_asset[i]
    row = hold_position(positions, accounts.head, account, i)
    before = positions.lots[row]
    realised = move_position(positions, instruments, row, i, ticks, lots, value)
    if before != 0 and (before > 0) != (lots > 0):
        slow = instruments.slow[i]
        closed = -before if abs(lots) > abs(before) else lots
        # The part of the closing price beyond the slow average is not yet proven; without a slow
        # average nothing is.
        gain = realised
        if slow > 0:
            lead = contract_value(form, unit, slow, closed) - contract_value(
                form, unit, ticks, closed
            )
            gain = min(lead, realised)
        if gain > 0:
            worth = np.int64(np.ceil(min(gain * assets.unit_price[asset], WORTH_MAX)))
            accounts.encumbered[account] = min(accounts.encumbered[account] + worth, AMOUNT_MAX)
    style = instruments.style[i]
    if style == _EACH_CYCLE:
        return
    if style == _PREMIUM:
        # Paid now: nothing is pending, and the position is an asset or a debt of its own.
        add_balance(accounts, account, asset, -value)
        add_pending(positions, instruments, row, i, -value)
        add_window_gain(accounts, account, realised * assets.unit_price[asset])
    elif realised != 0:
        suspense = instruments.suspense[i]
        add_balance(accounts, account, asset, realised)
        add_balance(accounts, positions.account[suspense], asset, -realised)
        add_pending(positions, instruments, row, i, realised)
        add_pending(positions, instruments, suspense, i, -realised)
        add_window_gain(accounts, account, realised * assets.unit_price[asset])


@inlined
def book_trade(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, ccp_fees, checksum,
    buyer, seller, i, ticks, lots, value, buyer_fee, seller_fee,
):  # fmt: skip
    """Book both legs, both fees, and the checksum.

    A fee of zero is booked too: it marks the fees account as moved.
    """
    asset = instruments.settlement_asset[i]
    book_leg(accounts, positions, instruments, assets, buyer, i, ticks, lots, value)
    book_leg(accounts, positions, instruments, assets, seller, i, ticks, -lots, -value)
    add_balance(accounts, buyer, asset, -buyer_fee)
    add_balance(accounts, seller, asset, -seller_fee)
    add_balance(accounts, ccp_fees, asset, buyer_fee + seller_fee)
    accumulate(checksum, mix(ticks, lots, accounts.balance[buyer, asset]))


@inlined
def book_with_unproven(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, ccp_fees, checksum,
    buyer, seller, i, ticks, lots, value, buyer_fee, seller_fee, unproven, counts_conceded,
):  # fmt: skip
    """Book a trade and what is not proven and goes to the buyer, or negative, to the seller.

    ``counts_conceded``: whether what a side concedes is counted too, see `count_conceded`.
    """
    buyer_had, seller_had = np.int64(0), np.int64(0)
    if unproven != 0:
        buyer_had += accounts.encumbered[buyer]
        seller_had += accounts.encumbered[seller]
    book_trade(
        accounts, positions, instruments, assets, ccp_fees, checksum,
        buyer, seller, i, ticks, lots, value, buyer_fee, seller_fee,
    )  # fmt: skip
    if unproven > 0:
        move_unproven(accounts, buyer, seller, unproven, buyer_had, seller_had)
    elif unproven < 0:
        move_unproven(accounts, seller, buyer, -unproven, seller_had, buyer_had)
    if counts_conceded:
        count_conceded(
            accounts, instruments, assets, buyer, seller, i, lots, value, buyer_fee, seller_fee
        )


@inlined
def fetch_ahead(accounts, positions, buyer, seller, instrument, k):  # type: ignore[no-untyped-def]
    """Ask for memory of the trades behind row ``k``: first the index, then what it points at."""
    mask = positions.slot.size - 1
    cash = accounts.balance.reshape(-1)
    far = k + 2 * AHEAD
    if far < buyer.size:
        prefetch(positions.slot, spread(buyer[far], instrument[far]) & mask)
        prefetch(positions.slot, spread(seller[far], instrument[far]) & mask)
        prefetch(accounts.head, buyer[far])
        prefetch(accounts.head, seller[far])
    near = k + AHEAD
    if near < buyer.size:
        for account in (np.int64(buyer[near]), np.int64(seller[near])):
            prefetch(cash, account * accounts.balance.shape[1])
            row = positions.slot[spread(account, instrument[near]) & mask]
            if row >= 0:
                prefetch(positions.account, row)
                prefetch(positions.instrument, row)
                prefetch(positions.lots, row)
                prefetch(positions.entry_cost, row)
                prefetch(positions.settlement_cost, row)
                prefetch(positions.realised, row)


@kernel
def apply_trades(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, ccp_fees, checksum,
    buyer, seller, instrument, ticks, lots, value, buyer_fee, seller_fee, unproven,
    counts_conceded,
):  # fmt: skip
    """Book rows of accepted trades; reservations are released by the caller's own kernel.

    ``counts_conceded``: whether rule 7.85 holds, which versions 1 and 2 of `TradeNovated` lack.
    """
    for k in range(buyer.size):
        fetch_ahead(accounts, positions, buyer, seller, instrument, k)
        book_with_unproven(
            accounts, positions, instruments, assets, ccp_fees, checksum,
            buyer[k], seller[k], instrument[k], ticks[k], lots[k], value[k],
            buyer_fee[k], seller_fee[k], unproven[k], counts_conceded,
        )  # fmt: skip


STAGES, STEP = 8, 8
"""Rows of an account that are fetched before a trade is admitted, and trades between two of them.
"""

_RING = 128
"""Trades whose next rows are remembered: a power of two, above those that are fetched ahead."""


@inlined
def fetch_books_ahead(accounts, positions, buyer, seller, k, following):  # type: ignore[no-untyped-def]
    """Ask for memory of the books of the trades behind row ``k``, which admission adds up.

    Rows of an account are a list, so that each is only known when the one before it has arrived:
    with every `STEP` trades that go by, one more row of a side is asked for.  ``following`` holds
    the last row asked for by trade and side, negative for none; shape (2 * _RING,).
    """
    for stage in range(STAGES):
        ahead = k + (STAGES - stage) * STEP
        if ahead >= buyer.size:
            continue
        for side in range(2):
            at = 2 * (ahead & (_RING - 1)) + side
            if stage == 0:
                account = np.int64(seller[ahead] if side else buyer[ahead])
                following[at] = -1
                if account < 0 or account >= accounts.head.size:
                    continue
                row = np.int64(accounts.head[account])
                prefetch(accounts.status, account)
                prefetch(accounts.can_trade, account)
                prefetch(accounts.is_margined, account)
                prefetch(accounts.is_suspended, account)
                prefetch(accounts.mode, account)
                prefetch(accounts.group_link, account)
                prefetch(accounts.open_order_hold, account)
                prefetch(accounts.encumbered, account)
                prefetch(accounts.window_gain, account)
            elif following[at] < 0:
                continue
            else:
                row = np.int64(positions.link[following[at]])
            following[at] = row
            if row >= 0:
                prefetch(positions.link, row)
                prefetch(positions.instrument, row)
                prefetch(positions.lots, row)
                prefetch(positions.settlement_cost, row)
                prefetch(positions.buy_lots, row)
                prefetch(positions.sell_lots, row)
    far = k + (STAGES + 1) * STEP
    if far < buyer.size:
        prefetch(accounts.head, buyer[far])
        prefetch(accounts.head, seller[far])


@inlined
def release_reservation(reservations, positions, accounts, order, lots):  # type: ignore[no-untyped-def]
    """Take ``lots`` off a reservation, off the open lots of its position, and what they hold.

    The last lots take all that is still held, so that nothing is left to rounding.
    """
    size = abs(reservations.lots[order])
    taken = min(lots, size)
    account = reservations.account[order]
    i = np.int64(reservations.instrument[order])
    row = hold_position(positions, accounts.head, account, i)
    if size > 0:
        freed = muldiv_floor(reservations.open_order_hold[order], taken, size)
        reservations.open_order_hold[order] -= freed
        accounts.open_order_hold[account] -= freed
    if reservations.lots[order] > 0:
        reservations.lots[order] -= taken
        add_open_lots(positions, row, i, -taken, 0)
    else:
        reservations.lots[order] += taken
        add_open_lots(positions, row, i, 0, -taken)
    if taken == size and size > 0:
        reservations.done[0] += 1


@inlined
def release_used(  # type: ignore[no-untyped-def]
    reservations, positions, accounts, buyer_reservation, seller_reservation, lots
):
    """Release what a trade used of its reservations, rows or `NO_RESERVATION`."""
    if buyer_reservation >= 0:
        release_reservation(reservations, positions, accounts, buyer_reservation, lots)
    if seller_reservation >= 0:
        release_reservation(reservations, positions, accounts, seller_reservation, lots)


@kernel
def apply_releases(  # type: ignore[no-untyped-def]
    accounts, positions, reservations, buyer_reservation, seller_reservation, lots
):
    """Release what accepted trades used of their reservations, rows or `NO_RESERVATION`."""
    for k in range(lots.size):
        release_used(
            reservations, positions, accounts, buyer_reservation[k], seller_reservation[k], lots[k]
        )


@kernel
def release_wholly(accounts, positions, reservations, rows):  # type: ignore[no-untyped-def]
    """End the reservations in ``rows``: all that is left of each."""
    for row in rows:
        release_reservation(
            reservations, positions, accounts, row, abs(reservations.lots[row])
        )  # fmt: skip


@inlined
def _fees_of(instruments, i, value, buyer_is_maker):  # type: ignore[no-untyped-def]
    """Fees of buyer and seller."""
    maker, taker = instruments.maker_fee_ppm[i], instruments.taker_fee_ppm[i]
    if buyer_is_maker:
        return fee_of(value, maker), fee_of(value, taker)
    return fee_of(value, taker), fee_of(value, maker)


@kernel
def decide_trades(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, reservations, ccp_fees, checksum,
    account_count, instrument_count, collar_ppm, risk_reducing_sale_ppm, is_halted,
    market_owes, bound, first, asked_row, asked,
    buyer, seller, instrument, ticks, lots, buyer_is_maker, buyer_reservation, seller_reservation,
    refusal, actual, allowed, value_out, buyer_fee_out, seller_fee_out, unproven_out,
):  # fmt: skip
    """Decide and book a run of trades row by row, so that each row sees the rows before it.

    ``refusal[k]`` is 0 for a booked row; else ``actual[k]`` and ``allowed[k]`` say what broke.
    ``collar_ppm[i]``, ``risk_reducing_sale_ppm[i]``: parameters of the instrument, in 1e-6;
    ``is_halted[i]``: nobody adds to it.  ``market_owes``: the external market does not add to what
    it holds.  ``bound``: how far the marks are from the index, an `index_solvency.IndexBound`.
    Reservations are given by row, or as `NO_RESERVATION` or `UNKNOWN`; one that a row of the run
    used up is found without lots.  The caller has made room for two position rows a trade.

    Returns the row at which it stopped, untouched: one whose margin a model outside the kernels
    must say, or of a group in which options may limit one another and that needs it.  The caller
    goes on from there, ``first``, with what the model says of that row: ``asked_row``, and
    ``asked[side, ASKED]`` as in `risk_reducing`, empty while nothing can be asked.  At the end it
    returns the number of rows.
    """
    scratch = np.zeros((SCRATCH, accounts.balance.shape[1]), np.int64)
    out = np.zeros(WIDTH, np.int64)
    # Never less than what the contracts of an asset come to: counted anew for candidates only.
    committed = np.zeros(accounts.balance.shape[1], np.int64)
    fill_committed(positions, instruments, instrument_count, committed)
    following = np.full(2 * _RING, -1, np.int64)
    for k in range(max(first, 0), buyer.size):  # never negative: no index counts from the end
        fetch_ahead(accounts, positions, buyer, seller, instrument, k)
        fetch_books_ahead(accounts, positions, buyer, seller, k, following)
        b, s = np.int64(buyer[k]), np.int64(seller[k])
        i, n = np.int64(instrument[k]), lots[k]
        code, was, may = entry_refusal(
            accounts, positions, instruments, reservations, account_count, instrument_count,
            collar_ppm, b, s, i, ticks[k], n, buyer_reservation[k], seller_reservation[k],
        )  # fmt: skip
        value, buyer_fee, seller_fee = np.int64(0), np.int64(0), np.int64(0)
        if code == ACCEPTED:
            value = contract_value(instruments.form[i], instruments.unit[i], ticks[k], n)
            buyer_fee, seller_fee = _fees_of(instruments, i, value, buyer_is_maker[k])
            was, may = np.int64(0), np.int64(AMOUNT_MAX)
            was += oversize(
                accounts, positions, instruments, ccp_fees, b, s, i, n, value, buyer_fee,
                seller_fee,
            )  # fmt: skip
            code = AMOUNT_TOO_LARGE if was > 0 else ACCEPTED
        if code == ACCEPTED:
            if k != asked_row and needs_model(
                accounts, instruments, asked, b, s, i, buyer_reservation[k], seller_reservation[k]
            ):
                return np.int64(k)
            code, was, may = risk_refusal(
                accounts, positions, instruments, assets, reservations,
                risk_reducing_sale_ppm[i], is_halted[i], market_owes, b, s, i, ticks[k], n, value,
                buyer_fee, seller_fee,
                buyer_reservation[k], seller_reservation[k], asked, k == asked_row, bound, scratch,
                out,
            )  # fmt: skip
            if code == ASK:
                return np.int64(k)
        if code == ACCEPTED:
            was, may = np.int64(0), np.int64(AMOUNT_MAX)
            was += commit(
                positions, instruments, instrument_count, b, s, i, n, buyer_reservation[k],
                seller_reservation[k], committed,
            )  # fmt: skip
            code = OPEN_INTEREST_TOO_LARGE if was > 0 else ACCEPTED
        refusal[k], actual[k], allowed[k] = code, was, may
        if code != ACCEPTED:
            continue
        value_out[k], buyer_fee_out[k], seller_fee_out[k] = value, buyer_fee, seller_fee
        unproven = unproven_moved(
            accounts, positions, instruments, assets, b, s, i, n, value, buyer_fee, seller_fee,
            scratch, out,
        )  # fmt: skip
        unproven_out[k] = unproven
        release_used(
            reservations, positions, accounts, buyer_reservation[k], seller_reservation[k], n
        )
        book_with_unproven(
            accounts, positions, instruments, assets, ccp_fees, checksum,
            b, s, i, ticks[k], n, value, buyer_fee, seller_fee, unproven, True,
        )  # fmt: skip
    return np.int64(buyer.size)
