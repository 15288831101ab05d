"""Follow one account through the journal of a run, and work its numbers out again.

Balances and positions are those that the journal's events leave when they are applied.  Every
figure derived from them (fees, funding, margin, slices, losses) is worked out again here, in plain
Python and from the rules of docs/rulebook.md alone, and compared with what was journaled; the
first difference stops the program.
"""

# ruff: noqa: RUF001  the amounts are for a page that people read: a minus is a minus sign

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from novate.adapter.sqlite_journal import SqliteJournal
from novate.canonical import Record, Run
from novate.engine.apply import apply_run
from novate.engine.batch import Batch, decode_batch
from novate.engine.state import State
from novate.errors import InputError, require
from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import AccountStatus, Layer, Role, ShortfallPolicy
from novate.message.deciding_price import DecidingPrice
from novate.message.declare import columns_of, rows_of
from novate.message.parameter import Parameter, Scope

Row = dict[str, Any]
PPM, E8, E9 = 10**6, 10**8, 10**9
_OWN = {
    "AccountTakenOver", "AssetConverted", "CollateralPosted", "CollateralWithdrawn",
    "DefaultDeclared", "LiquidationStarted", "LiquidationStopped", "LossRecorded", "MarginCalled",
    "OrderFilled", "OrderPlaced", "TradeNovated",
}  # fmt: skip
PREFUNDED = (
    Layer.OWN_CONTRIBUTION, Layer.INSURANCE_FUND, Layer.SKIN_IN_THE_GAME, Layer.DEFAULT_FUND,
)  # fmt: skip


def agree(what: str, expected: object, found: object) -> None:
    """Stop unless a number worked out here is the journaled one."""
    require(expected == found, f"{what}: {expected} by hand is {found} in the journal")


# ---- terms and prices, gathered from events


@dataclass(slots=True)
class Terms:
    """What the journal has declared so far: assets, contracts, tiers, parameters, accounts."""

    assets: list[Row] = field(default_factory=list)
    instruments: list[Row] = field(default_factory=list)
    parameters: dict[int, int] = field(default_factory=dict)
    references: list[str] = field(default_factory=list)
    accounts: list[Row] = field(default_factory=list)
    order: tuple[int, ...] = tuple(int(layer) for layer in PREFUNDED)

    def take(self, run: Run, instant_ns: int) -> None:
        """Take a run of events."""
        handler = self._handlers().get(run.name)
        if handler is not None:
            for row in rows_of(run):
                handler({**row, "at_ns": instant_ns})

    def _handlers(self) -> dict[str, Callable[[Row], Any]]:
        return {
            "AssetDeclared": lambda row: self.assets.append({**row, "price_e8": 0}),
            "HaircutSet": lambda row: self.assets[row["asset"]].update(row),
            "IndexUpdated": lambda row: self.assets[row["asset"]].update(row),
            "InstrumentListed": lambda row: self.instruments.append(
                {**row, "tiers": [], "mark": 0, "funded_ns": 0}
            ),
            "TierSet": lambda row: self.instruments[row["instrument"]]["tiers"].append(row),
            "MarkUpdated": self._mark,
            "FundingSettled": lambda row: self.instruments[row["instrument"]].update(
                funded_ns=row["at_ns"], premium_sum=0, premium_ms=0
            ),
            "ParameterSet": self._parameter,
            "AccountOpened": self._account,
            "WaterfallDeclared": self._waterfall,
        }

    def _mark(self, row: Row) -> None:
        """Keep what the update before said: the slow basis follows from both."""
        own = self.instruments[row["instrument"]]
        kept = {f"before_{name}": own.get(name, 0) for name in ("premium_e9", "slow_basis_e8")}
        elapsed_ns = row["at_ns"] - own["updated_ns"] if own["mark"] else 0
        own.update({**row, **kept, "updated_ns": row["at_ns"], "elapsed_ns": elapsed_ns})

    def _parameter(self, row: Row) -> None:
        """Only what holds for all: the journal that is walked through has no other."""
        if row["scope"] == Scope.HOUSE:
            self.parameters[row["parameter"]] = row["value"]

    def _account(self, row: Row) -> None:
        self.references.append(row["reference"])
        self.accounts.append(row)

    def _waterfall(self, row: Row) -> None:
        self.order = tuple(row[name] for name in ("first", "second", "third", "fourth"))

    def fund(self, layer: int, defaulter: int) -> int:
        """Account behind a prefunded layer of one payer; -1 where there are several or none."""
        role = {
            Layer.OWN_CONTRIBUTION: Role.DEFAULT_FUND,
            Layer.INSURANCE_FUND: Role.INSURANCE_FUND,
            Layer.SKIN_IN_THE_GAME: Role.SKIN_IN_THE_GAME,
        }.get(Layer(layer))
        member = self.accounts[defaulter]["parent"]
        for k, row in enumerate(self.accounts):
            is_own = layer != Layer.OWN_CONTRIBUTION or (row["parent"] == member != -1)
            if row["role"] == role and is_own:
                return k
        return -1

    def unit_price(self, asset: int) -> float:
        """Numeraire units per ledger unit of an asset."""
        own = self.assets[asset]
        first = self.assets[0]["decimals"]
        if asset == 0:
            return 1.0
        return float(own["price_e8"] * 10**first / 10 ** (8 + own["decimals"]))

    def value(self, instrument: int, ticks: int, lots: int) -> int:
        """Signed value of lots in ledger units of the settlement asset."""
        terms = self.instruments[instrument]
        if terms["form"] == LINEAR:
            return int(terms["unit"] * lots * ticks)
        size = (2 * terms["unit"] * abs(lots) + ticks) // (2 * ticks)
        return int(-size if lots > 0 else size)

    def notional(self, instrument: int, lots: int) -> float:
        """Notional at the mark, numeraire units, before rounding."""
        terms = self.instruments[instrument]
        price = self.unit_price(terms["settlement_asset"])
        return abs(self.value(instrument, terms["mark"], lots)) * price

    def tier(self, instrument: int, notional: float, kind: str = "maintenance") -> Row:
        """Tier that holds a notional, with its deduction worked out from the tiers below."""
        deduction, rate = 0.0, 0.0
        found: Row = {"floor": 0, f"{kind}_ppm": PPM, "rate": 1.0, "deduction": 0.0}
        for row in self.instruments[instrument]["tiers"]:
            own = row[f"{kind}_ppm"] / PPM
            deduction = deduction + row["floor"] * (own - rate) if row["tier"] else 0.0
            rate = own
            if row["floor"] <= notional:
                found = {**row, "rate": own, "deduction": deduction}
        return found

    def margin(self, instrument: int, notional: float, kind: str) -> int:
        """Initial or maintenance margin of a notional, numeraire units."""
        tier = self.tier(instrument, notional, kind)
        return math.ceil(notional * tier["rate"] - tier["deduction"]) if notional else 0

    def settling(self, instrument: int, ticks: int, now_ns: int) -> int:
        """What a contract is settled at if a price holds to its expiry (rule 5.100)."""
        own = self.instruments[instrument]
        if own["final_ms"] == 0:
            return max(ticks, 1)
        weight = own["final_ms"] + max(own["expiry_ns"] - now_ns, 0) // PPM
        total = own["final_sum"] + ticks * (weight - own["final_ms"])
        return int(max((2 * total + weight) // (2 * weight), 1))

    def slow_basis(self, instrument: int) -> Row:
        """Work out the last step of a slow basis: its sample, and what it became (rule 5.111)."""
        own, constant_ns = (
            self.instruments[instrument],
            self.parameters[Parameter.BASIS_PROTECTION_NS],
        )
        two = sorted((own["premium_e9"], own["before_premium_e9"]))
        nearer = two[0] if two[0] > 0 else min(two[1], 0)
        expected = self.settling(instrument, own["index"], own["updated_ns"])
        band_e8 = self.band(instrument) * E8
        sample = min(max(nearer * expected // 10, -band_e8), band_e8)
        old, dt = own["before_slow_basis_e8"], own["elapsed_ns"]
        new = old + (sample - old) * dt // (constant_ns + dt) if constant_ns else 0
        return {"nearer": nearer, "sample": sample, "before": old, "elapsed_ns": dt, "after": new}

    def band(self, instrument: int) -> int:
        """How far a mark may be from the index, ticks (rule 5.13)."""
        own = self.instruments[instrument]
        return int(own["index"] * own["basis_clamp_ppm"] // PPM)

    def protected_price(self, instrument: int, now_ns: int) -> int:
        """Protected price of a contract, ticks (rule 5.110)."""
        own, band = self.instruments[instrument], self.band(instrument)
        shift = min(max((2 * own["slow_basis_e8"] + E8) // (2 * E8), -band), band)
        settling = self.settling(instrument, own["index"] + shift, now_ns)
        return min(settling, int(own["ticks_max"]))

    def at_protected(self, now_ns: int) -> Terms:
        """Return the same terms with protected prices in the place of marks."""
        prices = [
            {**own, "mark": self.protected_price(i, now_ns) if own["mark"] else 0}
            for i, own in enumerate(self.instruments)
        ]
        return replace(self, instruments=prices)

    def price_text(self, instrument: int, ticks: int) -> str:
        """Price with its decimals."""
        tick = self.instruments[instrument]["tick_e8"]
        return f"{ticks * tick / E8:,.{max(0, 8 - len(str(tick)) + 1)}f}"

    def amount(self, units: int, asset: int = 0) -> str:
        """Ledger units as decimal text with thousands separators, every digit shown."""
        decimals = self.assets[asset]["decimals"]
        whole, part = divmod(abs(units), 10**decimals)
        sign = "−" if units < 0 else ""
        return f"{sign}{whole:,}.{part:0{decimals}d}" if decimals else f"{sign}{whole:,}"


# ---- one account between two events


@dataclass(frozen=True, slots=True)
class Position:
    """A position as the state holds it."""

    instrument: int
    lots: int
    entry_cost: int
    settlement_cost: int
    realised: int


@dataclass(frozen=True, slots=True)
class View:
    """Balances by asset, positions, status."""

    balance: tuple[int, ...]
    positions: dict[int, Position]
    status: AccountStatus


def view(state: State, account: int) -> View:
    """Copy what the state holds of an account."""
    x = state
    p = x.positions
    rows = (p.used("account") == account).nonzero()[0].tolist()
    positions = [
        Position(
            int(p.instrument[r]),
            int(p.lots[r]),
            int(p.entry_cost[r]),
            int(p.settlement_cost[r]),
            int(p.realised[r]),
        )
        for r in rows
    ]
    return View(
        tuple(int(units) for units in x.accounts.balance[account]),
        {one.instrument: one for one in sorted(positions, key=lambda one: one.instrument)},
        AccountStatus(int(x.accounts.status[account])),
    )


@dataclass(slots=True)
class Assessed:
    """An assessment by hand: one line per position and per asset, and the sums."""

    positions: list[Row] = field(default_factory=list)
    assets: list[Row] = field(default_factory=list)
    equity: int = 0
    net: int = 0
    initial: int = 0
    maintenance: int = 0


def assess(terms: Terms, account: View) -> Assessed:
    """Work out equity, net equity and margin as the rulebook says, for accounts without orders."""
    done = Assessed()
    unsettled = [0] * len(terms.assets)
    for i, held in account.positions.items():
        contract = terms.instruments[i]
        value = terms.value(i, contract["mark"], held.lots)
        pending = value - held.settlement_cost
        unsettled[contract["settlement_asset"]] += pending
        notional = terms.notional(i, held.lots)
        asked = terms.margin(i, notional, "maintenance")
        done.maintenance += asked
        done.initial += terms.margin(i, notional, "initial")
        done.positions.append(
            {"held": held, "mark": contract["mark"], "value": value, "pending": pending,
             "notional": notional, "tier": terms.tier(i, notional), "maintenance": asked}
        )  # fmt: skip
    for asset, balance in enumerate(account.balance):
        total = balance + unsettled[asset]
        price = terms.unit_price(asset)
        keep = (10_000 - terms.assets[asset]["haircut_bps"]) / 10_000
        full = total if asset == 0 else math.floor(total * price)
        counted = math.floor(total * (price * keep)) if asset and total > 0 else full
        done.net += full
        done.equity += counted
        done.assets.append(
            {"asset": asset, "balance": balance, "pending": unsettled[asset], "total": total,
             "full": full, "counted": counted, "price_e8": terms.assets[asset]["price_e8"],
             "haircut_bps": terms.assets[asset]["haircut_bps"]}
        )  # fmt: skip
    return done


# ---- the walk through the journal


@dataclass(slots=True)
class Step:
    """An event of the account, with the account before and after it."""

    sequence: int
    instant_ns: int
    name: str
    row: Row
    before: View
    after: View
    numbers: Row = field(default_factory=dict)
    assessed: Assessed = field(default_factory=Assessed)
    protected: Assessed = field(default_factory=Assessed)


@dataclass(slots=True)
class Walk:
    """Everything the page shows, gathered in one pass."""

    terms: Terms
    account: int = -1
    steps: list[Step] = field(default_factory=list)
    losses: dict[int, Row] = field(default_factory=dict)
    paid: dict[int, list[Row]] = field(default_factory=dict)
    had: dict[int, dict[int, tuple[int, int]]] = field(default_factory=dict)
    records: dict[int, Record] = field(default_factory=dict)
    checks: int = 0

    def of(self, *names: str) -> list[Step]:
        """Steps of some kinds, in order."""
        return [step for step in self.steps if step.name in names]

    def check(self, what: str, expected: object, found: object) -> None:
        """Compare a number worked out here with the journaled one, and count it."""
        agree(what, expected, found)
        self.checks += 1


def follow(journal: SqliteJournal, reference: str) -> Walk:
    """Read a journal from its first record and gather an account's way through it.

    Raises
    ------
    InputError
        If no account has that reference.
    InvariantError
        If a number worked out by hand differs from the journaled one.
    """
    walk, state = Walk(Terms()), State()
    for record in journal.read(1):
        batch = decode_batch(record)
        for run in batch.events:
            _take(walk, state, record, batch, run)
            walk.terms.take(run, record.instant_ns)
            if walk.account < 0 and reference in walk.terms.references:
                walk.account = walk.terms.references.index(reference)
    if walk.account < 0:
        raise InputError(f"account {reference!r} is not in the journal; see accounts.parquet")
    return walk


def choose(journal: SqliteJournal) -> str:
    """Return the account whose way is the fullest and the easiest to follow.

    One that was liquidated, taken over and left a loss; rather with a single trade, then with a
    liquidation that stopped, then with more kinds of collateral, more fills and a larger loss.
    Empty when the run has none.
    """
    trades: Counter[int] = Counter()
    count: dict[str, Counter[int]] = {name: Counter() for name in _OWN}
    assets: dict[int, set[int]] = {}
    lost: Counter[int] = Counter()
    names: list[str] = []
    for record in journal.read(1):
        for run in decode_batch(record).events:
            columns = columns_of(run)
            if run.name == "AccountOpened":
                names.extend(columns["reference"])
            elif run.name == "TradeNovated":
                trades.update(columns["buyer"].tolist() + columns["seller"].tolist())
            elif run.name in _OWN:
                count[run.name].update(columns["account"].tolist())
            if run.name == "CollateralPosted":
                for account, asset in zip(columns["account"], columns["asset"], strict=True):
                    assets.setdefault(int(account), set()).add(int(asset))
            elif run.name == "LossRecorded":
                for row in rows_of(run):
                    lost[row["account"]] += row["amount"]
    whole = [a for a in lost if count["AccountTakenOver"][a] and count["OrderFilled"][a]]
    ranked = sorted(
        whole,
        key=lambda a: (
            trades[a] == 1, count["LiquidationStopped"][a] > 0, len(assets[a]),
            count["OrderFilled"][a], lost[a],
        ),
    )  # fmt: skip
    return names[ranked[-1]] if ranked else ""


def _take(walk: Walk, state: State, record: Record, batch: Batch, run: Run) -> None:
    """Apply one run of events and note what it did to the account."""
    if walk.account < 0 or run.name in {"PriceReported", "LastReported", "OrderClosed"}:
        apply_run(state, run)
        return
    if run.name == "LossAllocated":
        _allocated(walk, state, record, run)
        return
    rows = _mine(walk, state, run)
    before = view(state, walk.account) if rows else None
    apply_run(state, run)
    if run.name == "LossRecorded":
        for row in rows_of(run):
            walk.losses[row["loss"]] = {**row, "sequence": record.sequence}
            walk.paid[row["loss"]] = []
            walk.records.setdefault(record.sequence, record)
    if before is None:
        return
    after = view(state, walk.account)
    walk.records[record.sequence] = record
    steps = [Step(record.sequence, record.instant_ns, run.name, row, before, after) for row in rows]
    for step in steps:
        if run.name in _CHECKS:
            _CHECKS[run.name](walk, step, batch)
    walk.steps.extend(steps)
    if run.name in {"FundingSettled", "CycleSettled"}:
        paid = [0] * len(before.balance)
        for step in steps:
            contract = walk.terms.instruments[step.row["instrument"]]
            paid[contract["settlement_asset"]] += step.numbers["payment"]
        moved = [new - old for new, old in zip(after.balance, before.balance, strict=True)]
        walk.check(f"cash moved by {run.name}", paid, moved)


def _mine(walk: Walk, state: State, run: Run) -> list[Row]:
    """Rows of a run that concern the account."""
    columns = columns_of(run)
    if run.name in {"CycleSettled", "FundingSettled", "ContractExpired"}:
        held = view(state, walk.account).positions
        return [r for r in rows_of(run) if r["instrument"] in held and held[r["instrument"]].lots]
    if run.name == "InterestCharged":
        balance = view(state, walk.account).balance
        return [row for row in rows_of(run) if balance[row["asset"]] < 0]
    if run.name not in _OWN:
        return []
    names = [name for name in ("account", "buyer", "seller") if name in columns]
    if not names:
        return []
    chosen = [k for k in range(run.rows) if any(columns[n][k] == walk.account for n in names)]
    if not chosen:
        return []
    rows = rows_of(run)
    return [rows[k] for k in chosen]


def _allocated(walk: Walk, state: State, record: Record, run: Run) -> None:
    """Note what each payer had before it paid, one row after another."""
    balance = state.accounts.balance
    left: dict[int, int] = {}
    for row in rows_of(run):
        if row["loss"] not in walk.had:
            funds = {k: walk.terms.fund(k, walk.losses[row["loss"]]["account"]) for k in (1, 2, 3)}
            walk.had[row["loss"]] = {
                layer: (fund, left.get(fund, int(balance[fund, 0])))
                for layer, fund in funds.items()
                if fund >= 0
            }
        payer = row["payer"]
        had = left.get(payer, int(balance[payer, 0]))
        left[payer] = had - (row["amount"] if row["layer"] != Layer.UNCOVERED else 0)
        walk.paid[row["loss"]].append({**row, "had": had, "sequence": record.sequence})
    liquidator = {int(a) for a in (state.accounts.used("role") == Role.LIQUIDATOR).nonzero()[0]}
    apply_run(state, run)
    walk.records[record.sequence] = record
    for payer, rest in left.items():
        if payer not in liquidator:
            walk.check("payer's balance", rest, int(balance[payer, 0]))


# ---- checks by hand, one for each kind of event


def _check_trade(walk: Walk, step: Step, batch: Batch) -> None:
    terms, row = walk.terms, step.row
    if row["instrument"] >= len(terms.instruments):
        raise InputError("the account trades options: only accounts of perpetuals are followed")
    contract = terms.instruments[row["instrument"]]
    value = terms.value(row["instrument"], row["ticks"], row["lots"])
    walk.check("value of the trade", value, row["value"])
    [run] = [r for r in batch.commands if r.name == "SubmitTrade"]
    command = rows_of(run)[row["row"]]
    for side, is_maker in (
        ("buyer", command["buyer_is_maker"]),
        ("seller", not command["buyer_is_maker"]),
    ):
        rate = contract["maker_fee_ppm" if is_maker else "taker_fee_ppm"]
        walk.check("fee of the trade", -(-abs(value) * rate // PPM), row[f"{side}_fee"])
    step.numbers = {"command": command}


def _check_funding(walk: Walk, step: Step, _: Batch) -> None:
    terms, row = walk.terms, step.row
    contract = terms.instruments[row["instrument"]]
    since = max(contract["updated_ns"], contract["funded_ns"])
    more = (row["instant_ns"] - since) // PPM
    total = contract["premium_sum"] + contract["premium_e9"] * more
    premium = total // (contract["premium_ms"] + more)
    damper, cap = contract["funding_damper_e9"], contract["funding_cap_e9"]
    rate = premium + min(max(contract["interest_e9"] - premium, -damper), damper)
    walk.check("funding rate", min(max(rate, -cap), cap), row["rate_e9"])
    lots = step.before.positions[row["instrument"]].lots
    size = abs(terms.value(row["instrument"], row["ticks"], lots)) * abs(row["rate_e9"])
    pays = (lots > 0) == (row["rate_e9"] > 0)
    step.numbers = {"premium": premium, "payment": -size // E9 if pays else size // E9}


def _check_interest(walk: Walk, step: Step, _: Batch) -> None:
    asset, rate = step.row["asset"], step.row["rate_e9"]
    owed = -step.before.balance[asset]
    charged = step.before.balance[asset] - step.after.balance[asset]
    step.numbers = {"payment": -charged}
    walk.check("interest on a negative balance", -(-owed * rate // E9), charged)


def _check_cycle(walk: Walk, step: Step, _: Batch) -> None:
    row = step.row
    held = step.before.positions[row["instrument"]]
    value = walk.terms.value(row["instrument"], row["ticks"], held.lots)
    step.numbers = {"value": value, "payment": value - held.settlement_cost}
    walk.check(
        "settlement cost after the cycle",
        value,
        step.after.positions[row["instrument"]].settlement_cost,
    )


def _check_level(walk: Walk, step: Step, _: Batch) -> None:
    step.assessed = assess(walk.terms, step.before)
    level = step.assessed.maintenance
    if step.name == "LiquidationStopped":
        level = -(-level * walk.terms.parameters[Parameter.RELEASE_PPM] // PPM)
        if (
            walk.terms.accounts[walk.account]["shortfall_policy"]
            == ShortfallPolicy.CALL_THEN_DEFAULT
        ):
            level = max(level, step.assessed.initial)
    walk.check("equity", step.assessed.equity, step.row["equity"])
    walk.check("level that equity is compared with", level, step.row["requirement"])
    if step.name == "LiquidationStarted":
        _check_decided(walk, step, lambda done: done.maintenance)


def _check_decided(walk: Walk, step: Step, level_of: Callable[[Assessed], int]) -> None:
    """Assess at the protected prices too, and compare what is told of the prices that decided.

    Where ramp or index prices decided the page does not follow.
    """
    terms, row = walk.terms, step.row
    if row["decided_by"] not in (DecidingPrice.MARK, DecidingPrice.PROTECTED):
        return
    step.protected = assess(terms.at_protected(step.instant_ns), step.before)
    for line in step.protected.positions:
        i = line["held"].instrument
        walk.check(
            "slow basis", terms.slow_basis(i)["after"], terms.instruments[i]["slow_basis_e8"]
        )
        # The terms of an instant move on; these are the ones that decided.
        line["slow"] = {**terms.instruments[i], **terms.slow_basis(i), "band": terms.band(i)}
    rooms = [done.equity - level_of(done) for done in (step.assessed, step.protected)]
    is_protected = rooms[1] > rooms[0]
    best = step.protected if is_protected else step.assessed
    name = DecidingPrice.PROTECTED if is_protected else DecidingPrice.MARK
    walk.check("it fails at both prices", True, max(rooms) < 0)
    walk.check("prices that decided", int(name), row["decided_by"])
    walk.check("what was compared there", best.equity, row["worth"])
    walk.check("what it was compared with", level_of(best), row["level"])


def _check_call(walk: Walk, step: Step, _: Batch) -> None:
    step.assessed = assess(walk.terms, step.before)
    walk.check("equity", step.assessed.equity, step.row["equity"])
    walk.check("initial margin", step.assessed.initial, step.row["requirement"])


def _check_order(walk: Walk, step: Step, _: Batch) -> None:
    row, terms = step.row, walk.terms
    if row["kind"] != 1:
        return
    lots = step.before.positions[row["subject"]].lots
    notional = math.ceil(terms.notional(row["subject"], lots))
    share = terms.parameters[Parameter.SLICE_PPM]
    is_whole = notional <= terms.parameters[Parameter.SLICE_FLOOR]
    size = abs(lots) if is_whole else -(-abs(lots) * share // PPM)
    walk.check("slice", -size if lots > 0 else size, row["quantity"])
    limit = _limit(terms, row, step.instant_ns)
    walk.check(
        "reference of the order", terms.instruments[row["subject"]]["mark"], row["reference"]
    )
    walk.check("limit of the order", limit["limit"], row["limit"])
    step.numbers = {"lots": lots, "notional": notional, "is_whole": is_whole, **limit}


def _limit(terms: Terms, row: Row, now_ns: int) -> Row:
    """Work out the limit of an order in a contract that is no option (rules 11.50 and 11.53)."""
    own, collar = terms.instruments[row["subject"]], terms.parameters[Parameter.TRADE_COLLAR_PPM]
    r, most = own["mark"], own["ticks_max"]
    p = min(terms.settling(row["subject"], own["index"], now_ns), most)
    w = max(r * collar // PPM, 1)
    is_sale = row["quantity"] < 0
    by_mark = max(r - w, 1) if is_sale else min(r + w, most)
    by_index = max(p - w // 2, 1) if is_sale else min(p + w // 2, most)
    limit = min(by_mark, by_index) if is_sale else max(by_mark, by_index)
    if not collar:
        limit = 1 if is_sale else most
    return {
        "collar": collar, "index": p, "width": w, "by_mark": by_mark, "by_index": by_index,
        "limit": limit,
    }  # fmt: skip


def _check_fill(walk: Walk, step: Step, _: Batch) -> None:
    row, terms = step.row, walk.terms
    i = row["instrument"]
    walk.check("value of the fill", terms.value(i, row["ticks"], row["lots"]), row["value"])
    held = step.before.positions[i]
    price = terms.unit_price(terms.instruments[i]["settlement_asset"])
    size = math.ceil(abs(row["value"]) * price)
    mark = terms.value(i, terms.instruments[i]["mark"], row["lots"])
    net = assess(terms, step.before).net + math.floor((mark - row["value"]) * price)
    fee = min(-(-size * terms.parameters[Parameter.LIQUIDATION_FEE_PPM] // PPM), max(net, 0))
    closed = abs(held.entry_cost) * abs(row["lots"]) // abs(held.lots)
    closed = closed if held.entry_cost > 0 else -closed
    step.numbers = {"closed": closed, "realised": -row["value"] - closed}
    if step.before.balance[0] - step.after.balance[0] == row["fee"]:  # the only fill of its run
        walk.check("fee of the fill", fee, row["fee"])
        walk.check(
            "settlement cost after the fill",
            held.settlement_cost + row["value"],
            step.after.positions[i].settlement_cost,
        )


def _check_takeover(walk: Walk, step: Step, _: Batch) -> None:
    step.assessed = assess(walk.terms, step.before)
    walk.check("net equity", step.assessed.net, step.row["equity"])
    walk.check("maintenance margin", step.assessed.maintenance, step.row["maintenance"])
    share = walk.terms.parameters[Parameter.TAKEOVER_PPM]
    _check_decided(walk, step, lambda done: done.maintenance * share // PPM)
    walk.check("what is left of the account", 0, sum(map(abs, step.after.balance)))


_CHECKS: dict[str, Callable[[Walk, Step, Batch], None]] = {
    "TradeNovated": _check_trade,
    "FundingSettled": _check_funding,
    "CycleSettled": _check_cycle,
    "InterestCharged": _check_interest,
    "LiquidationStarted": _check_level,
    "LiquidationStopped": _check_level,
    "OrderPlaced": _check_order,
    "OrderFilled": _check_fill,
    "AccountTakenOver": _check_takeover,
    "MarginCalled": _check_call,
    "DefaultDeclared": _check_call,
}
