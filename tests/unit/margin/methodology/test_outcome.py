from __future__ import annotations

import pytest

from novate.errors import InputError
from novate.margin.methodology.outcome import MissingInputError, NotValuedError, Outcome


def test_excess_is_equity_beyond_a_margin_and_negative_where_it_falls_short() -> None:
    outcome = Outcome(currency="USD", initial=80.0, maintenance=40.0, equity=50.0, parts=())

    assert (outcome.initial_excess, outcome.maintenance_excess) == (-30.0, 10.0)


def test_what_is_missing_or_not_covered_is_bad_input() -> None:
    assert issubclass(MissingInputError, InputError)
    assert issubclass(NotValuedError, InputError)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_margin_that_is_no_number_is_refused(bad: float) -> None:
    with pytest.raises(InputError, match="allowed: a finite number"):
        Outcome(currency="USD", initial=bad, maintenance=0.0, equity=0.0, parts=())
