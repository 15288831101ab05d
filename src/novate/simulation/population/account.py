"""Sizes, types and members of the generated accounts.

Sizes follow one distribution: a Pareto tail above a threshold, and below it a body whose width is
solved so that the largest 1 percent hold the wanted share.  Positions on derivatives venues are at
least as concentrated as wealth, whose tail exponent is usually put between 1.1 and 1.6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from novate.errors import InputError
from novate.simulation.population.book import Accounts
from novate.simulation.population.terms import (
    AccountType,
    FloatArray,
    IntArray,
    MarginMode,
    Role,
    Segregation,
    ShortfallPolicy,
    Targets,
)
from novate.simulation.stream import Purpose, stream

_BEND = 0.4  # below the tail sizes fall fast and then level out: the smallest are still accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """Accounts before they have positions.

    Attributes
    ----------
    accounts
        The account columns.
    gross
        Wanted gross notional in ledger units, shape (accounts,).
    """

    accounts: Accounts
    gross: FloatArray


def draw_accounts(targets: Targets, seed: int) -> Sketch:
    """Draw who there is and how large.

    Raises
    ------
    InputError
        If no width of the body gives the wanted share of the largest accounts.
    """
    gross = _sizes(targets, seed) * (2.0 * targets.open_interest)
    kind = _types(targets, seed, gross)
    # House accounts first, then clients in random order: an identifier tells nothing of the size.
    order = stream(seed, Purpose.ACCOUNT_TYPE, 1).permutation(len(gross))
    order = order[np.argsort(kind[order] != AccountType.HOUSE, kind="stable")]
    return Sketch(accounts=_columns(targets, seed, kind[order], gross[order]), gross=gross[order])


def largest_share(targets: Targets) -> float:
    """Limit on one account's share of the gross notional.

    In a small book the largest 1 percent are a handful, who must be allowed to be larger.
    """
    return max(targets.largest_share, 2.5 * targets.top_share / _top(targets))


def position_share(targets: Targets) -> float:
    """Limit on one account's share of an instrument's open interest, makers excepted."""
    return max(targets.position_share, largest_share(targets))


def _top(targets: Targets) -> int:
    return max(1, round(targets.accounts / 100))


def _sizes(targets: Targets, seed: int) -> FloatArray:
    """Shares of the gross notional, largest first, adding up to one."""
    rng = stream(seed, Purpose.ACCOUNT_SIZE, 0)
    count = targets.accounts
    # One draw per stratum: the shape is the distribution's, not the luck of the largest draw.
    rank = (np.arange(count) + rng.uniform(0.05, 0.95, size=count)) / count
    in_tail = rank < targets.tail_share
    size = np.empty(count)
    size[in_tail] = (targets.tail_share / rank[in_tail]) ** (1.0 / targets.tail_exponent)
    depth = (rank[~in_tail] - targets.tail_share) / (1.0 - targets.tail_share)
    top = _top(targets)
    cap = largest_share(targets)
    low, high = 0.0, 40.0
    for _ in range(60):
        width = 0.5 * (low + high)
        size[~in_tail] = np.exp(-width * depth**_BEND)
        share = _capped(size, cap)
        low, high = (width, high) if share[:top].sum() < targets.top_share else (low, width)
    reached = float(share[:top].sum())
    if abs(reached - targets.top_share) > 0.01:
        msg = (
            f"top_share {targets.top_share} cannot be met with tail_exponent "
            f"{targets.tail_exponent} and tail_share {targets.tail_share}; nearest is {reached:.3f}"
        )
        raise InputError(msg)
    return share


def _capped(size: FloatArray, largest: float) -> FloatArray:
    """Shares that add up to one, none above the cap."""
    share: FloatArray = size / size.sum()
    for _ in range(20):
        share = np.minimum(share, largest)
        share = share / share.sum()
    capped: FloatArray = np.minimum(share, largest)
    return capped


def _types(targets: Targets, seed: int, gross: FloatArray) -> IntArray:
    """Type per account, accounts largest first.

    Large accounts choose a type with odds equal to the gross notional the type still lacks, the
    many small ones by the number of accounts it still lacks.
    """
    rng = stream(seed, Purpose.ACCOUNT_TYPE, 0)
    count, members = len(gross), targets.members
    kind = np.full(count, -1, dtype=np.int64)
    # Only makers may hold more than the position limit allows when spread over all instruments.
    giants = int((gross > 0.5 * position_share(targets) * gross.sum()).sum())
    first = max(members // 2, giants)
    house = rng.choice(np.arange(first, max(count // 20, first + 2 * members)), members, False)
    kind[house] = AccountType.HOUSE
    kinds = np.array(sorted(targets.types), dtype=np.int64)
    share = np.array([targets.types[AccountType(key)].account_share for key in kinds])
    left = np.floor(share * (count - members) + 0.5).astype(np.int64)
    left[0] += count - members - left.sum()
    wanted = np.array([targets.types[AccountType(key)].gross_share for key in kinds])
    large = np.flatnonzero(kind[: count // 8] < 0)
    # What the small accounts will add to each type is not for the large ones to fill.
    small = np.maximum(left - wanted * len(large), 0.0)
    lacking = wanted * (gross.sum() - gross[house].sum())
    lacking -= small / small.sum() * gross[count // 8 :].sum()
    chance = rng.random(count)
    for row in large:
        odds = np.where(left > 0, np.maximum(lacking, 0.0), 0.0)
        if row < giants:
            odds = odds * (kinds == AccountType.MARKET_MAKER)
        if odds.sum() <= 0.0:
            odds = left.astype(np.float64)
        pick = int(np.searchsorted(np.cumsum(odds), chance[row] * odds.sum(), side="right"))
        pick = min(pick, len(kinds) - 1)
        kind[row] = kinds[pick]
        left[pick] -= 1
        lacking[pick] -= gross[row]
    rest = np.flatnonzero(kind < 0)
    kind[rest] = rng.permutation(np.repeat(kinds, left))
    return kind


def _columns(targets: Targets, seed: int, kind: IntArray, gross: FloatArray) -> Accounts:
    rng = stream(seed, Purpose.MEMBER, 0)
    count, members = len(kind), targets.members
    # Member sizes fall like 1 / rank: one or two brokers carry most of the clients.
    weight = 1.0 / np.arange(1.0, members + 1.0)
    member = rng.choice(members, size=count, p=weight / weight.sum()).astype(np.int64)
    member[:members] = np.arange(members)
    chance = rng.random((2, count))
    isolated = np.zeros(count)
    for key, terms in targets.types.items():
        isolated[kind == key] = terms.isolated_share
    isolated[gross > np.quantile(gross, 0.98)] = 0.0  # the largest spread over instruments
    is_called = (kind == AccountType.FUND) | (kind == AccountType.HOUSE)
    is_omnibus = (kind == AccountType.TAKER) & (chance[1] < 0.7)
    segregation = np.where(is_omnibus, Segregation.GROSS_OMNIBUS, Segregation.INDIVIDUAL)
    segregation[kind == AccountType.HOUSE] = Segregation.HOUSE
    return Accounts(
        reference=tuple(
            f"M{row:02d}-HOUSE" if row < members else f"M{member[row]:02d}-{row:06d}"
            for row in range(count)
        ),
        role=np.where(kind == AccountType.HOUSE, Role.HOUSE, Role.CLIENT).astype(np.int64),
        member=member,
        kind=kind,
        mode=np.where(chance[0] < isolated, MarginMode.ISOLATED, MarginMode.CROSS).astype(np.int64),
        shortfall_policy=np.where(
            is_called, ShortfallPolicy.CALL_THEN_DEFAULT, ShortfallPolicy.AUTO_LIQUIDATE
        ).astype(np.int64),
        segregation=segregation.astype(np.int64),
    )
