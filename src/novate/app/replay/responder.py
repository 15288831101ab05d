"""The outbox answered by the market agents: engine orders to quantities and prices, and back.

What the external market is called for it pays at once.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from novate.app.replay.feed import PAR_E8, Step
from novate.app.replay.venue import Venue
from novate.canonical import Run
from novate.engine.state import State
from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import OrderKind, Role
from novate.market.collar import collars_of, worst_price
from novate.message import command
from novate.message.topic import commands
from novate.simulation.agents.market_agent import AgentTerms, MarketAgent, OrderBatch
from novate.simulation.agents.option_agent import OptionAgent, OptionAgentTerms
from novate.simulation.options.command import OptionVenue
from novate.units import MINUTE, PPM

I64 = npt.NDArray[np.int64]
_E8 = 10**8
CONVERSION_VOLUME_E8 = 10**16
"""Volume per bar assumed for an asset that no contract of the run has as its underlying."""


def pay_what_was_called(state: State) -> list[Run]:
    """Return the payments of what the external market was called for and still owes."""
    market = state.single(Role.EXTERNAL_MARKET)
    assets = np.arange(state.assets.count)
    owed = np.maximum(-state.accounts.balance[market, assets], 0)
    amounts = np.minimum(state.assets.external_called[assets], owed)
    return commands(
        command.SETTLE_EXTERNAL_MARKET, asset=assets[amounts > 0], amount=amounts[amounts > 0]
    )


class Responder:
    """Answers open orders; symbols are the contracts, then the assets but the numeraire.

    A coin converts on a market as deep as its perpetual; an asset without one (a stable coin) on a
    deep market at its index.  Orders in options go to a dealer of their own, hedges of makers to
    the market of the perpetual.
    """

    def __init__(
        self, venue: Venue, bar_ns: int, first_e8: I64, options: OptionVenue | None = None
    ) -> None:
        self.venue = venue
        self._options = options
        self._dealer = None
        if options is not None:
            given = venue.parameters["options"]
            terms = OptionAgentTerms(
                latency_ns=venue.parameters["agent"]["latency_ms"] * 1_000_000,
                depth_ppm=given["depth_ppm"],
                impact=given["impact_ppm"] / PPM,
                half_life_ns=given["refill_minutes"] * MINUTE,
                wide_range_ppm=given["wide_range_ppm"],
            )
            self._dealer = OptionAgent(terms, options.book, options.paths)
        contracts, assets = venue.contracts, range(1, len(venue.assets))
        self._contracts = len(contracts)
        self._lot = np.array(
            [
                # An inverse contract is sized in coins at the first price of the run.
                c.lot_e8 if c.form == LINEAR else max(c.face_e8 * _E8 // int(first_e8[k]), 1)
                for k, c in enumerate(contracts)
            ],
            np.int64,
        )
        self._scale = [10 ** venue.decimals[asset] for asset in assets]
        agent: dict[str, Any] = dict(venue.parameters["agent"])
        self._agent = MarketAgent(
            AgentTerms(
                tick_e8=np.array([c.tick_e8 for c in contracts] + [1 for _ in assets], np.int64),
                lot_e8=np.concatenate((self._lot, np.ones(len(assets), np.int64))),
                bar_ns=bar_ns,
                latency_ns=agent["latency_ms"] * 1_000_000,
                participation_ppm=agent["participation_ppm"],
                impact_ppm=agent["impact_ppm"],
                refill_half_life_ns=agent["refill_seconds"] * 10**9,
                # The parameter is for a one-minute bar; ranges grow with the root of the time.
                collapse_range_ppm=math.isqrt(agent["collapse_range_ppm"] ** 2 * bar_ns // MINUTE),
                collapse_floor_ppm=agent["collapse_floor_ppm"],
                floor_ppm=agent["floor_ppm"],
                feedback_ppm=agent["feedback_ppm"],
            )
        )

    def observe(self, step: Step, state: State) -> None:
        """Show the agent the market of a step."""
        index = self._index(step, state)
        coin = {c.asset: k for k, c in reversed(list(enumerate(self.venue.contracts)))}
        assets = range(1, len(self.venue.assets))
        volume = [
            int(step.volume_e8[coin[a]]) if a in coin else CONVERSION_VOLUME_E8 for a in assets
        ]
        width = [int(step.range_ppm[coin[a]]) if a in coin else 1_000 for a in assets]
        of_contract = index[[c.asset - 1 for c in self.venue.contracts]]
        self._agent.observe(
            step.instant_ns,
            np.concatenate((step.last_e8, index)),
            np.concatenate((step.volume_e8, np.array(volume, np.int64))),
            np.concatenate((step.range_ppm, np.array(width, np.int64))),
            reference_e8=np.concatenate((of_contract, index)),
        )
        if self._options is not None and self._dealer is not None:
            own = [item.perpetual for item in self._options.underlyings]
            self._dealer.observe(step.instant_ns, step.range_ppm[own])

    def _index(self, step: Step, state: State) -> I64:
        """Index of each asset but the numeraire: the engine's, or the first report before that."""
        known = state.assets.price_e8[1 : len(self.venue.assets)].copy()
        known[known <= 0] = PAR_E8
        return np.asarray(known, np.int64)

    @property
    def last_displacement_ppm(self) -> I64:
        """Move of the venue price by our own fills, per contract."""
        return self._agent.last_displacement_ppm[: self._contracts]

    def answer(self, state: State, instant_ns: int) -> list[Run]:
        """Return the fills of open orders as commands, and before them what is paid in cash."""
        orders = state.defaults.orders
        rows = orders.live()
        is_option = (orders.kind[rows] == OrderKind.POSITION) & (
            orders.subject[rows] >= self._contracts
        )
        return [
            *pay_what_was_called(state),
            *self._answer_contracts(state, rows[~is_option], instant_ns),
            *self._answer_options(state, rows[is_option]),
        ]

    def _answer_options(self, state: State, rows: I64) -> list[Run]:
        """Fills of open orders in options."""
        if not rows.size or self._dealer is None:
            return []
        orders = state.defaults.orders
        rows = rows[np.argsort(orders.placed_ns[rows], kind="stable")]
        fills = self._dealer.answer(
            orders.subject[rows].astype(np.int64) - self._contracts,
            orders.quantity[rows],
            orders.placed_ns[rows],
            orders.limit[rows],
        )
        if not len(fills.row):
            return []
        return [
            command.REPORT_FILL.run(
                {
                    "order": orders.number[rows[fills.row]],
                    "quantity": np.abs(fills.lots),
                    "price": fills.ticks,
                    "is_final": np.zeros(len(fills.row), np.bool_),
                }
            )
        ]

    def hedge(self, coin: I64, lots: I64, state: State, instant_ns: int) -> tuple[I64, I64, I64]:
        """Trade perpetuals for makers: rows that traded, their signed lots and prices in ticks.

        No hedge trades beyond the collar around the mark: the venue would refuse it.
        """
        if self._options is None or not len(lots):
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64)
        symbol = np.array([item.perpetual for item in self._options.underlyings])[coin]
        size = self._lot[symbol]
        collar = collars_of(state)[symbol]
        mark, most = state.marks.mark[symbol], state.instruments.ticks_max[symbol]
        limit = worst_price(mark, mark * collar // PPM, collar, lots < 0, most)
        fills = self._agent.answer(
            OrderBatch(
                order_id=np.arange(1, len(lots) + 1),
                symbol=symbol,
                quantity_e8=lots * size,
                placed_ns=np.full(len(lots), instant_ns - self._agent.terms.latency_ns),
                limit_e8=limit * self._agent.terms.tick_e8[symbol],
            ),
            instant_ns,
        )
        tick = self._agent.terms.tick_e8[fills.symbol]
        return fills.row, fills.quantity_e8 // size[fills.row], fills.price_e8 // tick

    def _answer_contracts(self, state: State, rows: I64, instant_ns: int) -> list[Run]:
        """Fills of open orders in contracts and conversions."""
        orders = state.defaults.orders
        if not rows.size:
            return []
        symbol, quantity = self._quantities(state, rows)
        sized = np.flatnonzero(quantity)
        batch = OrderBatch(
            order_id=orders.number[rows[sized]],
            symbol=symbol[sized],
            quantity_e8=quantity[sized],
            placed_ns=orders.placed_ns[rows[sized]],
            limit_e8=orders.limit[rows[sized]] * self._agent.terms.tick_e8[symbol[sized]],
        )
        fills = self._agent.answer(batch, instant_ns)
        if not len(fills):
            return []
        return [self._fills(state, rows[sized], fills)]

    def _quantities(self, state: State, rows: I64) -> tuple[I64, I64]:
        """Agent symbol and signed quantity of open orders, dust of a conversion as one unit."""
        orders = state.defaults.orders
        symbol = np.empty(len(rows), np.int64)
        quantity = np.empty(len(rows), np.int64)
        for k, row in enumerate(rows):
            subject, units = int(orders.subject[row]), int(orders.quantity[row])
            if orders.kind[row] == OrderKind.POSITION:
                symbol[k], quantity[k] = subject, units * int(self._lot[subject])
            else:
                symbol[k] = self._contracts + subject - 1
                size = -(-abs(units) * _E8 // self._scale[subject - 1])
                quantity[k] = size if units > 0 else -size
        return symbol, quantity

    def _fills(self, state: State, rows: I64, fills: Any) -> Run:
        """Turn agent fills into answers in lots and ticks, or ledger units and prices."""
        orders = state.defaults.orders
        order, amount, price = [], [], []
        for k in range(len(fills)):
            row = int(rows[fills.row[k]])
            subject, size = int(orders.subject[row]), abs(int(fills.quantity_e8[k]))
            left = abs(int(orders.quantity[row]))
            if orders.kind[row] == OrderKind.POSITION:
                units = size // int(self._lot[subject])
                at = int(fills.price_e8[k]) // self.venue.contracts[subject].tick_e8
            else:
                done = bool(fills.is_final[k])
                units = left if done else size * self._scale[subject - 1] // _E8
                at = int(fills.price_e8[k])
            order.append(int(orders.number[row]))
            amount.append(min(units, left))
            price.append(max(at, 1))
        return command.REPORT_FILL.run(
            {
                "order": order,
                "quantity": amount,
                "price": price,
                "is_final": np.zeros(len(order), np.bool_),
            }
        )
