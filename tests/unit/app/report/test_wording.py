from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.app.report.wording import (
    any_number,
    compact,
    count,
    counted,
    exact,
    instant,
    money,
    money_or_none,
    percent,
    sentence,
    signed,
    words,
)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("1234567.890000", "1,234,568"),
        ("-1234.5", "\u22121,234"),
        ("12.345", "12.34"),
        ("0.004500", "0.0045"),
        ("0.0000001", "<0.000001"),
        ("-0.0000001", ">\u22120.000001"),
        ("0", "0"),
        ("NaN", "n/a"),
    ],
)
def test_an_amount_shows_the_digits_that_its_size_needs(amount: str, expected: str) -> None:
    assert money(Decimal(amount)) == expected


@given(st.decimals(min_value=-(10**15), max_value=10**15, places=6, allow_nan=False))
def test_an_amount_that_is_not_zero_never_reads_as_zero(amount: Decimal) -> None:
    assert (money(amount) == "0") == (amount == 0)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (12_345_678.0, "12.3\u00a0m"),
        (999.4, "999"),
        (999.9, "1\u00a0k"),
        (999_999.0, "1\u00a0m"),
        (999_900_000.0, "1\u00a0bn"),
        (-4.1e9, "\u22124.1\u00a0bn"),
        (100.0, "100"),
        (0.25, "0.25"),
        (0.0, "0"),
    ],
)
def test_a_compact_amount_has_three_digits_and_no_exponent(amount: float, expected: str) -> None:
    assert compact(amount) == expected


def test_zero_is_said_in_words_where_words_are_wanted() -> None:
    assert money_or_none(Decimal(0)) == "none"
    assert signed(Decimal(0)) == "no change"
    assert counted(0, "default") == "no defaults"


def test_signs_nouns_and_every_digit() -> None:
    assert signed(Decimal(5000)) == "+5,000"
    assert signed(Decimal(-5000)) == "\u22125,000"
    assert exact(Decimal("-1234.500000")) == "\u22121,234.500000"
    assert count(1234) == "1,234"
    assert [counted(1, "call"), counted(2, "call")] == ["1 call", "2 calls"]
    assert percent(0.1234) == "12.3\u00a0%"
    assert percent(float("nan")) == "n/a"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7004112.500000", "7,004,112.50"),
        ("121000", "121,000"),
        ("0.30", "0.3"),
        ("maintenance margin", "maintenance margin"),
        ("1e+09", "1,000,000,000"),
        ("4.5e-3", "0.0045"),
        ("1e300", "1e300"),
        ("-15,567.820867", "\u221215,567.820867"),
        ("1,2", "1,2"),
        ("NaN", "NaN"),
        (None, "none"),
    ],
)
def test_only_numbers_are_grouped(value: str | None, expected: str) -> None:
    assert any_number(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2025-10-10T21:16:04Z", "2025-10-10 21:16:04"),
        ("2025-10-10T23:16:04+02:00", "2025-10-10 21:16:04"),
        ("2025-10-10T21:16:04", "2025-10-10 21:16:04"),
        (1_760_131_764_000_000_000, "2025-10-10 21:29:24"),
        ("soon", "soon"),
        (None, "none"),
    ],
)
def test_an_instant_reads_in_utc(value: str | int | None, expected: str) -> None:
    assert instant(value) == expected


def test_clauses_join_as_a_person_would_join_them() -> None:
    assert [sentence([]), sentence(["a"]), sentence(["a", "b", "c"])] == ["", "a", "a, b and c"]
    assert words("skin_in_the_game") == "Skin in the game"
