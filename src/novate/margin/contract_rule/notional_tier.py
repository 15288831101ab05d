"""Notional tiers with cumulative deduction: how most venues margin futures and perpetuals.

Margin = notional * rate(tier) - deduction(tier).  The deduction of a tier is that of the tier
below plus floor * (rate - rate below), which makes margin continuous and convex in notional; the
venue tables print the maintenance deduction as "maintenance amount" or "cum".
"""

from __future__ import annotations

from novate.instrument.columns import TIERS_MAX
from novate.kernel.clearing.requirement import tier_requirement_of
from novate.kernel.codes import Kind
from novate.market.reference import PPM
from novate.market.state import MarketState
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import SetTierRefusal as No
from novate.message.topic import EVERYBODY, Application, Decision, Topic
from novate.valuation.group_book import GroupBook


def decide_set_tier(state: MarketState, row: Row, emit: Emit) -> Refusal | None:
    """Append a tier; floors ascend from 0, rates do not fall, initial exceeds maintenance."""
    i, floor, instruments = row["instrument"], row["floor"], state.instruments
    initial, maintenance = row["initial_ppm"], row["maintenance_ppm"]
    if i >= instruments.count:
        return Refusal(No.UNKNOWN_INSTRUMENT, i, instruments.count - 1)
    tier = int(instruments.tier_count[i])
    if tier >= TIERS_MAX:
        return Refusal(No.TOO_MANY_TIERS, tier + 1, TIERS_MAX)
    below = float(instruments.tier_floor[i, tier - 1]) if tier else -1.0
    if floor <= below or (tier == 0 and floor != 0):
        return Refusal(No.FLOOR_NOT_ASCENDING, floor, int(below) + 1)
    if not 0 < maintenance <= PPM or not 0 < initial <= PPM:
        return Refusal(No.RATE_OUT_OF_RANGE, max(initial, maintenance), PPM)
    rates = (initial / PPM, maintenance / PPM)
    before = (0.0, 0.0)
    deducted = (0.0, 0.0)
    if tier:
        at = (i, tier - 1)
        before = (float(instruments.initial_rate[at]), float(instruments.maintenance_rate[at]))
        deducted = (
            float(instruments.initial_deduction[at]),
            float(instruments.maintenance_deduction[at]),
        )
    if rates[0] < before[0] or rates[1] < before[1]:
        return Refusal(No.RATE_FALLING, maintenance, round(before[1] * PPM))
    if initial <= maintenance and initial < PPM:
        return Refusal(No.INITIAL_BELOW_MAINTENANCE, initial, maintenance + 1)
    if instruments.kind[i] != Kind.DELTA_ONE:
        return Refusal(No.OPTION_HAS_RULE, int(instruments.kind[i]), int(Kind.DELTA_ONE))
    emit(
        event.TIER_SET,
        tier=tier,
        initial_deduction=deducted[0] + floor * (rates[0] - before[0]),
        maintenance_deduction=deducted[1] + floor * (rates[1] - before[1]),
        **row,
    )
    return None


def apply_tier_set(state: MarketState, row: Row) -> None:
    """Book the tier."""
    instruments = state.instruments
    at = (row["instrument"], row["tier"])
    instruments.tier_floor[at] = row["floor"]
    instruments.initial_rate[at] = row["initial_ppm"] / PPM
    instruments.maintenance_rate[at] = row["maintenance_ppm"] / PPM
    instruments.initial_deduction[at] = row["initial_deduction"]
    instruments.maintenance_deduction[at] = row["maintenance_deduction"]
    instruments.tier_count[row["instrument"]] = row["tier"] + 1


class NotionalTier:
    """Rule of every contract that is no option; numeraire units, rounded up by position.

    Maintenance margin is that of the notional at the mark; initial margin that of the lots held
    when the worse side of the open orders fills.  Source: the tier tables that venues publish.
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
