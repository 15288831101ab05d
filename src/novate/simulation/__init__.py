"""Generated days and books, holders, and the market that answers; pure and seeded."""
