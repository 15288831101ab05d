"""Rules without one of their guards: what the search must find.

Each takes out one check by patching what the product calls, in a test and nowhere else; or the two
of which each alone keeps the same money in.  The search does not know which one is out.

Not here is what these attackers cannot use while the honest price stands still: margin of debts and
haircuts, the collar of trades, holds that follow the mark, the weight of settlement windows, prices
that are not assessed, and what is held back of gains beside the check at the index.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from novate.collateral import custody
from novate.collateral import transfer as cash_transfer
from novate.default_management import order_margin
from novate.engine import consequence
from novate.engine import order as engine_order
from novate.margin import admission, group_choice, option_mark, way_out
from novate.margin import transfer as lot_transfer
from novate.market.price_source import weighted_median
from novate.message.parameter import Parameter
from novate.settlement import funding_return
from novate.valuation import excess, index_bound
from tests.simulate.adversary import venue
from tests.simulate.adversary.trade_mutant import TRADE_MUTANTS

Patch = pytest.MonkeyPatch
Mutant = Callable[[Patch], None]


def none(*_: Any, **__: Any) -> None:
    """In the place of a check that refuses: it never does."""


def with_parameters(patch: Patch, **values: int) -> None:
    """Open venues with other parameters."""
    changed = {Parameter[name]: value for name, value in values.items()}
    patch.setattr(venue, "PARAMETERS", {**venue.PARAMETERS, **changed})


def orders_hold_nothing(patch: Patch) -> None:
    """What a fill loses against the mark is not set aside (rules 7.23 to 7.25)."""
    patch.setattr(admission, "order_loss", lambda *_: 0)
    without_stages(patch, order_margin.remargins)


def without_stages(patch: Patch, *stages: Any) -> None:
    kept = tuple(stage for stage in engine_order.STAGES if stage not in stages)
    for module in (engine_order, consequence):
        if hasattr(module, "STAGES"):
            patch.setattr(module, "STAGES", kept)


def every_order_counts_as_closing(patch: Patch) -> None:
    """An order that opens is granted like one that closes (rule 7.27)."""
    patch.setattr(admission, "_only_reduces", lambda *_: True)
    patch.setattr(admission, "conceded_with", lambda *_: (0, 0))


def a_closing_order_may_concede_anything(patch: Patch) -> None:
    """Rule 7.53 of closing orders."""
    patch.setattr(admission, "conceded_with", lambda *_: (0, 0))


def trades_ask_no_margin(patch: Patch) -> None:
    """Rule 7.8."""
    real = admission.decide_trades

    def decide(accounts: Any, *rest: Any) -> Any:
        return real(accounts._replace(is_margined=np.zeros_like(accounts.is_margined)), *rest)

    patch.setattr(admission, "decide_trades", decide)


def withdrawals_ask_no_margin(patch: Patch) -> None:
    """Equity need not be below zero, and no more is asked (rule 6.10)."""
    real = custody.held_back
    patch.setattr(custody, "held_back", lambda *given: real(*given)._replace(margin=0))


def withdrawals_look_at_the_mark_without_proof(patch: Patch) -> None:
    """Rules 6.11 and 5.92: each alone keeps a gain by a moved mark in."""
    real = custody.held_back
    patch.setattr(custody, "held_back", lambda *given: real(*given)._replace(gains=0))
    patch.setattr(custody, "at_every_price", lambda x, check: check(x.marks.mark))


def withdrawals_look_at_one_account(patch: Patch) -> None:
    """The rest of the margin group is left aside (rule 6.36)."""
    real = custody.assess_without

    def alone(x: Any, account: int, asset: int, amount: int) -> Any:
        link = x.accounts.group_link
        before = int(link[account])
        link[account] = -1
        found = real(x, account, asset, amount)
        link[account] = before
        return found

    patch.setattr(custody, "assess_without", alone)


def withdrawals_forget_what_orders_lose_at_the_index(patch: Patch) -> None:
    """The order gap of rule 5.92."""
    patch.setattr(excess, "orders_gap", lambda *_: 0)


def collateral_moves_freely(patch: Patch) -> None:
    """Rule 6.55: out of a group as inside it."""
    patch.setattr(cash_transfer, "_group_refusal", none)


def positions_move_freely(patch: Patch) -> None:
    """Rules 7.47 and 7.48: no group must hold margin after a transfer of lots."""
    patch.setattr(lot_transfer, "_margin_refusal", none)


def accounts_change_groups_freely(patch: Patch) -> None:
    """Rules 6.34 and 6.58: nothing is asked of what the groups then hold."""
    patch.setattr(group_choice, "_margin_refusal", none)
    patch.setattr(group_choice, "_parts_refusal", none)
    patch.setattr(group_choice, "_unpaid_refusal", none)


def the_highest_source_is_the_index(patch: Patch) -> None:
    """Rule 5.6, with no pause after a jump and no ramp."""
    patch.setattr(weighted_median, "weighted_median", lambda prices, *_: max(prices))
    with_parameters(patch, JUMP_PPM=0, RAMP_PPM=0)


def the_first_source_is_the_index(patch: Patch) -> None:
    """Likewise."""
    patch.setattr(weighted_median, "weighted_median", lambda prices, *_: prices[0])
    with_parameters(patch, JUMP_PPM=0, RAMP_PPM=0)


def short_options_ask_little(patch: Patch) -> None:
    """A tick a lot in the place of rules 9.16 and 9.17."""
    real = option_mark.short_ticks

    def little(*arguments: Any) -> Any:
        return tuple(np.ones_like(column) for column in real(*arguments))

    patch.setattr(option_mark, "short_ticks", little)


def one_source_is_an_index(patch: Patch) -> None:
    """Rules 5.5 and 5.65: what one source of three says pays, though it is alone."""
    with_parameters(patch, INDEX_SOURCES_MIN=1, INDEX_WEIGHT_MIN_PPM=0)


def trades_do_not_pay_for_a_return_to_the_index(patch: Patch) -> None:
    """Rule 7.90 of trades."""
    real = index_bound.index_bound
    patch.setattr(admission, "index_bound", lambda x: real(x)._replace(asked=0.0))


def orders_do_not_pay_for_a_return_to_the_index(patch: Patch) -> None:
    """Rule 7.90 of orders."""
    patch.setattr(admission, "order_insolvent_at_index", none)


def closing_orders_are_looked_at_one_by_one(patch: Patch) -> None:
    """What other closing orders concede does not count (rule 7.53)."""
    patch.setattr(way_out, "conceded_by_orders", lambda *_: 0)
    patch.setattr(way_out, "look_at_other_orders", lambda *_: (0, 0))


def orders_for_options_hold_nothing(patch: Patch) -> None:
    """The premium, and what an option is sold below the mark for (rule 7.24)."""
    real = admission.order_loss

    def loss(x: Any, account: int, i: int, *rest: int) -> int:
        return 0 if x.is_option(i) else real(x, account, i, *rest)

    patch.setattr(admission, "order_loss", loss)
    without_stages(patch, order_margin.remargins)


def funding_is_paid_from_nothing(patch: Patch) -> None:
    """What a payer lacks does not come back (8.73), and nobody is asked for it before (7.93)."""
    patch.setattr(funding_return, "find_lacking", lambda *_: 0)
    patch.setattr(
        index_bound,
        "_accruing",
        lambda x, *_: tuple(np.zeros((2, x.marks.mark.size), np.int64)),
    )


def the_liquidator_pays_funding(patch: Patch) -> None:
    """Rules 8.76 and 8.77: for lots of who failed, though the market pays by its own choice."""
    patch.setattr(funding_return, "_excused", lambda *_: {})


MUTANTS: tuple[Mutant, ...] = (
    orders_hold_nothing,
    orders_for_options_hold_nothing,
    every_order_counts_as_closing,
    a_closing_order_may_concede_anything,
    closing_orders_are_looked_at_one_by_one,
    trades_ask_no_margin,
    *TRADE_MUTANTS,
    trades_do_not_pay_for_a_return_to_the_index,
    orders_do_not_pay_for_a_return_to_the_index,
    withdrawals_ask_no_margin,
    withdrawals_look_at_the_mark_without_proof,
    withdrawals_look_at_one_account,
    withdrawals_forget_what_orders_lose_at_the_index,
    collateral_moves_freely,
    positions_move_freely,
    accounts_change_groups_freely,
    short_options_ask_little,
    the_highest_source_is_the_index,
    the_first_source_is_the_index,
    one_source_is_an_index,
    funding_is_paid_from_nothing,
    the_liquidator_pays_funding,
)
