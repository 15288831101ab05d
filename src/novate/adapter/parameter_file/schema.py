"""Every key of a parameter file, as data: unit, type, limits, default, meaning."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Any

from novate.default_management.columns import DECLARED_ORDER
from novate.default_management.loss import LAYERS
from novate.default_management.loss.policy import Place
from novate.message.parameter import Parameter, Scope
from novate.message.parameter import Setting as RiskSetting
from novate.units import AMOUNT_MAX, INT64_MAX, NUMERAIRE_DECIMALS, PPM, PRICE_DECIMALS

REQUIRED: Any = object()
"""Default of a key that has none."""


class Kind(enum.StrEnum):
    """Type of a value, in the file and in the dict."""

    INTEGER = "integer"
    DECIMAL = "decimal text"  # an integer of 10**-decimals in the dict
    TEXT = "text"
    CHOICE = "one of"
    ORDER = "list of all of"
    INSTANT = "instant"  # nanoseconds since 1970 UTC in the dict, None when absent
    TIERS = "tier table or rows"


@dataclass(frozen=True, slots=True)
class Setting:
    """One key.

    Attributes
    ----------
    key, unit, kind
        Name, unit for people, type.
    default
        Value in the dict when the file has none; ``REQUIRED`` when the file must have one.
    minimum, maximum
        Inclusive limits of the integer in the dict; None for types without.
    doc
        What it is, in one line.
    decimals
        Decimals of the unit that the dict counts, for DECIMAL.
    choices
        Names allowed, for CHOICE and ORDER.
    """

    key: str
    unit: str
    kind: Kind
    default: Any
    minimum: int | None
    maximum: int | None
    doc: str
    decimals: int = 0
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """One table of the file; ``is_named`` when it holds one table per name, as ``[assets.BTC]``."""

    name: str
    doc: str
    settings: tuple[Setting, ...]
    is_named: bool = False


def _integer(key: str, unit: str, default: Any, limits: tuple[int, int], doc: str) -> Setting:
    return Setting(key, unit, Kind.INTEGER, default, *limits, doc)


def _ppm(key: str, default: Any, doc: str, maximum: int = PPM, minimum: int = 0) -> Setting:
    return Setting(key, "1e-6", Kind.INTEGER, default, minimum, maximum, doc)


def _money(key: str, default: Any, doc: str) -> Setting:
    unit, decimals = "numeraire, 6 decimals", NUMERAIRE_DECIMALS
    return Setting(key, unit, Kind.DECIMAL, default, 0, AMOUNT_MAX, doc, decimals)


def _price(key: str, unit: str, default: Any, maximum: int, doc: str) -> Setting:
    unit = f"{unit}, 8 decimals"
    return Setting(key, unit, Kind.DECIMAL, default, 1, maximum, doc, PRICE_DECIMALS)


def _choice(key: str, default: Any, choices: tuple[str, ...], doc: str) -> Setting:
    return Setting(key, "", Kind.CHOICE, default, None, None, doc, choices=choices)


def _text(key: str, default: Any, doc: str) -> Setting:
    return Setting(key, "", Kind.TEXT, default, None, None, doc)


def _parameters(section: str) -> tuple[Setting, ...]:
    """Return the risk parameters of a section."""
    return tuple(_parameter(p.setting) for p in Parameter if p.setting.section == section)


def _parameter(declared: RiskSetting) -> Setting:
    """Return the key of a risk parameter, in whole units of the file inside its limits."""
    unit = declared.unit
    kind = Kind.DECIMAL if unit.decimals else Kind.INTEGER
    default, least, most = (
        declared.default // unit.scale,
        -(-declared.minimum // unit.scale),
        declared.maximum // unit.scale,
    )
    return Setting(declared.key, unit.file, kind, default, least, most, declared.doc, unit.decimals)


RUN = Section(
    "run",
    "What is run.",
    (
        Setting(
            "start", "UTC", Kind.INSTANT, None, None, None,
            "open of the first bar; the command line decides when absent",
        ),
        Setting("end", "UTC", Kind.INSTANT, None, None, None, "end of the last bar, exclusive"),
        _text("numeraire", "USDT", "asset in which everything is valued"),
        _choice(
            "path", "both", ("high-first", "low-first", "both"),
            "order in which a bar visits its extremes; both runs it twice",
        ),
        _integer("points_per_bar", "points", 8, (4, 1_440), "prices per bar on that path"),
        _integer("seed", "", 1, (0, INT64_MAX), "seed of every random stream"),
        _integer(
            "faults_max", "rows", 1_000, (0, 10**9), "unusable input rows above which a run stops"
        ),
    ),
)  # fmt: skip

ASSETS = Section(
    "assets",
    "Assets that are collateral or underlie an instrument.",
    (
        _integer("decimals", "digits", REQUIRED, (0, 12), "ledger decimals"),
        _integer("haircut_bps", "1e-4", 0, (0, 10_000), "collateral haircut; 0 for the numeraire"),
    ),
    is_named=True,
)

INSTRUMENTS = Section(
    "instruments",
    "Contracts, by their symbol.",
    (
        _choice("form", "linear", ("linear", "inverse"), "settlement form"),
        _choice("kind", "perpetual", ("perpetual", "future"), "whether it expires"),
        _text("underlying", REQUIRED, "asset whose index prices it"),
        _text("settlement_asset", "USDT", "asset of its cash flows"),
        _text("price_symbol", "", "symbol of its bars in price files; its own when empty"),
        _price("tick", "quote units", REQUIRED, 10**14, "price step"),
        _price("lot", "base units or contracts", REQUIRED, 10**16, "quantity step"),
        Setting(
            "face_value", "quote units, 8 decimals", Kind.DECIMAL, 0, 0, 10**16,
            "value of one contract; inverse only", PRICE_DECIMALS,
        ),
        _price("price_max", "quote units", 10**14, 10**16, "highest price accepted"),
        _choice(
            "settlement_style", "each-cycle", ("each-cycle", "at-close"),
            "when profit and loss becomes cash",
        ),
        _integer("cycle_hours", "hours", 8, (1, 24), "interval of variation-margin cycles"),
        _integer("funding_hours", "hours", 8, (1, 24), "funding interval of a perpetual"),
        Setting("expiry", "UTC", Kind.INSTANT, None, None, None, "expiry of a future"),
        _integer(
            "settlement_minutes", "minutes", 30, (0, 1_440),
            "length of the time average that fixes the final price of a future",
        ),
        _ppm("maker_fee_ppm", 200, "maker fee of value; negative is a rebate", 100_000, -100_000),
        _ppm("taker_fee_ppm", 500, "taker fee of value", 100_000),
        _ppm("basis_clamp_ppm", 50_000, "largest distance of the mark from the index"),
        _ppm("funding_cap_ppm", 3_000, "largest funding rate per period"),
        _ppm("funding_damper_ppm", 500, "clamp of interest minus premium"),
        Setting(
            "interest_ppm", "1e-6", Kind.INTEGER, 100, -PPM, PPM, "interest per funding period"
        ),
        _ppm("open_interest_share_ppm", 0, "share of a generated book's open interest"),
        Setting(
            "tiers", "", Kind.TIERS, REQUIRED, None, None,
            "name of a table under [tiers], or rows as there",
        ),
    ),
    is_named=True,
)  # fmt: skip

MARGIN = Section(
    "margin",
    "Margin rules of all instruments.",
    (
        _integer(
            "leverage_max", "times", 125, (1, 1_000),
            "cap on every tier's leverage: initial margin is at least 1 / leverage_max",
        ),
        *_parameters("margin"),
    ),
)  # fmt: skip

OPTION_MARGIN = Section(
    "option_margin",
    "Rules for the margin of short options; a run declares them in the order of the file.",
    (
        _text("source", REQUIRED, "where the numbers were read"),
        _text("as_of", REQUIRED, "which state of the venue they show"),
        _ppm("initial_ppm", REQUIRED, "initial margin at the money, of the index", minimum=1),
        _ppm("initial_floor_ppm", REQUIRED, "least initial margin, of the index", minimum=1),
        _ppm("maintenance_ppm", REQUIRED, "maintenance margin, of the index", minimum=1),
        _ppm("call_value_ppm", 0, "least maintenance margin of a call, of its value"),
        _ppm("put_value_ppm", 0, "least maintenance margin of a put, of its value"),
        _ppm("close_out_ppm", 0, "cost of closing in the maintenance margin, of the index"),
        _choice("entry_counts", "no", ("no", "yes"), "whether a dearer entry raises the initial"),
        _integer(
            "expiry_window_hours", "hours", 0, (0, 720),
            "time before expiry in which more is asked; 0 for none",
        ),
        _ppm("expiry_ppm", 0, "how much more, of the index; 0 without such a time"),
    ),
    is_named=True,
)  # fmt: skip

LIQUIDATION = Section(
    "liquidation",
    "Closing accounts below maintenance margin.",
    _parameters("liquidation"),
)

CALLS = Section(
    "calls",
    "Margin calls of accounts that are called before they are liquidated.",
    _parameters("calls"),
)

PREFUNDED, LAST = (
    tuple(terms.choice for terms in LAYERS if terms.place is place)
    for place in (Place.PREFUNDED, Place.LAST)
)
ORDER = tuple(
    terms.choice for number in DECLARED_ORDER[:-1] for terms in LAYERS if terms.number == number
)

WATERFALL = Section(
    "waterfall",
    "Who bears a loss after the defaulter's collateral, in which order, and with how much.",
    (
        Setting(
            "order", "", Kind.ORDER, ORDER, None, None, "prefunded layers, first one first",
            choices=PREFUNDED,
        ),
        _choice(
            "last_layer", LAST[0], LAST,
            "what closes a loss that no fund covers",
        ),
        *_parameters("waterfall"),
        _money("insurance_fund", 0, "insurance fund at the start; 0: 2% of open interest"),
        _money("skin_in_the_game", 0, "the clearing house's own money; 0: 0.5% of open interest"),
        _money("default_fund", 0, "sum of the members' contributions; 0: 2% of open interest"),
    ),
)  # fmt: skip

INDEX = Section("index", "How source prices become an index.", _parameters("index"))

SETTLEMENT = Section(
    "settlement", "How contracts without enough prices are settled.", _parameters("settlement")
)

SMILE = Section("smile", "Which smiles count.", _parameters("smile"))

INTEREST = Section("interest", "What negative balances cost.", _parameters("interest"))

BOOK = Section(
    "book",
    "Targets of a generated book; ignored when positions come from a file.",
    (
        _integer("accounts", "accounts", 20_000, (120, 5_000_000), "margin accounts"),
        _integer("members", "members", 12, (1, 1_000), "clearing members, one house account each"),
        _money(
            "open_interest",
            0,
            "long notional of all instruments; 0: a quarter of the first day's traded notional",
        ),
        _ppm(
            "tail_exponent_ppm", 1_200_000, "Pareto exponent of large accounts", 10 * PPM, PPM + 1
        ),
        _ppm("tail_share_ppm", 30_000, "share of the accounts in the tail", minimum=1),
        _ppm("top_share_ppm", 600_000, "share of gross notional of the largest 1 %", minimum=1),
        _ppm("largest_share_ppm", 20_000, "largest share of one account", minimum=1),
        _ppm("position_share_ppm", 50_000, "largest share of an instrument's open interest"),
        _ppm("default_fund_share_ppm", 12_000, "default fund over open interest"),
        _ppm("headroom_min_ppm", 1_050_000, "least equity over initial margin", 10 * PPM, PPM),
    ),
)

OPTIONS = Section(
    "options",
    "The option market of a generated day, and the dealer that answers its liquidation orders.",
    (
        _text("margin_rule", "", "rule under [option_margin] for shorts; no options without one"),
        _ppm("interest_share_ppm", 350_000, "open interest over the perpetuals'", 5 * PPM, 1),
        _integer("accounts", "accounts", 40, (5, 100_000), "holders of each kind, at most"),
        _ppm("taker_fee_ppm", 20_000, "taker fee of the premium", 100_000),
        _integer(
            "settlement_minutes", "minutes", 30, (0, 1_440),
            "length of the time average that fixes the final price",
        ),
        _integer(
            "hedge_minutes", "minutes", 15, (0, 1_440),
            "interval at which makers trade their delta away; 0 for never",
        ),
        _ppm("depth_ppm", 20_000, "share of a contract's open interest dealt in a minute", PPM, 1),
        _ppm(
            "impact_ppm", 300_000,
            "move of the yearly volatility by an order for all of an expiry's lots", 10 * PPM,
        ),
        _integer("refill_minutes", "minutes", 10, (1, 1_440), "half-life of that move"),
        _ppm("wide_range_ppm", 10_000, "range of a bar at which the spread has doubled", PPM, 1),
    ),
)  # fmt: skip

AGENT = Section(
    "agent",
    "The outside market that answers liquidation orders.",
    (
        _ppm("participation_ppm", 100_000, "share of traded volume that orders may take"),
        _ppm("impact_ppm", 1_000_000, "factor Y of the square-root impact law", 100 * PPM),
        _integer("latency_ms", "ms", 250, (0, 3_600_000), "time before an order can fill"),
        _integer("refill_seconds", "s", 30, (1, 86_400), "half-life of the displacement"),
        _ppm(
            "collapse_range_ppm", 15_000, "range of a bar at which half the depth is gone", PPM, 1
        ),
        _ppm("collapse_floor_ppm", 20_000, "share of depth that never leaves"),
        _ppm("floor_ppm", 500_000, "share of the index below which nothing is sold", PPM, 1),
        _ppm("feedback_ppm", 500_000, "share of the displacement that shows in the last price"),
    ),
)

TIERS = Section(
    "tiers",
    "Margin tiers by notional, as a venue publishes them; instruments refer to them by name.",
    (
        _text("source", REQUIRED, "where the numbers were read"),
        _text("as_of", REQUIRED, "which state of the venue they show"),
        _text("symbol", "", "the venue's name of the contract"),
        Setting(
            "rows", "", Kind.TIERS, REQUIRED, None, None,
            "floor, cap, maintenance_rate, max_leverage, deduction, all as decimal text",
        ),
    ),
    is_named=True,
)  # fmt: skip

OVERRIDES = Section(
    "overrides",
    "What holds for one contract in the place of what holds for all, from an instant on.",
    (
        _text("instrument", REQUIRED, "symbol of the contract"),
        Setting(
            "effective", "UTC", Kind.INSTANT, None, None, None,
            "instant from which it holds; from the start when absent",
        ),
        Setting(
            "tiers", "", Kind.TIERS, None, None, None,
            "all its margin tiers: name of a table under [tiers], or rows as there",
        ),
        *(
            replace(_parameter(p.setting), default=None)
            for p in Parameter
            if Scope.INSTRUMENT in p.setting.scopes
        ),
    ),
    is_named=True,
)  # fmt: skip

SECTIONS: tuple[Section, ...] = (
    RUN,
    ASSETS,
    INSTRUMENTS,
    MARGIN,
    OPTION_MARGIN,
    LIQUIDATION,
    CALLS,
    WATERFALL,
    INDEX,
    SETTLEMENT,
    SMILE,
    INTEREST,
    BOOK,
    OPTIONS,
    AGENT,
    TIERS,
    OVERRIDES,
)
