from __future__ import annotations

import pytest

from novate.market.index_method import apply_index_method_set, decide_set_index_method
from novate.message.refusal import SetIndexMethodRefusal as No
from tests.unit.clearing import ClearingHouse, Recorder


@pytest.mark.rule("5.23")
@pytest.mark.parametrize(
    ("asset", "method", "code"),
    [
        (0, 0, No.UNKNOWN_ASSET),
        (2, 9, No.UNKNOWN_ASSET),
        (1, -1, No.UNKNOWN_METHOD),
        (1, 2, No.UNKNOWN_METHOD),
        (1, 0, None),
        (1, 1, None),
    ],
)
def test_a_method_of_the_catalogue_is_named_for_an_asset_that_has_an_index(
    asset: int, method: int, code: No | None
) -> None:
    row, emitted = {"asset": asset, "method": method}, Recorder()

    refusal = decide_set_index_method(ClearingHouse().state, row, emitted)

    assert (None if refusal is None else refusal.code) == code
    assert emitted.names == ([] if code else ["IndexMethodSet"])


def test_the_method_is_remembered() -> None:
    state = ClearingHouse().state

    apply_index_method_set(state, {"asset": 1, "method": 0})

    assert state.assets.used("index_method").tolist() == [1, 0]
