"""The whole state: clearing, default management, and how far the journal has come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

import msgspec
import numpy as np
import numpy.typing as npt

from novate.book.ledger import require_conserved
from novate.canonical import digest_columns
from novate.default_management.state import DefaultState
from novate.errors import JournalError, require
from novate.kernel.clearing.bound import COST_STOP
from novate.kernel.clearing.columns import Columns
from novate.kernel.clearing.position import largest_gross, sum_positions
from novate.kernel.clearing.value import LINEAR
from novate.margin.catalogue import CATALOGUE
from novate.valuation import ClearingState, MarginCache
from novate.valuation.margin_model import MarginModel


class State(DefaultState):
    """Struct of arrays; changed only by the functions of `engine.apply`.

    ``margin_cache`` is derived from it, and ``is_moved`` says whether money or lots moved since it
    was last found sound; neither is part of it, nor is the catalogue of margin ``models``.
    """

    def __init__(self, models: Iterable[MarginModel] = CATALOGUE) -> None:
        super().__init__(models)
        self.sources_seen: dict[str, int] = {}
        self.margin_cache = MarginCache(self)
        self.is_moved = True

    def tables(self) -> dict[str, Columns]:
        """Return every table by name, in a fixed order."""
        x, d = self, self.defaults
        return {
            "instruments": x.instruments,
            "option_rules": x.option_rules,
            "marks": x.marks,
            "assets": x.assets,
            "sources": x.sources,
            "surfaces": x.surfaces,
            "accounts": x.accounts,
            "positions": x.positions,
            "reservations": x.reservations,
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
        named["clock"] = np.array([x.now_ns, x.window_ns], np.int64)
        named["parameters"] = x.parameters
        named["waterfall"] = self.defaults.waterfall
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
        """Stop unless what must always hold holds: debits equal credits, positions cancel."""
        x = self
        require_conserved(x.accounts)
        count = x.instruments.count
        p = x.positions
        lots = np.zeros(count, np.int64)
        cost = np.zeros(count, np.int64)
        reach = _reach_of_a_lot(x)
        gross = sum_positions(p.arrays(), reach, lots, cost)
        if gross >= COST_STOP:
            _require_room(x, reach)
        require(not lots.any(), f"positions of every contract sum to zero, sums {lots.tolist()}")
        pending = _unequal_cost(x, cost)
        require(not pending, f"pending cash of every contract cancels, left {pending}")
        self.is_moved = False

    def require_still_sound(self) -> None:
        """As `require_sound`, unless nothing has moved since."""
        if self.is_moved:
            self.require_sound()

    def copy(self) -> Self:
        """Return an independent copy: a fork."""
        twin = super().copy()
        twin.sources_seen = dict(self.sources_seen)
        twin.margin_cache = MarginCache(twin)
        twin.is_moved = True
        return twin

    @staticmethod
    def restored(
        named: Mapping[str, npt.NDArray[Any]],
        version: int,
        models: Iterable[MarginModel] = CATALOGUE,
    ) -> State:
        """Rebuild a state from the columns that `columns` gave.

        Parameters
        ----------
        named
            Columns by their present names.  What is missing has the default of its ``SPEC``, of
            its setting, or of an empty clearing house.
        version
            State version that they come from, for the message.
        models
            Margin models that its groups may have.

        Raises
        ------
        JournalError
            If nobody knows a column or a margin model, or a column does not fit the present one.
        """
        state = State(models)
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
        clock = _filled("clock", named, np.zeros(2, np.int64))
        x.now_ns, x.window_ns = (int(value) for value in clock)
        x.parameters = _filled("parameters", named, x.parameters)
        x.checksum = _filled("checksum", named, x.checksum)
        state.defaults.waterfall = _filled("waterfall", named, state.defaults.waterfall)
        state._restore_texts(msgspec.json.decode(named["texts"].tobytes()))
        for number in sorted({*x.accounts.used("margin_model").tolist()} - set(x.models)):
            raise JournalError(f"a group has margin model {number}, the catalogue has no such")
        x.positions.reindex(x.accounts)
        x.locate_suspense()
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
        for reference in given["accounts"]:
            x.accounts.name(reference)
        self.sources_seen = given["seen"]


def _reach_of_a_lot(x: ClearingState) -> npt.NDArray[np.float64]:
    """Largest value of one lot at any accepted price, settlement units; shape (instruments,)."""
    ticks = np.where(x.instruments.used("form") == LINEAR, x.instruments.used("ticks_max"), 1)
    reach: npt.NDArray[np.float64] = x.instruments.used("unit").astype(np.float64) * ticks
    return reach


def _require_room(x: ClearingState, reach: npt.NDArray[np.float64]) -> None:
    """Stop when an account's positions could owe or be owed what 64 bits cannot add up."""
    gross = np.zeros(x.accounts.count)
    cost = largest_gross(x.positions.arrays(), reach, gross)
    require(cost < COST_STOP, f"no cost reaches {COST_STOP}, one is {cost:.0f}")
    largest = float(gross.max(initial=0.0))
    require(largest < COST_STOP, f"no account's gross reaches {COST_STOP}, one is {largest:.0f}")


def _unequal_cost(x: ClearingState, cost: npt.NDArray[np.int64]) -> list[tuple[str, int]]:
    """Contracts whose pending cash does not cancel: exactly, but for rounding of inverse values."""
    wrong = []
    for i in np.flatnonzero(cost):
        value_rounding = x.positions.count if x.instruments.form[i] != 1 else 0
        holders_booked = int(x.instruments.cycle[i]) > 0
        if abs(int(cost[i])) > (value_rounding if holders_booked else 0):
            wrong.append((x.instruments.symbols[i], int(cost[i])))
    return wrong


def _filled(
    name: str, named: Mapping[str, npt.NDArray[Any]], default: npt.NDArray[Any]
) -> npt.NDArray[Any]:
    """Return a list that only ever gets longer: what was stored, then the defaults of the rest."""
    given = named.get(name, default)
    if len(given) > len(default):
        raise JournalError(f"{name!r} has {len(given)} entries, {len(default)} are known")
    return np.concatenate((given, default[len(given) :]))
