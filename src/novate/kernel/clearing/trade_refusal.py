"""Why a trade is refused: the reasons in the order in which they are tested.

Codes are those of `message.refusal.SubmitTradeRefusal`.  Each check returns a code, the number that
broke and the number allowed; it changes nothing.
"""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.group import gross_lots_elsewhere, lots_elsewhere
from novate.kernel.clearing.position import find_position
from novate.kernel.clearing.risk_reducing import (
    BUYER,
    SELLER,
    UNASKED,
    YES,
    has_model,
    is_given_away,
    sale_floor,
)
from novate.kernel.clearing.trade_code import (
    ACCEPTED,
    ACCOUNT_NOT_OPEN,
    ASK,
    BELOW_WORTH,
    EXTERNAL_MARKET_OWES,
    INSTRUMENT_NOT_ACTIVE,
    ISOLATED_ELSEWHERE,
    LOTS_OUT_OF_RANGE,
    MEMBER_NOT_ACTIVE,
    NO_RESERVATION,
    ORDERS_UNCOVERED,
    POSITION_LIMIT,
    PRICE_BLOCKED,
    PRICE_OUT_OF_RANGE,
    SAME_ACCOUNT,
    UNKNOWN,
    UNKNOWN_BUYER,
    UNKNOWN_INSTRUMENT,
    UNKNOWN_RESERVATION,
    UNKNOWN_SELLER,
    WORSE_THAN_LIMIT,
)
from novate.kernel.clearing.trade_margin import margin_refusal
from novate.kernel.codes import AccountStatus, InstrumentStatus, MarginMode, Style
from novate.kernel.jit import inlined, kernel

_CALLED = int(AccountStatus.CALLED)
_ACTIVE = int(InstrumentStatus.ACTIVE)
_ISOLATED = int(MarginMode.ISOLATED)
_PREMIUM = int(Style.PREMIUM)


@inlined
def _side_refusal(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, reservations, account, i, ticks, lots, reservation
):
    """Checks of one side that need no mark; returns code, actual, allowed."""
    if accounts.status[account] > _CALLED:
        return ACCOUNT_NOT_OPEN, np.int64(accounts.status[account]), np.int64(_CALLED)
    row = find_position(positions, account, i)
    held = positions.lots[row] if row >= 0 else np.int64(0)
    after = held + lots
    if row >= 0 and reservation == NO_RESERVATION:
        # Open orders of this side stay fillable: a reservation was counted when it was granted.
        after += positions.buy_lots[row] if lots > 0 else -positions.sell_lots[row]
    size = abs(after)
    if accounts.group_link[account] >= 0:
        size += gross_lots_elsewhere(accounts, positions, account, i)
    if size > instruments.lots_max[i]:
        return POSITION_LIMIT, size, instruments.lots_max[i]
    if accounts.mode[account] == _ISOLATED:
        other = accounts.head[account]
        while other >= 0:
            if positions.instrument[other] != i and (
                positions.lots[other] | positions.buy_lots[other] | positions.sell_lots[other]
            ):
                return ISOLATED_ELSEWHERE, np.int64(i), np.int64(positions.instrument[other])
            other = positions.link[other]
    if reservation == UNKNOWN:
        return UNKNOWN_RESERVATION, np.int64(lots), np.int64(0)
    if reservation != NO_RESERVATION:
        open_lots = reservations.lots[reservation]
        if (
            reservations.account[reservation] != account
            or reservations.instrument[reservation] != i
            or (open_lots > 0) != (lots > 0)
            or abs(open_lots) < abs(lots)
        ):
            return UNKNOWN_RESERVATION, np.int64(lots), open_lots
        limit = reservations.limit_ticks[reservation]
        if (ticks > limit) if lots > 0 else (ticks < limit):
            return WORSE_THAN_LIMIT, np.int64(ticks), limit
    return ACCEPTED, np.int64(0), np.int64(0)


@inlined
def added_lots(accounts, positions, account, i, lots):  # type: ignore[no-untyped-def]
    """Lots by which a trade does more than reduce a position of a margin account, else 0."""
    if not accounts.is_margined[account]:
        return np.int64(0)
    row = find_position(positions, account, i)
    held = positions.lots[row] if row >= 0 else np.int64(0)
    if accounts.group_link[account] >= 0:
        held += lots_elsewhere(accounts, positions, account, i)[0]
    if held != 0 and (held > 0) != (lots > 0):
        return max(abs(lots) - abs(held), 0)
    return abs(lots)


@inlined
def unheld_lots(accounts, positions, account, i, lots):  # type: ignore[no-untyped-def]
    """Lots by which a trade and the open orders of its side do more than reduce, else 0.

    An order that only reduces must have the position that it closes when it is filled.
    """
    if not accounts.is_margined[account]:
        return np.int64(0)
    row = find_position(positions, account, i)
    held = positions.lots[row] if row >= 0 else np.int64(0)
    wanted = abs(lots)
    if row >= 0:
        wanted += positions.buy_lots[row] if lots > 0 else positions.sell_lots[row]
    if accounts.group_link[account] >= 0:
        beside, buys, sells = lots_elsewhere(accounts, positions, account, i)
        held += beside
        wanted += buys if lots > 0 else sells
    if held != 0 and (held > 0) != (lots > 0):
        return max(wanted - abs(held), 0)
    return wanted


@kernel
def added_by_market(accounts, positions, buyer, seller, i, lots):  # type: ignore[no-untyped-def]
    """Lots by which a trade does more than reduce the position of the external market, else 0.

    Asked while that owes only.  Not inlined, so that trades do not carry its code.
    """
    for account, signed in ((buyer, lots), (seller, -lots)):
        if accounts.can_trade[account] and not accounts.is_margined[account]:
            row = find_position(positions, account, i)
            held = positions.lots[row] if row >= 0 else np.int64(0)
            if held != 0 and (held > 0) != (signed > 0):
                return max(abs(signed) - abs(held), 0)
            return abs(signed)
    return np.int64(0)


@inlined
def risk_refusal(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, reservations, risk_reducing_sale_ppm, is_halted,
    market_owes, buyer, seller, i, ticks, lots,
    value, buyer_fee, seller_fee, buyer_reservation, seller_reservation, asked, is_asked, bound,
    scratch, out,
):  # fmt: skip
    """Refusals by margin, price of an option, halt, member, open orders and external market.

    Margin is asked of sides without a reservation, the buyer first (rules 7.8 and 7.90); a seller
    short of margin may not sell an option below the floor (rule 7.12); no lots are added in a
    halted instrument (rule 7.13), for a member that is not active (rule 7.40), or by the external
    market while it owes (rule 6.92); what closes a position short of margin leaves it to the open
    orders that close it too (rule 7.55).
    """
    code, was, may = ACCEPTED, np.int64(0), np.int64(0)
    wanted, rest = np.int64(0), np.int64(0)  # of the first side whose open orders are uncovered
    if buyer_reservation == NO_RESERVATION:
        code, was, may = margin_refusal(
            accounts, positions, instruments, assets, reservations, buyer, i, lots, value,
            buyer_fee, seller, seller_fee, BUYER, asked, is_asked, bound, scratch, out,
        )  # fmt: skip
        if code == ORDERS_UNCOVERED:
            code, wanted, rest = ACCEPTED, was, may
    if code == ACCEPTED and seller_reservation == NO_RESERVATION:
        code, was, may = margin_refusal(
            accounts, positions, instruments, assets, reservations, seller, i, -lots, -value,
            seller_fee, buyer, buyer_fee, SELLER, asked, is_asked, bound, scratch, out,
        )  # fmt: skip
        if code == ORDERS_UNCOVERED:
            if wanted == 0:
                wanted, rest = was, may
            code = ACCEPTED
    if code == ACCEPTED and instruments.style[i] == _PREMIUM:
        floor = sale_floor(instruments.mark[i], risk_reducing_sale_ppm)
        if ticks < floor:
            given = is_given_away(
                accounts, positions, instruments, assets, buyer, seller, i, asked, is_asked,
                scratch, out,
            )  # fmt: skip
            if given == UNASKED:
                return ASK, np.int64(0), np.int64(0)
            if given == YES:
                return BELOW_WORTH, np.int64(ticks), np.int64(floor)
    if code == ACCEPTED and is_halted:
        bought = added_lots(accounts, positions, buyer, i, lots)
        was = max(bought, added_lots(accounts, positions, seller, i, -lots))
        code, may = PRICE_BLOCKED if was > 0 else ACCEPTED, np.int64(0)
    if code == ACCEPTED and (accounts.is_suspended[buyer] or accounts.is_suspended[seller]):
        was = np.int64(0)
        if accounts.is_suspended[buyer] and buyer_reservation == NO_RESERVATION:
            was = max(was, unheld_lots(accounts, positions, buyer, i, lots))
        if accounts.is_suspended[seller] and seller_reservation == NO_RESERVATION:
            was = max(was, unheld_lots(accounts, positions, seller, i, -lots))
        code, may = MEMBER_NOT_ACTIVE if was > 0 else ACCEPTED, np.int64(0)
    if code == ACCEPTED and wanted > 0:
        return ORDERS_UNCOVERED, wanted, rest
    if code == ACCEPTED and market_owes:
        was = added_by_market(accounts, positions, buyer, seller, i, lots)
        code, may = EXTERNAL_MARKET_OWES if was > 0 else ACCEPTED, np.int64(0)
    return code, was, may


@inlined
def _row_refusal(  # type: ignore[no-untyped-def]
    accounts,
    instruments,
    account_count,
    instrument_count,
    collar_ppm,
    buyer,
    seller,
    i,
    ticks,
    lots,
):
    """Checks of the row itself, in the order of the refusal codes."""
    if buyer >= account_count or not accounts.can_trade[buyer]:
        return UNKNOWN_BUYER, np.int64(buyer), np.int64(account_count)
    if seller >= account_count or not accounts.can_trade[seller]:
        return UNKNOWN_SELLER, np.int64(seller), np.int64(account_count)
    if i >= instrument_count:
        return UNKNOWN_INSTRUMENT, np.int64(i), np.int64(instrument_count)
    if buyer == seller:
        return SAME_ACCOUNT, np.int64(buyer), np.int64(0)
    if lots <= 0 or lots > instruments.lots_max[i]:
        return LOTS_OUT_OF_RANGE, np.int64(lots), instruments.lots_max[i]
    if ticks <= 0 or ticks > instruments.ticks_max[i]:
        return PRICE_OUT_OF_RANGE, np.int64(ticks), instruments.ticks_max[i]
    mark, collar = instruments.mark[i], collar_ppm[i]
    if collar > 0 and mark > 0 and abs(ticks - mark) * 1_000_000 > collar * mark:
        return PRICE_OUT_OF_RANGE, np.int64(ticks), mark
    if instruments.status[i] != _ACTIVE:
        return INSTRUMENT_NOT_ACTIVE, np.int64(instruments.status[i]), np.int64(_ACTIVE)
    return ACCEPTED, np.int64(0), np.int64(0)


@inlined
def needs_model(  # type: ignore[no-untyped-def]
    accounts, instruments, asked, buyer, seller, i, buyer_reservation, seller_reservation
):
    """Whether a side that margin is asked of belongs to a group with another margin model.

    A side with a reservation is not asked, but for a seller of options (rule 7.12).
    """
    if buyer_reservation == NO_RESERVATION and has_model(accounts, asked, buyer):
        return True
    is_asked = seller_reservation == NO_RESERVATION or instruments.style[i] == _PREMIUM
    return is_asked and has_model(accounts, asked, seller)


@inlined
def entry_refusal(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, reservations, account_count, instrument_count, collar_ppm,
    buyer, seller, i, ticks, lots, buyer_reservation, seller_reservation,
):  # fmt: skip
    """Checks that need no margin: the row, then the buyer, then the seller."""
    code, was, may = _row_refusal(
        accounts, instruments, account_count, instrument_count, collar_ppm, buyer, seller, i,
        ticks, lots,
    )  # fmt: skip
    if code == ACCEPTED:
        code, was, may = _side_refusal(
            accounts, positions, instruments, reservations, buyer, i, ticks, lots,
            buyer_reservation,
        )  # fmt: skip
    if code == ACCEPTED:
        code, was, may = _side_refusal(
            accounts, positions, instruments, reservations, seller, i, ticks, -lots,
            seller_reservation,
        )  # fmt: skip
    return code, was, may
