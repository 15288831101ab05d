"""Who acts in a simulation: account holders, and the markets that answer orders."""
