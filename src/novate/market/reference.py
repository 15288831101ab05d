"""Declaring assets and price sources, and listing contracts."""

from __future__ import annotations

import numpy as np

from novate.errors import require
from novate.kernel.clearing.bound import AMOUNT_MAX
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.value import INVERSE, LINEAR
from novate.kernel.codes import InstrumentStatus, Style
from novate.market.columns import AssetColumns
from novate.market.price_source import FIRST_METHOD
from novate.market.state import MarketState
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.parameter import Parameter
from novate.message.refusal import (
    DeclareAssetRefusal,
    DeclareSourceRefusal,
    ListInstrumentRefusal,
    SetHaircutRefusal,
    SetSourceWeightRefusal,
)
from novate.message.topic import NOBODY, Application, Decision, Topic

BPS = 10_000
PPM = 1_000_000
MARGIN_STYLES = (Style.EACH_CYCLE, Style.AT_CLOSE)
WEIGHT_MAX = 1_000_000
"""Largest weight of a price source."""

VALUE_MAX = AMOUNT_MAX
"""Largest value of a position in ledger units: sums of a few stay inside 64 bits."""


def decide_declare_asset(state: MarketState, row: Row, emit: Emit) -> Refusal | None:
    """Add an asset; the first is the numeraire and has no haircut."""
    no, assets = DeclareAssetRefusal, state.assets
    if row["symbol"] in assets.symbols or not row["symbol"]:
        return Refusal(no.SYMBOL_TAKEN, assets.count, -1)
    if not 0 <= row["decimals"] <= 12:
        return Refusal(no.DECIMALS_OUT_OF_RANGE, row["decimals"], 12)
    most = BPS if assets.count else 0
    if not 0 <= row["haircut_bps"] <= most:
        return Refusal(no.HAIRCUT_OUT_OF_RANGE, row["haircut_bps"], most)
    emit(event.ASSET_DECLARED, asset=assets.count, **row)
    return None


def append_asset(state: MarketState, row: Row, method: int = FIRST_METHOD) -> None:
    """Append an asset with its index method; only the numeraire has a price from the start."""
    assets = state.assets
    asset = assets.append()
    assets.index_method[asset] = method
    assets.symbols.append(row["symbol"])
    assets.decimals[asset] = row["decimals"]
    apply_haircut_set(state, {"asset": asset, "haircut_bps": row["haircut_bps"]})
    if asset == 0:
        assets.is_stale[0] = False
        set_price(assets, 0, 100_000_000)
        assets.slow_e8[0] = 100_000_000


def set_price(assets: AssetColumns, asset: int, price_e8: int) -> None:
    """Book the index of an asset, and what one of its ledger units is worth.

    The quotient of two integers is rounded once to the nearest float64.
    """
    assets.price_e8[asset] = price_e8
    units = price_e8 * 10 ** int(assets.decimals[0])
    assets.unit_price[asset] = units / 10 ** (8 + int(assets.decimals[asset]))


def decide_set_haircut(state: MarketState, row: Row, emit: Emit) -> Refusal | None:
    """Change a haircut; the numeraire has none."""
    no, assets = SetHaircutRefusal, state.assets
    if not 0 < row["asset"] < assets.count:
        return Refusal(no.UNKNOWN_ASSET, row["asset"], assets.count - 1)
    if not 0 <= row["haircut_bps"] <= BPS:
        return Refusal(no.HAIRCUT_OUT_OF_RANGE, row["haircut_bps"], BPS)
    emit(event.HAIRCUT_SET, **row)
    return None


def apply_haircut_set(state: MarketState, row: Row) -> None:
    """Set the haircut, and what is left of the asset's worth."""
    state.assets.haircut_bps[row["asset"]] = row["haircut_bps"]
    state.assets.collateral_factor[row["asset"]] = full_factor(state.assets, row["asset"])
    state.assets.collateral_factor[row["asset"]] *= state.assets.decay[row["asset"]]


def full_factor(assets: AssetColumns, asset: int) -> float:
    """Return the collateral factor of an asset without decay: what the haircut leaves."""
    return (BPS - int(assets.haircut_bps[asset])) / BPS


def set_decays(state: MarketState, updated: I64) -> None:
    """Let stale indices count less as collateral with their age (rules 2.6 and 5.43).

    The age is the time from the last assessment at which the index was not stale to now.
    """
    a = state.assets
    is_new = ~a.is_stale[updated] | (a.fresh_ns[updated] == 0)
    a.fresh_ns[updated[is_new]] = state.now_ns
    counts_in_full = is_new & (a.decay[updated] == 1.0)  # and did so before
    horizon = state.parameter(Parameter.STALE_HORIZON_NS)
    for asset in updated[~counts_in_full].tolist():
        age = state.now_ns - int(a.fresh_ns[asset])
        a.decay[asset] = max(horizon - age, 0) / horizon if horizon else 1.0
        a.collateral_factor[asset] = full_factor(a, asset) * a.decay[asset]


def decide_declare_source(state: MarketState, row: Row, emit: Emit) -> Refusal | None:
    """Add a price source of an asset other than the numeraire."""
    no, assets = DeclareSourceRefusal, state.assets
    if not 0 < row["asset"] < assets.count:
        return Refusal(no.UNKNOWN_ASSET, row["asset"], assets.count - 1)
    if not 0 < row["weight"] <= WEIGHT_MAX:
        return Refusal(no.WEIGHT_NOT_POSITIVE, row["weight"], 1)
    emit(event.SOURCE_DECLARED, source=state.sources.count, **row)
    return None


def apply_source_declared(state: MarketState, row: Row) -> None:
    """Append the source."""
    sources = state.sources
    source = sources.append()
    sources.symbols.append(row["symbol"])
    sources.asset[source] = row["asset"]
    sources.weight[source] = row["weight"]


def decide_set_source_weight(state: MarketState, row: Row, emit: Emit) -> Refusal | None:
    """Change the weight of a source from its event on; 0 retires it.

    It is never refused for what it leaves an asset with: in an emergency a source must go at once,
    and an index of too few is stale.
    """
    no, sources = SetSourceWeightRefusal, state.sources
    if row["source"] >= sources.count:
        return Refusal(no.UNKNOWN_SOURCE, row["source"], sources.count - 1)
    if not 0 <= row["weight"] <= WEIGHT_MAX:
        return Refusal(no.WEIGHT_OUT_OF_RANGE, row["weight"], WEIGHT_MAX)
    emit(event.SOURCE_WEIGHT_SET, **row)
    return None


def apply_source_weight_set(state: MarketState, row: Row) -> None:
    """Set the weight."""
    state.sources.weight[row["source"]] = row["weight"]


def decide_list_instrument(state: MarketState, row: Row, emit: Emit) -> Refusal | None:
    """List a contract whose largest position can be valued in 64 bits at any accepted price."""
    refusal = _terms_refusal(state, row)
    if refusal is not None:
        return refusal
    emit(
        event.INSTRUMENT_LISTED,
        instrument=state.instruments.count,
        next_cycle_ns=_next_multiple(state.now_ns, row["cycle_ns"]),
        next_funding_ns=_next_multiple(state.now_ns, row["funding_ns"]),
        **row,
    )
    return None


def _terms_refusal(state: MarketState, row: Row) -> Refusal | None:
    instruments, assets, now_ns = state.instruments, state.assets, state.now_ns
    no = ListInstrumentRefusal
    most = VALUE_MAX // max(row["unit"], 1)
    if row["form"] == LINEAR:
        most //= max(row["ticks_max"], 1)
    day = 86_400 * 10**9
    checks = (
        (row["symbol"] not in instruments.symbols and row["symbol"], no.SYMBOL_TAKEN, 0, 0),
        (row["form"] in (LINEAR, INVERSE), no.UNKNOWN_FORM, row["form"], INVERSE),
        (row["style"] in MARGIN_STYLES, no.UNKNOWN_STYLE, row["style"], int(Style.AT_CLOSE)),
        (0 < row["underlying"] < assets.count, no.UNKNOWN_ASSET, row["underlying"], assets.count),
        (
            0 <= row["settlement_asset"] < assets.count,
            no.UNKNOWN_ASSET, row["settlement_asset"], assets.count,
        ),
        (0 < row["tick_e8"] <= 10**14, no.TICK_OUT_OF_RANGE, row["tick_e8"], 10**14),
        (0 < row["unit"] <= VALUE_MAX, no.UNIT_OUT_OF_RANGE, row["unit"], VALUE_MAX),
        (
            0 < row["ticks_max"] <= 10**10 and 0 < row["lots_max"] <= most,
            no.LIMITS_OVERFLOW, row["lots_max"], most,
        ),
        (
            abs(row["maker_fee_ppm"]) <= PPM // 10 and 0 <= row["taker_fee_ppm"] <= PPM // 10
            and row["maker_fee_ppm"] + row["taker_fee_ppm"] >= 0,
            no.FEE_OUT_OF_RANGE, row["maker_fee_ppm"], PPM // 10,
        ),
        (
            _is_interval(row["cycle_ns"]) and _is_interval(row["funding_ns"])
            and 0 <= row["settlement_window_ns"] <= day,
            no.INTERVAL_OUT_OF_RANGE, row["cycle_ns"], 30 * day,
        ),
        (
            row["expiry_ns"] == 0 or row["expiry_ns"] > now_ns,
            no.EXPIRY_PASSED, row["expiry_ns"], now_ns + 1,
        ),
        (
            0 <= row["basis_clamp_ppm"] <= PPM and 0 <= row["funding_cap_e9"] <= 10**9
            and 0 <= row["funding_damper_e9"] <= 10**9 and abs(row["interest_e9"]) <= 10**9,
            no.CLAMP_OUT_OF_RANGE, row["basis_clamp_ppm"], PPM,
        ),
        (now_ns > 0, no.CLOCK_NOT_SET, now_ns, 1),
    )  # fmt: skip
    for holds, code, actual, allowed in checks:
        if not holds:
            return Refusal(code, actual, allowed)
    return None


def _is_interval(interval_ns: int) -> bool:
    """Whether an interval is none, or between a minute and thirty days."""
    return interval_ns == 0 or 60 * 10**9 <= interval_ns <= 30 * 86_400 * 10**9


def _next_multiple(now_ns: int, interval_ns: int) -> int:
    """First multiple of the interval after now, 0 without an interval."""
    return (now_ns // interval_ns + 1) * interval_ns if interval_ns else 0


def set_stale_add_ons(state: MarketState, asset: int) -> None:
    """Let margin of contracts on an asset, or paid in it, ask more with the age of a stale index.

    Rule 5.44: ``ceil(stale_add_on_ppm * age / horizon)`` of the notional, at most all of it; the
    larger age of underlying and settlement asset counts.
    """
    assets, c = state.assets, state.instruments
    if not (assets.is_stale[asset] or state.is_aged()):
        return
    horizon = state.parameter(Parameter.STALE_HORIZON_NS)
    age = np.where(assets.used("is_stale"), state.now_ns - assets.used("fresh_ns"), 0)
    age[0] = 0
    is_meant = (c.used("underlying") == asset) | (c.used("settlement_asset") == asset)
    is_meant &= c.used("status") == int(InstrumentStatus.ACTIVE)
    most = state.by_instrument(Parameter.STALE_ADD_ON_PPM)
    for i in np.flatnonzero(is_meant).tolist():
        oldest = int(max(age[c.underlying[i]], age[c.settlement_asset[i]]))
        share = -(-int(most[i]) * oldest // horizon) if horizon else 0
        c.stale_ppm[i] = min(share, PPM) if state.marks.mark[i] > 0 else 0
    state.forget_age()


def append_instrument(state: MarketState, row: Row) -> None:
    """Append a contract and its price row."""
    instruments = state.instruments
    number = instruments.append()
    require(state.marks.append() == number, "marks and instruments have the same rows")
    instruments.symbols.append(row["symbol"])
    for name, value in row.items():
        if name not in ("instrument", "symbol"):
            getattr(instruments, name)[number] = value
    instruments.next_expiry_ns[number] = row["expiry_ns"]
    state.enter_contract(number)


TOPIC: Topic[MarketState] = Topic(
    name="reference data",
    decisions=(
        Decision(command.SET_HAIRCUT, decide_set_haircut, SetHaircutRefusal, is_before_house=True),
        Decision(
            command.DECLARE_SOURCE,
            decide_declare_source,
            DeclareSourceRefusal,
            is_before_house=True,
        ),
        Decision(
            command.SET_SOURCE_WEIGHT,
            decide_set_source_weight,
            SetSourceWeightRefusal,
            is_before_house=True,
        ),
    ),
    applications=(
        Application(event.HAIRCUT_SET, apply_haircut_set, NOBODY),
        Application(event.SOURCE_DECLARED, apply_source_declared, NOBODY),
        Application(event.SOURCE_WEIGHT_SET, apply_source_weight_set, NOBODY),
    ),
)
