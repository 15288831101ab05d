"""Notional tiers with cumulative deduction: how most venues margin futures and perpetuals.

Margin = notional * rate(tier) - deduction(tier).  The deduction of a tier is that of the tier
below plus floor * (rate - rate below), which makes margin continuous and convex in notional; the
venue tables print the maintenance deduction as "maintenance amount" or "cum".
"""

from __future__ import annotations

from typing import NamedTuple

from novate.instrument.columns import TIERS_MAX, InstrumentColumns
from novate.kernel.clearing.requirement import tier_requirement_of
from novate.kernel.codes import Kind
from novate.market.reference import PPM
from novate.market.state import MarketState
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import SetTierRefusal as No
from novate.message.topic import EVERYBODY, Application, Decision, Topic
from novate.valuation.group_book import GroupBook


class Tier(NamedTuple):
    """A tier of an instrument.

    Attributes
    ----------
    floor
        Lowest notional of the tier, numeraire units.
    initial_rate, maintenance_rate
        Shares of the notional.
    initial_deduction, maintenance_deduction
        Numeraire units taken off the product, not negative (rule 3.8).
    """

    floor: float
    initial_rate: float
    maintenance_rate: float
    initial_deduction: float
    maintenance_deduction: float


BELOW_ALL = Tier(-1.0, 0.0, 0.0, 0.0, 0.0)
"""What the first tier is compared with."""


def tier_at(instruments: InstrumentColumns, i: int, number: int) -> Tier:
    """Return a tier of an instrument, `BELOW_ALL` for number -1."""
    if number < 0:
        return BELOW_ALL
    at = (i, number)
    return Tier(
        float(instruments.tier_floor[at]),
        float(instruments.initial_rate[at]),
        float(instruments.maintenance_rate[at]),
        float(instruments.initial_deduction[at]),
        float(instruments.maintenance_deduction[at]),
    )


def above(before: Tier, floor: int, initial_ppm: int, maintenance_ppm: int) -> Tier:
    """Return the tier that follows another: its deductions make margin continuous at its floor."""
    initial, maintenance = initial_ppm / PPM, maintenance_ppm / PPM
    return Tier(
        float(floor),
        initial,
        maintenance,
        before.initial_deduction + floor * (initial - before.initial_rate),
        before.maintenance_deduction + floor * (maintenance - before.maintenance_rate),
    )


def tier_refusal(
    before: Tier, number: int, floor: int, initial_ppm: int, maintenance_ppm: int
) -> Refusal | None:
    """Return why a tier cannot be the next of its table, or None (rule 15.17).

    Parameters
    ----------
    before, number
        The tier below, `BELOW_ALL` for none, and the number of this one, from 0.
    floor, initial_ppm, maintenance_ppm
        Lowest notional in numeraire units, and rates in 1e-6 of the notional.
    """
    if number >= TIERS_MAX:
        return Refusal(No.TOO_MANY_TIERS, number + 1, TIERS_MAX)
    if floor <= before.floor or (number == 0 and floor != 0):
        return Refusal(No.FLOOR_NOT_ASCENDING, floor, int(before.floor) + 1)
    if not 0 < maintenance_ppm <= PPM or not 0 < initial_ppm <= PPM:
        return Refusal(No.RATE_OUT_OF_RANGE, max(initial_ppm, maintenance_ppm), PPM)
    rates = (initial_ppm / PPM, maintenance_ppm / PPM)
    if rates[0] < before.initial_rate or rates[1] < before.maintenance_rate:
        return Refusal(No.RATE_FALLING, maintenance_ppm, round(before.maintenance_rate * PPM))
    if initial_ppm <= maintenance_ppm and initial_ppm < PPM:
        return Refusal(No.INITIAL_BELOW_MAINTENANCE, initial_ppm, maintenance_ppm + 1)
    return None


def decide_set_tier(state: MarketState, row: Row, emit: Emit) -> Refusal | None:
    """Decide a tier above those of an instrument: `TierSet` (rules 3.7, 3.8 and 15.17).

    Parameters
    ----------
    row
        ``instrument``, ``floor`` in numeraire units, ``initial_ppm`` and ``maintenance_ppm``.

    Returns
    -------
    Refusal | None
        UNKNOWN_INSTRUMENT, a reason of `tier_refusal`, or OPTION_HAS_RULE.
    """
    i, instruments = row["instrument"], state.instruments
    if i >= instruments.count:
        return Refusal(No.UNKNOWN_INSTRUMENT, i, instruments.count - 1)
    tier = int(instruments.tier_count[i])
    terms = (row["floor"], row["initial_ppm"], row["maintenance_ppm"])
    before = tier_at(instruments, i, tier - 1)
    refusal = tier_refusal(before, tier, *terms)
    if refusal is not None:
        return refusal
    if instruments.kind[i] != Kind.DELTA_ONE:
        return Refusal(No.OPTION_HAS_RULE, int(instruments.kind[i]), int(Kind.DELTA_ONE))
    after = above(before, *terms)
    emit(
        event.TIER_SET,
        tier=tier,
        initial_deduction=after.initial_deduction,
        maintenance_deduction=after.maintenance_deduction,
        **row,
    )
    return None


def apply_tier_set(state: MarketState, row: Row) -> None:
    """Put the tier, with its deductions in numeraire units, above those of its instrument."""
    instruments = state.instruments
    at = (row["instrument"], row["tier"])
    instruments.tier_floor[at] = row["floor"]
    instruments.initial_rate[at] = row["initial_ppm"] / PPM
    instruments.maintenance_rate[at] = row["maintenance_ppm"] / PPM
    instruments.initial_deduction[at] = row["initial_deduction"]
    instruments.maintenance_deduction[at] = row["maintenance_deduction"]
    instruments.tier_count[row["instrument"]] = row["tier"] + 1
    state.forget_bound()


class NotionalTier:
    """Rule of every contract that is no option (rules 3.4 to 3.9).

    Maintenance margin is that of the notional at the mark; initial margin that of the lots held
    when the worse side of the open orders fills.  Both are in numeraire units, rounded up by
    position. Source: the tier tables that venues publish.
    """

    name = "notional tier"

    def covers(self, market: MarketState, instrument: int) -> bool:
        """Whether a contract is margined by this rule."""
        return not market.is_option(instrument)

    def margin(self, market: MarketState, book: GroupBook, row: int) -> tuple[int, int, int]:
        """Return initial and maintenance margin of one position, and its tier, from 0."""
        columns = (book.instrument, book.lots, book.buy_lots, book.sell_lots)
        i, lots, buys, sells = (int(column[row]) for column in columns)
        asked = tier_requirement_of(
            market.instrument_arrays(), market.asset_arrays(), i, lots, buys, sells
        )
        return int(asked[0]), int(asked[1]), int(asked[2])


TOPIC: Topic[MarketState] = Topic(
    name="margin tiers",
    decisions=(Decision(command.SET_TIER, decide_set_tier, No),),
    applications=(Application(event.TIER_SET, apply_tier_set, EVERYBODY),),
)
