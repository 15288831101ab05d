"""What groups must hold: margin models, the rules of contracts, and what is admitted by them.

`catalogue` lists the models; each is one file, `standard` is the first.  `contract_rule` lists the
rules that the standard model adds up.
"""
