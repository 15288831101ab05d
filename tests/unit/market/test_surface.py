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
    assert report(house, expiry_ns=START + 2 * DAY, a_e9=6_000_000) == []
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


# ---- one expiry against another

MONTH, SPRING = START + 30 * DAY, START + 60 * DAY


def flat(volatility: float, expiry_ns: int, at_ns: int = START) -> dict[str, int]:
    """A smile that is none."""
    variance = round(volatility**2 * (expiry_ns - at_ns) / (365 * DAY) * 1e9)
    level = {"a_e9": variance, "b_e9": 0, "rho_e9": 0, "m_e9": 0}
    return {**ROW, **level, "expiry_ns": expiry_ns, "observed_ns": at_ns}


@pytest.mark.rule("9.56")
def test_a_later_expiry_with_less_variance_than_an_earlier_one_is_refused() -> None:
    house = ClearingHouse()
    assert report(house, **flat(1.0, MONTH)) == []
    assert report(house, **flat(0.5, SPRING)) == ["CALENDAR_ARBITRAGE"]
    (refusal,) = house.events("CommandRefused", last=True)
    # 0.25 x 60 / 365 against 1 x 30 / 365, less a ten-thousandth of it.
    assert (refusal["actual"], refusal["allowed"]) == (41_095_890, 82_183_562)
    assert report(house, **flat(0.71, SPRING)) == []  # 0.504 x 60 is more than 30


@pytest.mark.rule("9.56")
def test_an_earlier_expiry_with_more_variance_than_a_later_one_is_refused() -> None:
    house = ClearingHouse()
    assert report(house, **flat(0.5, SPRING)) == []
    assert report(house, **flat(1.0, MONTH)) == ["CALENDAR_ARBITRAGE"]
    assert report(house, **flat(0.7, MONTH)) == []  # 0.49 x 30 is less than 0.25 x 60


@pytest.mark.rule("9.56")
def test_wings_that_cross_are_refused_though_the_money_does_not() -> None:
    house = ClearingHouse()
    steep = {"b_e9": 200_000_000, "sigma_e9": 10**8}
    assert report(house, **{**flat(0.2, MONTH), **steep}) == []
    assert report(house, **flat(0.9, SPRING)) == ["CALENDAR_ARBITRAGE"]


@pytest.mark.rule("9.56")
def test_a_smile_that_is_stale_or_of_another_asset_or_over_locks_nobody_out() -> None:
    house = ClearingHouse(assets=(("BTC", 8, 0), ("ETH", 8, 0)))
    assert report(house, **flat(1.0, MONTH)) == []
    assert report(house, **{**flat(0.5, SPRING), "underlying": 2}) == []
    hours = house.state.parameter(Parameter.SURFACE_STALENESS_NS)
    late = START + hours
    house.advance(late)
    assert report(house, **flat(0.5, SPRING, late)) == ["CALENDAR_ARBITRAGE"]
    house.advance(late + 1)
    assert report(house, **flat(0.5, SPRING, late + 1)) == []


@pytest.mark.rule("9.56")
def test_variance_is_compared_from_now_on_and_not_from_when_it_was_seen() -> None:
    house = ClearingHouse(parameters={Parameter.SURFACE_STALENESS_NS: 7 * DAY})
    assert report(house, **flat(1.0, START + 2 * DAY)) == []
    house.advance(START + DAY)
    # A day of it is left, as of one a quarter as high that has four days.
    assert report(house, **flat(0.5, START + 5 * DAY, START + DAY)) == []


@pytest.mark.rule("4.30", "9.57", "14.4")
@pytest.mark.parametrize("factor", [2.0, 0.5])
@pytest.mark.parametrize("is_ascending", [True, False])
def test_a_desk_moves_its_whole_surface_in_one_run(factor: float, is_ascending: bool) -> None:
    house = ClearingHouse()
    expiries = [MONTH, MONTH + DAY, MONTH + 2 * DAY]
    for expiry_ns in expiries:
        assert report(house, **flat(0.5, expiry_ns)) == []
    order = expiries if is_ascending else expiries[::-1]
    rows = [flat(0.5 * factor, expiry_ns) for expiry_ns in order]
    columns = {name: [row[name] for row in rows] for name in ROW}
    house.submit(command.REPORT_SURFACE.run(columns))
    assert len(house.events("SurfaceReported", last=True)) == 3


@pytest.mark.rule("9.57")
def test_a_run_that_crosses_itself_is_refused_where_it_does() -> None:
    house = ClearingHouse()
    rows = [flat(1.0, MONTH), flat(0.5, SPRING), flat(0.8, SPRING + DAY)]
    columns = {name: [row[name] for row in rows] for name in ROW}
    house.submit(command.REPORT_SURFACE.run(columns), allow_refusals=True)
    assert [row["row"] for row in house.events("CommandRefused", last=True)] == [1]
    assert len(house.events("SurfaceReported", last=True)) == 2
