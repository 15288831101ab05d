"""Kernels of the books: trades, assessment, margin of all accounts, cycles, losses, takeovers."""
