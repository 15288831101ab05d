"""Figures of a run: who lost, who paid, what was done, and what proves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from novate.book.ledger import asset_sums
from novate.default_management.loss.policy import Bearer, terms_of
from novate.engine.ledger_digest import ledger_digest
from novate.engine.state_version import STATE_VERSION
from novate.insight.measure import UNIT, fund_balances
from novate.insight.observed_run import ObservedRun
from novate.insight.run_record import RunRecord
from novate.kernel.codes import AccountStatus, Layer, Role
from novate.units import format_decimal, format_instant

NUMERAIRE_DECIMALS = 6


def text(amount: int) -> str:
    """Numeraire units as a decimal string."""
    return format_decimal(int(amount), NUMERAIRE_DECIMALS)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The few numbers in which variants of a run are compared; money in numeraire units.

    ``shortfall`` is the loss beyond the defaulters' collateral, whoever bore it, and the sum of the
    four after it: ``own_members`` the default-fund contributions of the members whose accounts
    failed, ``clearing_house`` the insurance fund and skin in the game, ``others`` the default fund
    of other members and the last layer, ``uncovered`` what nobody bore.  Which member a loss is put
    down to moves it between these, never the shortfall.  ``own_collateral`` stands before it: what
    taken-over accounts still had when they failed, all of which was used.
    """

    shortfall: int
    own_members: int
    clearing_house: int
    others: int
    uncovered: int
    liquidated_accounts: int
    fund_used: int
    calls_made: int
    taken_over: int
    own_collateral: int

    def parts(self) -> dict[str, str]:
        """The shortfall and who bore it, as text."""
        return {
            name: text(getattr(self, name))
            for name in ("shortfall", "own_members", "clearing_house", "others", "uncovered")
        }

    def shown(self) -> dict[str, Any]:
        """Money as text, counts as numbers."""
        return {
            **self.parts(),
            "liquidated_accounts": self.liquidated_accounts,
            "fund_used": text(self.fund_used),
            "calls_made": self.calls_made,
        }


def own_losses(run: ObservedRun) -> dict[int, int]:
    """What each taken-over account lost of its own: equity at the start plus net deposits since."""
    observer = run.observer
    position = run.accounts.position_of()
    return {
        account: int(run.opening.equity[position[account]]) + observer.flows[account]
        for account in observer.taken_over_ns
        if account in position
    }


def outcome(run: ObservedRun) -> Outcome:
    """Reduce a run to the numbers that variants are compared in."""
    observer = run.observer
    uncovered = run.state.defaults.uncovered
    layers = terms_of(run.state.loss_policies.values())
    own_members, clearing_house, others = (
        sum(observer.payers[terms.key] for terms in layers if terms.bearer is bearer)
        for bearer in (Bearer.OWN_MEMBERS, Bearer.CLEARING_HOUSE, Bearer.OTHERS)
    )
    return Outcome(
        shortfall=own_members + clearing_house + others + uncovered,
        own_members=own_members,
        clearing_house=clearing_house,
        others=others,
        uncovered=uncovered,
        liquidated_accounts=len(observer.closed),
        fund_used=observer.payers[observer.layers[Layer.INSURANCE_FUND]],
        calls_made=observer.totals["calls_made"],
        taken_over=observer.totals["taken_over"],
        own_collateral=collateral_used(observer),
    )


def collateral_used(observer: RunRecord) -> int:
    """Collateral of the defaulters that stood before every other layer, numeraire units.

    For each account that was taken over: its net equity when its liquidation began or its default
    was declared, if positive, with what was paid in afterwards and without what it kept at the
    takeover.  It was used on the account's own slices and their fees, then by the liquidator; what
    was not needed there is in the surplus that went to the insurance fund.  What the account lost
    before it failed is not in it: other traders won that, and it covered no loss of the clearing
    house.
    """
    return sum(max(observer.failed.get(account, 0), 0) for account in observer.taken_over_ns)


def result_of(run: ObservedRun) -> dict[str, Any]:
    """Funds before and after, and what was done."""
    observer, totals = run.observer, run.observer.totals
    end = fund_balances(run.state)
    short = outcome(run)
    liquidator = run.state.single(Role.LIQUIDATOR)
    funds = {
        f"{name}_{when}": text(levels[name])
        for when, levels in (("before", run.opening.funds), ("after", end))
        for name in levels
    }
    return {
        **short.parts(),
        "liquidator_shortfall": text(observer.shortfall[liquidator]),
        **funds,
        "fund_lowest": text(observer.fund_low),
        "fund_lowest_at": format_instant(observer.fund_low_ns) if observer.fund_low_ns else None,
        "liquidated_accounts": short.liquidated_accounts,
        "liquidated_notional": text(totals["liquidated_notional"]),
        "calls_made": totals["calls_made"],
        "calls_met": totals["calls_met"],
        "defaults": totals["defaults"],
        "liquidation_fees": text(totals["liquidation_fees"]),
        "surplus_to_fund": text(totals["surplus_to_fund"]),
        "external_paid_in": text(totals["external_paid_in"]),
        "external_paid_out": text(totals["external_paid_out"]),
        "taken_over": totals["taken_over"],
        "deleveraged": observer.totals["deleveraged"],
    }


def payers_of(run: ObservedRun) -> list[dict[str, str]]:
    """Who paid, in the order of the waterfall."""
    borne = outcome(run)
    paid = {**run.observer.payers, "uncovered": borne.uncovered}
    rows = [{"layer": "defaulter_collateral", "amount": text(borne.own_collateral)}]
    layers = terms_of(run.state.loss_policies.values())
    rows.extend({"layer": terms.key, "amount": text(paid.get(terms.key, 0))} for terms in layers)
    return rows


def worst_accounts(run: ObservedRun) -> list[dict[str, str]]:
    """Ten accounts with the largest shortfall (beyond collateral), then the largest own loss."""
    observer = run.observer
    own = own_losses(run)
    position = run.accounts.position_of()
    ranked = sorted(own, key=lambda a: (-observer.shortfall[a], -own[a], a))[:10]
    rows = []
    for account in ranked:
        k = position[account]
        short = observer.shortfall[account]
        rows.append(
            {
                "reference": run.accounts.references[k],
                "role": run.accounts.roles[k],
                "member": run.accounts.members[k],
                "shortfall": text(short),
                "own_loss": text(own[account]),
                "held": observer.holdings.get(account, ""),
                "liquidated_at": format_instant(observer.taken_over_ns[account]),
            }
        )
    return rows


def verification_of(run: ObservedRun, checks: Mapping[str, Any]) -> dict[str, Any]:
    """Head, digest and sums that anyone can recompute from the journal."""
    x = run.state
    lots = np.zeros(x.instruments.count, np.int64)
    np.add.at(lots, x.positions.used("instrument"), x.positions.used("lots"))
    return {
        "records": run.observer.records,
        "events": run.observer.events,
        "head_sequence": run.head[0],
        "head_hash": run.head[1].hex(),
        "state_version": STATE_VERSION,
        "state_digest": x.digest().hex(),
        "ledger_digest": ledger_digest(x).hex(),
        "conservation": [
            {"asset": symbol, "sum": str(int(total))}
            for symbol, total in zip(x.assets.symbols, asset_sums(x.accounts), strict=True)
        ],
        "positions": [
            {"instrument": symbol, "sum_lots": int(total)}
            for symbol, total in zip(x.instruments.symbols, lots, strict=True)
        ],
        **checks,
    }


def account_rows(run: ObservedRun) -> list[dict[str, Any]]:
    """One line per margin account at the end."""
    x = run.state
    observer = run.observer
    own = own_losses(run)
    realised = np.zeros(x.accounts.count, np.int64)
    np.add.at(realised, x.positions.used("account"), x.positions.used("realised"))
    rows = []
    for k, account in enumerate(int(a) for a in run.accounts.numbers):
        loss = own.get(account, 0) + observer.shortfall[account]
        rows.append(
            {
                "account": account,
                "reference": run.accounts.references[k],
                "role": run.accounts.roles[k],
                "member": run.accounts.members[k],
                "profile": run.accounts.profiles[k],
                "equity_start": int(run.opening.equity[k]) / UNIT,
                "equity_end": int(run.equity_end[k]) / UNIT,
                "realised": int(realised[account]) / UNIT,
                "fees": float(observer.fees[account]),
                "funding": float(observer.funding[account]),
                "status": AccountStatus(int(x.accounts.status[account])).name.lower(),
                "loss": loss / UNIT,
            }
        )
    return rows


def house_accounts(run: ObservedRun) -> dict[str, str]:
    """Reference of every account that is no margin account, by its number as text."""
    margin = {int(account) for account in run.accounts.numbers}
    references = run.state.accounts.references
    return {str(k): name for k, name in enumerate(references) if k not in margin}


__all__ = [
    "Outcome",
    "account_rows",
    "collateral_used",
    "house_accounts",
    "outcome",
    "payers_of",
    "result_of",
    "verification_of",
    "worst_accounts",
]
