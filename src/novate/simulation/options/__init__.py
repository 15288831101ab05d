"""Option markets of generated days: what is listed, its smiles, quotes and books."""
