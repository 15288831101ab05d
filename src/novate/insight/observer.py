"""What a run leaves behind: its events and measurements, gathered into a record."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from novate.canonical import Run
from novate.default_management.loss.policy import terms_of
from novate.engine.batch import Batch
from novate.engine.state import State
from novate.insight.listing import listing_of
from novate.insight.measure import (
    UNIT,
    clearing_house_rows,
    fund_balances,
    market_rows,
    solvency_row,
)
from novate.insight.recorder import RECORDERS
from novate.insight.run_record import RunRecord, layer_keys
from novate.message.declare import columns_of, rows_of

I64 = npt.NDArray[np.int64]


class Observer(RunRecord):
    """Collects a run as it goes: events after each submit, measurements at the end of each bar."""

    def begin(self, state: State) -> None:
        """Count from here: what opened the run is no deposit and no fact of its accounts."""
        self.flows.clear()
        self.facts.clear()
        self.watch_fund(fund_balances(state)["fund"], state.now_ns)

    def take(self, batches: list[Batch], state: State) -> None:
        """Gather the events of what `Engine.submit` returned."""
        if not self.listing.is_of(state):
            self.listing = listing_of(state)
        self.layers = layer_keys(terms_of(state.loss_policies.values()))
        self.marks = {k: int(state.marks.mark[k]) for k in range(state.instruments.count)}
        self.unit_price = [float(price) for price in state.assets.used("unit_price")]
        for batch in batches:
            self.records += 1
            for run in batch.events:
                self.events += run.rows
                if run.name == "IndexUpdated":
                    self._index(run)
                elif run.name == "TradeNovated":
                    self._fees(run, state)
                elif run.name in RECORDERS:
                    for row in rows_of(run):
                        RECORDERS[run.name](self, batch, row)

    def measure(self, state: State, instant_ns: int, numbers: I64) -> None:
        """Write one line of solvency, prices, concentration and the clearing house's accounts.

        Parameters
        ----------
        state, instant_ns
            The state at the end of a bar, and when that is.
        numbers
            Assessments of all accounts, as `State.assess_all` returns them.
        """
        markets = market_rows(state, self.listing, instant_ns)
        self.tables["prices"].extend(market.price for market in markets)
        self.tables["concentration"].extend(market.concentration for market in markets)
        solvency = solvency_row(state, self.accounts, numbers, instant_ns)
        interest = 0.0
        for market in markets:  # in order: `sum` of floats rounds by the version of Python
            interest += market.open_interest
        self.tables["solvency"].append({**solvency, "open_interest": interest})
        self.tables["ccp"].extend(clearing_house_rows(state, numbers, instant_ns))

    def _index(self, run: Run) -> None:
        columns = columns_of(run)
        self.index.update(zip(columns["asset"].tolist(), columns["price_e8"].tolist(), strict=True))

    def _fees(self, run: Run, state: State) -> None:
        """Add the fees of a run of trades, in numeraire at the prices after the step."""
        columns, x = columns_of(run), state
        worth = x.assets.unit_price[x.instruments.settlement_asset[columns["instrument"]]] / UNIT
        for side in ("buyer", "seller"):
            known = columns[side] < len(self.fees)
            np.add.at(self.fees, columns[side][known], (columns[f"{side}_fee"] * worth)[known])
