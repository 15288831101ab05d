"""Tiers, admission, variation margin, funding, expiry, parameters."""
