from __future__ import annotations

import pytest

from novate.message import command
from novate.message.parameter import Parameter
from tests.unit.clearing import DAY, HOUR, SECOND, START, ClearingHouse

ROW = {
    "underlying": 1, "expiry_ns": START + DAY, "carry_e9": 1_000_000, "a_e9": 2_000_000,
    "b_e9": 10_000_000, "rho_e9": -300_000_000, "m_e9": 5_000_000, "sigma_e9": 100_000_000,
    "observed_ns": START,
}  # fmt: skip


def report(house: ClearingHouse, **other: int) -> list[str]:
    """Report a smile; the names of its refusals."""
    house.submit(command.REPORT_SURFACE.row(**{**ROW, **other}), allow_refusals=True)
    return [code.name for code in house.refusals()]


@pytest.mark.rule("9.34", "9.37", "15.21")
@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"underlying": 0}, "UNKNOWN_ASSET"),
        ({"underlying": 7}, "UNKNOWN_ASSET"),
        ({"observed_ns": START + 1}, "OBSERVED_IN_THE_FUTURE"),
        ({"expiry_ns": START}, "EXPIRY_PASSED"),
        ({"carry_e9": 10**9 + 1}, "PARAMETER_OUT_OF_RANGE"),
        ({"b_e9": -1}, "PARAMETER_OUT_OF_RANGE"),
        ({"rho_e9": 10**9}, "PARAMETER_OUT_OF_RANGE"),
        ({"sigma_e9": 0}, "PARAMETER_OUT_OF_RANGE"),
        ({"b_e9": 1_600_000_000}, "PARAMETER_OUT_OF_RANGE"),
        ({"a_e9": -10_000_000}, "BUTTERFLY_ARBITRAGE"),
        ({"b_e9": 1_500_000_000, "sigma_e9": 1_000}, "BUTTERFLY_ARBITRAGE"),
    ],
)
def test_a_smile_out_of_range_or_with_arbitrage_is_refused(
    other: dict[str, int], code: str
) -> None:
    assert report(ClearingHouse(), **other) == [code]


@pytest.mark.rule("9.4", "9.37")
def test_the_last_smile_of_an_expiry_is_in_force() -> None:
    house = ClearingHouse()
    assert report(house) == []
    assert report(house, expiry_ns=START + 2 * DAY, a_e9=3_000_000) == []
    house.advance(START + SECOND)
    assert report(house, a_e9=4_000_000, observed_ns=START + SECOND) == []
    assert report(house) == ["OUT_OF_ORDER"]
    surfaces = house.state.surfaces
    assert surfaces.count == 2
    row = surfaces.row_of(1, START + DAY)
    assert (surfaces.a_e9[row], surfaces.carry_e9[row]) == (4_000_000, 1_000_000)
    assert surfaces.observed_ns[row] == START + SECOND
    assert surfaces.row_of(2, START + DAY) == -1


@pytest.mark.rule("9.34")
def test_the_least_density_is_told_with_the_refusal() -> None:
    house = ClearingHouse()
    report(house, b_e9=1_500_000_000, sigma_e9=1_000)
    (refusal,) = house.events("CommandRefused", last=True)
    assert refusal["actual"] < refusal["allowed"] == 0


@pytest.mark.rule("9.34")
def test_arbitrage_within_thousandths_of_the_money_is_seen() -> None:
    house = ClearingHouse()
    shape = {"a_e9": 1_000, "b_e9": 4_000_000, "m_e9": 3_000_000, "sigma_e9": 10_000}
    assert report(house, expiry_ns=START + HOUR, **shape) == ["BUTTERFLY_ARBITRAGE"]


def test_the_smile_of_an_expiry_whose_options_are_settled_makes_room_for_another() -> None:
    house = ClearingHouse()
    house.list_option(expiry_ns=START + DAY)
    house.price(100)
    assert report(house) == []
    house.advance(START + DAY + HOUR)  # the option waits for its index, and its smile with it
    later = {"observed_ns": START + DAY, "a_e9": 3_000_000}
    assert report(house, expiry_ns=START + 3 * DAY, **later) == []
    assert house.state.surfaces.count == 2

    house.price(100)
    assert len(house.events("OptionExpired")) == 1
    assert report(house, expiry_ns=START + 4 * DAY, **later) == []
    surfaces = house.state.surfaces
    assert surfaces.used("expiry_ns").tolist() == [START + 4 * DAY, START + 3 * DAY]


@pytest.mark.rule("9.36")
def test_a_smile_may_not_jump_away_from_one_that_counts() -> None:
    house = ClearingHouse(parameters={Parameter.SMILE_MOVE_PPM: 200_000})
    house.smile(0.50, expiry_ns=START + DAY)
    for volatility, allowed in ((5.0, 0.60), (0.61, 0.60), (0.39, 0.40)):
        variance = round(volatility**2 / 365 * 1e9)
        house.submit(
            command.REPORT_SURFACE.row(**{**ROW, "a_e9": variance, "b_e9": 0}), allow_refusals=True
        )
        (refusal,) = house.events("CommandRefused", last=True)
        assert [code.name for code in house.refusals()] == ["VOLATILITY_JUMPS"]
        assert refusal["actual"] == pytest.approx(volatility * 1e9, rel=1e-6)
        assert refusal["allowed"] == pytest.approx(allowed * 1e9, rel=1e-6)
    house.smile(0.59, expiry_ns=START + DAY)
    house.smile(5.0, expiry_ns=START + 2 * DAY)
    house.advance(START + 3 * HOUR)
    house.smile(5.0, expiry_ns=START + DAY)
