"""novate: a deterministic clearing risk engine for digital-asset derivatives.

The names below are the public surface; each is loaded on first use, so that importing the package
costs nothing.

>>> import novate
>>> engine = novate.Engine(novate.MemoryJournal())
>>> usdt = novate.command.DECLARE_ASSET.row(symbol="USDT", decimals=6, haircut_bps=0)
>>> [batch.events[0].name for batch in engine.submit([usdt])]
['AssetDeclared']
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from novate.adapter.book_file import load_collateral, load_positions
    from novate.adapter.memory_journal import MemoryJournal
    from novate.adapter.parameter_file import read_parameters
    from novate.adapter.price_file import load_prices
    from novate.adapter.sqlite_journal import SqliteJournal
    from novate.canonical import Run
    from novate.engine.batch import Batch
    from novate.engine.catalogue import REFUSALS
    from novate.engine.engine import Engine
    from novate.engine.journal import JournalStore
    from novate.engine.recover import AuditReport, audit, recover
    from novate.errors import (
        CapacityError,
        ConflictError,
        InputError,
        InvariantError,
        JournalError,
        NovateError,
    )
    from novate.kernel.clearing.value import INVERSE, LINEAR
    from novate.kernel.codes import (
        AccountStatus,
        InstrumentStatus,
        Layer,
        MarginMode,
        OrderKind,
        Origin,
        Role,
        Segregation,
        ShortfallPolicy,
        Style,
    )
    from novate.market import volatility
    from novate.message import command, event
    from novate.message.declare import columns_of, rows_of
    from novate.message.parameter import Parameter
    from novate.valuation import pricing, risk

__all__ = [
    "INVERSE",
    "LINEAR",
    "REFUSALS",
    "AccountStatus",
    "AuditReport",
    "Batch",
    "CapacityError",
    "ConflictError",
    "Engine",
    "InputError",
    "InstrumentStatus",
    "InvariantError",
    "JournalError",
    "JournalStore",
    "Layer",
    "MarginMode",
    "MemoryJournal",
    "NovateError",
    "OrderKind",
    "Origin",
    "Parameter",
    "Role",
    "Run",
    "Segregation",
    "ShortfallPolicy",
    "SqliteJournal",
    "Style",
    "audit",
    "columns_of",
    "command",
    "event",
    "load_collateral",
    "load_positions",
    "load_prices",
    "pricing",
    "read_parameters",
    "recover",
    "risk",
    "rows_of",
    "volatility",
]

_HOMES = {
    "novate.adapter.book_file": ("load_collateral", "load_positions"),
    "novate.adapter.memory_journal": ("MemoryJournal",),
    "novate.adapter.parameter_file": ("read_parameters",),
    "novate.adapter.price_file": ("load_prices",),
    "novate.adapter.sqlite_journal": ("SqliteJournal",),
    "novate.canonical": ("Run",),
    "novate.engine.batch": ("Batch",),
    "novate.engine.engine": ("Engine",),
    "novate.engine.journal": ("JournalStore",),
    "novate.engine.recover": ("AuditReport", "audit", "recover"),
    "novate.errors": (
        "CapacityError",
        "ConflictError",
        "InputError",
        "InvariantError",
        "JournalError",
        "NovateError",
    ),
    "novate.kernel.codes": (
        "AccountStatus",
        "ShortfallPolicy",
        "InstrumentStatus",
        "Layer",
        "MarginMode",
        "OrderKind",
        "Origin",
        "Role",
        "Segregation",
        "Style",
    ),
    "novate.kernel.clearing.value": ("INVERSE", "LINEAR"),
    "novate.message.declare": ("columns_of", "rows_of"),
    "novate.message.parameter": ("Parameter",),
    "novate.engine.catalogue": ("REFUSALS",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_MODULES = {
    "command": "novate.message.command",
    "event": "novate.message.event",
    "pricing": "novate.valuation.pricing",
    "risk": "novate.valuation.risk",
    "volatility": "novate.market.volatility",
}


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name in _MODULES:
        value: Any = import_module(_MODULES[name])
    elif name in _HOME_OF:
        value = getattr(import_module(_HOME_OF[name]), name)
    else:
        message = f"module 'novate' has no attribute {name!r}"
        raise AttributeError(message)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
