"""Refusal codes: one enum per command, members in the order in which the reasons are tested.

A refusal is an answer, not a fault: it is journaled with the number that broke the rule and the
number that would have passed, and it leaves the state as it was.  Codes are public: documented,
never renamed, never reused.
"""

from __future__ import annotations

from enum import IntEnum


class DeclareAssetRefusal(IntEnum):
    """Why declaring an asset was refused."""

    SYMBOL_TAKEN = 1
    DECIMALS_OUT_OF_RANGE = 2
    HAIRCUT_OUT_OF_RANGE = 3


class SetHaircutRefusal(IntEnum):
    """Why changing a haircut was refused."""

    UNKNOWN_ASSET = 1
    HAIRCUT_OUT_OF_RANGE = 2


class DeclareSourceRefusal(IntEnum):
    """Why declaring a price source was refused."""

    UNKNOWN_ASSET = 1
    WEIGHT_NOT_POSITIVE = 2


class ListInstrumentRefusal(IntEnum):
    """Why listing a contract was refused."""

    SYMBOL_TAKEN = 1
    UNKNOWN_FORM = 2
    UNKNOWN_STYLE = 3
    UNKNOWN_ASSET = 4
    TICK_OUT_OF_RANGE = 5
    UNIT_OUT_OF_RANGE = 6
    LIMITS_OVERFLOW = 7
    FEE_OUT_OF_RANGE = 8
    INTERVAL_OUT_OF_RANGE = 9
    EXPIRY_PASSED = 10
    CLAMP_OUT_OF_RANGE = 11
    CLOCK_NOT_SET = 12


class DeclareOptionMarginRefusal(IntEnum):
    """Why declaring a rule for short options was refused."""

    SYMBOL_TAKEN = 1
    INITIAL_OUT_OF_RANGE = 2
    FLOOR_OUT_OF_RANGE = 3
    MAINTENANCE_OUT_OF_RANGE = 4
    VALUE_SHARE_OUT_OF_RANGE = 5
    CLOSE_OUT_OUT_OF_RANGE = 6
    WINDOW_OUT_OF_RANGE = 7
    ADD_ON_OUT_OF_RANGE = 8


class ListOptionRefusal(IntEnum):
    """Why listing an option was refused."""

    SYMBOL_TAKEN = 1
    UNKNOWN_KIND = 2
    UNKNOWN_SIDE = 3
    UNKNOWN_ASSET = 4
    STRIKE_OUT_OF_RANGE = 5
    PAYOUT_OUT_OF_RANGE = 6
    TICK_OUT_OF_RANGE = 7
    UNIT_OUT_OF_RANGE = 8
    LIMITS_OVERFLOW = 9
    FEE_OUT_OF_RANGE = 10
    INTERVAL_OUT_OF_RANGE = 11
    EXPIRY_PASSED = 12
    UNKNOWN_RULE = 13
    UNKNOWN_BARRIER = 14
    BARRIER_OUT_OF_RANGE = 15
    BARRIER_CROSSED = 16
    CLOCK_NOT_SET = 17


class ReportSurfaceRefusal(IntEnum):
    """Why a smile was refused."""

    UNKNOWN_ASSET = 1
    OBSERVED_IN_THE_FUTURE = 2
    EXPIRY_PASSED = 3
    OUT_OF_ORDER = 4
    PARAMETER_OUT_OF_RANGE = 5
    BUTTERFLY_ARBITRAGE = 6
    VOLATILITY_OUT_OF_RANGE = 7
    VOLATILITY_JUMPS = 8


class SetTierRefusal(IntEnum):
    """Why appending a margin tier was refused."""

    UNKNOWN_INSTRUMENT = 1
    TOO_MANY_TIERS = 2
    FLOOR_NOT_ASCENDING = 3
    RATE_OUT_OF_RANGE = 4
    RATE_FALLING = 5
    INITIAL_BELOW_MAINTENANCE = 6
    OPTION_HAS_RULE = 7


class SetParameterRefusal(IntEnum):
    """Why setting a parameter was refused."""

    UNKNOWN_PARAMETER = 1
    BELOW_MINIMUM = 2
    ABOVE_MAXIMUM = 3


class DeclareWaterfallRefusal(IntEnum):
    """Why declaring the waterfall was refused."""

    UNKNOWN_LAYER = 1
    LAYER_TWICE = 2
    SHARED_BEFORE_FUND = 3
    UNKNOWN_LAST_LAYER = 4


class OpenAccountRefusal(IntEnum):
    """Why opening an account was refused."""

    REFERENCE_TAKEN = 1
    UNKNOWN_ROLE = 2
    ROLE_TAKEN = 3
    UNKNOWN_MEMBER = 4
    UNKNOWN_MODE = 5
    UNKNOWN_SHORTFALL_POLICY = 6
    UNKNOWN_SEGREGATION = 7


class PostCollateralRefusal(IntEnum):
    """Why a deposit was refused."""

    UNKNOWN_ACCOUNT = 1
    UNKNOWN_ASSET = 2
    AMOUNT_NOT_POSITIVE = 3
    AMOUNT_TOO_LARGE = 4
    ACCOUNT_CLOSED = 5


class WithdrawCollateralRefusal(IntEnum):
    """Why a withdrawal was refused."""

    UNKNOWN_ACCOUNT = 1
    UNKNOWN_ASSET = 2
    AMOUNT_NOT_POSITIVE = 3
    ACCOUNT_NOT_OPEN = 4
    INDEX_STALE = 5
    INSUFFICIENT_BALANCE = 6
    INSUFFICIENT_MARGIN = 7
    GAINS_UNPROVEN = 8


class ReportPriceRefusal(IntEnum):
    """Why a source price was refused."""

    UNKNOWN_SOURCE = 1
    PRICE_OUT_OF_RANGE = 2
    OBSERVED_IN_THE_FUTURE = 3
    OUT_OF_ORDER = 4


class ReportLastRefusal(IntEnum):
    """Why a venue price was refused."""

    UNKNOWN_INSTRUMENT = 1
    PRICE_OUT_OF_RANGE = 2
    INSTRUMENT_NOT_ACTIVE = 3


class SubmitTradeRefusal(IntEnum):
    """Why a trade was refused."""

    UNKNOWN_BUYER = 1
    UNKNOWN_SELLER = 2
    UNKNOWN_INSTRUMENT = 3
    SAME_ACCOUNT = 4
    LOTS_OUT_OF_RANGE = 5
    PRICE_OUT_OF_RANGE = 6
    INSTRUMENT_NOT_ACTIVE = 7
    ACCOUNT_NOT_OPEN = 8
    POSITION_LIMIT = 9
    ISOLATED_ELSEWHERE = 10
    UNKNOWN_RESERVATION = 11
    WORSE_THAN_LIMIT = 12
    AMOUNT_TOO_LARGE = 13
    MARK_MISSING = 14
    INSUFFICIENT_MARGIN = 15
    BELOW_WORTH = 16
    PRICE_BLOCKED = 17


class ReserveMarginRefusal(IntEnum):
    """Why a reservation was refused."""

    UNKNOWN_ACCOUNT = 1
    UNKNOWN_INSTRUMENT = 2
    LOTS_OUT_OF_RANGE = 3
    PRICE_OUT_OF_RANGE = 4
    INSTRUMENT_NOT_ACTIVE = 5
    ACCOUNT_NOT_OPEN = 6
    POSITION_LIMIT = 7
    ISOLATED_ELSEWHERE = 8
    MARK_MISSING = 9
    AMOUNT_TOO_LARGE = 10
    INSUFFICIENT_MARGIN = 11
    PRICE_BLOCKED = 12


class ReleaseMarginRefusal(IntEnum):
    """Why releasing a reservation was refused."""

    UNKNOWN_RESERVATION = 1


class AdvanceTimeRefusal(IntEnum):
    """Why moving the clock was refused."""

    INSTANT_BEFORE_PRESENT = 1
    INSTANT_OUT_OF_RANGE = 2


class ReportFillRefusal(IntEnum):
    """Why an answer to an order was refused."""

    UNKNOWN_ORDER = 1
    ORDER_CLOSED = 2
    QUANTITY_OUT_OF_RANGE = 3
    PRICE_OUT_OF_RANGE = 4
    AMOUNT_TOO_LARGE = 5


class EngineCommandRefusal(IntEnum):
    """Refusals of commands that the engine itself issues: the cause no longer holds."""

    ENGINE_ONLY = 1
    UNKNOWN_SUBJECT = 2
    NOT_DUE = 3
    CAUSE_GONE = 4


class LinkedRefusal(IntEnum):
    """Why a row of linked commands was refused although nothing was wrong with it.

    The number that broke is the place of the row that failed, counted from 0 over all linked rows.
    """

    LINKED = 1000


def refusal_of(command: str, code: int) -> IntEnum:
    """Return the member that a journaled refusal of a command stands for."""
    if code == LinkedRefusal.LINKED:
        return LinkedRefusal.LINKED
    return REFUSALS.get(command, EngineCommandRefusal)(code)


REFUSALS: dict[str, type[IntEnum]] = {
    "DeclareAsset": DeclareAssetRefusal,
    "SetHaircut": SetHaircutRefusal,
    "DeclareSource": DeclareSourceRefusal,
    "ListInstrument": ListInstrumentRefusal,
    "DeclareOptionMargin": DeclareOptionMarginRefusal,
    "ListOption": ListOptionRefusal,
    "SetTier": SetTierRefusal,
    "SetParameter": SetParameterRefusal,
    "DeclareWaterfall": DeclareWaterfallRefusal,
    "OpenAccount": OpenAccountRefusal,
    "PostCollateral": PostCollateralRefusal,
    "WithdrawCollateral": WithdrawCollateralRefusal,
    "ReportPrice": ReportPriceRefusal,
    "ReportLast": ReportLastRefusal,
    "ReportSurface": ReportSurfaceRefusal,
    "SubmitTrade": SubmitTradeRefusal,
    "ReserveMargin": ReserveMarginRefusal,
    "ReleaseMargin": ReleaseMarginRefusal,
    "AdvanceTime": AdvanceTimeRefusal,
    "ReportFill": ReportFillRefusal,
}
"""Refusals by command; commands of the engine share `EngineCommandRefusal`."""
