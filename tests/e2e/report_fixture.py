"""A run directory as a crash-day replay leaves it, drawn from a seed.

No engine runs here: the figures are made up, but they agree with one another (payers sum to the
losses, funds fall by what they paid, the ten worst are the ten largest losses).
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SECOND = 1_000_000_000
START_NS = 1_760_054_400 * SECOND  # 2025-10-10 00:00:00 UTC
BARS = 1440
STEP_NS = 15 * SECOND
STEPS = BARS * 4
CRASH = 21 * 240 + 20  # step of 21:05
INSTRUMENTS = {"BTCUSDT": 121_600.0, "ETHUSDT": 4_370.0, "SOLUSDT": 221.0}
FALLS = {"BTCUSDT": 0.145, "ETHUSDT": 0.21, "SOLUSDT": 0.31}
ACCOUNTS = 640
FUND, SKIN, DEFAULT_FUND = 42_000_000.0, 5_000_000.0, 60_000_000.0
MEMBERS = [f"M{number:02d}" for number in range(1, 9)]
HOSTILE = '<img src=x onerror="window.hacked=1">'


def write_fixture(directory: Path, *, seed: int = 7, is_quiet: bool = False) -> Path:
    """Write a run directory.

    Parameters
    ----------
    directory
        Made if absent.
    seed
        Of every number.
    is_quiet
        A day without defaults: no calls, losses or liquidations, no counterfactual, no bounds.
    """
    directory.mkdir(parents=True, exist_ok=True)
    rng = np.random.Generator(np.random.Philox(seed))
    prices = make_prices(rng)
    accounts = make_accounts(rng)
    losses = [] if is_quiet else make_losses(rng, accounts)
    tables: dict[str, dict[str, Any]] = {
        "prices": prices,
        "accounts": accounts,
        "liquidations": make_liquidations(rng, prices, accounts, 0 if is_quiet else 420),
        "calls": make_calls(rng, accounts, 0 if is_quiet else 310),
        "losses": columns(losses, "loss instant_ns defaulter layer payer amount"),
        "solvency": make_solvency(rng, losses),
        "concentration": make_concentration(rng),
        "ccp": make_ccp(losses),
    }
    for name, table in tables.items():
        pq.write_table(as_arrow(name, table), directory / f"{name}.parquet")
    summary = make_summary(tables, losses, is_quiet=is_quiet)
    (directory / "summary.json").write_text(json.dumps(summary, indent=1))
    story = {"reference": "R-0001", "facts": []} if is_quiet else make_story(summary)
    (directory / "story.json").write_text(json.dumps(story, indent=1))
    return directory


WHOLE = {"account", "loss", "lots", "below_initial", "below_maintenance"}


def as_arrow(name: str, table: dict[str, Any]) -> pa.Table:
    texts = {"instrument", "reference", "role", "member", "profile", "status", "layer", "payer"}
    if name == "ccp":
        texts = {"account"}
    arrays = {}
    for key, values in table.items():
        is_text, is_whole = key in texts, key.endswith("_ns") or key in WHOLE
        if name == "accounts" and key == "loss":
            is_whole = False
        if key == "defaulter":
            is_whole = True
        kind = pa.string() if is_text else pa.int64() if is_whole else pa.float64()
        arrays[key] = pa.array(values, type=kind)
    return pa.table(arrays)


def columns(rows: list[dict[str, Any]], names: str) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in names.split()}


def crash_shape() -> np.ndarray:
    """How much of the fall has happened at each step: 0, a plunge in 16 minutes, half back."""
    step = np.arange(STEPS)
    plunge = 1 / (1 + np.exp(np.clip(-(step - CRASH - 32) / 7.0, -50, 50)))
    back = 0.55 * (1 - np.exp(-np.clip(step - CRASH - 60, 0, None) / 160.0))
    return plunge * (1 - back)


def make_prices(rng: np.random.Generator) -> dict[str, Any]:
    shape, instants = crash_shape(), START_NS + np.arange(STEPS) * STEP_NS
    rows: dict[str, list[Any]] = {
        key: [] for key in ("instant_ns", "instrument", "index", "mark", "last")
    }
    for name, price in INSTRUMENTS.items():
        noise = np.cumsum(rng.normal(0, 0.00022, STEPS))
        index = price * np.exp(noise) * (1 - FALLS[name] * shape)
        stress = 1 + 6 * shape
        mark = index * (1 + rng.normal(0, 0.0002, STEPS) * stress)
        last = mark * (1 - 0.012 * shape + rng.normal(0, 0.0006, STEPS) * stress)
        rows["instant_ns"] += instants.tolist()
        rows["instrument"] += [name] * STEPS
        rows["index"] += index.tolist()
        rows["mark"] += mark.tolist()
        rows["last"] += last.tolist()
    return rows


def make_accounts(rng: np.random.Generator) -> dict[str, Any]:
    equity = np.round(rng.lognormal(11.2, 1.9, ACCOUNTS), 2)
    roles = rng.choice(["client", "client", "client", "house", "maker"], ACCOUNTS).tolist()
    change = rng.normal(-0.02, 0.25, ACCOUNTS)
    return {
        "account": list(range(100, 100 + ACCOUNTS)),
        "reference": [HOSTILE] + [f"A{1000 + n}" for n in range(1, ACCOUNTS)],
        "role": roles,
        "member": rng.choice(MEMBERS, ACCOUNTS).tolist(),
        "profile": rng.choice(["levered long", "carry", "maker", "hedger"], ACCOUNTS).tolist(),
        "equity_start": equity.tolist(),
        "equity_end": np.round(equity * (1 + change), 2).tolist(),
        "realised": np.round(equity * change, 2).tolist(),
        "fees": np.round(-equity * 0.001, 2).tolist(),
        "funding": np.round(equity * rng.normal(0, 0.001, ACCOUNTS), 2).tolist(),
        "status": ["open"] * ACCOUNTS,
        "loss": [0.0] * ACCOUNTS,
    }


def make_losses(rng: np.random.Generator, accounts: dict[str, Any]) -> list[dict[str, Any]]:
    """Fourteen defaults through the waterfall; the fund runs dry at the largest."""
    sizes = np.sort(rng.lognormal(14.2, 1.1, 14))[::-1]
    left = {"insurance_fund": FUND * 0.35, "skin_in_the_game": SKIN}
    rows: list[dict[str, Any]] = []
    for number, size in enumerate(sizes.tolist()):
        account = 100 + number
        at = START_NS + (CRASH + 20 + 6 * number) * STEP_NS

        def pay(layer: str, payer: str, amount: float) -> None:
            value = round(amount, 6)
            if value > 0:
                row = {"loss": number, "instant_ns": at, "defaulter": account}  # noqa: B023
                rows.append({**row, "layer": layer, "payer": payer, "amount": value})

        pay("defaulter_collateral", str(account), size * 1.8)
        pay("own_members_default_fund", str(account), size * 0.2)
        due = size
        for layer in ("insurance_fund", "skin_in_the_game"):
            paid = min(due, left[layer])
            left[layer] -= paid
            due -= paid
            pay(layer, layer, paid)
        weights = rng.dirichlet(np.ones(len(MEMBERS)) * 3)
        for member, weight in zip(MEMBERS, weights.tolist(), strict=True):
            pay("default_fund", member, due * weight)
        accounts["status"][number] = "defaulted"
        accounts["loss"][number] = round(size * 3, 6)
    return rows


def make_liquidations(
    rng: np.random.Generator, prices: dict[str, Any], accounts: dict[str, Any], number: int
) -> dict[str, Any]:
    steps = np.sort(np.clip(CRASH + rng.gamma(2.2, 22, number), 0, STEPS - 1).astype(int))
    names = rng.choice(list(INSTRUMENTS), number, p=[0.45, 0.35, 0.2])
    mark = np.array(prices["mark"]).reshape(3, STEPS)
    order = {name: place for place, name in enumerate(INSTRUMENTS)}
    marks = np.array([mark[order[name], step] for name, step in zip(names, steps, strict=True)])
    price = marks * (1 - rng.gamma(1.5, 0.004, number))
    notional = rng.lognormal(11.8, 1.5, number)
    lots = np.maximum(1, (notional / np.maximum(price, 1) * 1000)).astype(int)
    chosen = rng.choice(accounts["account"][:180], number)
    return {
        "instant_ns": (START_NS + steps * STEP_NS).tolist(),
        "account": chosen.tolist(),
        "instrument": names.tolist(),
        "lots": (-lots).tolist(),
        "price": price.tolist(),
        "mark": marks.tolist(),
        "notional": notional.tolist(),
        "fee": (notional * 0.005).tolist(),
    }


def make_calls(rng: np.random.Generator, accounts: dict[str, Any], number: int) -> dict[str, Any]:
    instants = (
        START_NS
        + np.sort(np.clip(CRASH - 60 + rng.gamma(2, 60, number), 0, STEPS - 300).astype(int))
        * STEP_NS
    )
    status = rng.choice(["met", "missed", "open"], number, p=[0.72, 0.24, 0.04]).tolist()
    taken = (rng.uniform(120, 3500, number)).astype(int) * SECOND
    resolved = [
        int(at + wait) if state == "met" else int(at + 3600 * SECOND) if state == "missed" else None
        for at, wait, state in zip(instants, taken, status, strict=True)
    ]
    accounts_called = rng.choice(accounts["account"], number).tolist()
    amounts = rng.lognormal(10.5, 1.6, number).tolist()
    return {
        "instant_ns": instants.tolist(),
        "account": accounts_called,
        "amount": amounts,
        "paid": [
            amount if state == "met" else 0.0 for amount, state in zip(amounts, status, strict=True)
        ],
        "deadline_ns": (instants + 3600 * SECOND).tolist(),
        "status": status,
        "resolved_ns": resolved,
    }


def drawn(losses: list[dict[str, Any]], layer: str) -> np.ndarray:
    """What a layer has paid by each step."""
    paid = np.zeros(STEPS)
    for row in losses:
        if row["layer"] == layer:
            paid[(row["instant_ns"] - START_NS) // STEP_NS :] += row["amount"]
    return paid


def make_solvency(rng: np.random.Generator, losses: list[dict[str, Any]]) -> dict[str, Any]:
    shape = crash_shape() if losses else np.zeros(STEPS)
    wobble = np.cumsum(rng.normal(0, 20_000, STEPS))
    below = np.round(26 * shape * np.exp(-np.clip(np.arange(STEPS) - CRASH - 60, 0, None) / 90))
    surplus = 900_000 * (np.arange(STEPS) > CRASH + 90) if losses else 0.0
    return {
        "instant_ns": (START_NS + np.arange(STEPS) * STEP_NS).tolist(),
        "client_equity": (610e6 + wobble - 260e6 * shape).tolist(),
        "initial_margin": (310e6 + 0.1 * wobble - 90e6 * shape).tolist(),
        "maintenance_margin": (205e6 + 0.1 * wobble - 45e6 * shape).tolist(),
        "insurance_fund": (FUND - drawn(losses, "insurance_fund") + surplus).tolist(),
        "skin_in_the_game": (SKIN - drawn(losses, "skin_in_the_game")).tolist(),
        "default_fund": (
            DEFAULT_FUND - drawn(losses, "default_fund") - drawn(losses, "own_members_default_fund")
        ).tolist(),
        "liquidator_equity": (3e6 - 2.2e6 * shape).tolist(),
        "negative_equity": (-below * 410_000).tolist(),
        "negative_accounts": below.tolist(),
        "below_initial": (3 * below).astype(int).tolist(),
        "below_maintenance": (2 * below).astype(int).tolist(),
        "initial_shortfall": (below * 700_000).tolist(),
        "maintenance_shortfall": (below * 500_000).tolist(),
        "assessed_ns": (START_NS + np.arange(STEPS) * STEP_NS).tolist(),
        "uncovered": [0.0] * STEPS,
        "open_interest": (4.1e9 - 1.3e9 * shape - 2e3 * np.arange(STEPS)).tolist(),
    }


def make_concentration(rng: np.random.Generator) -> dict[str, Any]:
    instants = (START_NS + np.arange(0, STEPS, 20) * STEP_NS).tolist()
    rows: dict[str, list[Any]] = {
        key: [] for key in ("instant_ns", "instrument", "top1", "top5", "hhi")
    }
    for place, name in enumerate(INSTRUMENTS):
        top1 = 0.11 + 0.06 * place + np.cumsum(rng.normal(0, 0.0007, len(instants)))
        rows["instant_ns"] += instants
        rows["instrument"] += [name] * len(instants)
        rows["top1"] += top1.tolist()
        rows["top5"] += np.minimum(0.95, top1 * 2.6).tolist()
        rows["hhi"] += (top1**2 * 2.4).tolist()
    return rows


def make_ccp(losses: list[dict[str, Any]]) -> dict[str, Any]:
    took = np.arange(STEPS) > CRASH + 90
    fees = (
        1_240_000 * np.clip((np.arange(STEPS) - CRASH) / 400, 0, 1) if losses else np.zeros(STEPS)
    )
    balances = {
        "insurance_fund": FUND
        - drawn(losses, "insurance_fund")
        + (900_000 * took if losses else 0),
        "skin_in_the_game": SKIN - drawn(losses, "skin_in_the_game"),
        "default_fund": DEFAULT_FUND
        - drawn(losses, "default_fund")
        - drawn(losses, "own_members_default_fund"),
        "fees": fees,
        "liquidator": 3e6 - 2.2e6 * (crash_shape() if losses else np.zeros(STEPS)),
        "rounding_residue": np.arange(STEPS) * 1e-6,
    }
    sample = slice(0, STEPS, 4)
    instants = (START_NS + np.arange(STEPS)[sample] * STEP_NS).tolist()
    return {
        "instant_ns": instants * len(balances),
        "account": [name for name in balances for _ in instants],
        "balance": [value for values in balances.values() for value in values[sample].tolist()],
    }


def text(amount: float) -> str:
    return str(Decimal(repr(float(amount))).quantize(Decimal("0.000001")))


def paid_by(losses: list[dict[str, Any]]) -> dict[str, float]:
    layers = (
        "defaulter_collateral",
        "own_members_default_fund",
        "insurance_fund",
        "skin_in_the_game",
        "default_fund",
    )
    return {
        layer: sum(row["amount"] for row in losses if row["layer"] == layer) for layer in layers
    }


def outcome(
    shortfall: float, liquidated: int, fund: float, left: float, calls: int
) -> dict[str, Any]:
    return {
        "shortfall": text(shortfall),
        "own_members": text(shortfall - fund - left),
        "clearing_house": text(fund),
        "others": text(0),
        "uncovered": text(left),
        "liquidated_accounts": liquidated,
        "fund_used": text(fund),
        "calls_made": calls,
    }


def make_result(tables: dict[str, Any], losses: list[dict[str, Any]]) -> dict[str, Any]:
    paid, calls = paid_by(losses), tables["calls"]
    amounts = {layer: Decimal(text(value)) for layer, value in paid.items()}
    house = amounts["insurance_fund"] + amounts["skin_in_the_game"]
    members = amounts["own_members_default_fund"]
    surplus = Decimal(900_000 if losses else 0)
    spent = amounts["default_fund"] + amounts["own_members_default_fund"]
    after = Decimal(text(FUND)) - amounts["insurance_fund"] + surplus
    return {
        "shortfall": str(members + house + amounts["default_fund"]),
        "own_members": str(members),
        "clearing_house": str(house),
        "others": str(amounts["default_fund"]),
        "uncovered": text(0),
        "liquidator_shortfall": text(0),
        "fund_lowest": str(after - surplus),
        "fund_lowest_at": "2025-10-10T21:16:15Z" if losses else "2025-10-10T00:00:00Z",
        "fund_before": text(FUND),
        "fund_after": str(after),
        "skin_before": text(SKIN),
        "skin_after": str(Decimal(text(SKIN)) - amounts["skin_in_the_game"]),
        "default_fund_before": text(DEFAULT_FUND),
        "default_fund_after": str(Decimal(text(DEFAULT_FUND)) - spent),
        "liquidated_accounts": len(set(tables["liquidations"]["account"])),
        "liquidated_notional": text(sum(tables["liquidations"]["notional"])),
        "calls_made": len(calls["status"]),
        "calls_met": calls["status"].count("met"),
        "defaults": len({row["defaulter"] for row in losses}),
        "taken_over": len({row["defaulter"] for row in losses}),
        "liquidation_fees": text(sum(tables["liquidations"]["fee"])),
        "surplus_to_fund": str(surplus),
    }


def make_worst(accounts: dict[str, Any]) -> list[dict[str, Any]]:
    ranked = sorted(range(ACCOUNTS), key=lambda row: -accounts["loss"][row])[:10]
    held = ("long 1,840 ETHUSDT, long 96 BTCUSDT", "long 212,000 SOLUSDT", "long 311 BTCUSDT")
    return [
        {
            "reference": accounts["reference"][row],
            "role": accounts["role"][row],
            "member": accounts["member"][row],
            "shortfall": text(accounts["loss"][row] * 0.4),
            "own_loss": text(accounts["loss"][row] * 0.6),
            "held": held[place % 3],
            "liquidated_at": f"2025-10-10T21:{11 + place:02d}:15Z",
        }
        for place, row in enumerate(ranked)
    ]


def make_summary(
    tables: dict[str, Any], losses: list[dict[str, Any]], *, is_quiet: bool
) -> dict[str, Any]:
    result, paid = make_result(tables, losses), paid_by(losses)
    bad = float(result["shortfall"])
    on = outcome(
        bad, result["liquidated_accounts"], paid["insurance_fund"], 0, result["calls_made"]
    )
    off = outcome(bad * 6.3, 396, FUND, bad * 2.1, 0)
    return {
        "title": "Replay of 10 October 2025",
        "engine_version": "1",
        "numeraire": "USDT",
        "period": {"from": "2025-10-10T00:00:00Z", "to": "2025-10-11T00:00:00Z"},
        "bars": BARS * 3,
        "steps": STEPS,
        "accounts": ACCOUNTS,
        "instruments": list(INSTRUMENTS),
        "path": "low-first",
        "result": result,
        "payers": [{"layer": layer, "amount": text(value)} for layer, value in paid.items()],
        "worst_accounts": [] if is_quiet else make_worst(tables["accounts"]),
        "controls": None if is_quiet else {"on": on, "off": off},
        "bounds": None
        if is_quiet
        else {
            "high_first": outcome(bad * 0.8, 131, paid["insurance_fund"] * 0.9, 0, 288),
            "low_first": on,
        },
        "calibration": make_calibration(),
        "quarantine": []
        if is_quiet
        else [
            {
                "file": "perp_1m.parquet",
                "row": 20_114,
                "column": "low",
                "value": "NaN",
                "allowed": "a positive price, at most the high",
            }
        ],
        "quarantined_rows": 0 if is_quiet else 1,
        "refusals": []
        if is_quiet
        else [{"command": "WithdrawCollateral", "refusal": "insufficient_excess", "count": 37}],
        "verification": make_verification(),
        "notes": ["Bars of a minute hide what happened in it: hence two path orders."],
        "commands": [
            "novate replay --scenario crash-2025-10-10 --seed 7 --out run",
            "novate verify run/journal.sqlite",
            "novate report run",
        ],
        "elapsed_s": {"replay": 41.7, "verify": 12.25},
    }


def make_calibration() -> list[dict[str, Any]]:
    return [
        {
            "target": "Open interest",
            "wanted": "4100000000",
            "reached": "4098213377.5",
            "unit": "USDT",
        },
        {
            "target": "Share of the five largest accounts",
            "wanted": "0.30",
            "reached": "0.286",
            "unit": "fraction",
        },
        {"target": "Median leverage of longs", "wanted": "8", "reached": "8.31", "unit": "times"},
    ]


def make_verification() -> dict[str, Any]:
    return {
        "records": 5_760,
        "events": 1_204_551,
        "head_sequence": 5_760,
        "head_hash": hashlib.sha256(b"head").hexdigest(),
        "state_digest": hashlib.sha256(b"state").hexdigest(),
        "conservation": [{"asset": "USDT", "sum": "0"}, {"asset": "BTC", "sum": "0"}],
        "positions": [{"instrument": name, "sum_lots": 0} for name in INSTRUMENTS],
        "audited": True,
        "recovered": True,
    }


def make_story(summary: dict[str, Any]) -> dict[str, Any]:
    worst = summary["worst_accounts"][0]
    facts = [
        (
            5_041,
            "21:02:15",
            "assessed",
            "Equity covers the requirement.",
            "9214310.220000",
            "7004112.500000",
        ),
        (
            5_060,
            "21:06:30",
            "margin_called",
            "Equity fell below the initial margin: a call of 1,284,119.31 USDT.",
            "5719993.190000",
            "7004112.500000",
        ),
        (
            5_079,
            "21:09:45",
            "breached",
            "Equity fell below the maintenance margin: the group is auto-liquidated.",
            "2911870.010000",
            "4669408.330000",
        ),
        (
            5_085,
            "21:11:15",
            "liquidated",
            "The liquidator took the position over at the zero price.",
            "-1830221.400000",
            "0",
        ),
        (
            5_089,
            "21:12:15",
            "loss_allocated",
            "What the collateral did not cover went to the waterfall.",
            "0",
            "0",
        ),
    ]
    rules = (
        "none",
        "initial margin, net scenario 11",
        "maintenance margin, scenario 11",
        "zero price",
        "waterfall order",
    )
    return {
        "reference": worst["reference"],
        "role": worst["role"],
        "member": worst["member"],
        "facts": [
            {
                "sequence": sequence,
                "instant": f"2025-10-10T{clock}Z",
                "kind": kind,
                "text": words,
                "numbers": {
                    "equity": equity,
                    "requirement": required,
                    "mark_price_BTCUSDT": f"{121_000 - 4_100 * place}.50",
                    "rule_that_bound": rules[place],
                },
            }
            for place, (sequence, clock, kind, words, equity, required) in enumerate(facts)
        ],
    }
