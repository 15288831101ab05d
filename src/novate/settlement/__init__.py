"""Settlement: variation-margin cycles, funding, expiry, and barriers that end a contract."""
