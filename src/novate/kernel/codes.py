"""Closed sets of small codes that columns store and kernels compare."""

from __future__ import annotations

from enum import IntEnum


class Role(IntEnum):
    """What an account is; what it may do and owes are columns, filled by its role when it opens."""

    MEMBER = 1  # the legal entity; holds neither money nor positions
    HOUSE = 2  # a member's own margin account
    CLIENT = 3  # a margin account of a member's client
    DEFAULT_FUND = 4  # a member's contribution
    INSURANCE_FUND = 5
    SKIN_IN_THE_GAME = 6
    LIQUIDATOR = 7  # ring-fenced: holds what was taken over, nothing else
    FEES = 8
    RESIDUE = 9  # rounding left by cycles and funding
    SETTLEMENT = 10  # holds pending cash of positions settled early, worth zero
    CUSTODY = 11  # the other side of every deposit: minus what the clearing house holds
    EXTERNAL_MARKET = 12  # fills liquidation orders; outside loss sharing and solvency


class Collateral(IntEnum):
    """What may be deposited in an account."""

    NONE = 0
    NUMERAIRE = 1
    ANY = 2


class Segregation(IntEnum):
    """How an account is kept apart from others of the same member."""

    NONE = 0
    HOUSE = 1
    NET_OMNIBUS = 2
    GROSS_OMNIBUS = 3
    INDIVIDUAL = 4


class MarginMode(IntEnum):
    """Cross: all positions share the collateral.  Isolated: one instrument only."""

    CROSS = 1
    ISOLATED = 2


class ShortfallPolicy(IntEnum):
    """What happens when margin runs short."""

    AUTO_LIQUIDATE = 1
    CALL_THEN_DEFAULT = 2


class AccountStatus(IntEnum):
    """Life of a margin account."""

    OPEN = 1
    CALLED = 2
    LIQUIDATING = 3
    TAKEN_OVER = 4


class MemberStatus(IntEnum):
    """Standing of a member, in the status column of its account.

    Apart from `AccountStatus`, but for the first: an account that has just opened is active.
    """

    ACTIVE = 1
    SUSPENDED = 5  # its accounts only reduce risk, until it is active again
    DEFAULTED = 6  # as suspended, for good


class Bound(IntEnum):
    """What a requirement is due to most: which reason bound it."""

    NONE = 0  # nothing is asked
    CONTRACT = 1  # the rule of a contract, for the position that asks most
    SCENARIO = 2  # the worst of the scenarios of a model
    FLOOR = 3  # the least that is asked


class Style(IntEnum):
    """When profit and loss becomes cash."""

    EACH_CYCLE = 1
    AT_CLOSE = 2
    PREMIUM = 3  # the whole value is paid at the trade: options


class Kind(IntEnum):
    """What a contract pays."""

    DELTA_ONE = 0
    EUROPEAN = 1
    DIGITAL = 2  # a fixed payout, or nothing


class Barrier(IntEnum):
    """What a touch of an option's barrier does, and from which side."""

    NONE = 0
    UP_IN = 1
    UP_OUT = 2
    DOWN_IN = 3
    DOWN_OUT = 4


class Monitoring(IntEnum):
    """When a barrier is watched: a term of the contract, for the three are different products."""

    CONTINUOUS = 1  # at every index
    SCHEDULE = 2  # at multiples of an interval
    AT_EXPIRY = 3  # once, against the settlement price


class InstrumentStatus(IntEnum):
    """Life of an instrument."""

    ACTIVE = 1
    EXPIRED = 2


class OrderKind(IntEnum):
    """What an order in the outbox asks the world to do."""

    POSITION = 1  # trade lots of an instrument
    CONVERSION = 2  # trade ledger units of an asset against the numeraire


class Layer(IntEnum):
    """Layers of the waterfall after the defaulter's own collateral."""

    OWN_CONTRIBUTION = 1
    INSURANCE_FUND = 2
    SKIN_IN_THE_GAME = 3
    DEFAULT_FUND = 4
    GAINS_HAIRCUT = 5
    AUTO_DELEVERAGING = 6
    UNCOVERED = 7  # not a layer: what no layer could bear
    NET_WORTH = 20  # not a layer: how what is uncovered is shared in the end


class Origin(IntEnum):
    """Who made a batch of commands."""

    EXTERNAL = 0
    ENGINE = 1
    LINKED = 2  # from outside, and booked together or not at all


class DueKind(IntEnum):
    """Work that an instant makes due; the order of kinds breaks ties of the instant.

    What becomes effective at an instant is in force for its other work, so that its codes are
    below those of the first kinds, which journals hold.
    """

    PARAMETER = -2
    TIERS = -1
    MARGIN_RULE = 0
    FUNDING = 1
    CYCLE = 2
    OBSERVATION = 3
    EXPIRY = 4
    CALL_DEADLINE = 5
    ORDER_LIFE = 6
    SLICE = 7
    INTEREST = 8


NEW_TERMS = (DueKind.PARAMETER, DueKind.TIERS, DueKind.MARGIN_RULE)
"""Work that is done in a record of its own, before the rest of its instant."""


class PricingStatus(IntEnum):
    """Why an element of a pricing call has no number, in the order in which it is tested.

    `AT_KINK` comes with a price and with numbers; the others that are not OK come with NaN.
    """

    OK = 0
    NOT_FINITE = 1  # a NaN or an infinity among the inputs
    SIDE_UNKNOWN = 2  # neither +1 (call, up) nor -1 (put, down)
    FORWARD_NOT_POSITIVE = 3  # forward or spot
    STRIKE_NOT_POSITIVE = 4  # strike, barrier, cash amount
    TIME_NEGATIVE = 5
    VOLATILITY_NEGATIVE = 6
    PRICE_BELOW_INTRINSIC = 7  # no volatility gives so little
    PRICE_ABOVE_MAXIMUM = 8  # no volatility gives so much
    BARRIER_CROSSED = 9  # the spot is beyond a barrier that is still to be touched
    BARRIERS_CROSS = 10  # the lower barrier is not below the upper one
    NOT_CONVERGED = 11
    PARAMETER_OUT_OF_RANGE = 12  # a parameter of the model itself, or no float64 holds the result
    AT_KINK = 13  # priced; Greeks that have no limit here are given as 0


class BarrierState(IntEnum):
    """What has happened to a barrier so far."""

    ALIVE = 0
    TOUCHED = 1  # at this instant: what is paid at the touch is still due
    KNOCKED = 2  # earlier: what was due at the touch has been paid


class BarrierPayoff(IntEnum):
    """What an option with a barrier pays at expiry, if it pays."""

    VANILLA = 0  # price less strike, or strike less price, if positive
    CASH = 1  # an amount, beyond the strike
    ASSET = 2  # units of the underlying, beyond the strike
    CASH_ANYWHERE = 3  # an amount wherever the price ends: a touch or no-touch
    ASSET_ANYWHERE = 4  # units of the underlying wherever the price ends
