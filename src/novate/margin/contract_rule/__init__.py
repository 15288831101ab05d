"""Rules that say what one position asks for; the standard margin model adds them up.

A rule is one file here, one line in `CATALOGUE`, and its form in `kernel.clearing.requirement`,
which assesses all accounts at once.  The numbers of a rule are data: a tier, a declared rule.
"""

from __future__ import annotations

from novate.margin.contract_rule.notional_tier import NotionalTier
from novate.margin.contract_rule.rule import ContractRule
from novate.margin.contract_rule.short_option import ShortOption

CATALOGUE: tuple[ContractRule, ...] = (NotionalTier(), ShortOption())
"""Every contract is covered by exactly one."""
