"""What turns positions into cash: cycles, funding, expiry, and barriers that end a contract."""
