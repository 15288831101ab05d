"""Kernels of prices: options, barriers, implied volatility, smiles and their fits."""
