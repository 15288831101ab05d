"""Accounts, balances, positions, reservations: who holds what, and the ledger that proves it."""
