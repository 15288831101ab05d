"""The byte form and the chain: what every batch pays on its way into the journal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from novate.canonical import GENESIS, Run, check_chain, decode_runs, encode_runs, seal
from tests.bench.case import Case

ROWS = 10_000


def trades(rows: int) -> Run:
    """A run of trades with the columns that such a command has."""
    rng = np.random.default_rng(20_261_101)
    names = ("trade_id", "buyer", "seller", "instrument", "ticks", "lots")
    columns = tuple((name, rng.integers(0, 1 << 31, rows, dtype=np.int64)) for name in names)
    return Run("Trade", 1, rows, columns)


def cases() -> Iterator[Case]:
    """Encode, decode and seal one batch."""
    run = trades(ROWS)
    body = encode_runs((run,), ())
    regime = f"{ROWS:,} rows of 6 int64 columns, warm"
    yield Case(
        name="encode a batch",
        regime=regime,
        unit="rows",
        amount=ROWS,
        call=lambda: encode_runs((run,), ()),
        holds=lambda answer: answer == body,
    )
    yield Case(
        name="decode a batch",
        regime=regime,
        unit="rows",
        amount=ROWS,
        call=lambda: decode_runs(body),
        holds=lambda answer: answer == ([run], []),
    )

    def seal_one() -> object:
        return seal(sequence=1, instant_ns=0, engine_version=1, previous=GENESIS, body=body)

    def continues_the_chain(record: object) -> bool:
        check_chain([record], (0, GENESIS))
        return True

    yield Case(
        name="seal a record",
        regime=regime,
        unit="rows",
        amount=ROWS,
        call=seal_one,
        holds=continues_the_chain,
    )
