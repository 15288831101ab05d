"""Readable twin of `novate.kernel.clearing.loss.share_pro_rata`."""

from __future__ import annotations

from collections.abc import Sequence


def share_pro_rata(amount: int, weights: Sequence[int]) -> list[int]:
    """Split ``amount`` by ``weights``; the shares add up to it exactly.

    Each share is floor(amount * weight / total); the units lost to flooring go one each to the
    largest weights, ties to the first.  No share exceeds its weight when amount <= total.
    """
    total = sum(weights)
    if amount == 0 or total == 0:
        return [0] * len(weights)
    shares = [amount * weight // total for weight in weights]
    left = amount - sum(shares)
    if left:
        by_size = sorted(range(len(weights)), key=lambda k: (-weights[k], k))
        for k in by_size[:left]:
            shares[k] += 1
    return shares
