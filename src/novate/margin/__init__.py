"""Margin models, the rules of contracts that the standard model adds up, and admission of trades.

`catalogue` lists the models, one file each; `standard` has number 0.  `contract_rule` lists the
rules that the standard model adds up.
"""
