"""Kernels of the books: trades, assessment, sweep, cycles, takeovers."""
