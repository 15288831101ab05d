from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate import units
from novate.errors import CapacityError, InputError, InvariantError
from novate.units import (
    AMOUNT_MAX,
    DAY,
    INSTANT_MAX,
    INT64_MAX,
    SECOND,
    Rounding,
    format_decimal,
    format_instant,
    muldiv_ceil,
    muldiv_floor,
    muldiv_half_up,
    parse_decimal,
    parse_instant,
    parse_zoned_instant,
)

int64 = st.integers(-INT64_MAX, INT64_MAX)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(value=int64, decimals=st.integers(0, 12))
def test_a_number_written_and_read_is_the_same_number(value: int, decimals: int) -> None:
    assert parse_decimal(format_decimal(value, decimals), decimals) == value


@given(
    number=st.decimals(
        min_value=-(10**9), max_value=10**9, allow_nan=False, allow_infinity=False, places=8
    )
)
def test_every_spelling_of_a_decimal_means_the_same(number: Decimal) -> None:
    expected = int(number * 10**8)

    for text in (str(number), f"{number:E}", f"{number:f}0000", f"{number:f}".rstrip(".")):
        assert parse_decimal(text, 8) == expected


@given(value=st.floats(min_value=1e-3, max_value=1e6), decimals=st.integers(0, 6))
def test_a_float_enters_by_its_shortest_text(value: float, decimals: int) -> None:
    rounded = round(value, decimals)

    actual = parse_decimal(repr(rounded), decimals)

    assert Fraction(actual, 10**decimals) == Fraction(Decimal(repr(rounded)))


@given(text=st.text(max_size=30))
def test_any_text_is_a_number_or_an_input_error(text: str) -> None:
    try:
        value = parse_decimal(text, 8)
    except InputError:
        return
    assert value == Decimal(text) * 10**8


@pytest.mark.parametrize(
    "text",
    [
        "nan", "NaN", "inf", "-Infinity", "", ".", "-", "e5", "1e", "1.2.3", "1,000", "1_000",
        " 1", "1 ", "0x10", "--1", "٣", "1e31", "1e-31", "1e99999", "9" * 41, "0.123456789",
        "1e-9", "92233720368547758.08", "1\n",
    ],
)  # fmt: skip
def test_what_is_no_exact_number_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(InputError, match="allowed"):
        parse_decimal(text, 2 if "92233720368547758" in text else 8)


def test_a_refused_number_shows_value_and_allowance() -> None:
    with pytest.raises(InputError, match=r"'0\.123'; allowed: at most 2 decimals"):
        parse_decimal("0.123", 2)
    with pytest.raises(InputError, match=r"'2'; allowed: at most 1\.00 in size"):
        parse_decimal("2", 2, limit=100)


def test_extra_zeros_are_no_extra_digits() -> None:
    assert parse_decimal("1.50000000000", 1) == 15
    assert parse_decimal("1500e-3", 1) == 15


@pytest.mark.rule("1.3")
@pytest.mark.parametrize(
    ("rounding", "positive", "negative"),
    [(Rounding.FLOOR, 12, -13), (Rounding.CEILING, 13, -12), (Rounding.HALF_UP, 13, -13)],
)
def test_each_rounding_rule_does_what_its_name_says(
    rounding: Rounding, positive: int, negative: int
) -> None:
    assert parse_decimal("1.25", 1, rounding=rounding) == positive
    assert parse_decimal("-1.25", 1, rounding=rounding) == negative


@given(a=int64, b=int64, c=st.integers(1, INT64_MAX))
def test_muldiv_rounds_the_exact_quotient(a: int, b: int, c: int) -> None:
    exact = Fraction(a * b, c)
    half = Fraction(1, 2)
    away = exact + half if exact >= 0 else exact - half
    wanted = {
        muldiv_floor: exact.__floor__(),
        muldiv_ceil: exact.__ceil__(),
        muldiv_half_up: away.__trunc__(),
    }
    for function, expected in wanted.items():
        if abs(expected) > INT64_MAX:
            with pytest.raises(CapacityError, match="allowed"):
                function(a, b, c)
        else:
            assert function(a, b, c) == expected


@pytest.mark.rule("1.3")
@given(a=st.integers(-(10**9), 10**9), b=st.integers(0, 10**9), c=st.integers(1, 10**9))
def test_rounding_to_the_nearest_is_odd(a: int, b: int, c: int) -> None:
    assert muldiv_half_up(-a, b, c) == -muldiv_half_up(a, b, c)


@pytest.mark.parametrize("divisor", [0, -1])
def test_a_divisor_that_is_not_positive_is_a_fault(divisor: int) -> None:
    with pytest.raises(InvariantError, match="divisor is positive"):
        muldiv_floor(1, 1, divisor)


@pytest.mark.rule("1.4")
@given(value=st.floats(min_value=-1e15, max_value=1e15))
def test_requirements_round_up_and_credits_down(value: float) -> None:
    assert units.credit_units(value) <= value <= units.requirement_units(value)
    assert units.requirement_units(value) - units.credit_units(value) <= 1


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2.0 * AMOUNT_MAX])
def test_a_risk_number_without_size_is_not_quantised(value: float) -> None:
    with pytest.raises(CapacityError, match="finite"):
        units.requirement_units(value)


@given(instant_ns=st.integers(0, INSTANT_MAX - 1))
def test_an_instant_written_and_read_is_the_same_instant(instant_ns: int) -> None:
    assert parse_instant(format_instant(instant_ns)) == instant_ns


@given(day=st.integers(-1_000_000, 1_000_000))
def test_day_numbers_and_dates_are_inverse(day: int) -> None:
    assert units.days_from_civil(*units.civil_from_days(day)) == day


@given(
    moment=st.datetimes(
        min_value=datetime(1970, 1, 3),  # noqa: DTZ001  hypothesis wants it naive
        max_value=datetime(2261, 12, 28),  # noqa: DTZ001
    ),
    minutes=st.integers(-14 * 60, 14 * 60),
)
def test_instants_agree_with_the_standard_calendar(moment: datetime, minutes: int) -> None:
    offset = timedelta(minutes=minutes)
    sign = "-" if minutes < 0 else "+"
    text = f"{moment.isoformat()}{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    expected = (moment.replace(tzinfo=UTC) - offset - EPOCH) // timedelta(microseconds=1) * 1000

    assert parse_zoned_instant(text) == (expected, minutes)


@pytest.mark.parametrize(
    ("text", "expected_ns"),
    [
        ("1970-01-01", None),
        ("1970-01-01Z", 0),
        ("1970-01-02 UTC", DAY),
        ("2021-05-19 12:00Z", 1_621_425_600 * SECOND),
        ("2021-05-19T12:00:00,5+0000", 1_621_425_600 * SECOND + SECOND // 2),
        ("2000-02-29T00:00:00Z", 951_782_400 * SECOND),
        ("2021-05-19T12:00:00", None),
        ("1900-02-29T00:00:00Z", None),
        ("2021-02-29T00:00:00Z", None),
        ("2021-13-01T00:00:00Z", None),
        ("2021-05-19T24:00:00Z", None),
        ("2021-05-19T12:60:00Z", None),
        ("2016-12-31T23:59:60Z", None),
        ("2021-05-19T12:00:00+16:00", None),
        ("2021-05-19T12:00:00+01:60", None),
        ("2021-05-19T12:00:00.0000000001Z", None),
        ("1969-12-31T23:59:59Z", None),
        ("2262-01-01T00:00:00Z", None),
        ("1621425600000", None),
        ("", None),
    ],
)
def test_only_instants_with_a_zone_that_exist_are_read(text: str, expected_ns: int | None) -> None:
    if expected_ns is None:
        with pytest.raises(InputError, match="allowed"):
            parse_instant(text)
    else:
        assert parse_instant(text) == expected_ns


@pytest.mark.parametrize(("unit", "scale"), [("s", 10**9), ("ms", 10**6), ("us", 1000), ("ns", 1)])
def test_the_caller_states_the_unit_of_an_integer(unit: str, scale: int) -> None:
    assert parse_instant(1_600_000_000 * (SECOND // scale), unit) == 1_600_000_000 * SECOND


@pytest.mark.parametrize(
    ("value", "unit"),
    [(True, "s"), (1.5, "s"), (None, "s"), (1, "minutes"), (-1, "ns"), (10**12, "s")],
)
def test_what_is_no_count_of_a_known_unit_is_refused(value: object, unit: str) -> None:
    with pytest.raises(InputError, match="allowed"):
        parse_instant(value, unit)  # type: ignore[arg-type]


def test_a_long_refused_text_is_cut() -> None:
    for function in (lambda text: parse_decimal(text, 2), parse_instant):
        with pytest.raises(InputError) as caught:
            function("x" * 1_000)
        assert len(str(caught.value)) < 200
