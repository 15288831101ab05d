"""Generated venues: members, accounts, collateral and positions to stated targets."""
