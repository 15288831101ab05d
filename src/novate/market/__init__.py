"""Oracles to index, index to mark, and what contracts are listed."""
