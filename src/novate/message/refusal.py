"""Refusal codes: one enum per command, members in the order in which the reasons are tested.

A refusal is an answer, not a fault: it is journaled with the number that broke the rule and the
number that would have passed, and it leaves the state as it was.  Codes are public: documented,
never renamed, never reused.  Each enum is declared in the module of its topic and listed here;
commands of the engine share `EngineCommandRefusal`.
"""

from __future__ import annotations

from enum import IntEnum

from novate.message.account import (
    OpenAccountRefusal,
    OpenSubAccountRefusal,
    SetMarginGroupRefusal,
)
from novate.message.add_on import SetAddOnRefusal
from novate.message.contract_end import (
    ApproveSettlementRefusal,
    DelistContractRefusal,
    ProposeSettlementRefusal,
    ResumeContractRefusal,
    SuspendContractRefusal,
)
from novate.message.control import AdvanceTimeRefusal, EngineCommandRefusal, LinkedRefusal
from novate.message.custody import PostCollateralRefusal, WithdrawCollateralRefusal
from novate.message.external_market import SettleExternalMarketRefusal
from novate.message.liquidation import ReportFillRefusal
from novate.message.liquidation_method import SetLiquidationMethodRefusal
from novate.message.listing import ListInstrumentRefusal, ListOptionRefusal
from novate.message.margin_model import SetMarginModelRefusal
from novate.message.margin_rule import (
    DeclareOptionMarginRefusal,
    ReplaceMarginRuleRefusal,
    ReplaceTiersRefusal,
    SetTierRefusal,
)
from novate.message.member import SetMemberStatusRefusal
from novate.message.parameter import SetParameterRefusal
from novate.message.price import ReportLastRefusal, ReportPriceRefusal
from novate.message.reference import (
    DeclareAssetRefusal,
    DeclareSourceRefusal,
    SetHaircutRefusal,
    SetHaircutRuleRefusal,
    SetIndexMethodRefusal,
    SetSourceQuoteRefusal,
    SetSourceWeightRefusal,
)
from novate.message.surface import ReportSurfaceRefusal
from novate.message.takeover import ReopenAccountRefusal
from novate.message.trade import ReleaseMarginRefusal, ReserveMarginRefusal, SubmitTradeRefusal
from novate.message.transfer import TransferCollateralRefusal, TransferPositionRefusal
from novate.message.waterfall import DeclareWaterfallRefusal

REFUSALS: tuple[type[IntEnum], ...] = (
    DeclareAssetRefusal,
    SetHaircutRefusal,
    SetHaircutRuleRefusal,
    DeclareSourceRefusal,
    SetSourceWeightRefusal,
    SetSourceQuoteRefusal,
    SetIndexMethodRefusal,
    ListInstrumentRefusal,
    DeclareOptionMarginRefusal,
    ListOptionRefusal,
    ReportSurfaceRefusal,
    SetTierRefusal,
    ReplaceTiersRefusal,
    ReplaceMarginRuleRefusal,
    SetParameterRefusal,
    DeclareWaterfallRefusal,
    OpenAccountRefusal,
    OpenSubAccountRefusal,
    SetMarginGroupRefusal,
    SetMemberStatusRefusal,
    ReopenAccountRefusal,
    PostCollateralRefusal,
    WithdrawCollateralRefusal,
    TransferCollateralRefusal,
    TransferPositionRefusal,
    ReportPriceRefusal,
    ReportLastRefusal,
    SubmitTradeRefusal,
    ReserveMarginRefusal,
    ReleaseMarginRefusal,
    SetMarginModelRefusal,
    SetAddOnRefusal,
    SetLiquidationMethodRefusal,
    SuspendContractRefusal,
    ResumeContractRefusal,
    DelistContractRefusal,
    ProposeSettlementRefusal,
    ApproveSettlementRefusal,
    AdvanceTimeRefusal,
    ReportFillRefusal,
    SettleExternalMarketRefusal,
    EngineCommandRefusal,
    LinkedRefusal,
)
