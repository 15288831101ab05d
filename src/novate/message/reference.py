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

ASSET_DECLARED = declare(
    "AssetDeclared",
    "An asset got its number.",
    Field("asset", "uint32", "asset"),
    Field("symbol", TEXT, "ticker"),
    Field("decimals", "int64", "ledger decimals"),
    Field("haircut_bps", "int64", "haircut"),
)
HAIRCUT_SET = declare(
    "HaircutSet",
    "A haircut changed.",
    Field("asset", "uint32", "asset"),
    Field("haircut_bps", "int64", "basis points"),
)
SOURCE_DECLARED = declare(
    "SourceDeclared",
    "A price source got its number.",
    Field("source", "uint32", "source"),
    Field("symbol", TEXT, "name"),
    Field("asset", "uint32", "asset"),
    Field("weight", "int64", "weight"),
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


class DeclareSourceRefusal(IntEnum):
    """Why declaring a price source was refused."""

    UNKNOWN_ASSET = 1
    WEIGHT_NOT_POSITIVE = 2
