"""Assets with their haircuts, and the sources of their prices."""

from __future__ import annotations

from enum import IntEnum

from novate.message.declare import TEXT, Field, declare

DECLARE_ASSET = declare(
    "DeclareAsset",
    "Add an asset; the first one is the numeraire, whose price is 1.",
    Field("symbol", TEXT, "ticker of the asset"),
    Field("decimals", "int64", "ledger decimals, 0 to 12"),
    Field("haircut_bps", "int64", "collateral haircut in basis points, 0 for the numeraire"),
)
SET_HAIRCUT = declare(
    "SetHaircut",
    "Change the collateral haircut of an asset.",
    Field("asset", "uint32", "asset"),
    Field("haircut_bps", "int64", "basis points, 0 to 10000"),
)
DECLARE_SOURCE = declare(
    "DeclareSource",
    "Add a price source of an asset's index.",
    Field("symbol", TEXT, "name of the source"),
    Field("asset", "uint32", "asset whose price it reports"),
    Field("weight", "int64", "weight in the median, positive"),
)
SET_SOURCE_WEIGHT = declare(
    "SetSourceWeight",
    "Change the weight of a price source, or retire it.",
    Field("source", "uint32", "source"),
    Field("weight", "int64", "weight in the median, 0 to retire it"),
)
SET_SOURCE_QUOTE = declare(
    "SetSourceQuote",
    "Say in which asset a price source quotes.",
    Field("source", "uint32", "source"),
    Field("quote", "uint32", "asset in which it quotes, the numeraire or one before its own"),
    Field("is_inverted", "bool", "whether it tells the price of one quote asset in its own asset"),
)

SET_HAIRCUT_RULE = declare(
    "SetHaircutRule",
    "Let a rule of the catalogue say the haircut of an asset at every assessment.",
    Field("asset", "uint32", "asset other than the numeraire"),
    Field("rule", "int64", "place in collateral.haircut.CATALOGUE; 0: the haircut that is set"),
)
SET_INDEX_METHOD = declare(
    "SetIndexMethod",
    "Let a method of the catalogue make the index of an asset.",
    Field("asset", "uint32", "asset other than the numeraire"),
    Field("method", "int64", "place in market.price_source.CATALOGUE; 1: weighted median"),
)

ASSET_DECLARED = declare(
    "AssetDeclared",
    "An asset got its number.",
    Field("asset", "uint32", "asset"),
    Field("symbol", TEXT, "ticker"),
    Field("decimals", "int64", "ledger decimals"),
    Field("haircut_bps", "int64", "haircut"),
    version=2,
    renamed={2: {}},
)
HAIRCUT_SET = declare(
    "HaircutSet",
    "A haircut changed.",
    Field("asset", "uint32", "asset"),
    Field("haircut_bps", "int64", "basis points"),
)
HAIRCUT_RULE_SET = declare(
    "HaircutRuleSet",
    "A rule says the haircut of an asset from the next assessment on.",
    Field("asset", "uint32", "asset"),
    Field("rule", "int64", "rule"),
)
INDEX_METHOD_SET = declare(
    "IndexMethodSet",
    "A method makes the index of an asset from the next assessment on.",
    Field("asset", "uint32", "asset"),
    Field("method", "int64", "method"),
)
SOURCE_DECLARED = declare(
    "SourceDeclared",
    "A price source got its number.",
    Field("source", "uint32", "source"),
    Field("symbol", TEXT, "name"),
    Field("asset", "uint32", "asset"),
    Field("weight", "int64", "weight"),
)
SOURCE_WEIGHT_SET = declare(
    "SourceWeightSet",
    "The weight of a price source changed.",
    Field("source", "uint32", "source"),
    Field("weight", "int64", "weight, 0 if it is retired"),
)
SOURCE_QUOTE_SET = declare(
    "SourceQuoteSet",
    "The asset in which a price source quotes changed.",
    Field("source", "uint32", "source"),
    Field("quote", "uint32", "asset in which it quotes"),
    Field("is_inverted", "bool", "whether it tells the price of one quote asset in its own asset"),
)


class DeclareAssetRefusal(IntEnum):
    """Why declaring an asset was refused."""

    SYMBOL_TAKEN = 1
    DECIMALS_OUT_OF_RANGE = 2
    HAIRCUT_OUT_OF_RANGE = 3


class SetHaircutRefusal(IntEnum):
    """Why changing a haircut was refused."""

    UNKNOWN_ASSET = 1
    HAIRCUT_OUT_OF_RANGE = 2


class SetHaircutRuleRefusal(IntEnum):
    """Why giving an asset a haircut rule was refused."""

    UNKNOWN_ASSET = 1
    UNKNOWN_RULE = 2


class SetIndexMethodRefusal(IntEnum):
    """Why giving an asset an index method was refused."""

    UNKNOWN_ASSET = 1
    UNKNOWN_METHOD = 2


class DeclareSourceRefusal(IntEnum):
    """Why declaring a price source was refused."""

    UNKNOWN_ASSET = 1
    WEIGHT_NOT_POSITIVE = 2


class SetSourceWeightRefusal(IntEnum):
    """Why changing the weight of a price source was refused."""

    UNKNOWN_SOURCE = 1
    WEIGHT_OUT_OF_RANGE = 2


class SetSourceQuoteRefusal(IntEnum):
    """Why changing the asset in which a price source quotes was refused."""

    UNKNOWN_SOURCE = 1
    UNKNOWN_ASSET = 2
