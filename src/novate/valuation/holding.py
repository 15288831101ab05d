"""Contracts, their market and positions in them as plain columns, and the risk of one unit.

A contract is valued once, one call per kind; everything about books multiplies these rows.  Assets
are dense numbers of one space, so that an underlying and a settlement asset can be the same one.

Two sets of measures are kept.  *Native* ones are plain derivatives of the value v, in the
settlement asset, to the spot S of the underlying with its carry (F/S) held.  *Reporting* ones are
those of the worth w = X v in the reporting currency, X the price of the settlement asset in it.
How X moves with S follows from which of the two is the underlying coin:

- neither, or both: X is held, w' = X v';
- settled in the coin: X goes as S, so that w' = X/S (v + S v') and so on;
- reported in the coin, settled in another asset: X goes as 1/S, w' = X/S (S v' - v).

The part with v is the exposure of the currency that the value itself is; without it w' is the *net
delta* (net transaction delta, premium-adjusted delta): the hedge of someone who counts in the
reporting currency and holds what the position is worth in the settlement asset.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from novate.errors import InputError
from novate.instrument.valued import Market as Quoted
from novate.kernel.clearing.columns import F64, I8, I32, I64
from novate.kernel.clearing.value import INVERSE, LINEAR
from novate.kernel.codes import PricingStatus
from novate.kernel.pricing import black
from novate.valuation import pricing
from novate.valuation.exotic_terms import Exotics
from novate.valuation.kink import level_kinks, settle_infinities

NATIVE = (
    "value", "delta", "gamma", "vega", "theta", "rho",
    "vanna", "volga", "charm", "speed", "colour", "zomma",
)  # fmt: skip
"""Native measures, per 1.00 of quantity, in the settlement asset (see `novate.valuation.pricing`
for signs): derivatives to spot at held carry, per 1.00 of volatility and rate, per year of passing
time with the forward held."""

REPORTING = (*NATIVE, "net_delta", "cash_delta", "cash_gamma")
"""Reporting measures: those of the worth in the reporting currency; ``net_delta`` (see above); and
``cash_delta`` = S w', ``cash_gamma`` = S^2 w'', which may be added over underlyings."""

NO_EXPIRY = 0
"""``expiry_ns`` of spot and of perpetual contracts."""


class Kind(IntEnum):
    """What a contract's value is, for a quantity of 1.00 long."""

    SPOT = 1  # unit * S, settled in the quote currency
    FUTURE = 2  # linear unit * (F - strike); inverse unit * (1/strike - 1/F); perpetuals too
    EUROPEAN = 3  # linear unit * Black-76; inverse unit * Black-76 over the forward
    VALUED = 4  # unit * what its own instrument says, see `Contracts.exotics`


@dataclass(frozen=True, slots=True, kw_only=True)
class Contracts:
    """Terms, one row per contract.

    Attributes
    ----------
    kind
        `Kind`, int8 ``[n]``.
    form
        `novate.LINEAR` or `novate.INVERSE`, int8 ``[n]``.
    underlying, settlement
        Assets, int32 ``[n]``.
    side
        +1.0 call, -1.0 put; not read for other kinds.
    strike
        Strike of an option; the price from which the value of a future counts (entry or last
        settlement); not read for spot.  Quote currency.
    expiry_ns
        Nanoseconds since 1970 UTC, int64 ``[n]``; `NO_EXPIRY` for none.
    unit
        Units of the underlying per 1.00 of quantity; for an inverse future its face value in quote
        currency.
    exotics
        Terms of the VALUED rows, one entry per kind of instrument.  ``strike`` is then that of the
        instrument, for what looks for strikes near the forward.
    """

    kind: I8
    form: I8
    underlying: I32
    settlement: I32
    side: F64
    strike: F64
    expiry_ns: I64
    unit: F64
    exotics: tuple[Exotics, ...] = ()

    def __post_init__(self) -> None:
        _require_columns(self)

    def __len__(self) -> int:
        return len(self.kind)

    @property
    def is_coin(self) -> npt.NDArray[np.bool_]:
        """Whether the settlement asset is the underlying itself."""
        same: npt.NDArray[np.bool_] = self.settlement == self.underlying
        return same

    def take(self, rows: I64) -> Contracts:
        """Return some of the rows."""
        columns = [field.name for field in fields(self) if field.name != "exotics"]
        return Contracts(
            **{name: getattr(self, name)[rows] for name in columns},
            exotics=tuple(exotic.take(rows, len(self)) for exotic in self.exotics),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Prices at one instant, one row per contract.

    Attributes
    ----------
    as_of_ns
        The instant, nanoseconds since 1970 UTC.
    spot, forward
        Of the underlying, to the contract's expiry; quote currency per unit, float64 ``[n]``.  Of a
        VALUED contract without expiry a year ahead, from which its yield is taken.
    vol
        Volatility per year; not read for spot and futures.
    rate
        Continuous per year, discounts linear options.
    settlement_price
        Reporting currency per unit of the settlement asset.
    reporting_asset
        Asset that the reporting currency is, where it may be an underlying; None for none.
    """

    as_of_ns: int
    spot: F64
    forward: F64
    vol: F64
    rate: F64
    settlement_price: F64
    reporting_asset: int | None = None

    def __post_init__(self) -> None:
        _require_columns(self)

    def __len__(self) -> int:
        return len(self.spot)

    def take(self, rows: I64) -> Market:
        """Return some of the rows."""
        return Market(
            as_of_ns=self.as_of_ns,
            spot=self.spot[rows],
            forward=self.forward[rows],
            vol=self.vol[rows],
            rate=self.rate[rows],
            settlement_price=self.settlement_price[rows],
            reporting_asset=self.reporting_asset,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRisk:
    """Value and Greeks of 1.00 of each contract.

    Attributes
    ----------
    native
        ``[len(NATIVE), n]``, settlement asset.
    reporting
        ``[len(REPORTING), n]``, reporting currency.
    status
        `PricingStatus` int8 ``[n]``; the rows of a contract that has no price are NaN, and Greeks
        that have no limit or no float64 are 0 where it is AT_KINK.
    """

    native: F64
    reporting: F64
    status: I8

    @property
    def is_priced(self) -> npt.NDArray[np.bool_]:
        """Whether each contract has a value, ``[n]``."""
        known: npt.NDArray[np.bool_] = (self.status == PricingStatus.OK) | self.is_at_kink
        return known

    @property
    def is_at_kink(self) -> npt.NDArray[np.bool_]:
        """Whether a contract has a value, and Greeks that are given as 0, ``[n]``."""
        known: npt.NDArray[np.bool_] = self.status == PricingStatus.AT_KINK
        return known

    def __getitem__(self, name: str) -> F64:
        """A reporting measure by name, ``[n]``."""
        row: F64 = self.reporting[REPORTING.index(name)]
        return row


def years_to_expiry(contracts: Contracts, as_of_ns: int) -> F64:
    """Return the years of 365 days to expiry; zero where there is no expiry."""
    years = pricing.year_fraction(as_of_ns, contracts.expiry_ns)
    whole: F64 = np.where(contracts.expiry_ns == NO_EXPIRY, 0.0, years)
    return whole


def unit_risk(contracts: Contracts, market: Market, *, touches: bool = False) -> UnitRisk:
    """Value each contract once, one call per kind and form.

    A VALUED contract without an entry in ``exotics`` has no price (PARAMETER_OUT_OF_RANGE).  A
    barrier that is alive with the spot beyond it has none either (BARRIER_CROSSED) or, with
    ``touches``, is touched at this instant: an in option is the vanilla, an out option its rebate.

    Raises
    ------
    InputError
        If the tables have different lengths.
    """
    if len(contracts) != len(market):
        raise InputError(f"market: {len(market)} rows; allowed: {len(contracts)}, as contracts")
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        native, status = _native_rows(contracts, market, touches=touches)
        reporting = reporting_rows(contracts, market, native)
    settle_infinities(native, reporting, status)
    return UnitRisk(native=native, reporting=reporting, status=status)


def _native_rows(contracts: Contracts, market: Market, *, touches: bool) -> tuple[F64, I8]:
    """Return native measures and statuses."""
    status = _status(contracts, market)
    native = np.full((len(NATIVE), len(contracts)), np.nan)
    for value, kind, form in (
        (_spot, Kind.SPOT, LINEAR),
        (_linear_future, Kind.FUTURE, LINEAR),
        (_inverse_future, Kind.FUTURE, INVERSE),
        (_linear_option, Kind.EUROPEAN, LINEAR),
        (_inverse_option, Kind.EUROPEAN, INVERSE),
    ):
        rows = np.flatnonzero(
            (contracts.kind == kind) & (contracts.form == form) & (status == PricingStatus.OK)
        )
        if rows.size:
            native[:, rows] = value(contracts.take(rows), market.take(rows))
    _mark_kinks(contracts, market, status)
    native *= contracts.unit
    for exotic in contracts.exotics:
        rows = exotic.rows
        valuation = exotic.value(_own_market(contracts, market, rows), touches=touches)
        found = contracts.unit[rows] * np.array(valuation[: len(NATIVE)])
        is_known = np.isfinite(market.settlement_price[rows] + contracts.unit[rows])
        own = np.where(is_known, valuation.status, PricingStatus.NOT_FINITE).astype(np.int8)
        _level_exotics(contracts.take(rows), market.take(rows), found, own)
        native[:, rows], status[rows] = found, own
        native[:, rows[~is_known]] = np.nan
    return native, status


def _own_market(contracts: Contracts, market: Market, rows: I64) -> Quoted:
    """Return what an instrument is valued under: the yield that makes the forward."""
    years = years_to_expiry(contracts, market.as_of_ns)[rows]
    with np.errstate(divide="ignore", invalid="ignore"):
        carry = np.log(market.forward[rows] / market.spot[rows]) / np.where(years > 0, years, 1.0)
    return Quoted(
        spot=market.spot[rows],
        years=years,
        vol=market.vol[rows],
        rate=market.rate[rows],
        yield_=market.rate[rows] - carry,
        is_forward_held=True,
    )


def reporting_rows(contracts: Contracts, market: Market, native: F64) -> F64:
    """Return the reporting measures ``[len(REPORTING), n]`` of native ones."""
    X, S = market.settlement_price, market.spot
    out = np.empty((len(REPORTING), native.shape[1]))
    out[: len(NATIVE)] = native * X
    out[REPORTING.index("net_delta")] = native[1] * X
    power = price_powers(contracts, market)
    moved = np.flatnonzero(power)
    if moved.size:
        v, d, g, vega, theta, _, vanna, volga, charm, speed, colour, zomma = native[:, moved]
        S0, e = S[moved], power[moved]
        e2, e3 = e * (e - 1.0) / S0, e * (e - 1.0) * (e - 2.0) / (S0 * S0)
        rows = {
            "delta": e * v + S0 * d,
            "gamma": 2.0 * e * d + S0 * g + e2 * v,
            "vanna": e * vega + S0 * vanna,
            "volga": S0 * volga,
            "charm": e * theta + S0 * charm,
            "speed": 3.0 * e * g + S0 * speed + 3.0 * e2 * d + e3 * v,
            "colour": 2.0 * e * charm + S0 * colour + e2 * theta,
            "zomma": 2.0 * e * vanna + S0 * zomma + e2 * vega,
        }
        for name, row in rows.items():
            out[REPORTING.index(name), moved] = row * (X[moved] / S0)
    out[REPORTING.index("cash_delta")] = S * out[REPORTING.index("delta")]
    out[REPORTING.index("cash_gamma")] = S * S * out[REPORTING.index("gamma")]
    return out


def price_powers(contracts: Contracts, market: Market) -> F64:
    """Return e in X proportional to S^e, ``[n]``: the price of the settlement asset and the spot.

    1 where the settlement asset alone is the underlying, -1 where the reporting currency alone is.
    """
    is_reporting = contracts.underlying == (
        -1 if market.reporting_asset is None else market.reporting_asset
    )
    power: F64 = contracts.is_coin.astype(np.float64) - is_reporting
    return power


def moved_prices(contracts: Contracts, market: Market, ratio: F64) -> F64:
    """Return prices of settlement assets after spots moved by a ratio, ``[n]``."""
    power = price_powers(contracts, market)
    one = np.ones_like(ratio)
    factor = np.where(power > 0.0, ratio, np.where(power < 0.0, one / ratio, one))
    moved: F64 = market.settlement_price * factor
    return moved


# --- native rows of each kind, per unit -----------------------------------------------------------


def _spot(contracts: Contracts, market: Market) -> F64:
    rows = np.zeros((len(NATIVE), len(contracts)))
    rows[0], rows[1] = market.spot, 1.0
    return rows


def _linear_future(contracts: Contracts, market: Market) -> F64:
    rows = np.zeros((len(NATIVE), len(contracts)))
    rows[0], rows[1] = market.forward - contracts.strike, market.forward / market.spot
    return rows


def _inverse_future(contracts: Contracts, market: Market) -> F64:
    """Derivatives of 1/K - 1/F with F = f S."""
    F, S = market.forward, market.spot
    rows = np.zeros((len(NATIVE), len(contracts)))
    rows[0] = (F - contracts.strike) / (F * contracts.strike)
    rows[1] = 1.0 / (F * S)
    rows[2] = -2.0 / (F * S * S)
    rows[NATIVE.index("speed")] = 6.0 / (F * S * S * S)
    return rows


def _linear_option(contracts: Contracts, market: Market) -> F64:
    greeks = pricing.greeks(
        contracts.side, market.forward, contracts.strike,
        years_to_expiry(contracts, market.as_of_ns), market.vol, market.rate,
    )  # fmt: skip
    return _to_spot(np.array(greeks[: len(NATIVE)]), market)


def _inverse_option(contracts: Contracts, market: Market) -> F64:
    greeks = pricing.inverse_greeks(
        contracts.side, market.forward, contracts.strike,
        years_to_expiry(contracts, market.as_of_ns), market.vol,
    )  # fmt: skip
    named = {**greeks._asdict(), "value": greeks.price}
    none = np.zeros(len(contracts))  # a coin premium is not discounted: no rho
    return _to_spot(np.array([named.get(name, none) for name in NATIVE]), market)


def _to_spot(rows: F64, market: Market) -> F64:
    """Turn derivatives to the forward into derivatives to the spot, F/S held."""
    f = market.forward / market.spot
    for name, power in (
        ("delta", 1), ("gamma", 2), ("vanna", 1), ("charm", 1),
        ("speed", 3), ("colour", 2), ("zomma", 2),
    ):  # fmt: skip
        rows[NATIVE.index(name)] *= f**power
    return rows


def _status(contracts: Contracts, market: Market) -> I8:
    """Return why a contract has no price: the tests of Black-76, on what its kind reads."""
    is_option = contracts.kind == Kind.EUROPEAN
    is_spot = contracts.kind == Kind.SPOT
    none = np.zeros(len(contracts))
    status = np.empty(len(contracts), np.int8)
    is_linear = contracts.form == LINEAR
    black.black_status(
        np.where(is_option, contracts.side, 1.0),
        np.where(is_spot, market.spot, market.forward),
        np.where(is_spot, 1.0, contracts.strike),
        np.where(is_option, years_to_expiry(contracts, market.as_of_ns), none),
        np.where(is_option, market.vol, none),
        np.where(is_option & is_linear, market.rate, none),
        status,
    )
    known = (is_option | is_spot | (contracts.kind == Kind.FUTURE)) & (
        is_linear | (~is_spot & (contracts.form == INVERSE))
    )
    finite = np.isfinite(market.spot + market.settlement_price + contracts.unit)
    status[(status == PricingStatus.OK) & (market.spot <= 0.0)] = PricingStatus.FORWARD_NOT_POSITIVE
    status[~finite] = PricingStatus.NOT_FINITE
    status[~known] = PricingStatus.PARAMETER_OUT_OF_RANGE
    return status


def _mark_kinks(contracts: Contracts, market: Market, status: I8) -> None:
    """Say which options have Greeks without a limit."""
    rows = np.flatnonzero((contracts.kind == Kind.EUROPEAN) & (status == PricingStatus.OK))
    own = status[rows]
    years = years_to_expiry(contracts, market.as_of_ns)[rows]
    black.mark_kinks(market.forward[rows], contracts.strike[rows], years, market.vol[rows], own)
    status[rows] = own


def _level_exotics(contracts: Contracts, market: Market, rows: F64, status: I8) -> None:
    """Say which exotics have Greeks without a limit."""
    years = np.maximum(years_to_expiry(contracts, market.as_of_ns), 0.0)
    has_end = contracts.expiry_ns != NO_EXPIRY
    left = np.where(has_end, market.vol * np.sqrt(years), np.inf)
    level_kinks(rows, market.spot, left, contracts.unit, status)


def _require_columns(table: Contracts | Market) -> None:
    """Refuse columns of different lengths."""
    sizes = {
        field.name: np.shape(getattr(table, field.name))
        for field in fields(table)
        if field.name not in ("as_of_ns", "reporting_asset", "exotics")
    }
    if len(set(sizes.values())) > 1 or any(len(shape) != 1 for shape in sizes.values()):
        raise InputError(f"columns of shapes {sizes}; allowed: flat, all of one length")
