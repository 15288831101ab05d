"""Rules without one of their guards: what the search must find.

Each takes out one check by patching what the product calls, in a test and nowhere else.  They are
made apart from the search, which knows nothing of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from novate.collateral import custody
from novate.collateral import transfer as cash_transfer
from novate.default_management import close_out, order_margin
from novate.engine import consequence, control
from novate.engine import order as engine_order
from novate.margin import admission, group_choice, option_mark
from novate.margin import transfer as lot_transfer
from novate.market import index
from novate.market.price_source import weighted_median
from novate.message.parameter import Parameter
from novate.valuation import excess, index_bound
from tests.simulate.adversary import venue

Patch = pytest.MonkeyPatch
Mutant = Callable[[Patch], None]


def none(*_: Any) -> None:
    """In the place of a check that refuses: it never does."""


def no_asset(*_: Any) -> int:
    """In the place of a search for an asset that holds something up: there is none."""
    return -1


def with_parameters(patch: Patch, **values: int) -> None:
    """Open venues with other parameters."""
    changed = {Parameter[name]: value for name, value in values.items()}
    patch.setattr(venue, "PARAMETERS", {**venue.PARAMETERS, **changed})


def orders_hold_nothing(patch: Patch) -> None:
    patch.setattr(admission, "order_loss", lambda *_: 0)
    without_stages(patch, order_margin.remargins)


def without_stages(patch: Patch, *stages: Any) -> None:
    kept = tuple(stage for stage in engine_order.STAGES if stage not in stages)
    for module in (engine_order, consequence):
        if hasattr(module, "STAGES"):
            patch.setattr(module, "STAGES", kept)


def orders_are_never_margined_again(patch: Patch) -> None:
    without_stages(patch, order_margin.remargins, order_margin.cancellations)


def every_order_counts_as_a_way_out(patch: Patch) -> None:
    patch.setattr(admission, "_only_reduces", lambda *_: True)
    patch.setattr(admission, "conceded_with", lambda *_: (0, 0))


def a_way_out_may_concede_anything(patch: Patch) -> None:
    patch.setattr(admission, "conceded_with", lambda *_: (0, 0))


def trades_ask_no_margin(patch: Patch) -> None:
    real = admission.decide_trades

    def decide(accounts: Any, *rest: Any) -> Any:
        return real(accounts._replace(is_margined=np.zeros_like(accounts.is_margined)), *rest)

    patch.setattr(admission, "decide_trades", decide)


def any_price_trades(patch: Patch) -> None:
    with_parameters(patch, TRADE_COLLAR_PPM=0)


def withdrawals_ask_no_margin(patch: Patch) -> None:
    patch.setattr(custody, "_margin_refusal", none)


def unproven_gains_leave(patch: Patch) -> None:
    held_everywhere(patch, lambda held, found: held._replace(gains=held.gains - found.unproven))


def encumbered_gains_leave(patch: Patch) -> None:
    held_everywhere(patch, lambda held, found: held._replace(gains=found.unproven))


def no_gain_is_held_back(patch: Patch) -> None:
    held_everywhere(patch, lambda held, _: held._replace(gains=0, unpaid=0))


def held_everywhere(patch: Patch, change: Callable[[Any, Any], Any]) -> None:
    real = excess.held_back

    def held(x: Any, account: int, found: Any, marks: Any) -> Any:
        return change(real(x, account, found, marks), found)

    for module in (custody, cash_transfer, lot_transfer, group_choice):
        patch.setattr(module, "held_back", held)


def reported_prices_need_no_assessment(patch: Patch) -> None:
    for module in (custody, cash_transfer, lot_transfer, group_choice):
        patch.setattr(module, "unassessed_asset", no_asset)


def collateral_moves_freely(patch: Patch) -> None:
    patch.setattr(cash_transfer, "_group_refusal", none)


def positions_move_freely(patch: Patch) -> None:
    patch.setattr(lot_transfer, "_margin_refusal", none)
    patch.setattr(lot_transfer, "_orders_refusal", none)


def accounts_change_groups_freely(patch: Patch) -> None:
    patch.setattr(group_choice, "_margin_refusal", none)
    patch.setattr(group_choice, "_parts_refusal", none)
    patch.setattr(group_choice, "_unpaid_refusal", none)


def the_highest_source_is_the_index(patch: Patch) -> None:
    patch.setattr(weighted_median, "weighted_median", lambda prices, *_: max(prices))
    with_parameters(patch, JUMP_PPM=0, RAMP_PPM=0)


def the_first_source_is_the_index(patch: Patch) -> None:
    patch.setattr(weighted_median, "weighted_median", lambda prices, *_: prices[0])
    with_parameters(patch, JUMP_PPM=0, RAMP_PPM=0)


def the_mark_alone_liquidates(patch: Patch) -> None:
    patch.setattr(close_out, "other_prices", lambda _: ())


def windows_do_not_weigh(patch: Patch) -> None:
    for module in (index, index_bound):
        patch.setattr(module, "settling_at", lambda price, *_: price)


def debts_ask_no_margin(patch: Patch) -> None:
    with_parameters(patch, DEBT_INITIAL_PPM=0, DEBT_MAINTENANCE_PPM=0)


def short_options_ask_little(patch: Patch) -> None:
    real = option_mark.short_ticks

    def little(*arguments: Any) -> Any:
        return tuple(np.ones_like(column) for column in real(*arguments))

    patch.setattr(option_mark, "short_ticks", little)


def the_way_back_to_the_index_is_free(patch: Patch) -> None:
    real = index_bound.index_bound
    patch.setattr(admission, "index_bound", lambda x: real(x)._replace(share=0.0))
    patch.setattr(admission, "order_insolvent_at_index", none)


def gains_leave_as_soon_as_they_are_settled(patch: Patch) -> None:
    patch.setattr(control.State, "has_settled", property(lambda _: False, lambda *_: None))


def a_last_price_moves_the_mark_at_will(patch: Patch) -> None:
    patch.setattr(venue, "CLAMP_PPM", 1_000_000)
    no_gain_is_held_back(patch)


def winners_need_no_proof_of_the_index(patch: Patch) -> None:
    unproven_gains_leave(patch)
    the_highest_source_is_the_index(patch)


MUTANTS: tuple[Mutant, ...] = (
    orders_hold_nothing,
    orders_are_never_margined_again,
    every_order_counts_as_a_way_out,
    a_way_out_may_concede_anything,
    trades_ask_no_margin,
    any_price_trades,
    withdrawals_ask_no_margin,
    unproven_gains_leave,
    encumbered_gains_leave,
    no_gain_is_held_back,
    reported_prices_need_no_assessment,
    collateral_moves_freely,
    positions_move_freely,
    accounts_change_groups_freely,
    the_highest_source_is_the_index,
    the_first_source_is_the_index,
    the_mark_alone_liquidates,
    windows_do_not_weigh,
    debts_ask_no_margin,
    short_options_ask_little,
    the_way_back_to_the_index_is_free,
    gains_leave_as_soon_as_they_are_settled,
    a_last_price_moves_the_mark_at_will,
    winners_need_no_proof_of_the_index,
)
