from __future__ import annotations

import numpy as np

from novate.default_management.refused import Refused, known


def test_the_first_reason_counts_and_the_others_pass() -> None:
    refused = Refused(5)

    refused.where(np.array([True, False, False, False, False]), 7, 1, np.arange(5))
    refused.where(np.array([True, False, True, False, True]), 8, np.arange(10, 15), 2)

    assert refused.passing().tolist() == [1, 3]
    assert refused.reasons() == [(0, (7, 1, 0)), (2, (8, 12, 2)), (4, (8, 14, 2))]


def test_a_run_without_rows_has_no_reasons() -> None:
    refused = Refused(0)

    refused.where(np.zeros(0, np.bool_), 1, 2, 3)

    assert (refused.passing().size, refused.reasons()) == (0, [])


def test_an_unknown_number_is_asked_for_as_the_first() -> None:
    numbers, is_known = known(np.array([4, 0, 9], np.uint32), 5)

    assert (numbers.tolist(), is_known.tolist()) == ([4, 0, 0], [True, True, False])
