"""One account's story: which account, its way to failure, who paid, and the facts that moved it."""

from __future__ import annotations

from typing import Any

from novate.app.replay.book import LoadedBook
from novate.app.replay.bridge import Bridge
from novate.app.replay.driver import Finished
from novate.app.replay.observe import UNIT
from novate.app.replay.summary import text
from novate.units import format_instant


def chosen_account(finished: Finished, book: LoadedBook) -> int | None:
    """The account with the fullest story: called for margin, later failed with a loss."""
    observer = finished.observer
    position = {int(account): k for k, account in enumerate(book.accounts)}

    def fullness(account: int) -> tuple[bool, bool, bool, int, int]:
        facts = observer.facts[account]
        kinds = {fact["kind"] for fact in facts}
        called = min((fact["instant"] for fact in facts if fact["kind"] == "call"), default=0)
        had_time = 0 < called < observer.taken_over_ns.get(account, 0)
        size = observer.shortfall[account] + max(int(finished.equity_start[position[account]]), 0)
        is_whole = len(facts) <= 24 and bool(kinds & {"liquidation", "default"})
        has_loss = observer.shortfall[account] > 0
        return (is_whole and has_loss and had_time, is_whole, has_loss, size, -account)

    known = [account for account in observer.facts if account in position]
    return max(known, key=fullness) if known else None


def bridge_of(finished: Finished, book: LoadedBook) -> Bridge | None:
    """What follows the chosen account through the journal; nothing when none has a story."""
    chosen = chosen_account(finished, book)
    if chosen is None:
        return None
    k = [int(account) for account in book.accounts].index(chosen)
    start = int(finished.equity_start[k])
    return Bridge(finished.observer.venue, chosen, finished.opening, start)


def story_of(finished: Finished, book: LoadedBook, bridge: Bridge | None) -> dict[str, Any]:
    """The document `story.json`; ``bridge`` has followed the account through the journal."""
    if bridge is None:
        return {"reference": "", "role": "", "member": "", "facts": []}
    observer, account = finished.observer, bridge.account
    k = [int(number) for number in book.accounts].index(account)
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
    start = {
        "sequence": finished.opening or 1,
        "instant": format_instant(int(observer.tables["solvency"][0]["instant_ns"])),
        "kind": "start",
        "text": f"A {book.profiles[k].replace('_', ' ')} of {book.members[k]} at the start.",
        "numbers": {"net_equity": text(int(finished.equity_start[k]))},
    }
    return {
        "reference": book.references[k],
        "role": book.roles[k],
        "member": book.members[k],
        "facts": [start, *facts],
        "failure": _failure(bridge),
        "shortfall": text(observer.shortfall[account]),
        "paid": _paid(finished, account),
    }


def _failure(bridge: Bridge) -> dict[str, Any] | None:
    """How the account failed, amounts as text."""
    told = bridge.told()
    if told is None:
        return None
    for stage in told["stages"]:
        stage["items"] = [
            {"item": name, "amount": text(amount)} for name, amount in stage["items"].items()
        ]
        stage.update(opening=text(stage["opening"]), closing=text(stage["closing"]))
    for held in told["positions"]:
        held["notional"] = text(held["notional"])
    amounts = ("net", "haircuts", "equity", "requirement")
    return {**told, **{name: text(told[name]) for name in amounts}}


def _paid(finished: Finished, account: int) -> list[dict[str, str]]:
    """What each layer bore of the account's shortfall, in order of loss absorption."""
    paid: dict[str, int] = {}
    for row in finished.observer.tables["losses"]:
        if row["defaulter"] == account:
            amount = round(row["amount"] * UNIT)
            paid[row["layer"]] = paid.get(row["layer"], 0) + amount
    return [{"layer": layer, "amount": text(amount)} for layer, amount in paid.items()]
