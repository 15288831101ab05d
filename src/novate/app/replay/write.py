"""Writing a run directory: Parquet tables, summary, story."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_I64, _F64, _TEXT = pa.int64(), pa.float64(), pa.string()
SCHEMAS: dict[str, dict[str, pa.DataType]] = {
    "prices": {
        "instant_ns": _I64, "instrument": _TEXT, "index": _F64, "mark": _F64, "last": _F64,
    },
    "solvency": {
        "instant_ns": _I64, "client_equity": _F64, "initial_margin": _F64,
        "maintenance_margin": _F64, "insurance_fund": _F64, "skin_in_the_game": _F64,
        "default_fund": _F64, "liquidator_equity": _F64, "negative_equity": _F64,
        "negative_accounts": _I64, "below_initial": _I64, "below_maintenance": _I64,
        "initial_shortfall": _F64, "maintenance_shortfall": _F64, "assessed_ns": _I64,
        "uncovered": _F64, "open_interest": _F64,
    },
    "liquidations": {
        "instant_ns": _I64, "account": _I64, "instrument": _TEXT, "lots": _I64, "price": _F64,
        "mark": _F64, "notional": _F64, "fee": _F64,
    },
    "calls": {
        "instant_ns": _I64, "account": _I64, "amount": _F64, "paid": _F64, "deadline_ns": _I64,
        "status": _TEXT, "resolved_ns": _I64,
    },
    "losses": {
        "loss": _I64, "instant_ns": _I64, "defaulter": _I64, "layer": _TEXT, "payer": _I64,
        "amount": _F64,
    },
    "accounts": {
        "account": _I64, "reference": _TEXT, "role": _TEXT, "member": _TEXT, "profile": _TEXT,
        "equity_start": _F64, "equity_end": _F64, "realised": _F64, "fees": _F64,
        "funding": _F64, "status": _TEXT, "loss": _F64,
    },
    "concentration": {
        "instant_ns": _I64, "instrument": _TEXT, "top1": _F64, "top5": _F64, "hhi": _F64,
    },
    "ccp": {"instant_ns": _I64, "account": _TEXT, "balance": _F64},
    "option_quotes": {
        "instant_ns": _I64, "underlying": _TEXT, "expiry_ns": _I64, "strike": _F64, "side": _TEXT,
        "bid": _F64, "ask": _F64, "bid_vol": _F64, "ask_vol": _F64, "fit_vol": _F64,
    },
    "option_slices": {
        "instant_ns": _I64, "underlying": _TEXT, "expiry_ns": _I64, "forward": _F64, "years": _F64,
        "atm_vol": _F64, "a": _F64, "b": _F64, "rho": _F64, "m": _F64, "sigma": _F64,
        "least_density": _F64, "calendar_gap": _F64, "source": _TEXT, "quotes": _I64,
        "rejected": _I64, "inside": _I64, "rms_vol": _F64,
    },
    "option_realised": {
        "instant_ns": _I64, "underlying": _TEXT, "estimator": _TEXT, "minutes": _I64,
        "realised": _F64, "implied_nearest": _F64, "implied_next": _F64,
    },
    "option_risk": {
        "instant_ns": _I64, "holder": _TEXT, "underlying": _TEXT, "bucket": _TEXT,
        "positions": _I64, "value": _F64, "cash_delta": _F64, "cash_gamma": _F64, "vega": _F64,
        "theta": _F64,
    },
    "option_gamma": {
        "instant_ns": _I64, "underlying": _TEXT, "spot": _F64, "now": _F64, "value": _F64,
        "delta": _F64, "gamma": _F64, "zero_gamma": _F64,
    },
    "option_pins": {
        "instant_ns": _I64, "underlying": _TEXT, "expiry_ns": _I64, "strike": _F64,
        "forward": _F64, "distance": _F64, "coins": _F64, "gamma": _F64, "minutes": _F64,
        "doubling_minutes": _F64,
    },
    "option_pnl": {
        "instant_ns": _I64, "holder": _TEXT, "theta": _F64, "carry": _F64, "delta": _F64,
        "gamma": _F64, "vega": _F64, "volga": _F64, "vanna": _F64, "conversion": _F64,
        "new_trades": _F64, "funding": _F64, "fees": _F64, "residual": _F64, "actual": _F64,
    },
}  # fmt: skip
"""Tables of a run directory; instants in ns since 1970 UTC, money in numeraire."""


def write_tables(directory: Path, tables: dict[str, list[dict[str, Any]]]) -> None:
    """Write every table, empty ones too."""
    for name, columns in SCHEMAS.items():
        rows = tables.get(name, [])
        table = pa.table(
            {
                column: pa.array([row[column] for row in rows], dtype)
                for column, dtype in columns.items()
            }
        )
        pq.write_table(table, directory / f"{name}.parquet", compression="zstd")


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON document for people and programs."""
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
