"""Collateral: deposits and withdrawals, and the haircuts of assets that count as margin."""
