"""Replay and simulation: prices and a book go through the engine as if live."""
