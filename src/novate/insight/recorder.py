"""What each event adds to the record of a run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from novate.engine.batch import Batch
from novate.engine.catalogue import refusal_of
from novate.insight.measure import UNIT, Row
from novate.insight.run_record import RunRecord, money
from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import Layer
from novate.message.deciding_price import DecidingPrice
from novate.message.obligation import ObligationOutcome

OUTCOMES = {
    ObligationOutcome.PAID: "paid",
    ObligationOutcome.MET: "met",
    ObligationOutcome.FAILED: "missed",
    ObligationOutcome.WAIVED: "waived",
}
"""What a table of calls says of how each ended."""

PRICE_NAMES = {
    DecidingPrice.PROTECTED: "protected prices",
    DecidingPrice.RAMP: "ramp prices",
    DecidingPrice.INDEX: "index prices",
}
"""Prices that decided, where they were not the marks."""


def _refused(o: RunRecord, batch: Batch, row: Row) -> None:
    code = refusal_of(row["command"], row["code"])
    o.refusals[row["command"], code.name.lower()] += 1


def _posted(o: RunRecord, batch: Batch, row: Row) -> None:
    worth = o.worth(row["asset"], row["amount"])
    o.flows[row["account"]] += worth
    if row["account"] in o.failed:
        o.failed[row["account"]] += worth
    o.fact(
        batch, row["account"], "deposit", "Collateral arrived.",
        amount=o.listing.amount_text(row["asset"], row["amount"]),
    )  # fmt: skip


def _withdrawn(o: RunRecord, batch: Batch, row: Row) -> None:
    o.flows[row["account"]] -= o.worth(row["asset"], row["amount"])
    o.fact(
        batch, row["account"], "withdrawal", "Collateral was paid out.",
        amount=o.listing.amount_text(row["asset"], row["amount"]),
    )  # fmt: skip


def _transferred(o: RunRecord, batch: Batch, row: Row) -> None:
    worth = o.worth(row["asset"], row["amount"])
    o.flows[row["sender"]] -= worth
    o.flows[row["receiver"]] += worth
    if row["receiver"] in o.failed:
        o.failed[row["receiver"]] += worth


def _called(o: RunRecord, batch: Batch, row: Row) -> None:
    o.totals["calls_made"] += 1
    call = {
        "instant_ns": batch.instant_ns,
        "account": row["account"],
        "amount": row["amount"] / UNIT,
        "paid": 0.0,
        "deadline_ns": row["deadline_ns"],
        "status": "open",
        "resolved_ns": 0,
    }
    o.tables["calls"].append(call)
    o.calls[row["obligation"]] = call
    o.fact(
        batch, row["account"], "call",
        f"Called for {money(row['amount'])} of margin: equity was {money(row['equity'])}, below "
        f"the initial margin of {money(row['requirement'])}.",
        call=money(row["amount"]), equity=money(row["equity"]),
        initial_margin=money(row["requirement"]),
    )  # fmt: skip


def _call_met(o: RunRecord, batch: Batch, row: Row) -> None:
    o.fact(
        batch, row["account"], "met", "What was called was met.",
        equity=money(row["equity"]), initial_margin=money(row["requirement"]),
    )  # fmt: skip


def _call_paid(o: RunRecord, batch: Batch, row: Row) -> None:
    o.fact(
        batch, row["account"], "paid", "What was called had been paid at the deadline.",
        equity=money(row["equity"]), initial_margin=money(row["requirement"]),
    )  # fmt: skip


def _obligation_paid(o: RunRecord, batch: Batch, row: Row) -> None:
    o.calls[row["obligation"]]["paid"] += row["amount"] / UNIT


def _obligation_closed(o: RunRecord, batch: Batch, row: Row) -> None:
    status = OUTCOMES[row["outcome"]]
    o.totals["calls_met"] += status in ("paid", "met")
    o.calls.pop(row["obligation"]).update(status=status, resolved_ns=batch.instant_ns)


def _open_calls(o: RunRecord, account: int) -> list[Row]:
    return [call for call in o.calls.values() if call["account"] == account]


def _call_extended(o: RunRecord, batch: Batch, row: Row) -> None:
    for call in _open_calls(o, row["account"]):
        call.update(deadline_ns=row["deadline_ns"])
    facts = o.facts[row["account"]]
    if not facts or facts[-1]["kind"] != "extended":
        what = "an index: the house pauses"
        if row["instrument"] >= 0:
            what = f"a price of {o.listing.instruments[row['instrument']].symbol}"
        o.fact(batch, row["account"], "extended", f"The call's deadline waits for {what}.")


def _call_resumed(o: RunRecord, batch: Batch, row: Row) -> None:
    for call in _open_calls(o, row["account"]):
        call.update(deadline_ns=row["deadline_ns"])


def _defaulted(o: RunRecord, batch: Batch, row: Row) -> None:
    o.holdings.setdefault(row["account"], o.positions_text(row["account"]))
    o.totals["defaults"] += 1
    o.failed[row["account"]] = row["net"]
    o.closed.add(row["account"])
    why = "its equity fell below the takeover level"
    if any(batch.instant_ns >= call["deadline_ns"] for call in _open_calls(o, row["account"])):
        why = "the call was not met by its deadline"
    o.fact(
        batch, row["account"], "default",
        f"Default declared: {why}; equity {money(row['equity'])}, initial margin "
        f"{money(row['requirement'])}.",
        equity=money(row["equity"]), initial_margin=money(row["requirement"]), **_decided(row),
    )  # fmt: skip


def _decided(row: Row) -> dict[str, str]:
    """What an event tells of the prices that decided; nothing where those were the marks."""
    name = PRICE_NAMES.get(row["decided_by"])
    if name is None:
        return {}
    return {"decided_at": name, "worth": money(row["worth"]), "level": money(row["level"])}


def _funding(o: RunRecord, batch: Batch, row: Row) -> None:
    if o.before is None:
        return
    contract = o.listing.instruments[row["instrument"]]
    held = (o.before[1] == row["instrument"]) & (o.before[0] < len(o.funding))
    lots, account = o.before[2][held].astype(np.float64), o.before[0][held]
    per_lot = row["ticks"] * contract.tick_e8 * contract.lot_e8 / 1e16
    if contract.form != LINEAR:
        per_lot = contract.lot_e8 / 1e8
    np.add.at(o.funding, account, -lots * per_lot * row["rate_e9"] / 1e9)


def _funding_returned(o: RunRecord, batch: Batch, row: Row) -> None:
    if o.before is None or row["account"] >= len(o.funding):
        return
    asset = o.listing.instruments[row["instrument"]].settlement
    price = o.index.get(asset, 0) / 1e8 if asset else 1.0  # the last index before it
    o.funding[row["account"]] += row["amount"] / 10 ** o.listing.decimals[asset] * price


def _started(o: RunRecord, batch: Batch, row: Row) -> None:
    o.holdings.setdefault(row["account"], o.positions_text(row["account"]))
    o.closed.add(row["account"])
    o.failed[row["account"]] = row["net"]
    numbers = {"equity": money(row["equity"]), "maintenance_margin": money(row["requirement"])}
    if row["binding"] >= 0:
        numbers["mark"] = o.listing.price_text(row["binding"], row["mark"])
    why = f"equity {money(row['equity'])} fell below the maintenance margin of"
    why = f"{why} {money(row['requirement'])}"
    if row["decided_by"] == DecidingPrice.INDEX:
        why = f"equity at the index, {money(row['index_equity'])}, was below zero for long"
    numbers |= _decided(row)
    o.fact(batch, row["account"], "liquidation", f"Liquidation began: {why}.", **numbers)


def _stopped(o: RunRecord, batch: Batch, row: Row) -> None:
    o.totals["released_accounts"] += 1
    o.failed.pop(row["account"], None)
    o.fact(
        batch, row["account"], "released",
        "Liquidation ended: equity is at the release level again.",
        equity=money(row["equity"]), release_level=money(row["requirement"]),
    )  # fmt: skip


def _filled(o: RunRecord, batch: Batch, row: Row) -> None:
    contract = o.listing.instruments[row["instrument"]]
    notional = abs(row["value"])
    if contract.is_option:
        notional = abs(row["lots"]) * contract.lot_e8 * o.index[contract.underlying] // 10**10
    elif contract.form != LINEAR:
        notional = abs(row["lots"]) * contract.lot_e8 // 100
    mark = contract.price(o.marks[row["instrument"]])
    o.totals["liquidation_fees"] += row["fee"]
    o.move_fund(row["fee"], batch.instant_ns)
    if row["account"] < len(o.fees):
        o.fees[row["account"]] += row["fee"] / UNIT
    o.totals["liquidated_notional"] += notional
    o.tables["liquidations"].append(
        {
            "instant_ns": batch.instant_ns,
            "account": row["account"],
            "instrument": contract.symbol,
            "lots": row["lots"],
            "price": contract.price(row["ticks"]),
            "mark": mark,
            "notional": notional / UNIT,
            "fee": row["fee"] / UNIT,
        }
    )
    o.fact(
        batch, row["account"], "fill",
        f"{'Bought' if row['lots'] > 0 else 'Sold'} {contract.size_text(abs(row['lots']))[1:]} "
        f"{contract.symbol} in the market, a slice of the liquidation.",
        price=o.listing.price_text(row["instrument"], row["ticks"]), mark=f"{mark:,.8g}",
        fee=money(row["fee"]),
    )  # fmt: skip


def _converted(o: RunRecord, batch: Batch, row: Row) -> None:
    o.fact(
        batch, row["account"], "conversion",
        f"Converted {o.listing.assets[row['asset']]} to pay its debt.",
        proceeds=money(row["proceeds"]),
    )  # fmt: skip


def _taken_over(o: RunRecord, batch: Batch, row: Row) -> None:
    o.totals["taken_over"] += 1
    o.taken_over_ns[row["account"]] = batch.instant_ns
    o.equity_taken[row["account"]] += row["equity"] - row["kept"]
    if row["account"] in o.failed:
        o.failed[row["account"]] -= row["kept"]
    o.fact(
        batch, row["account"], "takeover",
        "Taken over at the marks: debts and what pays for them went to the liquidator.",
        net_equity=money(row["equity"]), maintenance_margin=money(row["maintenance"]),
        kept=money(row["kept"]),
    )  # fmt: skip


def _loss(o: RunRecord, batch: Batch, row: Row) -> None:
    o.totals["losses"] += row["amount"]
    o.loss_account[row["loss"]] = row["account"]
    o.shortfall[row["account"]] += row["amount"]


def _allocated(o: RunRecord, batch: Batch, row: Row) -> None:
    layer = o.layers[row["layer"]]
    if row["layer"] == Layer.UNCOVERED:
        o.loss_account[0] = row["payer"]  # the liquidator: what is shared later of all losses
    o.payers[layer] += row["amount"]
    if row["layer"] == Layer.INSURANCE_FUND:
        o.move_fund(-row["amount"], batch.instant_ns)
    o.tables["losses"].append(
        {
            "loss": row["loss"],
            "instant_ns": batch.instant_ns,
            "defaulter": o.loss_account[row["loss"]],
            "layer": layer,
            "payer": row["payer"],
            "amount": row["amount"] / UNIT,
        }
    )


def _cut(o: RunRecord, batch: Batch, row: Row) -> None:
    _allocated(o, batch, {**row, "layer": int(Layer.GAINS_HAIRCUT), "payer": -1})
    o.totals["gains_cuts"] += 1


def _deleveraged(o: RunRecord, batch: Batch, row: Row) -> None:
    _allocated(
        o,
        batch,
        {
            "loss": row["loss"],
            "layer": int(Layer.AUTO_DELEVERAGING),
            "payer": row["account"],
            "amount": row["amount"],
        },
    )
    o.totals["deleveraged"] += 1


def _settled_outside(o: RunRecord, batch: Batch, row: Row) -> None:
    worth, asset = abs(row["amount"]), row["asset"]
    if asset:  # at the last index before it, rounded down
        decimals = o.listing.decimals
        scale = 10 ** (8 + decimals[asset])
        worth = worth * o.index.get(asset, 0) * 10 ** decimals[0] // scale
    o.totals["external_paid_in" if row["amount"] > 0 else "external_paid_out"] += worth


def _swept(o: RunRecord, batch: Batch, row: Row) -> None:
    o.totals["surplus_to_fund"] += row["amount"]
    o.move_fund(row["amount"], batch.instant_ns)


RECORDERS: dict[str, Callable[[RunRecord, Batch, Row], None]] = {
    "CommandRefused": _refused,
    "CollateralPosted": _posted,
    "CollateralWithdrawn": _withdrawn,
    "CollateralTransferred": _transferred,
    "FundingSettled": _funding,
    "FundingReturned": _funding_returned,
    "MarginCalled": _called,
    "MarginCallMet": _call_met,
    "MarginCallPaid": _call_paid,
    "ObligationPaid": _obligation_paid,
    "ObligationClosed": _obligation_closed,
    "CallExtended": _call_extended,
    "CallResumed": _call_resumed,
    "DefaultDeclared": _defaulted,
    "LiquidationStarted": _started,
    "LiquidationStopped": _stopped,
    "OrderFilled": _filled,
    "AssetConverted": _converted,
    "AccountTakenOver": _taken_over,
    "LossRecorded": _loss,
    "LossAllocated": _allocated,
    "GainsCut": _cut,
    "PositionDeleveraged": _deleveraged,
    "SurplusSwept": _swept,
    "ExternalMarketSettled": _settled_outside,
}
