from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.adapter.price_file.cells import instant_column, scale_column
from novate.errors import InputError
from novate.units import Rounding, parse_decimal, parse_instant

BOUNDS = (1, 10**16)
WIDE = (-(10**18), 10**18)


@given(values=st.lists(st.decimals(min_value=-(10**9), max_value=10**9, places=8), max_size=30))
def test_the_fast_way_and_the_slow_way_give_the_same_integers(values: list[Any]) -> None:
    expected = [int(value * 10**8) for value in values]
    plain = pa.array([f"{value:f}" for value in values], pa.string())
    scientific = pa.array([f"{value:E}" for value in values], pa.string())

    for array in (plain, scientific):
        scaled = scale_column("f", "c", array, WIDE)
        assert scaled.values.tolist() == expected
        assert scaled.faults == {}


@given(values=st.lists(st.integers(1, 10**15 - 1), max_size=30), decimals=st.integers(0, 8))
def test_a_float_of_15_digits_is_the_decimal_it_was_written_as(
    values: list[int], decimals: int
) -> None:
    texts = [f"{value}e-{decimals}" for value in values]
    floats = pa.array([float(text) for text in texts], pa.float64())

    scaled = scale_column("f", "c", floats, (-(2**62), 2**62))

    for position, text in enumerate(texts):
        exact = parse_decimal(text, 8, limit=10**30)
        if exact <= 2**62:
            assert scaled.values[position] == exact
        else:
            assert position in scaled.faults


@pytest.mark.parametrize(
    "value",
    [
        float("nan"), float("inf"), float("-inf"), 0.0, -0.0, -1.0, 1e9, 1e300, 5e-324,
        100.000000001,
    ],
)  # fmt: skip
def test_a_price_that_cannot_be_is_a_fault_with_its_text(value: float) -> None:
    array = pa.array([100.5, value, 99.5], pa.float64(), from_pandas=False)

    scaled = scale_column("f", "c", array, BOUNDS)

    assert scaled.values.tolist() == [10_050_000_000, 0, 9_950_000_000]
    assert list(scaled.faults) == [1]
    assert scaled.faults[1][1] == "0.00000001 to 100000000.00000000, 8 decimals"
    assert scaled.faults[1][0] != ""


def test_absent_cells_are_no_faults_here() -> None:
    scaled = scale_column("f", "c", pa.array([None, "1", None], pa.string()), BOUNDS)

    assert scaled.is_present.tolist() == [False, True, False]
    assert scaled.faults == {}
    assert scale_column("f", "c", pa.nulls(2), BOUNDS).is_present.tolist() == [False, False]


def test_volume_is_no_money_and_may_be_rounded() -> None:
    array = pa.array([218102.59507500002], pa.float64())

    assert scale_column("f", "c", array, WIDE, Rounding.HALF_UP).values[0] == 21_810_259_507_500
    assert 0 in scale_column("f", "c", array, WIDE).faults


@pytest.mark.parametrize(
    "array", [pa.array([1, 2]), pa.array([1.0, 2.0], pa.float32()), pa.array(["1", "2.0"])]
)
def test_integers_small_floats_and_text_are_numbers_too(array: pa.Array) -> None:
    assert scale_column("f", "c", array, BOUNDS).values.tolist() == [10**8, 2 * 10**8]


def test_a_column_of_another_type_refuses_the_file() -> None:
    with pytest.raises(InputError, match="f, c: column type bool"):
        scale_column("f", "c", pa.array([True]), BOUNDS)


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("is_text", [True, False])
def test_the_size_of_an_integer_shows_its_unit(unit: str, is_text: bool) -> None:
    count = 1_621_425_600 * {"ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    array = pa.array([str(count)]) if is_text else pa.array([count])

    assert instant_column("f", "t", array).values[0] == parse_instant("2021-05-19T12:00:00Z")


@pytest.mark.parametrize("kind", ["s", "ms", "us", "ns"])
def test_arrow_times_in_utc_are_read_in_any_resolution(kind: str) -> None:
    array = pa.array([1_621_425_600], pa.timestamp("s", tz="UTC")).cast(
        pa.timestamp(kind, tz="UTC")
    )

    assert instant_column("f", "t", array).values[0] == 1_621_425_600 * 10**9


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (pa.array([0], pa.timestamp("s")), "time zone None"),
        (pa.array([0], pa.timestamp("s", tz="Europe/Zurich")), "time zone 'Europe/Zurich'"),
        (pa.array([10**12], pa.timestamp("s", tz="UTC")), "out of bounds"),
        (pa.array(["2021-05-19T12:00:00"]), "has no zone"),
        (pa.array(["2021-05-19T12:00Z", "2021-05-19T12:00+02:00"]), "zones are mixed"),
        (pa.array(["2021-05-19T12:00Z", "1621425600000"]), "are mixed"),
        (pa.array([1_621_425_600_000, 1_621_425_600_000_000]), "units .* are mixed"),
        (pa.array([1.5]), "column type double"),
    ],
)
def test_times_of_doubtful_meaning_refuse_the_file(array: pa.Array, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        instant_column("f", "t", array)


@pytest.mark.parametrize(
    "array",
    [
        pa.array(["soon", "2021-05-19T12:00Z", None]),
        pa.array([17, 1_621_425_600_000, None]),
        pa.array(["9" * 400, "1621425600000", None]),
        pa.array([-1, 1_621_425_600, None], pa.timestamp("s", tz="UTC")),
    ],
)
def test_a_single_bad_time_is_a_fault_of_its_row(array: pa.Array) -> None:
    scaled = instant_column("f", "t", array)

    assert sorted(scaled.faults) == [0, 2]
    assert scaled.values[1] == 1_621_425_600 * 10**9
