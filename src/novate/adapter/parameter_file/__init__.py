"""Parameter files: TOML in, a checked nested dict of integers and names out.

Every key has a unit, a type, limits and a default in `SECTIONS`; anything else is refused, with
the nearest known name.  Money and prices are decimal texts in the file and exact integers in the
dict; a TOML float is refused wherever a number counts money.
"""

from __future__ import annotations

from novate.adapter.parameter_file.check import check_parameters
from novate.adapter.parameter_file.page import reference_page
from novate.adapter.parameter_file.read import read_parameters
from novate.adapter.parameter_file.schema import SECTIONS, Kind, Section, Setting
from novate.adapter.parameter_file.tier import check_tiers, load_tiers, tier_page

__all__ = [
    "SECTIONS",
    "Kind",
    "Section",
    "Setting",
    "check_parameters",
    "check_tiers",
    "load_tiers",
    "read_parameters",
    "reference_page",
    "tier_page",
]
