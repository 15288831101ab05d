"""Look-through: what a synthetic, wrapped, leveraged or index token really holds.

A token is a recipe: amounts of other tokens, or of factors, per token.  What has no recipe is a
factor (a coin, a listed contract's underlying).  Recipes may use tokens to any depth; a token that
contains itself, however far down, is refused.

>>> through = look_through({"ETH2X": {"ETH": 2.0, "BTC": 0.5}})
>>> dict(zip(through.factors, through.exposure({"ETH2X": 10.0, "ETH": -20.0}).tolist()))
{'BTC': 5.0, 'ETH': 0.0}
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from novate.errors import InputError
from novate.kernel.columns import F64


@dataclass(frozen=True, slots=True, kw_only=True)
class LookThrough:
    """Tokens taken apart.

    Attributes
    ----------
    names
        Every token and factor, sorted: rows of ``weights``.
    factors
        Names without a recipe, sorted: columns of ``weights``.
    weights
        ``[names, factors]``: factor units per unit of the name (deltas); a factor is 1.0 of itself.
    """

    names: tuple[str, ...]
    factors: tuple[str, ...]
    weights: F64

    def exposure(self, held: Mapping[str, float]) -> F64:
        """Return the net factor exposure ``[factors]`` of tokens and listed positions together.

        ``held`` gives units by name, positive = long; a listed position is given as its delta in
        its underlying.

        Raises
        ------
        InputError
            If a name is neither a token nor a factor, or an amount is not finite.
        """
        amounts = np.zeros(len(self.names))
        for name, amount in held.items():
            if name not in self.names:
                raise InputError(f"holding {name!r}; allowed: {', '.join(self.names)}")
            amounts[self.names.index(name)] = _finite(amount, name)
        return self.exposures(amounts)

    def exposures(self, quantity: npt.ArrayLike) -> F64:
        """Return factor exposures ``[..., factors]`` of quantities ``[..., names]``.

        One matrix product for any number of accounts.
        """
        net: F64 = np.asarray(quantity, np.float64) @ self.weights
        return net


def look_through(
    recipes: Mapping[str, Mapping[str, float]], factors: tuple[str, ...] = ()
) -> LookThrough:
    """Take tokens apart into factors.

    Parameters
    ----------
    recipes
        Amounts of components per token, by token; negative for what the token is short of (a
        leveraged token's debt, for example).
    factors
        Factors that shall be there even if no recipe names them.

    Raises
    ------
    InputError
        If a token contains itself (the message shows the circle), a recipe is empty, an amount is
        not finite, or a declared factor has a recipe.
    """
    order = _components_first(recipes)
    basic = sorted({*factors, *(name for name in order if name not in recipes)})
    for name in factors:
        if name in recipes:
            raise InputError(f"factor {name!r} has a recipe; allowed: one or the other")
    place = {name: k for k, name in enumerate(basic)}
    rows: dict[str, F64] = {}
    for name in [*basic, *order]:
        row = np.zeros(len(basic))
        if name in place:
            row[place[name]] = 1.0
        else:
            for part, amount in recipes[name].items():
                row += _finite(amount, f"{name}: {part}") * rows[part]
        rows[name] = row
    names = tuple(sorted(rows))
    weights = np.array([rows[name] for name in names]).reshape(len(names), len(basic))
    return LookThrough(names=names, factors=tuple(basic), weights=weights)


def _components_first(recipes: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return all names so that each comes after what it contains; no recursion, any depth."""
    done: dict[str, None] = {}
    for root in recipes:
        path: list[str] = []
        left = [iter([root])]
        while left:
            name = next(left[-1], None)
            if name is None:
                left.pop()
                if path:
                    done[path.pop()] = None
            elif name in path:
                circle = " -> ".join([*path[path.index(name) :], name])
                raise InputError(f"token {name!r} contains itself: {circle}; allowed: no circle")
            elif name not in done:
                if name in recipes and not recipes[name]:
                    raise InputError(f"token {name!r} has an empty recipe; allowed: components")
                path.append(name)
                left.append(iter(recipes.get(name, {})))
    return list(done)


def _finite(amount: float, what: str) -> float:
    if not math.isfinite(amount):
        raise InputError(f"{what}: {amount}; allowed: a finite amount")
    return float(amount)
