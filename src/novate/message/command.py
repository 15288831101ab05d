"""Every command of the engine.  Names are imperative; times in ns since 1970 UTC.

Each is declared in the module of its topic, with its events and refusals, and listed here.  Prices
of assets (``*_e8``) are integers in 1e-8 numeraire per whole unit; instrument prices are ticks;
money is ledger units of the asset named, signed from the account holder's view.
"""

from __future__ import annotations

from novate.message.account import OPEN_ACCOUNT, OPEN_SUB_ACCOUNT, SET_MARGIN_GROUP
from novate.message.add_on import SET_ADD_ON
from novate.message.call import CALL_MARGIN, EXPIRE_CALL, MEET_CALL
from novate.message.contract_end import (
    APPROVE_SETTLEMENT,
    DELIST_CONTRACT,
    PROPOSE_SETTLEMENT,
    RESUME_CONTRACT,
    SUSPEND_CONTRACT,
)
from novate.message.control import ADVANCE_TIME, ASSESS_MARGIN, UPGRADE_ENGINE
from novate.message.custody import POST_COLLATERAL, WITHDRAW_COLLATERAL
from novate.message.declare import Message
from novate.message.external_market import SETTLE_EXTERNAL_MARKET
from novate.message.liquidation import (
    EXPIRE_ORDER,
    PLACE_SLICE,
    REPORT_FILL,
    START_LIQUIDATION,
    STOP_LIQUIDATION,
)
from novate.message.liquidation_method import SET_LIQUIDATION_METHOD
from novate.message.listing import LIST_INSTRUMENT, LIST_OPTION
from novate.message.margin_model import SET_MARGIN_MODEL
from novate.message.margin_rule import (
    DECLARE_OPTION_MARGIN,
    ENACT_MARGIN_RULE,
    ENACT_TIERS,
    REPLACE_MARGIN_RULE,
    REPLACE_TIERS,
    SET_TIER,
)
from novate.message.member import SET_MEMBER_STATUS
from novate.message.parameter import ENACT_PARAMETER, SET_PARAMETER
from novate.message.price import REPORT_LAST, REPORT_PRICE
from novate.message.reference import (
    DECLARE_ASSET,
    DECLARE_SOURCE,
    SET_HAIRCUT,
    SET_HAIRCUT_RULE,
    SET_INDEX_METHOD,
    SET_SOURCE_QUOTE,
    SET_SOURCE_WEIGHT,
)
from novate.message.settlement import (
    CHARGE_INTEREST,
    OBSERVE_BARRIER,
    SETTLE_CYCLE,
    SETTLE_EXPIRY,
    SETTLE_FUNDING,
    START_GAINS_WINDOW,
)
from novate.message.surface import REPORT_SURFACE
from novate.message.takeover import (
    RECORD_SHORTFALL,
    REOPEN_ACCOUNT,
    SWEEP_SURPLUS,
    TAKE_OVER,
)
from novate.message.trade import (
    RELEASE_MARGIN,
    REMARGIN_ORDER,
    REQUEST_CANCELLATION,
    RESERVE_MARGIN,
    SUBMIT_TRADE,
)
from novate.message.transfer import TRANSFER_COLLATERAL, TRANSFER_POSITION
from novate.message.waterfall import ALLOCATE_LOSS, DECLARE_WATERFALL, SHARE_UNCOVERED

COMMANDS: tuple[Message, ...] = (
    DECLARE_ASSET, SET_HAIRCUT, SET_HAIRCUT_RULE, DECLARE_SOURCE, SET_SOURCE_WEIGHT,
    SET_SOURCE_QUOTE,
    SET_INDEX_METHOD, LIST_INSTRUMENT, DECLARE_OPTION_MARGIN,
    LIST_OPTION, SET_TIER, REPLACE_TIERS, REPLACE_MARGIN_RULE, SET_PARAMETER,
    DECLARE_WATERFALL, OPEN_ACCOUNT, OPEN_SUB_ACCOUNT, SET_MARGIN_GROUP, SET_MEMBER_STATUS,
    REOPEN_ACCOUNT, POST_COLLATERAL, WITHDRAW_COLLATERAL, TRANSFER_COLLATERAL, TRANSFER_POSITION,
    REPORT_PRICE, REPORT_LAST, REPORT_SURFACE, SUBMIT_TRADE,
    RESERVE_MARGIN, RELEASE_MARGIN, SET_MARGIN_MODEL, SET_ADD_ON, SET_LIQUIDATION_METHOD,
    SUSPEND_CONTRACT, RESUME_CONTRACT, DELIST_CONTRACT, PROPOSE_SETTLEMENT, APPROVE_SETTLEMENT,
    ADVANCE_TIME, ASSESS_MARGIN,
    REPORT_FILL, SETTLE_EXTERNAL_MARKET,
    SETTLE_CYCLE, SETTLE_FUNDING, SETTLE_EXPIRY, OBSERVE_BARRIER,
    CHARGE_INTEREST, START_GAINS_WINDOW, CALL_MARGIN, MEET_CALL, EXPIRE_CALL, START_LIQUIDATION,
    STOP_LIQUIDATION, PLACE_SLICE, EXPIRE_ORDER, TAKE_OVER, RECORD_SHORTFALL, ALLOCATE_LOSS,
    SHARE_UNCOVERED, SWEEP_SURPLUS, ENACT_PARAMETER, ENACT_TIERS, ENACT_MARGIN_RULE, UPGRADE_ENGINE,
    REMARGIN_ORDER, REQUEST_CANCELLATION,
)  # fmt: skip
"""Those of the engine alone come last."""

BY_NAME = {message.name: message for message in COMMANDS}
