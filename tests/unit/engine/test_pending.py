from __future__ import annotations

import pytest

from novate.engine.batch import Batch
from novate.engine.pending import Pending
from novate.errors import InputError
from novate.kernel.codes import Origin


def test_an_outcome_is_read_after_the_commit_and_not_before() -> None:
    call = Pending("feed", 4, b"digest")
    batch = Batch(7, 1, Origin.EXTERNAL, (), ())
    call.add(batch)

    assert not call.is_committed
    with pytest.raises(InputError, match="not committed yet: its outcome may still be lost"):
        _ = call.batches

    assert call.resolve() == [batch]
    assert call.is_committed
    assert call.batches == [batch]
    assert (call.source, call.source_sequence, call.digest) == ("feed", 4, b"digest")
