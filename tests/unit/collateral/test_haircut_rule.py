from __future__ import annotations

import pytest

from novate.collateral.haircut_rule import apply_haircut_rule_set, decide_set_haircut_rule
from novate.message.refusal import SetHaircutRuleRefusal as No
from tests.unit.clearing import ClearingHouse, Recorder


@pytest.mark.rule("6.17")
@pytest.mark.parametrize(
    ("asset", "rule", "code"),
    [
        (0, 0, No.UNKNOWN_ASSET),
        (2, 9, No.UNKNOWN_ASSET),
        (1, -1, No.UNKNOWN_RULE),
        (1, 1, No.UNKNOWN_RULE),
        (1, 0, None),
    ],
)
def test_a_rule_of_the_catalogue_is_named_for_an_asset_that_has_a_haircut(
    asset: int, rule: int, code: No | None
) -> None:
    row, emitted = {"asset": asset, "rule": rule}, Recorder()

    refusal = decide_set_haircut_rule(ClearingHouse().state, row, emitted)

    assert (None if refusal is None else refusal.code) == code
    assert emitted.names == ([] if code else ["HaircutRuleSet"])


def test_the_rule_is_remembered() -> None:
    state = ClearingHouse().state

    apply_haircut_rule_set(state, {"asset": 1, "rule": 0})

    assert state.assets.used("haircut_rule").tolist() == [0, 0]
