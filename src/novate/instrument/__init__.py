"""Contract terms and margin tiers as columns."""
