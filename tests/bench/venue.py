"""A small clearing house driven through its engine: the end-to-end side of the measurements."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from novate.book.state import SINGLE_ROLES
from novate.canonical import Run
from novate.engine.engine import Engine
from novate.engine.journal import JournalStore
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import OrderKind, Role
from novate.message import command as c
from novate.message.declare import columns_of
from novate.message.parameter import Parameter, set_parameter

MINUTE = 60 * 10**9
START_NS = 1_584_000_000 * 10**9
UNIT = 10**6
INSTRUMENTS = 10
FIRST = len(SINGLE_ROLES) + 2
"""Number of the first margin account: after the house's own, a member and its contribution."""


def _account(reference: str, role: Role, parent: int = -1) -> Run:
    return c.OPEN_ACCOUNT.row(
        reference=reference,
        role=int(role),
        parent=parent,
        segregation=0,
        mode=1,
        shortfall_policy=1,
    )


def opening(accounts: int, seed: int, *, ticks_max: int = 10**8) -> list[Run]:
    """Commands that open the house: assets, contracts with tiers, accounts, deposits."""
    rng = np.random.default_rng(seed)
    runs = [
        c.ADVANCE_TIME.row(instant_ns=START_NS),
        c.DECLARE_ASSET.row(symbol="USDT", decimals=6, haircut_bps=0),
        set_parameter(Parameter.INDEX_SOURCES_MIN, 1),
    ]
    runs.extend(
        c.DECLARE_ASSET.row(symbol=f"C{i}", decimals=8, haircut_bps=1_000)
        for i in range(INSTRUMENTS)
    )
    runs.extend(_account(role.name, role) for role in SINGLE_ROLES)
    member = len(SINGLE_ROLES)
    runs.append(_account("member", Role.MEMBER))
    runs.append(_account("contribution", Role.DEFAULT_FUND, member))
    for i in range(INSTRUMENTS):
        runs.append(
            c.LIST_INSTRUMENT.row(
                symbol=f"C{i}USDT", form=1, style=1, underlying=i + 1, settlement_asset=0,
                tick_e8=10**6, unit=10, ticks_max=ticks_max, lots_max=10**9, maker_fee_ppm=0,
                taker_fee_ppm=400, cycle_ns=480 * MINUTE, funding_ns=480 * MINUTE, expiry_ns=0,
                settlement_window_ns=0, basis_clamp_ppm=10_000, funding_cap_e9=7_500_000,
                funding_damper_e9=500_000, interest_e9=100_000,
            )
        )  # fmt: skip
        for floor, initial, maintenance in (
            (0, 20_000, 10_000), (50_000, 50_000, 25_000), (500_000, 100_000, 50_000),
        ):  # fmt: skip
            runs.append(
                c.SET_TIER.row(
                    instrument=i, floor=floor * UNIT, initial_ppm=initial,
                    maintenance_ppm=maintenance,
                )
            )  # fmt: skip
        runs.append(c.DECLARE_SOURCE.row(symbol=f"s{i}", asset=i + 1, weight=1))
    runs.append(
        c.OPEN_ACCOUNT.run(
            {
                "reference": [f"a{k}" for k in range(accounts)],
                "role": np.full(accounts, int(Role.CLIENT)),
                "parent": np.full(accounts, member),
                "segregation": np.zeros(accounts, np.int64),
                "mode": np.ones(accounts, np.int64),
                "shortfall_policy": np.ones(accounts, np.int64),
            }
        )
    )
    funded = np.concatenate(([0, member + 1], np.arange(FIRST, FIRST + accounts)))
    amounts = rng.lognormal(np.log(3_000 * UNIT), 0.5, len(funded)).astype(np.int64)
    amounts[:2] = 100 * accounts * UNIT
    runs.append(
        c.POST_COLLATERAL.run(
            {"account": funded, "asset": np.zeros(len(funded), np.int64), "amount": amounts}
        )
    )
    return runs


def prices(e8: I64, instant_ns: int) -> list[Run]:
    """One step: the clock, the price of every asset, and the assessment."""
    return [
        c.ADVANCE_TIME.row(instant_ns=instant_ns),
        c.REPORT_PRICE.run(
            {
                "source": np.arange(INSTRUMENTS),
                "price_e8": e8,
                "observed_ns": np.full(INSTRUMENTS, instant_ns),
            }
        ),
        c.ASSESS_MARGIN.row(instant_ns=instant_ns),
    ]


def trades(accounts: int, rows: int, e8: I64, rng: np.random.Generator) -> Run:
    """Trades of about 5,000 numeraire between two margin accounts at the index."""
    instrument = rng.integers(0, INSTRUMENTS, rows)
    buyer = rng.integers(0, accounts, rows)
    seller = (buyer + rng.integers(1, accounts, rows)) % accounts
    ticks = e8[instrument] // 10**6
    lots = np.maximum(rng.lognormal(np.log(5_000 * UNIT), 1.0, rows) / (10 * ticks), 1)
    return c.SUBMIT_TRADE.run(
        {
            "buyer": FIRST + buyer,
            "seller": FIRST + seller,
            "instrument": instrument,
            "ticks": ticks,
            "lots": lots.astype(np.int64),
            "buyer_is_maker": rng.integers(0, 2, rows) == 1,
            "buyer_reservation": np.zeros(rows, np.int64),
            "seller_reservation": np.zeros(rows, np.int64),
        }
    )


def reverse(run: Run) -> Run:
    """The same trades with the sides exchanged."""
    columns = columns_of(run)
    exchanged = {"buyer": columns["seller"], "seller": columns["buyer"]}
    return c.SUBMIT_TRADE.run({**columns, **exchanged})


def deposits(accounts: int, amount: int) -> Run:
    """The same amount of the numeraire for every margin account."""
    return c.POST_COLLATERAL.run(
        {
            "account": np.arange(FIRST, FIRST + accounts),
            "asset": np.zeros(accounts, np.int64),
            "amount": np.full(accounts, amount),
        }
    )


def start_prices() -> I64:
    """First price of every asset, 1e-8 numeraire."""
    return np.arange(1, INSTRUMENTS + 1, dtype=np.int64) * 100 * 10**8


def open_house(journal: JournalStore, accounts: int, held: int, seed: int) -> Engine:
    """An engine with a traded book of about ``held`` positions per account."""
    rng = np.random.default_rng(seed + 1)
    engine = Engine(journal)
    e8 = start_prices()
    engine.submit([*opening(accounts, seed), *prices(e8, START_NS)])
    rest = accounts * held // 2
    while rest > 0:
        engine.submit([trades(accounts, min(rest, 10_000), e8, rng)])
        rest -= 10_000
    return engine


def answers(engine: Engine) -> list[Run]:
    """Fill every order in the outbox a little behind the mark."""
    x, orders = engine.state, engine.state.defaults.orders
    found = orders.live()
    found = found[orders.kind[found] == OrderKind.POSITION]
    if not found.size:
        return []
    quantity = orders.quantity[found]
    mark = x.marks.mark[orders.subject[found]]
    price = np.where(quantity < 0, mark * 995 // 1000, mark * 1005 // 1000)
    return [
        c.REPORT_FILL.run(
            {
                "order": orders.number[found],
                "quantity": np.abs(quantity),
                "price": np.maximum(price, 1),
                "is_final": np.ones(found.size, np.bool_),
            }
        )
    ]


def walk(engine: Engine, steps: int, seed: int, *, crash: float = 0.0) -> None:
    """Take price steps of a minute and fill what is liquidated; ``crash`` is the drift."""
    rng = np.random.default_rng(seed)
    e8 = start_prices().astype(np.float64)
    at_ns = engine.state.now_ns
    for _ in range(steps):
        at_ns += MINUTE
        e8 *= np.exp(rng.normal(crash, 0.001, INSTRUMENTS))
        runs: Sequence[Run] = prices(e8.astype(np.int64), at_ns)
        engine.submit([*runs[:-1], *answers(engine), runs[-1]])
