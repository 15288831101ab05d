"""The book: accounts, balances, positions, reservations and the double-entry ledger."""
