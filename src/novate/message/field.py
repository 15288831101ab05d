"""Columns that many messages have."""

from __future__ import annotations

from novate.message.declare import Field

ACCOUNT = Field("account", "uint32", "account")
INSTRUMENT = Field("instrument", "uint32", "instrument")
EQUITY = Field("equity", "int64", "equity after haircuts, numeraire units")
NET = Field("net", "int64", "net equity without haircuts, numeraire units")
REQUIREMENT = Field("requirement", "int64", "what equity was compared with, numeraire units")
