"""Every event of the engine.  Names are past tense; an event says all that ``apply`` needs.

Each is declared in the module of its topic and listed here.  Units and signs are those of
`novate.message.command`.  Requirements are journaled where they decided something: ``equity`` and
``requirement`` are numeraire units at that moment.
"""

from __future__ import annotations

from novate.message.account import ACCOUNT_OPENED, MARGIN_GROUP_SET, SUB_ACCOUNT_OPENED
from novate.message.add_on import ADD_ON_SET
from novate.message.call import CALL_EXTENDED, DEFAULT_DECLARED, MARGIN_CALL_MET, MARGIN_CALLED
from novate.message.control import (
    COMMAND_REFUSED,
    ENGINE_UPGRADED,
    MARGIN_ASSESSED,
    TIME_ADVANCED,
)
from novate.message.custody import COLLATERAL_POSTED, COLLATERAL_WITHDRAWN
from novate.message.declare import Message
from novate.message.liquidation import (
    ASSET_CONVERTED,
    LIQUIDATION_STARTED,
    LIQUIDATION_STOPPED,
    ORDER_CLOSED,
    ORDER_FILLED,
    ORDER_PLACED,
    SLICE_SCHEDULED,
)
from novate.message.liquidation_method import LIQUIDATION_METHOD_SET
from novate.message.listing import INSTRUMENT_LISTED, OPTION_LISTED
from novate.message.margin_model import MARGIN_MODEL_SET
from novate.message.margin_rule import (
    MARGIN_RULE_REPLACED,
    MARGIN_RULE_SCHEDULED,
    OPTION_MARGIN_DECLARED,
    OPTION_MARKED,
    TIER_SET,
    TIERS_REPLACED,
    TIERS_SCHEDULED,
)
from novate.message.parameter import PARAMETER_SCHEDULED, PARAMETER_SET
from novate.message.price import INDEX_UPDATED, LAST_REPORTED, MARK_UPDATED, PRICE_REPORTED
from novate.message.reference import (
    ASSET_DECLARED,
    HAIRCUT_RULE_SET,
    HAIRCUT_SET,
    INDEX_METHOD_SET,
    SOURCE_DECLARED,
)
from novate.message.settlement import (
    BARRIER_OBSERVED,
    BARRIER_TOUCHED,
    CONTRACT_EXPIRED,
    CYCLE_POSTPONED,
    CYCLE_SETTLED,
    FUNDING_SETTLED,
    GAINS_WINDOW_STARTED,
    OPTION_EXPIRED,
)
from novate.message.surface import SURFACE_REPORTED
from novate.message.takeover import ACCOUNT_TAKEN_OVER, LOSS_RECORDED, SURPLUS_SWEPT
from novate.message.trade import MARGIN_RELEASED, MARGIN_RESERVED, TRADE_NOVATED
from novate.message.waterfall import (
    GAINS_CUT,
    LOSS_ALLOCATED,
    LOSS_CLOSED,
    POSITION_DELEVERAGED,
    WATERFALL_DECLARED,
)

EVENTS: tuple[Message, ...] = (
    COMMAND_REFUSED, ASSET_DECLARED, HAIRCUT_SET, HAIRCUT_RULE_SET, SOURCE_DECLARED,
    INDEX_METHOD_SET, INSTRUMENT_LISTED,
    OPTION_MARGIN_DECLARED, OPTION_LISTED, SURFACE_REPORTED, OPTION_MARKED, OPTION_EXPIRED,
    BARRIER_TOUCHED, BARRIER_OBSERVED, TIER_SET, TIERS_SCHEDULED, TIERS_REPLACED,
    MARGIN_RULE_SCHEDULED, MARGIN_RULE_REPLACED, PARAMETER_SCHEDULED, PARAMETER_SET,
    WATERFALL_DECLARED,
    ACCOUNT_OPENED, SUB_ACCOUNT_OPENED, MARGIN_GROUP_SET,
    COLLATERAL_POSTED, COLLATERAL_WITHDRAWN, PRICE_REPORTED, INDEX_UPDATED,
    LAST_REPORTED, MARK_UPDATED, TRADE_NOVATED, MARGIN_RESERVED, MARGIN_RELEASED, MARGIN_MODEL_SET,
    ADD_ON_SET, LIQUIDATION_METHOD_SET, TIME_ADVANCED,
    MARGIN_ASSESSED, CYCLE_SETTLED, CYCLE_POSTPONED, FUNDING_SETTLED, CONTRACT_EXPIRED,
    GAINS_WINDOW_STARTED, MARGIN_CALLED, MARGIN_CALL_MET, CALL_EXTENDED, DEFAULT_DECLARED,
    LIQUIDATION_STARTED, LIQUIDATION_STOPPED, ORDER_PLACED, ORDER_CLOSED, SLICE_SCHEDULED,
    ORDER_FILLED, ASSET_CONVERTED, ACCOUNT_TAKEN_OVER, LOSS_RECORDED, LOSS_ALLOCATED, GAINS_CUT,
    POSITION_DELEVERAGED, LOSS_CLOSED, SURPLUS_SWEPT, ENGINE_UPGRADED,
)  # fmt: skip

BY_NAME = {message.name: message for message in EVENTS}
