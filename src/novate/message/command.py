"""Every command of the engine.  Names are imperative; times in ns since 1970 UTC.

Prices of assets (``*_e8``) are integers in 1e-8 numeraire per whole unit; instrument prices are
ticks; money is ledger units of the asset named, signed from the account holder's view.
"""

from __future__ import annotations

from novate.message.declare import TEXT, Field, Message


def _command(name: str, doc: str, *fields: Field) -> Message:
    return Message(name, 1, fields, doc)


DECLARE_ASSET = _command(
    "DeclareAsset",
    "Add an asset; the first one is the numeraire, whose price is 1.",
    Field("symbol", TEXT, "ticker of the asset"),
    Field("decimals", "int64", "ledger decimals, 0 to 12"),
    Field("haircut_bps", "int64", "collateral haircut in basis points, 0 for the numeraire"),
)
SET_HAIRCUT = _command(
    "SetHaircut",
    "Change the collateral haircut of an asset.",
    Field("asset", "uint32", "asset"),
    Field("haircut_bps", "int64", "basis points, 0 to 10000"),
)
DECLARE_SOURCE = _command(
    "DeclareSource",
    "Add a price source of an asset's index.",
    Field("symbol", TEXT, "name of the source"),
    Field("asset", "uint32", "asset whose price it reports"),
    Field("weight", "int64", "weight in the median, positive"),
)
LIST_INSTRUMENT = _command(
    "ListInstrument",
    "Add a contract with its terms.",
    Field("symbol", TEXT, "ticker of the contract"),
    Field("form", "int8", "settlement form: 1 linear, 2 inverse"),
    Field("style", "int8", "settlement style: 1 each cycle, 2 at close"),
    Field("underlying", "uint32", "asset whose index prices it"),
    Field("settlement_asset", "uint32", "asset of its cash flows"),
    Field("tick_e8", "int64", "tick size in 1e-8 numeraire"),
    Field("unit", "int64", "value unit, see kernel.value"),
    Field("ticks_max", "int64", "highest price accepted, in ticks"),
    Field("lots_max", "int64", "largest position accepted, in lots"),
    Field("maker_fee_ppm", "int64", "maker fee of value, negative is a rebate"),
    Field("taker_fee_ppm", "int64", "taker fee of value"),
    Field("cycle_ns", "int64", "interval of variation-margin cycles, 0 for none"),
    Field("funding_ns", "int64", "funding interval, 0 for none"),
    Field("expiry_ns", "int64", "expiry instant, 0 for a perpetual"),
    Field("settlement_window_ns", "int64", "length of the time average of the final price"),
    Field("basis_clamp_ppm", "int64", "largest distance of mark from index"),
    Field("funding_cap_e9", "int64", "largest funding rate per period, in 1e-9"),
    Field("funding_damper_e9", "int64", "clamp of interest minus premium, in 1e-9"),
    Field("interest_e9", "int64", "interest per funding period, in 1e-9"),
)
DECLARE_OPTION_MARGIN = _command(
    "DeclareOptionMargin",
    "Add a rule for the margin of short options; shares in 1e-6 of the index or of the value.",
    Field("symbol", TEXT, "name of the rule"),
    Field("initial_ppm", "int64", "initial margin before what it is out of the money, of index"),
    Field("initial_floor_ppm", "int64", "least initial margin, of index"),
    Field("maintenance_ppm", "int64", "maintenance margin, of index"),
    Field("call_value_ppm", "int64", "least maintenance margin of a call, of its value"),
    Field("put_value_ppm", "int64", "least maintenance margin of a put, of its value"),
    Field("close_out_ppm", "int64", "cost of closing in the maintenance margin, of index"),
    Field("entry_counts", "bool", "whether a dearer entry price counts for the initial margin"),
    Field("expiry_window_ns", "int64", "time before expiry in which more is asked, 0 for none"),
    Field("expiry_ppm", "int64", "how much more, of index; 0 without a window"),
)
LIST_OPTION = _command(
    "ListOption",
    "Add an option: its premium is paid at the trade, its payoff at expiry.",
    Field("symbol", TEXT, "ticker of the contract"),
    Field("kind", "int8", "kernel.codes.Kind: 1 European, 2 digital"),
    Field("side", "int8", "1 call, -1 put"),
    Field("underlying", "uint32", "asset whose index prices it and settles it"),
    Field("settlement_asset", "uint32", "asset of its cash flows: the numeraire or the underlying"),
    Field("strike_e8", "int64", "strike in 1e-8 numeraire"),
    Field("payout_ticks", "int64", "what a lot of a digital pays, in ticks; 0 for others"),
    Field("tick_e8", "int64", "tick size in 1e-8 of the settlement asset"),
    Field("unit", "int64", "ledger units of the settlement asset per tick and lot"),
    Field("ticks_max", "int64", "highest price accepted and highest payoff, in ticks"),
    Field("lots_max", "int64", "largest position accepted, in lots"),
    Field("maker_fee_ppm", "int64", "maker fee of the premium, negative is a rebate"),
    Field("taker_fee_ppm", "int64", "taker fee of the premium"),
    Field("expiry_ns", "int64", "expiry instant"),
    Field("settlement_window_ns", "int64", "length of the time average of the final price"),
    Field("margin_rule", "int64", "declared rule for shorts, from 1"),
    Field("barrier", "int8", "0 none, 1 up and in, 2 up and out, 3 down and in, 4 down and out"),
    Field("barrier_e8", "int64", "level in 1e-8 numeraire, 0 without a barrier"),
    Field("monitoring", "int8", "1 every index, 2 a schedule, 3 at expiry; 0 without a barrier"),
    Field("observation_ns", "int64", "interval of a schedule, else 0"),
    Field("rebate_ticks", "int64", "paid at the touch (out), or at expiry without one (in)"),
)
SET_TIER = _command(
    "SetTier",
    "Append a margin tier to an instrument; floors ascend, rates do not fall.",
    Field("instrument", "uint32", "instrument"),
    Field("floor", "int64", "notional where the tier starts, numeraire units"),
    Field("initial_ppm", "int64", "initial margin rate in 1e-6 of notional"),
    Field("maintenance_ppm", "int64", "maintenance margin rate in 1e-6 of notional"),
)
SET_PARAMETER = _command(
    "SetParameter",
    "Set one risk parameter of the clearing house.",
    Field("parameter", "int64", "number of the parameter"),
    Field("value", "int64", "value in the parameter's unit"),
)
DECLARE_WATERFALL = _command(
    "DeclareWaterfall",
    "Declare the order of loss absorption after the defaulter's collateral.",
    Field("first", "int8", "layer"),
    Field("second", "int8", "layer"),
    Field("third", "int8", "layer"),
    Field("fourth", "int8", "layer"),
    Field("last", "int8", "5 gains haircut or 6 auto-deleveraging"),
)
OPEN_ACCOUNT = _command(
    "OpenAccount",
    "Open an account under a member, or one of the clearing house's own.",
    Field("reference", TEXT, "name outside"),
    Field("role", "int8", "kernel.codes.Role"),
    Field("parent", "int64", "account of the member, -1 for none"),
    Field("segregation", "int8", "kernel.codes.Segregation"),
    Field("mode", "int8", "1 cross, 2 isolated"),
    Field("shortfall_policy", "int8", "1 auto-liquidate, 2 call then default"),
)
POST_COLLATERAL = _command(
    "PostCollateral",
    "Credit a deposit; custody takes the other side.",
    Field("account", "uint32", "account"),
    Field("asset", "uint32", "asset"),
    Field("amount", "int64", "ledger units, positive"),
)
WITHDRAW_COLLATERAL = _command(
    "WithdrawCollateral",
    "Pay collateral out, if what stays covers initial margin and the cost of liquidation.",
    Field("account", "uint32", "account"),
    Field("asset", "uint32", "asset"),
    Field("amount", "int64", "ledger units, positive"),
)
REPORT_PRICE = _command(
    "ReportPrice",
    "A source reports the price of its asset.",
    Field("source", "uint32", "source"),
    Field("price_e8", "int64", "price in 1e-8 numeraire"),
    Field("observed_ns", "int64", "when the source saw it; not in the future"),
)
REPORT_LAST = _command(
    "ReportLast",
    "The venue reports the price at which a contract trades (impact mid or last).",
    Field("instrument", "uint32", "instrument"),
    Field("ticks", "int64", "price in ticks"),
)
REPORT_SURFACE = _command(
    "ReportSurface",
    "Report the smile of one expiry: raw SVI of total variance, and the carry of its forward.",
    Field("underlying", "uint32", "asset"),
    Field("expiry_ns", "int64", "expiry instant of the smile"),
    Field("carry_e9", "int64", "ln(forward / index) in 1e-9"),
    Field("a_e9", "int64", "level of total variance in 1e-9"),
    Field("b_e9", "int64", "slope of the wings in 1e-9, not negative"),
    Field("rho_e9", "int64", "rotation in 1e-9, between -1 and 1"),
    Field("m_e9", "int64", "centre in log-moneyness ln(strike / forward), in 1e-9"),
    Field("sigma_e9", "int64", "curvature in 1e-9, positive"),
    Field("observed_ns", "int64", "when it was fitted; not in the future, before the expiry"),
)
SUBMIT_TRADE = _command(
    "SubmitTrade",
    "Novate an executed trade: the clearing house becomes party to both sides.",
    Field("buyer", "uint32", "account that buys"),
    Field("seller", "uint32", "account that sells"),
    Field("instrument", "uint32", "instrument"),
    Field("ticks", "int64", "price in ticks"),
    Field("lots", "int64", "size in lots, positive"),
    Field("buyer_is_maker", "bool", "who made the market; the other side takes"),
    Field("buyer_reservation", "uint32", "reservation of the buyer, 0 for none"),
    Field("seller_reservation", "uint32", "reservation of the seller, 0 for none"),
)
RESERVE_MARGIN = _command(
    "ReserveMargin",
    "Set aside margin for an order on its worst side, and its loss and fee at its worst price.",
    Field("account", "uint32", "account"),
    Field("instrument", "uint32", "instrument"),
    Field("lots", "int64", "size in lots, positive buys, negative sells"),
    Field("limit_ticks", "int64", "worst price: a buy fills at or below it, a sell at or above"),
)
RELEASE_MARGIN = _command(
    "ReleaseMargin",
    "Release what is left of a reservation.",
    Field("reservation", "uint32", "reservation, from 1"),
)
ADVANCE_TIME = _command(
    "AdvanceTime",
    "Move the clock; work due up to that instant is done first, at its own instants.",
    Field("instant_ns", "int64", "new instant, not before the present one"),
)
ASSESS_MARGIN = _command(
    "AssessMargin",
    "Assess every account now; calls, liquidations and losses follow as engine commands.",
    Field("instant_ns", "int64", "the present instant"),
)
REPORT_FILL = _command(
    "ReportFill",
    "The world answers an order of the outbox.",
    Field("order", "uint32", "order, from 1"),
    Field("quantity", "int64", "filled lots, or ledger units of a conversion; 0 when nothing"),
    Field("price", "int64", "ticks, or 1e-8 numeraire of a conversion"),
    Field("is_final", "bool", "whether the rest of the order is gone"),
)

# The commands below come from the engine only (origin 1): what a phase caused elsewhere.
SETTLE_CYCLE = _command(
    "SettleCycle",
    "Pay variation margin of one instrument.",
    Field("instrument", "uint32", "instrument"),
    Field("cycle", "int64", "cycle number, one above the last"),
)
SETTLE_FUNDING = _command(
    "SettleFunding",
    "Exchange funding of one instrument.",
    Field("instrument", "uint32", "instrument"),
    Field("period", "int64", "funding period, one above the last"),
)
SETTLE_EXPIRY = _command(
    "SettleExpiry", "Settle an expired contract.", Field("instrument", "uint32", "instrument")
)
OBSERVE_BARRIER = _command(
    "ObserveBarrier",
    "Look at the barrier of an option whose schedule says so.",
    Field("instrument", "uint32", "instrument"),
)
START_GAINS_WINDOW = _command(
    "StartGainsWindow",
    "Begin a new window of gains that a haircut may cut; older proofs decay.",
    Field("instant_ns", "int64", "the present instant"),
)
CALL_MARGIN = _command(
    "CallMargin", "Call an account for margin.", Field("account", "uint32", "account")
)
MEET_CALL = _command(
    "MeetCall", "Close a call that has been met.", Field("account", "uint32", "account")
)
EXPIRE_CALL = _command(
    "ExpireCall", "Act on a call whose deadline passed.", Field("account", "uint32", "account")
)
START_LIQUIDATION = _command(
    "StartLiquidation",
    "Begin to close an account that breached maintenance margin.",
    Field("account", "uint32", "account"),
)
STOP_LIQUIDATION = _command(
    "StopLiquidation", "End a liquidation that cured.", Field("account", "uint32", "account")
)
PLACE_SLICE = _command(
    "PlaceSlice",
    "Send the next slice of an account's positions and debts to the market.",
    Field("account", "uint32", "account"),
)
EXPIRE_ORDER = _command(
    "ExpireOrder",
    "Withdraw an order that nobody answered, so that the next slice places it anew.",
    Field("order", "uint32", "order, from 1"),
)
TAKE_OVER = _command(
    "TakeOver",
    "Move what is left of a failing account to the liquidator.",
    Field("account", "uint32", "account"),
)
RECORD_SHORTFALL = _command(
    "RecordShortfall",
    "Record what the liquidator lost while closing what it took over.",
    Field("account", "uint32", "liquidator"),
)
ALLOCATE_LOSS = _command(
    "AllocateLoss", "Take a loss through the waterfall.", Field("loss", "uint32", "loss, from 1")
)
SWEEP_SURPLUS = _command(
    "SweepSurplus",
    "Pay what a flat liquidator is left with to the insurance fund.",
    Field("account", "uint32", "liquidator"),
)

COMMANDS: tuple[Message, ...] = (
    DECLARE_ASSET, SET_HAIRCUT, DECLARE_SOURCE, LIST_INSTRUMENT, DECLARE_OPTION_MARGIN,
    LIST_OPTION, SET_TIER, SET_PARAMETER, DECLARE_WATERFALL, OPEN_ACCOUNT, POST_COLLATERAL,
    WITHDRAW_COLLATERAL, REPORT_PRICE, REPORT_LAST, REPORT_SURFACE, SUBMIT_TRADE, RESERVE_MARGIN,
    RELEASE_MARGIN, ADVANCE_TIME, ASSESS_MARGIN, REPORT_FILL, SETTLE_CYCLE, SETTLE_FUNDING,
    SETTLE_EXPIRY, OBSERVE_BARRIER, START_GAINS_WINDOW, CALL_MARGIN, MEET_CALL, EXPIRE_CALL,
    START_LIQUIDATION, STOP_LIQUIDATION, PLACE_SLICE, EXPIRE_ORDER, TAKE_OVER, RECORD_SHORTFALL,
    ALLOCATE_LOSS, SWEEP_SURPLUS,
)  # fmt: skip

BY_NAME = {message.name: message for message in COMMANDS}
