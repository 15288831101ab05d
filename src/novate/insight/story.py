"""One account's story: which account, its way to failure, who paid, and the facts that moved it."""

from __future__ import annotations

from typing import Any

from novate.insight.bridge import Bridge
from novate.insight.figure import text
from novate.insight.listing import listing_of
from novate.insight.measure import UNIT
from novate.insight.observed_run import ObservedRun
from novate.units import format_instant


def chosen_account(run: ObservedRun) -> int | None:
    """The account with the fullest story: called for margin, later failed with a loss."""
    observer = run.observer
    position = run.accounts.position_of()

    def fullness(account: int) -> tuple[bool, bool, bool, int, int]:
        facts = observer.facts[account]
        kinds = {fact["kind"] for fact in facts}
        called = min((fact["instant"] for fact in facts if fact["kind"] == "call"), default=0)
        had_time = 0 < called < observer.taken_over_ns.get(account, 0)
        size = observer.shortfall[account] + max(int(run.opening.equity[position[account]]), 0)
        is_whole = len(facts) <= 24 and bool(kinds & {"liquidation", "default"})
        has_loss = observer.shortfall[account] > 0
        return (is_whole and has_loss and had_time, is_whole, has_loss, size, -account)

    known = [account for account in observer.facts if account in position]
    return max(known, key=fullness) if known else None


def bridge_of(run: ObservedRun) -> Bridge | None:
    """What follows the chosen account through the journal; nothing when none has a story."""
    chosen = chosen_account(run)
    if chosen is None:
        return None
    k = run.accounts.position_of()[chosen]
    start = int(run.opening.equity[k])
    return Bridge(listing_of(run.state), chosen, run.opening.sequence, start)


def story_of(run: ObservedRun, bridge: Bridge | None) -> dict[str, Any]:
    """The document `story.json`; ``bridge`` has followed the account through the journal."""
    if bridge is None:
        return {"reference": "", "role": "", "member": "", "facts": []}
    observer, accounts, account = run.observer, run.accounts, bridge.account
    k = accounts.position_of()[account]
    facts = [
        {
            "sequence": fact["sequence"],
            "instant": format_instant(fact["instant"]),
            "kind": fact["kind"],
            "text": fact["text"],
            "numbers": fact["numbers"],
        }
        for fact in observer.facts[account]
    ]
    holder = accounts.profiles[k].replace("_", " ")
    start = {
        "sequence": run.opening.sequence or 1,
        "instant": format_instant(int(observer.tables["solvency"][0]["instant_ns"])),
        "kind": "start",
        "text": f"An account of member {accounts.members[k]}, a {holder}, at the start.",
        "numbers": {"net_equity": text(int(run.opening.equity[k]))},
    }
    return {
        "reference": accounts.references[k],
        "role": accounts.roles[k],
        "member": accounts.members[k],
        "facts": [start, *facts],
        "failure": _failure(bridge),
        "shortfall": text(observer.shortfall[account]),
        "paid": _paid(run, account),
    }


def _failure(bridge: Bridge) -> dict[str, Any] | None:
    """How the account failed, amounts as text."""
    failure = bridge.failure()
    if failure is None:
        return None
    for stage in failure["stages"]:
        stage["items"] = [
            {"item": name, "amount": text(amount)} for name, amount in stage["items"].items()
        ]
        stage.update(opening=text(stage["opening"]), closing=text(stage["closing"]))
    for position in failure["positions"]:
        position["notional"] = text(position["notional"])
    amounts = ("net", "haircuts", "equity", "requirement")
    return {**failure, **{name: text(failure[name]) for name in amounts}}


def _paid(run: ObservedRun, account: int) -> list[dict[str, str]]:
    """What each layer bore of the account's shortfall, in order of loss absorption."""
    paid: dict[str, int] = {}
    for row in run.observer.tables["losses"]:
        if row["defaulter"] == account:
            amount = round(row["amount"] * UNIT)
            paid[row["layer"]] = paid.get(row["layer"], 0) + amount
    return [{"layer": layer, "amount": text(amount)} for layer, amount in paid.items()]
