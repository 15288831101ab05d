"""Houses whose coin has several sources: what one of them, or two, can do."""

from __future__ import annotations

import pytest

from novate.engine.recover import audit, recover
from novate.kernel.codes import AccountStatus
from novate.message import command
from novate.message.parameter import SETTINGS, Parameter
from novate.message.refusal import (
    ReserveMarginRefusal,
    SetSourceWeightRefusal,
    SubmitTradeRefusal,
    WithdrawCollateralRefusal,
)
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, START, ClearingHouse


def house_of(sources: int, **parameters: int) -> ClearingHouse:
    """A long and a short of 100 lots at 500, at 10% initial and 5% maintenance margin.

    As many sources of weight 1 as are asked for, and the default of how many an index needs.
    """
    given = {Parameter[name]: value for name, value in parameters.items()}
    least = SETTINGS[Parameter.INDEX_SOURCES_MIN].default
    house = ClearingHouse(parameters={Parameter.INDEX_SOURCES_MIN: least, **given})
    rows = [
        command.DECLARE_SOURCE.row(symbol=f"s{k}", asset=1, weight=1) for k in range(1, sources)
    ]
    house.submit(*rows)
    house.list_contract("X")
    for name in ("long", "short"):
        house.open_client(name, deposit=6_000 * COIN)
    report(house, *[500] * sources)
    if not house.state.assets.is_stale[1]:
        house.trade("long", "short", lots=100, ticks=500)
    return house


def report(house: ClearingHouse, *prices: int | None, at_ns: int = 0) -> None:
    """Prices by source, None for none, and an assessment."""
    house.price(None, at_ns=at_ns, e8={k: p * E8 for k, p in enumerate(prices) if p is not None})


def index(house: ClearingHouse) -> tuple[int, bool]:
    """The index of the coin in whole numeraire, and whether it is stale."""
    assets = house.state.assets
    return int(assets.price_e8[1]) // E8, bool(assets.is_stale[1])


def contradict(house: ClearingHouse, source: int, price: int) -> None:
    """Report another price for the instant of a source's last report."""
    at_ns = int(house.state.sources.observed_ns[source])
    row = {"source": source, "price_e8": price * E8, "observed_ns": at_ns}
    house.submit(command.REPORT_PRICE.row(**row))


# ---- one source, and two that disagree


@pytest.mark.rule("5.5")
def test_one_fresh_source_alone_liquidates_nobody_unless_the_house_says_so() -> None:
    house = house_of(2)
    # The other source is silent for longer than two hours.
    report(house, 200, at_ns=START + 3 * HOUR)
    assert index(house) == (500, True)
    assert house.status("long") == AccountStatus.OPEN

    house = house_of(2, INDEX_SOURCES_MIN=1)
    report(house, 200, at_ns=START + 3 * HOUR)
    assert index(house) == (200, False)
    assert house.status("long") == AccountStatus.TAKEN_OVER


@pytest.mark.rule("5.61")
def test_of_two_sources_a_liar_makes_the_index_stale_and_liquidates_nobody() -> None:
    house = house_of(2)

    report(house, 500, 200)
    assert index(house) == (500, True)  # and not (350, False)
    report(house, 500, 900)
    assert index(house) == (500, True)

    assert house.status("long") == house.status("short") == AccountStatus.OPEN
    report(house, 500, 510)
    assert index(house) == (505, False)


@pytest.mark.rule("5.60")
def test_more_weight_than_all_others_decides_no_more_than_they_do() -> None:
    house = house_of(3)
    house.submit(command.SET_SOURCE_WEIGHT.row(source=2, weight=1_000))

    report(house, 500, 500, 200)

    # It counts as the other two together: half says 200, half 500.
    assert index(house) == (500, True)
    report(house, 500, 502, 490)
    assert index(house) == (495, False)


# ---- two prices for one instant


@pytest.mark.rule("5.62")
def test_a_source_that_gives_two_prices_for_one_instant_does_not_count_until_a_later_one() -> None:
    house = house_of(3)
    report(house, 500, 501, 510)

    contradict(house, 1, 900)

    at_ns = house.state.now_ns
    assert house.event_names() == ["SourceContradicted"]
    assert house.events("SourceContradicted") == [
        {"source": 1, "price_e8": 501 * E8, "other_e8": 900 * E8, "observed_ns": at_ns}
    ]
    house.assess()
    assert index(house) == (505, False)  # of 500 and 510
    contradict(house, 1, 501)  # its first price again changes nothing
    assert house.event_names() == ["PriceReported"]
    house.assess()
    assert index(house) == (505, False)

    report(house, None, 502)
    assert index(house) == (502, False)
    contradict(house, 1, 502)
    house.assess()
    assert index(house) == (502, False)


@pytest.mark.rule("5.62")
def test_a_source_that_says_100_and_then_900_for_one_instant_in_one_batch_counts_for_nothing() -> (
    None
):
    house = house_of(2)
    house.advance(house.state.now_ns + MINUTE)
    row = {"source": 1, "observed_ns": house.state.now_ns}
    prices = {
        "source": [1, 1],
        "price_e8": [100 * E8, 900 * E8],
        "observed_ns": [row["observed_ns"]] * 2,
    }

    house.submit(command.REPORT_PRICE.run(prices))

    assert house.event_names() == ["PriceReported", "SourceContradicted"]
    house.assess()
    assert index(house) == (500, True)  # one usable source is too few
    assert house.status("long") == AccountStatus.OPEN


@pytest.mark.rule("5.62", "5.64", "14.2", "14.3")
def test_contradictions_weights_and_limits_recover_and_are_audited() -> None:
    house = house_of(3)
    contradict(house, 1, 900)
    house.submit(command.SET_SOURCE_WEIGHT.row(source=2, weight=0))
    house.price(440, e8={1: 440 * E8})

    journal = house.engine.journal
    digest = house.engine.snapshot()

    assert recover(journal, from_snapshot=False).state.digest() == digest
    assert recover(journal).state.digest() == digest
    assert audit(journal).digest == digest


# ---- weights


@pytest.mark.rule("5.64", "15.40")
@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"source": 3, "weight": -1}, SetSourceWeightRefusal.UNKNOWN_SOURCE),
        ({"source": 2, "weight": -1}, SetSourceWeightRefusal.WEIGHT_OUT_OF_RANGE),
        ({"source": 2, "weight": 10**6 + 1}, SetSourceWeightRefusal.WEIGHT_OUT_OF_RANGE),
    ],
)
def test_a_weight_is_refused_in_the_order_of_the_codes(
    row: dict[str, int], code: SetSourceWeightRefusal
) -> None:
    house = house_of(3)

    house.submit(command.SET_SOURCE_WEIGHT.row(**row), allow_refusals=True)

    assert house.refusals() == [code]


@pytest.mark.rule("5.64")
def test_a_source_is_retired_at_once_though_the_index_is_stale_without_it() -> None:
    house = house_of(2)

    house.submit(command.SET_SOURCE_WEIGHT.row(source=1, weight=0))

    assert house.events("SourceWeightSet") == [{"source": 1, "weight": 0}]
    report(house, 400, 100)
    assert index(house) == (500, True)
    house.submit(command.SET_SOURCE_WEIGHT.row(source=1, weight=3))
    report(house, 490, 495)
    assert index(house) == (492, False)


# ---- a narrow index


def narrow_house() -> ClearingHouse:
    """Five sources, of which two report: 40% of the weight, and as many as an index needs."""
    house = house_of(5)
    report(house, 500, 500, at_ns=START + 3 * HOUR)
    assert index(house) == (500, False)
    return house


@pytest.mark.rule("5.21", "5.65", "5.66", "7.13", "7.28")
def test_on_a_narrow_index_nothing_is_opened() -> None:
    house = narrow_house()
    opening = house.trade_run("long", "short", lots=1, ticks=500)
    order = {"account": house.number("long"), "instrument": 0, "lots": 1, "limit_ticks": 500}

    house.submit(opening, command.RESERVE_MARGIN.row(**order), allow_refusals=True)

    assert house.refusals() == [
        SubmitTradeRefusal.PRICE_BLOCKED,
        ReserveMarginRefusal.PRICE_BLOCKED,
    ]
    house.trade("short", "long", lots=40, ticks=500)  # both reduce
    house.submit(command.RESERVE_MARGIN.row(**{**order, "lots": -1}))
    assert house.lots("long") == 60


@pytest.mark.rule("5.66", "6.9")
def test_on_a_narrow_index_nothing_is_withdrawn_that_hangs_on_it() -> None:
    house = narrow_house()
    house.open_client("flat", deposit=5)
    rows = [
        command.WITHDRAW_COLLATERAL.row(account=house.number(name), asset=0, amount=1)
        for name in ("long", "flat")
    ]

    house.submit(*rows, allow_refusals=True)

    assert house.refusals() == [WithdrawCollateralRefusal.INDEX_STALE]
    house.deposit("long", COIN)
    report(house, None, None, 500)  # 60% of the weight
    house.submit(rows[0])


@pytest.mark.rule("5.66")
def test_on_a_narrow_index_marks_cycles_and_liquidation_go_on() -> None:
    house = narrow_house()

    report(house, 460, 460)  # equity 2,000 of 46,000: 2,300 are asked for

    assert house.state.marks.mark[0] == 460
    assert house.status("long") == AccountStatus.LIQUIDATING
    assert house.events("OrderPlaced", last=True)[0]["account"] == house.number("long")
    postponed = len(house.events("CyclePostponed"))  # while nothing was reported
    house.price(None, at_ns=START + 4 * HOUR, e8={0: 460 * E8, 1: 460 * E8})
    house.advance(START + 5 * HOUR)
    assert len(house.events("CyclePostponed")) == postponed
    assert house.events("CycleSettled", last=True)


@pytest.mark.rule("5.65")
def test_a_share_of_zero_makes_no_index_narrow() -> None:
    house = narrow_house()
    house.submit(command.SET_PARAMETER.row(
        parameter=int(Parameter.INDEX_WEIGHT_MIN_PPM), value=0, scope=0, subject=0, effective_ns=0,
    ))  # fmt: skip

    house.trade("long", "short", lots=1, ticks=500)

    assert house.lots("long") == 101
