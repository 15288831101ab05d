"""The external market settles in cash: what it owes is called, and it pays (rules 6.90 to 6.93).

It is an account without margin: what clients gained from it is nobody's money before it has paid.
What it may take out is its balance, and no more than that with what is unsettled in the asset: a
loss that is pending stays covered.

Sources: CPMI-IOSCO PFMI Principle 9 (money settlements): a gain is final when its cash is there.
"""

from __future__ import annotations

from novate.book.ledger import transfer
from novate.collateral.custody import held_in_custody
from novate.kernel.clearing.settle import value_of
from novate.kernel.codes import Role
from novate.market.reference import VALUE_MAX
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import SettleExternalMarketRefusal as No
from novate.message.topic import HOUSE, NOBODY, Application, Decision, Topic
from novate.valuation import ClearingState


def decide_settle_external_market(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Decide a payment of the external market: `ExternalMarketSettled` (rule 6.93).

    Parameters
    ----------
    row
        ``asset`` and ``amount`` in ledger units, positive when the external market pays in.

    Returns
    -------
    Refusal | None
        UNKNOWN_ASSET, AMOUNT_ZERO, MORE_THAN_OWED, INSUFFICIENT_BALANCE, AMOUNT_TOO_LARGE or
        CUSTODY_SHORT, tested in this order.
    """
    asset, amount = row["asset"], row["amount"]
    if asset >= x.assets.count:
        return Refusal(No.UNKNOWN_ASSET, asset, x.assets.count - 1)
    if amount == 0:
        return Refusal(No.AMOUNT_ZERO, 0, 1)
    balance = int(x.accounts.balance[x.single(Role.EXTERNAL_MARKET), asset])
    owed, there = max(-balance, 0), held_in_custody(x, asset)
    if amount > owed:
        return Refusal(No.MORE_THAN_OWED, amount, owed)
    most = max(min(balance, market_totals(x)[asset]), 0)
    if -amount > most:
        return Refusal(No.INSUFFICIENT_BALANCE, min(-amount, 2**62), most)
    if amount > VALUE_MAX - abs(there):
        return Refusal(No.AMOUNT_TOO_LARGE, amount, VALUE_MAX)
    if -amount > max(there, 0):
        return Refusal(No.CUSTODY_SHORT, -amount, there)
    emit(event.EXTERNAL_MARKET_SETTLED, **row)
    return None


def apply_external_market_settled(x: ClearingState, row: Row) -> None:
    """Move cash between custody and the external market; what was called falls by what it paid."""
    asset, amount = row["asset"], row["amount"]
    custody, market = x.single(Role.CUSTODY), x.single(Role.EXTERNAL_MARKET)
    if amount < 0:
        transfer(x.accounts, asset, market, custody, -amount)
        return
    transfer(x.accounts, asset, custody, market, amount)
    x.assets.external_called[asset] = max(int(x.assets.external_called[asset]) - amount, 0)


def market_totals(x: ClearingState) -> list[int]:
    """Return balance and unsettled profit of the external market in each asset (rule 3.19)."""
    account = x.single(Role.EXTERNAL_MARKET)
    totals: list[int] = x.accounts.balance[account, : x.assets.count].tolist()
    row = int(x.accounts.head[account])
    while row >= 0:
        i, mark = int(x.positions.instrument[row]), 0
        if not x.is_option(i):
            mark = int(x.marks.mark[i])
        value = 0
        if mark > 0:
            lots = x.positions.lots[row]
            value = int(value_of(x.instruments.form[i], x.instruments.unit[i], mark, lots))
        asset = int(x.instruments.settlement_asset[i])
        totals[asset] += value - int(x.positions.settlement_cost[row])
        row = int(x.positions.link[row])
    return totals


def call_external_market(x: ClearingState, emit: Emit) -> None:
    """Emit `ExternalMarketCalled` where what the external market owes is not what was called.

    Assets go by number; before it has an account it owes nothing.
    """
    account = x.single(Role.EXTERNAL_MARKET)
    if account < 0:
        return
    balances = x.accounts.balance[account, : x.assets.count].tolist()
    called = x.assets.used("external_called").tolist()
    for asset, balance in enumerate(balances):
        owed = max(-balance, 0)
        if owed != called[asset]:
            emit(event.EXTERNAL_MARKET_CALLED, asset=asset, amount=owed)


def apply_external_market_called(x: ClearingState, row: Row) -> None:
    """Remember what is due."""
    x.assets.external_called[row["asset"]] = row["amount"]


TOPIC: Topic[ClearingState] = Topic(
    name="external market",
    decisions=(Decision(command.SETTLE_EXTERNAL_MARKET, decide_settle_external_market, No),),
    applications=(
        Application(event.EXTERNAL_MARKET_CALLED, apply_external_market_called, NOBODY),
        Application(event.EXTERNAL_MARKET_SETTLED, apply_external_market_settled, HOUSE),
    ),
    phases=(call_external_market,),
)
