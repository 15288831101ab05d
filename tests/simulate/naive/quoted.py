"""Streams of a market in which one asset is quoted in another one, which leaps."""

from __future__ import annotations

import numpy as np

from novate.canonical import Run
from novate.message import command as c
from novate.message.parameter import MINUTE, Parameter, set_parameter
from tests.simulate.naive.grouped import Grouped

MONEY, COIN = 1, 2


class Quoted(Grouped):
    """A stream in which both sources of asset 2 quote in asset 1 and move with it.

    Asset 1 leaps now and then by a seventh, and stays there.  Contracts on asset 2 leap for that
    only sometimes: their band is wider.
    """

    def _declarations(self) -> list[Run]:
        runs = super()._declarations()
        self.leaps = np.random.default_rng((self.seed, 72))
        sources = [k for k, asset in enumerate(self.sources) if asset == COIN]
        self.quotes = dict.fromkeys(sources, (MONEY, False))
        runs += [c.SET_SOURCE_QUOTE.row(source=k, quote=MONEY, is_inverted=False) for k in sources]
        return [
            *runs,
            set_parameter(Parameter.JUMP_PPM, 100_000),
            set_parameter(Parameter.JUMP_PAUSE_NS, MINUTE),
            set_parameter(Parameter.RAMP_PPM, 5_000),
        ]

    def _prices(self) -> list[Run]:
        if self.leaps.random() < 0.2:
            share = float(self.leaps.choice((7 / 8, 8 / 7)))
            self.price[MONEY] *= share
            self.price[COIN] *= share
        return super()._prices()
