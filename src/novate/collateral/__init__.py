"""Deposits and withdrawals: what counts as cover, and what may leave."""
