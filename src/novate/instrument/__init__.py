"""Contract terms and margin tiers as columns, and the catalogue of instruments that have a price.

`CATALOGUE` lists by hand every kind that values itself with ``value(market)``; laws run over it.
Listed contracts (`contract`, `perpetual`, `future`) are terms that the engine books exactly;
synthetic tokens (`synthetic`) are looked through, not priced by a model.
"""

from __future__ import annotations

from novate.instrument.barrier import Barrier
from novate.instrument.digital import Digital, Touch
from novate.instrument.double_barrier import DoubleBarrier
from novate.instrument.european import European
from novate.instrument.fair_value import FairFuture, FairPerpetual
from novate.instrument.valued import Instrument, Market, Valuation

CATALOGUE: tuple[type[Instrument], ...] = (
    European,
    Digital,
    Touch,
    Barrier,
    DoubleBarrier,
    FairFuture,
    FairPerpetual,
)

__all__ = ["CATALOGUE", "Instrument", "Market", "Valuation"]
