"""Published margin methodologies, on a book and a market that anybody can state.

A methodology says what a portfolio must hold, in float64 and in the units of its venue; presets are
dated tables of its parameters.  `catalogue.METHODS` lists them.  What the engine decides by is in
`novate.margin`, in integers.
"""
