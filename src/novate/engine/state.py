"""The whole state: clearing, default management, and how far the journal has come."""

from __future__ import annotations

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
from novate.valuation import ClearingState, MarginCache


class State(DefaultState):
    """Struct of arrays; changed only by the functions of `engine.apply`.

    ``margin_cache`` is derived from it, and ``is_moved`` says whether money or lots moved since it
    was last found sound; neither is part of it.
    """

    def __init__(self) -> None:
        super().__init__()
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
        named["uncovered"] = np.array([self.defaults.uncovered], np.int64)
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

    def encode(self) -> bytes:
        """Return a snapshot of the state."""
        items = [
            (name, array.dtype.str, list(array.shape), array.tobytes())
            for name, array in self.columns().items()
        ]
        return msgspec.msgpack.encode(items)

    @staticmethod
    def decode(payload: bytes) -> State:
        """Rebuild a state from a snapshot.

        Raises
        ------
        JournalError
            If the payload is not a snapshot of this version.
        """
        try:
            items = msgspec.msgpack.decode(payload, type=list[tuple[str, str, list[int], bytes]])
            named = {
                name: np.frombuffer(data, dtype).reshape(shape).copy()
                for name, dtype, shape, data in items
            }
            return _restore(named)
        except (msgspec.DecodeError, ValueError, KeyError, TypeError) as error:
            raise JournalError(f"the snapshot cannot be read: {error}") from error


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


def _restore(named: dict[str, npt.NDArray[Any]]) -> State:
    state = State()
    x = state
    for table, columns in state.tables().items():
        columns.restore(
            {
                key.split(".", 1)[1]: array
                for key, array in named.items()
                if key.split(".", 1)[0] == table
            }
        )
    x.now_ns, x.window_ns = (int(value) for value in named["clock"])
    x.parameters = named["parameters"]
    x.checksum = named["checksum"]
    state.defaults.waterfall = named["waterfall"]
    state.defaults.uncovered = int(named["uncovered"][0])
    texts = msgspec.json.decode(named["texts"].tobytes())
    x.instruments.symbols = texts["instruments"]
    x.option_rules.symbols = texts["option_rules"]
    x.assets.symbols = texts["assets"]
    x.sources.symbols = texts["sources"]
    for reference in texts["accounts"]:
        x.accounts.name(reference)
    state.sources_seen = texts["seen"]
    x.positions.reindex(x.accounts)
    x.locate_suspense()
    return state
