"""Random streams that depend only on what they are for.

A scenario never shares one generator between its parts: whoever draws one number more would
shift everybody else's numbers, and a comparison of two policies on common random numbers would
compare luck.  Each part asks for its own stream by (run seed, purpose, entity); the three integers
are the 128-bit key of a Philox counter generator, so that different triples never share a stream
and a stream can be drawn in any order.

Philox itself is integer arithmetic and gives the same words everywhere.  The shapes drawn from
those words (normal, Student t) use the mathematics library of the machine and may differ in the
last bit of a float; the callers in this package round to ticks, lots and ledger units before
anything leaves them.

Source: Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from novate.errors import InputError

_SEED_MAX = 2**64 - 1
_PURPOSE_MAX = 2**16 - 1
_ENTITY_MAX = 2**48 - 1


class Purpose(IntEnum):
    """What a stream is drawn for; a number is never given to a second use."""

    COMMON_SHOCK = 1
    COIN_SHOCK = 2
    WICK = 3
    VOLUME = 4
    INDEX_SOURCE = 5
    PEG = 6
    ACCOUNT_SIZE = 16
    ACCOUNT_TYPE = 17
    POSITION = 18
    OPENING_TRADE = 19
    COLLATERAL = 20
    MEMBER = 21
    BEHAVIOUR = 22
    OPTION_QUOTE = 23


def stream(seed: int, purpose: int, entity: int) -> np.random.Generator:
    """Return the generator of one part of one run.

    Parameters
    ----------
    seed
        Run seed, 0 to 2**64 - 1.
    purpose
        What is drawn, 0 to 65535; this package uses :class:`Purpose`.
    entity
        Whom it is drawn for (a coin, a source, a member), 0 to 2**48 - 1.

    Returns
    -------
    numpy.random.Generator
        A fresh generator at the start of its stream.

    Raises
    ------
    InputError
        If one of the integers is outside its range.

    Examples
    --------
    >>> int(stream(7, Purpose.WICK, 0).integers(1000)) == int(stream(7, 3, 0).integers(1000))
    True
    """
    for name, value, top in (
        ("seed", seed, _SEED_MAX),
        ("purpose", purpose, _PURPOSE_MAX),
        ("entity", entity, _ENTITY_MAX),
    ):
        if not 0 <= value <= top:
            msg = f"stream {name} {value} is outside 0 to {top}"
            raise InputError(msg)
    key = np.array([seed, (int(purpose) << 48) | int(entity)], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))
