"""Hot loops over plain arrays, each with a readable twin."""
