"""What open orders may lose, and what an account short of margin may concede to close a position.

An order is margined as long as it lives: for its loss against the mark, moved against it by a band.
A side that only reduces may go on while equity is below initial margin, for a way out must exist.
What it *concedes* against the mark, together with the open orders that close the same position, is
then bounded by the share of the account's cover that stands for the lots: what remains is covered
no worse than before, and nobody closes an account below zero at a constant mark.

Sources: rules 7.10, 7.23, 7.24, 7.27 and 7.50 to 7.56.
"""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.assess import (
    DEBT_MAINTENANCE,
    EQUITY,
    MAINTENANCE,
    SCRATCH,
    TOTAL_MAX,
    WIDTH,
    assess_account,
    assess_group,
    assess_with,
    debt_shares,
)
from novate.kernel.clearing.group import (
    first_of_group,
    lots_elsewhere,
    net_row,
    next_of_group,
)
from novate.kernel.clearing.position import find_position
from novate.kernel.clearing.requirement import asked_units
from novate.kernel.clearing.risk_reducing import BEFORE, CLOSED, take_requirement
from novate.kernel.clearing.value import contract_value, fee_of
from novate.kernel.codes import Style
from novate.kernel.jit import inlined, kernel, muldiv_floor

_PREMIUM = int(Style.PREMIUM)
_PPM = 1_000_000


@inlined
def moved_mark(instruments, i, lots, move_ppm):  # type: ignore[no-untyped-def]
    """Mark moved against an order by a share of it, rounded up, within the prices there are."""
    mark = instruments.mark[i]
    move = (mark * move_ppm + _PPM - 1) // _PPM
    if lots > 0:
        return max(mark - move, 1)
    return min(mark + move, instruments.ticks_max[i])


@inlined
def dearer_fee(instruments, i, value):  # type: ignore[no-untyped-def]
    """Fee on a trade value at the dearer of the maker's and the taker's rate."""
    return fee_of(value, max(instruments.maker_fee_ppm[i], instruments.taker_fee_ppm[i]))


@inlined
def loss_of_order(accounts, instruments, assets, account, i, lots, limit, move_ppm):  # type: ignore[no-untyped-def]
    """What the fill of signed lots at their limit loses when the price has moved against them.

    Numeraire units, not negative, each term at most 2**60: the value at the limit beyond that at
    the moved mark, of an option that is bought the whole premium, and the dearer fee.  The worth of
    a settlement asset other than the numeraire is raised by the same share, and by the margin of
    the debt that the fill may leave (rule 3.52).
    """
    value = contract_value(instruments.form[i], instruments.unit[i], limit, lots)
    behind = value
    if instruments.style[i] != _PREMIUM:
        against = moved_mark(instruments, i, lots, move_ppm)
        behind -= contract_value(instruments.form[i], instruments.unit[i], against, lots)
    asset = instruments.settlement_asset[i]
    price = assets.unit_price[asset]
    if asset != 0:
        price *= (_PPM + move_ppm) / _PPM
        price *= 1 + debt_shares(accounts, assets, account, asset)[0]
    fee = dearer_fee(instruments, i, value)
    return asked_units(max(behind, 0), price) + asked_units(fee, price)


@kernel
def order_loss_of(  # type: ignore[no-untyped-def]
    accounts, instruments, assets, account, i, lots, limit, move_ppm
):
    """`loss_of_order` for callers outside a kernel."""
    return loss_of_order(accounts, instruments, assets, account, i, lots, limit, move_ppm)


@kernel
def margin_orders(  # type: ignore[no-untyped-def]
    accounts, instruments, assets, reservations, rows, band_ppm, hold
):
    """Fill ``hold`` with what the reservations in ``rows`` are to hold at the present marks.

    That is what they hold, if it is no less than their loss at the mark and no more than that two
    bands away, else their loss one band away; numeraire units.  ``band_ppm[instrument]``.
    """
    for k in range(rows.size):
        row = rows[k]
        i = np.int64(reservations.instrument[row])
        lots, limit = reservations.lots[row], reservations.limit_ticks[row]
        hold[k] = reservations.open_order_hold[row]
        owner = np.int64(reservations.account[row])
        least = loss_of_order(accounts, instruments, assets, owner, i, lots, limit, 0)
        most = loss_of_order(accounts, instruments, assets, owner, i, lots, limit, 2 * band_ppm[i])
        if hold[k] < least or hold[k] > most:
            hold[k] = loss_of_order(
                accounts, instruments, assets, owner, i, lots, limit, band_ppm[i]
            )


@inlined
def concession(instruments, assets, i, lots, value, fee):  # type: ignore[no-untyped-def]
    """What closing signed lots for a value and a fee costs beyond the mark, numeraire units.

    Rounded up and not negative.  A long option is no cover, so that its sale costs nothing of it.
    """
    amount = value + fee
    if instruments.style[i] != _PREMIUM or lots > 0:
        amount -= contract_value(
            instruments.form[i], instruments.unit[i], instruments.mark[i], lots
        )
    return asked_units(max(amount, 0), assets.unit_price[instruments.settlement_asset[i]])


@inlined
def conceded_by_order(instruments, assets, i, lots, limit):  # type: ignore[no-untyped-def]
    """What the fill of a closing order at its limit concedes, the dearer fee included."""
    value = contract_value(instruments.form[i], instruments.unit[i], limit, lots)
    return concession(instruments, assets, i, lots, value, dearer_fee(instruments, i, value))


@kernel
def conceded_of(instruments, assets, i, lots, limit):  # type: ignore[no-untyped-def]
    """`conceded_by_order` for callers outside a kernel."""
    return conceded_by_order(instruments, assets, i, lots, limit)


@kernel
def conceded_by_orders(  # type: ignore[no-untyped-def]
    accounts, instruments, assets, reservations, account, i, lots
):
    """What the open orders of the direction of ``lots`` concede, of an account's netting set."""
    total = np.int64(0)
    for row in range(reservations.lots.size):
        if (
            reservations.lots[row] != 0
            and reservations.instrument[row] == i
            and (reservations.lots[row] > 0) == (lots > 0)
            and accounts.netting_set[reservations.account[row]] == accounts.netting_set[account]
        ):
            total += conceded_by_order(
                instruments, assets, i, reservations.lots[row], reservations.limit_ticks[row]
            )
            total = np.int64(min(total, TOTAL_MAX))
    return total


@kernel
def worth_of_shorts(accounts, positions, instruments, assets, account):  # type: ignore[no-untyped-def]
    """What the short options of a group are worth at their marks, each rounded up."""
    total = np.int64(0)
    first = first_of_group(accounts, account)
    member = first
    while member >= 0:
        row = accounts.head[member]
        while row >= 0:
            i = positions.instrument[row]
            if instruments.style[i] == _PREMIUM and instruments.mark[i] > 0:
                net = net_row(accounts, positions, row)
                if net[0] and net[1] < 0:
                    owed = instruments.unit[i] * -net[1] * instruments.mark[i]
                    price = assets.unit_price[instruments.settlement_asset[i]]
                    total = np.int64(min(total + asked_units(owed, price), TOTAL_MAX))
            row = positions.link[row]
        member = next_of_group(accounts, first, member)
    return total


@inlined
def closing_lots(accounts, positions, account, i, lots):  # type: ignore[no-untyped-def]
    """Signed lots of a netting set in a contract, and open lots of the direction of ``lots``."""
    row = find_position(positions, account, i)
    held, wanted = np.int64(0), np.int64(0)
    if row >= 0:
        held += positions.lots[row]
        wanted += positions.buy_lots[row] if lots > 0 else positions.sell_lots[row]
    if accounts.group_link[account] >= 0:
        beside, buys, sells = lots_elsewhere(accounts, positions, account, i)
        held += beside
        wanted += buys if lots > 0 else sells
    return held, wanted


@inlined
def is_closed_by(held, lots, wanted):  # type: ignore[no-untyped-def]
    """Whether orders of the direction of ``lots`` do no more than close a position."""
    return held != 0 and (held > 0) != (lots > 0) and wanted <= abs(held)


@kernel
def look_at_other_orders(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, reservations, account, i, lots
):
    """Look at the open orders of a group, but those of the direction of ``lots`` in a position.

    Returns
    -------
    tuple
        What those lose that do more than close a position, at the mark; and what those concede
        that do no more; numeraire units.
    """
    lost, conceded = np.int64(0), np.int64(0)
    first = first_of_group(accounts, account)
    for row in range(reservations.lots.size):
        size = reservations.lots[row]
        owner = np.int64(reservations.account[row])
        if size == 0 or first_of_group(accounts, owner) != first:
            continue
        at = np.int64(reservations.instrument[row])
        if (
            at == i
            and (size > 0) == (lots > 0)
            and (accounts.netting_set[owner] == accounts.netting_set[account])
        ):
            continue
        limit = reservations.limit_ticks[row]
        held, wanted = closing_lots(accounts, positions, owner, at, size)
        if is_closed_by(held, size, wanted):
            more = conceded_by_order(instruments, assets, at, size, limit)
            conceded = np.int64(min(conceded + more, TOTAL_MAX))
        else:
            more = loss_of_order(accounts, instruments, assets, owner, at, size, limit, 0)
            lost = np.int64(min(lost + more, TOTAL_MAX))
    return lost, conceded


@inlined
def most_conceded(cover, conceded, before, after):  # type: ignore[no-untyped-def]
    """Share of the cover that stands for what maintenance margin falls by, rounded down.

    No more than the cover leaves beside what closing orders of other positions have ``conceded``.
    Minus the rise, where maintenance margin rises: what closes half of a hedge is no way out.
    """
    if after > before:
        return before - after
    share = np.int64(0)
    if before > 0:
        share += muldiv_floor(max(cover, 0), max(before - after, 0), before)
    return max(min(share, max(cover, 0) - conceded), 0)


@kernel
def most_conceded_of(cover, conceded, before, after):  # type: ignore[no-untyped-def]
    """`most_conceded` for callers outside a kernel."""
    return np.int64(most_conceded(cover, conceded, before, after))


@kernel
def look_at_way_out(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, reservations, account, i, lots, value, fee, other,
    is_together, other_fee, side, asked, is_modelled, scratch, out,
):  # fmt: skip
    """Look at a side without a reservation that only reduces, of a group below initial margin.

    ``is_together``: the other side is of the same margin group, so that only the fees leave it.
    ``is_modelled``: its margin is what is ``asked`` for this ``side``.

    Returns
    -------
    tuple
        What the side and the open orders that close the same position concede, the most that they
        may, in numeraire units; then the lots of those orders, and those that the position has left
        for them.
    """
    rest, wanted = closing_lots(accounts, positions, account, i, lots)
    if accounts.netting_set[other] != accounts.netting_set[account]:
        rest += lots
    conceded = concession(instruments, assets, i, lots, value, fee)
    if is_together:
        price = assets.unit_price[instruments.settlement_asset[i]]
        conceded = asked_units(max(fee + other_fee, 0), price)
    if wanted > 0:
        conceded += conceded_by_orders(
            accounts, instruments, assets, reservations, account, i, lots
        )
    assess_with(
        accounts, positions, instruments, assets, account, i, 0, 0, 0, 0, 0, scratch, out
    )  # fmt: skip
    if is_modelled:
        take_requirement(asked, side, BEFORE, out)
    before, debts = out[MAINTENANCE], out[DEBT_MAINTENANCE]
    cover = out[EQUITY] - worth_of_shorts(accounts, positions, instruments, assets, account)
    lost, beside = look_at_other_orders(
        accounts, positions, instruments, assets, reservations, account, i, lots
    )
    cover = max(cover, 0) - lost
    closed = lots + (wanted if lots > 0 else -wanted)
    if is_modelled:
        after = asked[side, CLOSED] + debts
    elif is_together:
        assess_group(
            accounts, positions, instruments, assets, account, i, closed, 0, 0, 0, 0, other, -lots,
            0, 0, scratch, out,
        )  # fmt: skip
        after = out[MAINTENANCE] - out[DEBT_MAINTENANCE] + debts
    else:
        assess_with(
            accounts, positions, instruments, assets, account, i, closed, 0, 0, 0, 0, scratch, out
        )  # fmt: skip
        after = out[MAINTENANCE] - out[DEBT_MAINTENANCE] + debts
    return conceded, most_conceded(cover, beside, before, after), wanted, abs(rest)


@kernel
def look_at_orders(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, reservations, rows, start, closed, cost
):
    """Look at open orders by netting set, contract and direction.

    Bundle ``k`` of them is ``rows[start[k] : start[k + 1]]``, rows of reservations.  ``closed[k]``
    are its signed lots if together they do no more than close the position, else 0; ``cost[k]``
    is then what they concede, else what they lose at the mark, numeraire units.
    """
    for k in range(start.size - 1):
        account = np.int64(reservations.account[rows[start[k]]])
        i = np.int64(reservations.instrument[rows[start[k]]])
        first = reservations.lots[rows[start[k]]]
        held, wanted = closing_lots(accounts, positions, account, i, first)
        closes = is_closed_by(held, first, wanted)
        closed[k] = (wanted if first > 0 else -wanted) if closes else np.int64(0)
        cost[k] = 0
        for row in rows[start[k] : start[k + 1]]:
            lots, limit = reservations.lots[row], reservations.limit_ticks[row]
            if closes:
                more = conceded_by_order(instruments, assets, i, lots, limit)
            else:
                more = loss_of_order(accounts, instruments, assets, account, i, lots, limit, 0)
            cost[k] = min(cost[k] + more, TOTAL_MAX)


@kernel
def look_at_cover(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, subjects, contracts, closed, lost, beside, most
):
    """Fill ``most[k]`` with the most that closing lots may concede (rule 7.53).

    Account, contract and signed lots of each; ``lost[k]`` and ``beside[k]`` are what other orders
    of its group lose, and what closing ones concede.  Maintenance margin is by rules of contracts.
    """
    scratch = np.zeros((SCRATCH, accounts.balance.shape[1]), np.int64)
    out = np.zeros(WIDTH, np.int64)
    for k in range(subjects.size):
        account = subjects[k]
        assess_account(accounts, positions, instruments, assets, account, scratch, out)
        before, debts = out[MAINTENANCE], out[DEBT_MAINTENANCE]
        cover = out[EQUITY] - worth_of_shorts(accounts, positions, instruments, assets, account)
        assess_with(
            accounts, positions, instruments, assets, account, contracts[k], closed[k], 0, 0, 0, 0,
            scratch, out,
        )  # fmt: skip
        after = out[MAINTENANCE] - out[DEBT_MAINTENANCE] + debts
        most[k] = most_conceded(max(cover, 0) - lost[k], beside[k], before, after)
