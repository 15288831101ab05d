"""Codes of what a trade is refused for, as kernels use them, and what stands in their place.

They are those of `message.refusal.SubmitTradeRefusal`.
"""

from __future__ import annotations

NO_RESERVATION, UNKNOWN = -1, -2
"""In the place of the row of a reservation: a side has none, or names one that is not open."""

ASK = -1
"""In the place of a code: the models must be asked what limits the shorts of a side."""

ACCEPTED = 0
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
MEMBER_NOT_ACTIVE = 18
ORDERS_UNCOVERED = 19
EXTERNAL_MARKET_OWES = 20
OPEN_INTEREST_TOO_LARGE = 21
INSOLVENT_AT_INDEX = 22
