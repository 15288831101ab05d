"""The whole state: clearing, default management, and how far the journal has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import msgspec
import numpy as np
import numpy.typing as npt

from novate.book.ledger import asset_sums, require_conserved, require_zero_sums
from novate.canonical import Run, digest_columns
from novate.default_management.liquidation_method import by_number as methods_by_number
from novate.default_management.loss import by_number as policies_by_number
from novate.default_management.policy_state import PolicyState
from novate.engine.plugin import PLUGINS, Plugins
from novate.errors import JournalError, require
from novate.kernel.clearing.bound import COST_STOP
from novate.kernel.clearing.columns import I64, Columns
from novate.kernel.clearing.position import largest_sizes, largest_sizes_of
from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import Role
from novate.margin.option_mark import value_options
from novate.message import event
from novate.message.declare import columns_of
from novate.valuation import ClearingState, MarginCache, add_on, margin_model

IndexArray = npt.NDArray[np.int64]

CLOCK = ("now_ns", "window_ns", "interest_ns", "pause_ns", "assessed_ns", "assessed_before_ns")
"""Instants that stand alone, in the order in which snapshots keep them."""

NEVER: I64 = np.zeros(len(CLOCK), np.int64)

PAYS_OUT = frozenset(
    message.name for message in (event.COLLATERAL_WITHDRAWN, event.EXTERNAL_MARKET_SETTLED)
)
"""Events that move cash out of custody."""

ADMITTED = frozenset(
    message.name
    for message in (
        event.COMMAND_REFUSED,
        event.COLLATERAL_POSTED,
        event.COLLATERAL_WITHDRAWN,
        event.MARGIN_RESERVED,
        event.MARGIN_RELEASED,
        event.TRADE_NOVATED,
    )
)
"""Events whose commands are refused beyond `AMOUNT_MAX`: they leave every account in its bounds."""


class State(PolicyState):
    """Struct of arrays; changed only by the functions of `engine.apply`.

    ``margin_cache`` is derived from it, and ``is_moved`` says whether money or lots moved since it
    was last found sound; neither is part of it, nor are the ``plugins``.
    """

    def __init__(self, plugins: Plugins = PLUGINS) -> None:
        super().__init__()
        self.use(plugins)
        self.sources_seen: dict[str, int] = {}
        self.margin_cache = MarginCache(self)
        self.is_moved = True

    def use(self, plugins: Plugins) -> None:
        """Decide with these plug-ins from now on."""
        self.plugins = plugins
        self.haircut_rules = plugins.haircut_rules
        self.index_methods = plugins.index_methods
        self.margin_models = margin_model.by_number(plugins.margin_models)
        self.add_ons = add_on.by_number(plugins.add_ons)
        self.loss_policies = policies_by_number(plugins.loss_policies)
        self.liquidation_methods = methods_by_number(plugins.liquidation_methods)
        self.option_values = value_options

    def tables(self) -> dict[str, Columns]:
        """Return every table by name, in a fixed order."""
        x, d = self, self.defaults
        return {
            "overrides": x.overrides,
            "parameter_changes": x.parameter_changes,
            "tier_changes": x.tier_changes,
            "rule_changes": x.rule_changes,
            "instruments": x.instruments,
            "option_rules": x.option_rules,
            "marks": x.marks,
            "assets": x.assets,
            "sources": x.sources,
            "surfaces": x.surfaces,
            "accounts": x.accounts,
            "positions": x.positions,
            "reservations": x.reservations,
            "obligations": x.obligations,
            "orders": d.orders,
            "losses": d.losses,
        }

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Return all of the state as named arrays: what digests and snapshots are made of."""
        x = self
        named: dict[str, npt.NDArray[Any]] = {}
        for table, columns in self.tables().items():
            for name, array in columns.export().items():
                named[f"{table}.{name}"] = np.ascontiguousarray(array)
        named["clock"] = np.array([getattr(x, name) for name in CLOCK], np.int64)
        named["parameters"] = x.parameters
        named["waterfall"] = self.defaults.waterfall
        named["uncovered"] = np.array([self.defaults.uncovered, self.defaults.share_due_ns])
        named["unpaid"] = np.array([x.unpaid, x.gains, x.has_settled], np.int64)
        named["checksum"] = x.checksum
        texts = msgspec.json.encode(self._texts())
        named["texts"] = np.frombuffer(texts, np.uint8)
        return named

    def _texts(self) -> dict[str, Any]:
        x = self
        return {
            "instruments": x.instruments.symbols,
            "option_rules": x.option_rules.symbols,
            "assets": x.assets.symbols,
            "sources": x.sources.symbols,
            "accounts": x.accounts.references,
            "seen": dict(sorted(self.sources_seen.items())),
        }

    def digest(self) -> bytes:
        """Return the state digest: equal states, whatever their layout, have equal digests."""
        return digest_columns(sorted(self.columns().items()))

    def require_sound(self) -> None:
        """Stop unless what must always hold holds: debits equal credits, positions cancel.

        Everything is added up, and the running totals are held to it: for snapshots, for the end of
        a recovery, and for audits.
        """
        x = self
        require_conserved(x.accounts)
        lots, pending, gross = x.summed_positions()
        if gross >= COST_STOP:
            _require_room(x, x.reach_of_a_lot())
        _require_cancelled(x, lots, pending)
        terms = x.instruments
        longs, shorts = x.positions.sum_open(terms.count)
        require(
            bool((terms.used("lots_sum") == lots).all())
            and bool((terms.used("pending_sum") == pending).all())
            and bool((x.positions.long_lots[: terms.count] == longs).all())
            and bool((x.positions.short_lots[: terms.count] == shorts).all())
            and bool((x.accounts.balance_sum == asset_sums(x.accounts)).all()),
            "running totals are those of the rows",
        )
        self.is_moved = False

    def require_still_sound(self, events: Sequence[Run]) -> IndexArray | None:
        """As `require_sound` after one record, from the running totals and what it touched.

        Parameters
        ----------
        events
            The record's events, applied.

        Returns
        -------
        array or None
            The accounts that the record touched, repeats left in; nothing stands for all.

        Raises
        ------
        InvariantError
            If a leg of a booking is missing, or an account leaves its bounds.
        """
        touched = self.margin_cache.take_touched()
        if not self.is_moved:
            return touched
        if touched is None:
            self.require_sound()
            return None
        terms = self.instruments
        require_zero_sums(self.accounts)
        self._require_custody(events)
        if np.count_nonzero(terms.lots_sum) or np.count_nonzero(terms.pending_sum):
            _require_cancelled(self, terms.used("lots_sum"), terms.used("pending_sum"))
        if any(run.name not in ADMITTED for run in events):
            self._require_bounds(touched)
        self.is_moved = False
        return touched

    def _require_custody(self, events: Sequence[Run]) -> None:
        """Stop when an asset was paid out that the clearing house does not hold (rule 6.91).

        Records of earlier engine versions may have done so: only what a record pays out is looked
        at.
        """
        for run in events:
            if run.name in PAYS_OUT:
                assets = np.unique(columns_of(run)["asset"])
                there = -self.accounts.balance[self.single(Role.CUSTODY), assets]
                is_held = bool((there >= 0).all())
                require(is_held, f"custody of assets {assets.tolist()} holds {there.tolist()}")

    def _require_bounds(self, accounts: IndexArray) -> None:
        """Stop when the positions of one of some accounts could add up to what 64 bits cannot."""
        terms = self.instruments
        reach, cost = largest_sizes_of(
            self.positions.arrays(), self.accounts.head, accounts, terms.form, terms.unit,
            terms.ticks_max, terms.settlement_asset, self.single(Role.SETTLEMENT),
            self.assets.count,
        )  # fmt: skip
        _require_sizes(reach, cost)

    def copy(self) -> Self:
        """Return an independent copy: a fork."""
        twin = super().copy()
        twin.use(self.plugins)
        twin.sources_seen = dict(self.sources_seen)
        twin.margin_cache = MarginCache(twin)
        twin.is_moved = True
        return twin

    @staticmethod
    def restored(
        named: Mapping[str, npt.NDArray[Any]], version: int, plugins: Plugins = PLUGINS
    ) -> State:
        """Rebuild a state from the columns that `columns` gave.

        Parameters
        ----------
        named
            Columns by their present names.  What is missing has the default of its ``SPEC``, of
            its setting, or of an empty clearing house.
        version
            State version that they come from, for the message.
        plugins
            What the state was decided with.

        Raises
        ------
        JournalError
            If nobody knows a column, a margin model, an add-on, a layer or a liquidation method, or
            a column does not fit the present one.
        """
        state = State(plugins)
        for name in sorted(set(named) - set(state.columns())):
            raise JournalError(f"column {name!r} of state version {version} is unknown")
        for table, columns in state.tables().items():
            prefix = f"{table}."
            columns.restore(
                {
                    name.removeprefix(prefix): array
                    for name, array in named.items()
                    if name.startswith(prefix)
                }
            )
        x = state
        for name, value in zip(CLOCK, _filled("clock", named, NEVER), strict=True):
            setattr(x, name, int(value))
        x.parameters = _filled("parameters", named, x.parameters)
        x.checksum = _filled("checksum", named, x.checksum)
        unpaid = _filled("unpaid", named, np.zeros(3, np.int64)).tolist()
        x.unpaid, x.gains, x.has_settled = unpaid[0], unpaid[1], bool(unpaid[2])
        state.defaults.waterfall = _filled("waterfall", named, state.defaults.waterfall)
        uncovered = _filled("uncovered", named, np.zeros(2, np.int64)).tolist()
        state.defaults.uncovered, state.defaults.share_due_ns = uncovered
        state._restore_texts(msgspec.json.decode(named["texts"].tobytes()))
        for number in sorted({*x.accounts.used("margin_model").tolist()} - set(x.margin_models)):
            raise JournalError(f"a group has margin model {number}, the catalogue has no such")
        for number in sorted({*add_on.numbers_in(x.accounts.used("add_ons"))} - set(x.add_ons)):
            raise JournalError(f"a group has add-on {number}, the catalogue has no such")
        x.require_known_layers(x.defaults.waterfall)
        x.require_known_methods(np.unique(x.accounts.used("liquidation_method")))
        x.positions.reindex(x.accounts)
        x.forget_age()
        x.locate_suspense()
        x.sum_again()
        return state

    def _restore_texts(self, texts: dict[str, Any]) -> None:
        x = self
        given = {**self._texts(), **texts}
        for name in sorted(set(given) - set(self._texts())):
            raise JournalError(f"the list of texts {name!r} is unknown")
        x.instruments.symbols = given["instruments"]
        x.option_rules.symbols = given["option_rules"]
        x.assets.symbols = given["assets"]
        x.sources.symbols = given["sources"]
        x.accounts.name_all(given["accounts"])
        self.sources_seen = given["seen"]


def _require_room(x: ClearingState, reach: npt.NDArray[np.float64]) -> None:
    """Stop when an account's positions could owe or be owed what 64 bits cannot add up."""
    settled_in = x.instruments.used("settlement_asset")
    for asset in range(x.assets.count):
        costs, reaches = np.zeros(x.accounts.count), np.zeros(x.accounts.count)
        largest_sizes(
            x.positions.arrays(), np.where(settled_in == asset, reach, -1.0),
            x.single(Role.SETTLEMENT), costs, reaches,
        )  # fmt: skip
        _require_sizes(float(reaches.max(initial=0.0)), float(costs.max(initial=0.0)))


def _require_sizes(reach: float, cost: float) -> None:
    """Stop when reaches or settlement costs of an account add up to too much in an asset."""
    require(reach <= COST_STOP, f"no account reaches over {COST_STOP}, one reaches {reach:.0f}")
    require(cost <= COST_STOP, f"no account's costs are over {COST_STOP}, one has {cost:.0f}")


def _require_cancelled(x: ClearingState, lots: I64, pending: I64) -> None:
    """Stop unless all lots and the pending cash of every contract cancel.

    Values of inverse contracts are rounded: a cycle may leave a unit of pending cash per holder.
    """
    if lots.any():
        require(False, f"positions of every contract sum to zero, sums {lots.tolist()}")
    if not pending.any():
        return
    terms = x.instruments
    is_rounded = (terms.used("form") != LINEAR) & (terms.used("cycle") > 0)
    wrong = np.flatnonzero(np.abs(pending) > np.where(is_rounded, x.positions.count, 0))
    left = [(terms.symbols[i], int(pending[i])) for i in wrong]
    require(not left, f"pending cash of every contract cancels, left {left}")


def _filled(
    name: str, named: Mapping[str, npt.NDArray[Any]], default: npt.NDArray[Any]
) -> npt.NDArray[Any]:
    """Return a list that only ever gets longer: what was stored, then the defaults of the rest."""
    given = named.get(name, default)
    if len(given) > len(default):
        raise JournalError(f"{name!r} has {len(given)} entries, {len(default)} are known")
    return np.concatenate((given, default[len(given) :]))
