"""Options of the naive model: listing, smiles, marks, margins, and what they pay."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pytest

from novate.kernel.codes import (
    Barrier,
    InstrumentStatus,
    Kind,
    Monitoring,
    Role,
    Style,
)
from novate.message import refusal
from novate.message.parameter import Parameter
from tests.simulate.naive.market import extend_sums
from tests.simulate.naive.number import AMOUNT_MAX, MS, ceil_div, clamp, half_up, refuse_if
from tests.simulate.naive.world import Instrument, ShortRule, Smile, World

Row = dict[str, Any]
DAY = 86_400 * 10**9
YEAR = 365 * DAY
PRICE_MAX = 10**17
BILLION = 10**9


@pytest.mark.rule("9.1", "15.20")
def declare_option_margin(w: World, row: Row, _: int) -> None:
    code = refusal.DeclareOptionMarginRefusal
    rule = ShortRule(**row)
    taken = not rule.symbol or rule.symbol in [other.symbol for other in w.short_rules]
    refuse_if(taken, code.SYMBOL_TAKEN)
    refuse_if(not 0 < rule.initial_ppm <= 10**6, code.INITIAL_OUT_OF_RANGE)
    refuse_if(not 0 < rule.initial_floor_ppm <= rule.initial_ppm, code.FLOOR_OUT_OF_RANGE)
    refuse_if(not 0 < rule.maintenance_ppm <= 10**6, code.MAINTENANCE_OUT_OF_RANGE)
    for share in (rule.call_value_ppm, rule.put_value_ppm):
        refuse_if(not 0 <= share <= 10**6, code.VALUE_SHARE_OUT_OF_RANGE)
    refuse_if(not 0 <= rule.close_out_ppm <= 10**6, code.CLOSE_OUT_OUT_OF_RANGE)
    refuse_if(not 0 <= rule.expiry_window_ns <= 30 * DAY, code.WINDOW_OUT_OF_RANGE)
    allowed = range(1, 10**6 + 1) if rule.expiry_window_ns else range(1)
    refuse_if(rule.expiry_ppm not in allowed, code.ADD_ON_OUT_OF_RANGE)
    w.short_rules.append(rule)
    w.emit("OptionMarginDeclared", rule=len(w.short_rules), **row)


@pytest.mark.rule("15.18")
def list_option(w: World, row: Row, _: int) -> None:
    code = refusal.ListOptionRefusal
    taken = not row["symbol"] or row["symbol"] in w.instrument_symbols
    refuse_if(taken, code.SYMBOL_TAKEN)
    refuse_if(row["kind"] not in (Kind.EUROPEAN, Kind.DIGITAL), code.UNKNOWN_KIND)
    refuse_if(row["side"] not in (1, -1), code.UNKNOWN_SIDE)
    refuse_if(not 0 < row["underlying"] < len(w.assets), code.UNKNOWN_ASSET)
    refuse_if(row["settlement_asset"] not in (0, row["underlying"]), code.UNKNOWN_ASSET)
    refuse_if(not 0 < row["strike_e8"] <= PRICE_MAX, code.STRIKE_OUT_OF_RANGE)
    pays = row["payout_ticks"]
    right = 1 <= pays <= row["ticks_max"] if row["kind"] == Kind.DIGITAL else pays == 0
    refuse_if(not right, code.PAYOUT_OUT_OF_RANGE)
    refuse_if(not 0 < row["tick_e8"] <= 10**14, code.TICK_OUT_OF_RANGE)
    refuse_if(not 0 < row["unit"] <= AMOUNT_MAX, code.UNIT_OUT_OF_RANGE)
    most = row["unit"] * row["lots_max"] * row["ticks_max"]
    is_small = 0 < row["ticks_max"] <= 10**10 and row["lots_max"] > 0 and most <= AMOUNT_MAX
    refuse_if(not is_small, code.LIMITS_OVERFLOW)
    maker, taker = row["maker_fee_ppm"], row["taker_fee_ppm"]
    is_fair = abs(maker) <= 100_000 and 0 <= taker <= 100_000 and maker + taker >= 0
    refuse_if(not is_fair, code.FEE_OUT_OF_RANGE)
    refuse_if(not 0 <= row["settlement_window_ns"] <= DAY, code.INTERVAL_OUT_OF_RANGE)
    refuse_if(row["expiry_ns"] <= w.now, code.EXPIRY_PASSED)
    refuse_if(not 1 <= row["margin_rule"] <= len(w.short_rules), code.UNKNOWN_RULE)
    barrier_refusals(w, row)
    refuse_if(w.now == 0, code.CLOCK_NOT_SET)
    terms = {**row, "form": 1, "style": Style.PREMIUM, "funding_ns": 0, "cycle_ns": 0}
    i = Instrument(terms, 0, 0, row["expiry_ns"])
    i.next_observation = following_look(w, i)
    w.instruments.append(i)
    w.instrument_symbols.add(row["symbol"])
    w.single(Role.SETTLEMENT).positions[len(w.instruments) - 1]
    w.emit(
        "OptionListed",
        instrument=len(w.instruments) - 1,
        **row,
        next_observation_ns=i.next_observation,
    )


@pytest.mark.rule("15.19")
def barrier_refusals(w: World, row: Row) -> None:
    """The limits of a barrier's terms."""
    code = refusal.ListOptionRefusal
    barrier, watched, every = row["barrier"], row["monitoring"], row["observation_ns"]
    refuse_if(not 0 <= barrier <= 4, code.UNKNOWN_BARRIER)
    refuse_if(not 1 <= watched <= 3 if barrier else watched != 0, code.UNKNOWN_BARRIER)
    right = DAY // 1440 <= every <= 30 * DAY if watched == Monitoring.SCHEDULE else every == 0
    level, rebate = row["barrier_e8"], row["rebate_ticks"]
    if barrier:
        right = right and 1 <= level <= PRICE_MAX and 0 <= rebate <= row["ticks_max"]
    else:
        right = right and level == 0 and rebate == 0
    refuse_if(not right, code.BARRIER_OUT_OF_RANGE)
    price = w.assets[row["underlying"]].price
    crossed = barrier and price and watched != Monitoring.AT_EXPIRY
    refuse_if(bool(crossed and is_beyond(row, price)), code.BARRIER_CROSSED, price, level)


@pytest.mark.rule("9.19")
def is_beyond(terms: Row, price: int) -> bool:
    """Whether a price in 1e-8 is at the barrier or beyond."""
    if terms["barrier"] in (Barrier.UP_IN, Barrier.UP_OUT):
        return bool(price >= terms["barrier_e8"])
    return bool(price <= terms["barrier_e8"])


def is_out(i: Instrument) -> bool:
    return i.terms["barrier"] in (Barrier.UP_OUT, Barrier.DOWN_OUT)


@pytest.mark.rule("9.23")
def following_look(w: World, i: Instrument) -> int:
    """The first multiple of the schedule's interval after now that is not after expiry."""
    every = i.terms["observation_ns"]
    at = (w.now // every + 1) * every if every else 0
    return at if at <= i.terms["expiry_ns"] else 0


@pytest.mark.rule("9.35", "9.36", "9.37", "15.21")
def report_surface(w: World, row: Row, place: int) -> None:
    code = refusal.ReportSurfaceRefusal
    observed, expiry = row["observed_ns"], row["expiry_ns"]
    refuse_if(not 0 < row["underlying"] < len(w.assets), code.UNKNOWN_ASSET)
    refuse_if(observed > w.now, code.OBSERVED_IN_THE_FUTURE, observed, w.now)
    refuse_if(expiry <= w.now, code.EXPIRY_PASSED)
    before = w.smiles.get((row["underlying"], expiry))
    refuse_if(before is not None and observed < before.observed, code.OUT_OF_ORDER)
    ranges = {"carry": (-1, 1), "a": (-10, 10), "b": (0, 2), "m": (-4, 4)}
    wrong = any(
        not lo * BILLION <= row[f"{n}_e9"] <= hi * BILLION for n, (lo, hi) in ranges.items()
    )
    wrong = wrong or abs(row["rho_e9"]) >= BILLION or not 0 < row["sigma_e9"] <= 10 * BILLION
    steep = Fraction(row["b_e9"], BILLION) * (1 + Fraction(abs(row["rho_e9"]), BILLION))
    refuse_if(wrong or steep > 2, code.PARAMETER_OUT_OF_RANGE)
    names = ("carry_e9", "a_e9", "b_e9", "rho_e9", "m_e9", "sigma_e9")
    smile = Smile(*(row[name] / 1e9 for name in names), observed)
    refuse_if(min(density(smile, k) for k in looked_at(smile)) < 0, code.BUTTERFLY_ARBITRAGE)
    years = (expiry - observed) / YEAR
    refuse_if(total_variance(smile, 0.0) > 100.0**2 * years, code.VOLATILITY_OUT_OF_RANGE)
    most = w.parameters[Parameter.SMILE_MOVE_PPM]
    counts = before and before.observed >= w.now - w.parameters[Parameter.SURFACE_STALENESS_NS]
    if before and counts and most:
        old, new = at_the_money(before, expiry), at_the_money(smile, expiry)
        refuse_if(abs(new - old) * 1e6 > most * old, code.VOLATILITY_JUMPS)
    renewed = {(behind["underlying"], behind["expiry_ns"]) for behind in w.run_rows[place + 1 :]}
    refuse_if(crosses(w, row["underlying"], expiry, smile, renewed), code.CALENDAR_ARBITRAGE)
    w.smiles[row["underlying"], expiry] = smile
    w.reported.add(("smile", (row["underlying"], expiry)))
    w.emit("SurfaceReported", **row)


@pytest.mark.rule("9.56", "9.57")
def crosses(
    w: World, underlying: int, expiry: int, smile: Smile, renewed: set[tuple[int, int]]
) -> bool:
    """Whether less variance is ahead of a later expiry than of an earlier one, somewhere."""

    def ahead(s: Smile, end: int, k: float) -> float:
        return max(total_variance(s, k), 0.0) * (end - w.now) / (end - s.observed)

    points = looked_at(smile)
    oldest = w.now - w.parameters[Parameter.SURFACE_STALENESS_NS]
    for (asset, other), s in w.smiles.items():
        if asset != underlying or other == expiry or (asset, other) in renewed:
            continue
        if other <= w.now or s.observed < oldest:
            continue
        early, late = ((s, other), (smile, expiry))[:: 1 if other < expiry else -1]
        if any(ahead(*late, k) < ahead(*early, k) * (1 - 1e-4) for k in points):
            return True
    return False


def at_the_money(s: Smile, expiry: int) -> float:
    """Volatility per year."""
    return math.sqrt(total_variance(s, 0.0) / ((expiry - s.observed) / YEAR))


@pytest.mark.rule("9.34")
def looked_at(s: Smile) -> list[float]:
    """Log-moneynesses around the money and around the vertex, each on its own scale."""
    at_the_money = total_variance(s, 0.0)
    if at_the_money <= 0:
        return [0.0]
    found = []
    for centre, scale in ((0.0, math.sqrt(at_the_money)), (s.m, s.sigma)):
        far = math.asinh(8 / scale)
        found += [centre + scale * math.sinh(far * j / 400) for j in range(-400, 401)]
    return found


@pytest.mark.rule("9.5")
def total_variance(s: Smile, k: float) -> float:
    """Raw SVI."""
    return s.a + s.b * (s.rho * (k - s.m) + math.sqrt((k - s.m) ** 2 + s.sigma**2))


@pytest.mark.rule("9.34")
def density(s: Smile, k: float) -> float:
    """The factor whose sign is that of the implied density."""
    root = math.sqrt((k - s.m) ** 2 + s.sigma**2)
    w = total_variance(s, k)
    if w <= 0:
        return -1.0
    slope = s.b * (s.rho + (k - s.m) / root)
    bend = s.b * s.sigma**2 / root**3
    return (1 - k * slope / (2 * w)) ** 2 - slope**2 / 4 * (1 / w + 0.25) + bend / 2


def normal(x: float) -> float:
    """Standard normal distribution function."""
    return 0.5 * math.erfc(-x / math.sqrt(2))


@dataclass
class Mean:
    """What an option is settled at: what the window has added up, and the mean of the rest of it.

    ``spread`` are the years of which the mean to come has the variance.
    """

    known: float
    rest: float
    spread: float


@pytest.mark.rule("9.50")
def mean_of(w: World, i: Instrument) -> Mean:
    expiry, window = i.terms["expiry_ns"], i.terms["settlement_window_ns"]
    left = max(expiry - w.now, 0)
    before = max(left - window, 0)
    spread = float(Fraction(3 * before + left - before, 3 * YEAR))
    if not i.final_ms:
        return Mean(0.0, 1.0, spread)
    whole = i.final_ms + left // MS
    known = float(Fraction(i.final_sum, whole * 10**8))
    return Mean(known, float(Fraction(left // MS, whole)), spread)


@pytest.mark.rule("9.6", "9.7", "9.8", "9.9", "9.51")
def worth(w: World, i: Instrument, s: Smile, spot: float) -> float:
    """Value of one unit in settlement units: quote or coin."""
    t = i.terms
    side, strike = t["side"], t["strike_e8"] / 1e8
    payout = t["payout_ticks"] * t["tick_e8"] / 1e8
    coin = i.settles_in != 0
    left = max(t["expiry_ns"] - w.now, 0) / YEAR
    span = (t["expiry_ns"] - s.observed) / YEAR
    outright, mean = spot * math.exp(s.carry * left / span), mean_of(w, i)
    forward = mean.known + mean.rest * outright
    years = mean.spread * (mean.rest * outright / forward) ** 2
    vol = math.sqrt(max(total_variance(s, math.log(strike / forward)), 0.0) / span)
    spread = max(vol * math.sqrt(years), 1e-150)
    d1 = math.log(forward / strike) / spread + spread / 2
    d2 = d1 - spread
    flat = normal(side * (d1 if coin else d2))
    if t["kind"] == Kind.DIGITAL:
        plain = payout * steep_share(s, math.log(strike / forward), years / span, side, coin, flat)
    else:
        price = side * (forward * normal(side * d1) - strike * normal(side * d2))
        plain = price / forward if coin else price
    if not t["barrier"] or i.is_knocked:
        return plain
    if t["monitoring"] == Monitoring.AT_EXPIRY:
        return Knock(i, forward, forward, vol, years).worth(plain, flat)
    index = Knock(i, spot, outright, vol, left)
    if mean.rest == 1.0 and mean.spread == left:
        return index.worth(plain, flat)
    return index.worth_of_mean(plain, mean)


@pytest.mark.rule("9.10")
def steep_share(s: Smile, k: float, part: float, side: int, coin: bool, flat: float) -> float:
    """A digital's probability with the slope of the smile: the limit of call spreads."""
    w = total_variance(s, k)
    if w <= 0 or part <= 0:
        return flat
    total = math.sqrt(w * part)
    slope = s.b * (s.rho + (k - s.m) / math.hypot(k - s.m, s.sigma)) * part / (2 * total)
    d = -k / total + (total / 2 if coin else -total / 2)
    density = math.exp(-d * d / 2) / math.sqrt(2 * math.pi)
    return clamp(flat - side * density * slope, 0.0, 1.0)


@pytest.mark.rule("9.30")
class Knock:
    """An option whose barrier was not touched yet: what ends in a region, less its image."""

    def __init__(self, i: Instrument, spot: float, forward: float, vol: float, left: float) -> None:
        t = i.terms
        self.i, self.spot, self.forward = i, spot, forward
        self.spread = max(vol * math.sqrt(left), 1e-150)
        self.up = t["barrier"] in (Barrier.UP_IN, Barrier.UP_OUT)
        self.level = t["barrier_e8"] / 1e8
        self.watched = t["monitoring"] != Monitoring.AT_EXPIRY
        if t["monitoring"] == Monitoring.SCHEDULE:
            away = min(0.5825971579390106 * vol * math.sqrt(t["observation_ns"] / YEAR), 200.0)
            self.level *= math.exp(away if self.up else -away)

    @pytest.mark.rule("9.28", "9.29")
    def between(self, low: float, high: float, shift: float) -> float:
        """Probability to end in (low, high) with the barrier untouched, under one measure.

        ``shift`` is +1 for the measure of the underlying, -1 for that of cash.
        """

        def ends(forward: float) -> float:
            found = [
                normal(math.log(forward / x) / self.spread + shift * self.spread / 2)
                if 0 < x < math.inf
                else float(x <= 0)
                for x in (low, high)
            ]
            return max(found[0] - found[1], 0.0)

        direct = ends(self.forward)
        if not self.watched or self.spread <= 1e-150:
            return direct
        ratio = self.level / self.spot
        power = 2 * math.log(self.forward / self.spot) / self.spread**2 + shift
        image = ends(self.forward * ratio**2) * math.exp(min(power * math.log(ratio), 600.0))
        return max(direct - image, 0.0)

    @pytest.mark.rule("9.31", "9.32", "9.33")
    def worth(self, plain: float, flat: float) -> float:
        t = self.i.terms
        coin, unit = self.i.settles_in != 0, t["tick_e8"] / 1e8
        rebate = t["rebate_ticks"] * unit
        if self.is_over():
            return rebate if is_out(self.i) else plain
        strike, side = t["strike_e8"] / 1e8, t["side"]
        asset, cash = self.paying(strike)
        if t["kind"] == Kind.DIGITAL:
            out = (asset if coin else cash) * (plain / flat if flat > 1e-250 else 1.0)
            if flat <= 1e-250:
                out *= t["payout_ticks"] * unit
        else:
            out = max(side * (self.forward * asset - strike * cash), 0.0)
            out = out / self.forward if coin else out
        out = min(out, plain)
        if is_out(self.i):
            return out + rebate * (1 - self.never())
        return plain - out + rebate * self.never()

    @pytest.mark.rule("9.31")
    def is_over(self) -> bool:
        """Whether a barrier that is watched is at the index or behind it."""
        beyond = self.spot >= self.level if self.up else self.spot <= self.level
        return self.watched and beyond

    def paying(self, strike: float) -> tuple[float, float]:
        """Probabilities, under both measures, to end where it pays with the barrier untouched."""
        low, high = (strike, math.inf) if self.i.terms["side"] > 0 else (0.0, strike)
        low, high = max(low, self.alive[0]), min(high, self.alive[1])
        asset, cash = (self.between(low, max(low, high), s) for s in (1, -1))
        return asset, cash

    @property
    def alive(self) -> tuple[float, float]:
        """On this side of the barrier."""
        return (0.0, self.level) if self.up else (self.level, math.inf)

    def never(self) -> float:
        """Probability of no touch."""
        return min(self.between(*self.alive, 1 if self.i.settles_in else -1), 1.0)

    @pytest.mark.rule("9.52")
    def worth_of_mean(self, plain: float, mean: Mean) -> float:
        """The barrier watches the index, the payoff is that of a mean."""
        t = self.i.terms
        rebate = t["rebate_ticks"] * t["tick_e8"] / 1e8
        if self.is_over():
            return rebate if is_out(self.i) else plain
        share, strike = self.never(), t["strike_e8"] / 1e8 - mean.known
        if strike > 0 and mean.rest > 0:
            strike /= mean.rest
            d = math.log(self.forward / strike) / self.spread
            both = [normal(t["side"] * (d + s * self.spread / 2)) for s in (1, -1)]
            alone, out = (self._pays(strike, pair) for pair in (both, self.paying(strike)))
            if alone > 1e-250:
                share = clamp(out / alone, 0.0, 1.0)
        out = plain * share
        if is_out(self.i):
            return out + rebate * (1 - self.never())
        return plain - out + rebate * self.never()

    def _pays(self, strike: float, both: Sequence[float]) -> float:
        """Worth of a payout of one, or of an option, where it pays with these probabilities."""
        asset, cash = both
        if self.i.terms["kind"] == Kind.DIGITAL:
            return asset if self.i.settles_in else cash
        return max(self.i.terms["side"] * (self.forward * asset - strike * cash), 0.0)


@pytest.mark.rule("9.15", "9.16", "9.17")
def ask(w: World, i: Instrument, index: float, value: float) -> tuple[float, float]:
    """Initial and maintenance margin of a short unit in numeraire."""
    rule = w.short_rule(i)
    side, strike = i.terms["side"], i.terms["strike_e8"] / 1e8
    away = max(side * (strike - index), 0.0)
    initial = max(rule.initial_ppm * index / 1e6 - away, rule.initial_floor_ppm * index / 1e6)
    share = rule.call_value_ppm if side == 1 else rule.put_value_ppm
    maintenance = max(rule.maintenance_ppm * index, share * value) / 1e6
    maintenance += rule.close_out_ppm * index / 1e6
    more = 0.0
    if i.terms["expiry_ns"] - w.now <= rule.expiry_window_ns:
        more = rule.expiry_ppm * index / 1e6
    initial, maintenance = (x + value + more for x in (initial, maintenance))
    return max(initial, maintenance), maintenance


@pytest.mark.rule("9.2")
def update_options(w: World) -> None:
    for number, i in enumerate(w.instruments):
        asset = w.assets[i.terms["underlying"]]
        active = i.status == InstrumentStatus.ACTIVE and i.is_option
        if not active or asset.price == 0 or asset.is_stale:
            continue
        extend_sums(w, i)
        i.index = asset.price
        i.updated = w.now
        smile = w.last_smile(i)
        if smile is not None:
            value_short(w, i, smile, asset.price / 1e8, asset.slow / 1e8)
        w.emit(
            "OptionMarked",
            instrument=number,
            index=i.index,
            mark=i.mark,
            slow=i.slow,
            short_initial=i.short_initial,
            short_maintenance=i.short_maintenance,
            delta_e9=None,
            final_sum=(i.final_sum - i.final_rest) // BILLION,
            final_rest=i.final_rest,
            final_ms=i.final_ms,
        )


@pytest.mark.rule("9.11", "9.12", "9.18")
def value_short(w: World, i: Instrument, smile: Smile, index: float, slow: float) -> None:
    """Marks and margins from a smile."""
    most, tick = i.terms["ticks_max"], i.terms["tick_e8"] / 1e8
    value = worth(w, i, smile, index)
    i.mark = clamp(math.floor(value / tick + 0.5), 1, most)
    i.slow = clamp(math.floor(worth(w, i, smile, slow) / tick + 0.5), 1, most)
    rate = index if i.settles_in else 1.0
    cap = max(i.terms["payout_ticks"], i.terms["rebate_ticks"]) if i.terms["payout_ticks"] else most
    asked = (min(math.ceil(x / (tick * rate) - 1e-6), cap) for x in ask(w, i, index, value * rate))
    initial, maintenance = asked
    if jumps(i):
        rule = w.short_rule(i)
        maintenance = min(max(maintenance, best_reached(w, i, rule.maintenance_ppm)), cap)
        initial = min(max(initial, best_reached(w, i, rule.initial_ppm)), cap)
    i.short_initial, i.short_maintenance = max(initial, maintenance), maintenance


@pytest.mark.rule("9.53")
def jumps(i: Instrument) -> bool:
    """Digitals, and options whose barrier may still be touched."""
    return i.terms["kind"] == Kind.DIGITAL or (i.terms["barrier"] != 0 and not i.is_knocked)


@pytest.mark.rule("9.53", "9.54", "9.55")
def best_reached(w: World, i: Instrument, move: int) -> int:
    """The largest payoff if the index moves by up to ``move`` millionths and stays there."""
    t, price = i.terms, w.assets[i.terms["underlying"]].price
    level = t["barrier_e8"]
    low = max(price * (10**6 - move) // 10**6, 1)
    high = ceil_div(price * (10**6 + move), 10**6)
    rest = max(t["expiry_ns"] - w.now, 0) // MS

    def settled(at: int) -> int:
        if not i.final_ms:
            return at
        return max(half_up(i.final_sum + at * rest, i.final_ms + rest), 1)

    by_price = t["monitoring"] == Monitoring.AT_EXPIRY
    ends = [settled(low), settled(high)] if by_price else [low, high]
    found = []
    for at in (*ends, level - 1, level, level + 1):
        if ends[0] <= at <= ends[1]:
            is_touched = i.is_knocked or (t["barrier"] and is_beyond(t, at))
            final = at if by_price else settled(at)
            if t["barrier"] and bool(is_touched) == is_out(i):
                found.append(t["rebate_ticks"])
            else:
                found.append(plain_payoff(i, final))
    return int(max(found))


@pytest.mark.rule("9.25", "9.27")
def payoff(i: Instrument, final: int) -> int:
    """What a lot pays in ticks at a settlement price in 1e-8."""
    t = i.terms
    if t["barrier"]:
        touched = i.is_knocked
        if t["monitoring"] == Monitoring.AT_EXPIRY:
            touched = is_beyond(t, final)
        if touched == is_out(i):
            return int(t["rebate_ticks"])
    return plain_payoff(i, final)


@pytest.mark.rule("9.39", "9.40")
def plain_payoff(i: Instrument, final: int) -> int:
    """What a lot pays in ticks, of any barrier aside."""
    t = i.terms
    inside = t["side"] * (final - t["strike_e8"])
    if inside <= 0:
        return 0
    if t["kind"] == Kind.DIGITAL:
        return int(t["payout_ticks"])
    exact = Fraction(inside, t["tick_e8"])
    if i.settles_in:
        exact = Fraction(inside * 10**8, final * t["tick_e8"])
    return min(math.floor(exact + Fraction(1, 2)), t["ticks_max"])
