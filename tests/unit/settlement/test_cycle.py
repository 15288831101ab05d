from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from novate.canonical import Run
from novate.engine.apply import apply_run
from novate.kernel.codes import DueKind, InstrumentStatus, Style
from novate.market.mark import before, premium_so_far
from novate.message import command, event
from novate.message.parameter import Parameter
from novate.message.refusal import EngineCommandRefusal
from novate.settlement import cycle as settlement
from novate.settlement import expiry as expiry_of
from novate.valuation.price_status import WAITING, is_blocked
from tests.unit.clearing import COIN, DAY, E8, HOUR, MINUTE, START, ClearingHouse, Recorder

ONE = 10**9


def pair(**terms: Any) -> ClearingHouse:
    """A long 10 and B short 10 at 100, with 1,000 each."""
    house = ClearingHouse()
    house.list_contract(**terms)
    for name in ("A", "B"):
        house.open_client(name, deposit=1_000 * COIN)
    house.price(100)
    house.trade("A", "B", lots=10, ticks=100)
    return house


# ---- blocked prices


@pytest.mark.rule("5.20")
def test_a_contract_is_blocked_until_it_has_a_mark() -> None:
    house = ClearingHouse()
    house.list_contract()

    assert is_blocked(house.state, 0)
    house.price(100)
    assert not is_blocked(house.state, 0)


@pytest.mark.rule("5.4", "5.19", "5.20")
def test_a_contract_is_blocked_once_its_sources_are_too_old_or_too_few() -> None:
    house = pair()
    limit = house.state.parameter(Parameter.INDEX_STALENESS_NS)
    seen = house.state.now_ns

    house.state.now_ns = seen + limit
    assert not is_blocked(house.state, 0)
    house.state.now_ns = seen + limit + 1
    assert is_blocked(house.state, 0)
    house.state.now_ns = seen
    house.state.parameters[Parameter.INDEX_SOURCES_MIN] = 2
    assert is_blocked(house.state, 0)


@pytest.mark.rule("5.19")
def test_a_contract_whose_index_was_stale_stays_blocked_until_it_is_assessed() -> None:
    house = pair()

    house.state.assets.is_stale[1] = True

    assert is_blocked(house.state, 0)


# ---- cycles


@pytest.mark.rule("8.1", "8.3")
def test_a_cycle_pays_value_less_settlement_cost_and_a_second_one_pays_nothing() -> None:
    house = pair()
    house.price(103, at_ns=START + 2)

    house.advance(START + HOUR)

    assert (house.balance("A"), house.balance("B")) == (1_030 * COIN, 970 * COIN)
    assert house.position("A")["settlement_cost"] == 1_030 * COIN
    assert house.position("A")["entry_cost"] == 1_000 * COIN
    gains = house.state.accounts.window_gain
    assert (gains[house.number("A")], gains[house.number("B")]) == (30 * COIN, -30 * COIN)
    [settled] = house.events("CycleSettled")
    assert settled == {"instrument": 0, "cycle": 1, "ticks": 103, "instant_ns": START + HOUR}

    house.advance(START + 2 * HOUR - 1)
    assert (house.balance("A"), house.balance("B")) == (1_030 * COIN, 970 * COIN)


@pytest.mark.rule("2.2", "8.2")
def test_what_inverse_values_lose_to_rounding_goes_to_the_residue_account() -> None:
    house = ClearingHouse()
    house.list_contract(form=2, settlement_asset=1, unit=10)
    for name in ("A", "B", "C"):
        house.open_client(name)
        house.deposit(name, E8, asset=1)
    house.price(7)
    house.trade("A", "B", lots=1, ticks=7)
    house.trade("A", "C", lots=1, ticks=7)
    house.price(9)

    house.advance(START + HOUR)

    # -20/9 = -2.22 for the long, 10/9 = 1.11 for each short; entered at -20/7 -> -1 each, twice.
    long, short = house.balance("A", 1) - E8, house.balance("B", 1) - E8
    assert (long, short) == (-2 - -2, 1 - 1)
    assert house.balance("RESIDUE", 1) == 0
    house.price(13)
    house.advance(START + 2 * HOUR)
    # -20/13 = -1.54 -> -2 and 10/13 = 0.77 -> 1
    assert [house.balance(name, 1) - E8 for name in "ABC"] == [0, 0, 0]
    house.price(25)
    house.advance(START + 3 * HOUR)
    # -20/25 = -0.8 -> -1 and 10/25 = 0.4 -> 0: the long gains 1, each short loses 1.
    assert [house.balance(name, 1) - E8 for name in "ABC"] == [1, -1, -1]
    assert house.balance("RESIDUE", 1) == 1


@pytest.mark.rule("4.28", "8.4")
def test_a_cycle_is_paid_once_in_its_turn_and_when_it_is_due() -> None:
    house = pair()
    no = EngineCommandRefusal
    x = house.state

    def answer(instrument: int, cycle: int) -> Any:
        emitted = Recorder()
        row = {"instrument": instrument, "cycle": cycle}
        refusal = settlement.decide_settle_cycle(x, row, emitted)
        return refusal.code if refusal else emitted.names

    assert answer(1, 1) == no.UNKNOWN_SUBJECT
    assert answer(0, 1) == no.NOT_DUE
    x.now_ns = START + HOUR
    assert answer(0, 0) == no.CAUSE_GONE
    assert answer(0, 2) == no.CAUSE_GONE
    assert answer(0, 1) == ["CycleSettled"]
    x.instruments.status[0] = InstrumentStatus.EXPIRED
    assert answer(0, 1) == no.UNKNOWN_SUBJECT


@pytest.mark.rule("8.5")
def test_a_contract_without_cycles_is_never_due() -> None:
    house = pair(cycle_ns=0)
    house.state.now_ns = START + DAY

    refusal = settlement.decide_settle_cycle(house.state, {"instrument": 0, "cycle": 1}, Recorder())

    assert refusal == (EngineCommandRefusal.NOT_DUE, START + DAY, 0)


@pytest.mark.rule("4.91", "8.5", "8.13", "8.14")
def test_a_blocked_cycle_waits_for_its_price_and_keeps_its_number() -> None:
    house = pair()

    house.advance(START + 3 * HOUR)  # staleness is two hours

    assert [row["kind"] for row in house.events("CyclePostponed")] == [DueKind.CYCLE]
    assert [row["cycle"] for row in house.events("CycleSettled")] == [1, 2]
    assert house.state.instruments.next_cycle_ns[0] == WAITING
    house.advance(START + 30 * DAY)
    assert len(house.events("CyclePostponed")) == 1
    house.price(110, at_ns=START + 30 * DAY + 1)
    assert house.events("CycleSettled")[-1]["cycle"] == 3
    assert house.balance("A") == 1_100 * COIN
    assert house.state.instruments.next_cycle_ns[0] == START + 30 * DAY + HOUR


# ---- funding


FUNDED = {"cycle_ns": 0, "funding_ns": HOUR, "funding_cap_e9": ONE, "basis_clamp_ppm": 0}


@pytest.mark.rule("8.7")
def test_longs_pay_a_positive_premium_rounded_up_and_shorts_receive_it_rounded_down() -> None:
    house = pair(**FUNDED, unit=1)
    house.price(100, at_ns=START + 2, last={0: 101})

    house.advance(START + HOUR)

    [funded] = house.events("FundingSettled")
    assert funded["rate_e9"] == 10_000_000
    assert funded["period"] == 1
    assert house.balance("A") == 1_000 * COIN - 10  # 1,000 units * 1%
    assert house.balance("B") == 1_000 * COIN + 10
    house.trade("A", "B", lots=3, ticks=100)
    house.price(100, at_ns=START + HOUR + 1, last={0: 101})
    house.advance(START + 2 * HOUR)
    # 1,300 units at 1% on top.
    assert house.balance("A") == 1_000 * COIN - 10 - 13
    assert house.balance("B") == 1_000 * COIN + 10 + 13
    assert house.balance("RESIDUE") == 0


@pytest.mark.rule("8.70")
def test_funding_counts_in_the_gains_window_of_both_sides() -> None:
    house = pair(**FUNDED, unit=1)
    house.price(100, at_ns=START + 2, last={0: 101})

    house.advance(START + HOUR)

    gains = house.state.accounts.window_gain
    assert [int(gains[house.number(name)]) for name in "AB"] == [-10, 10]


@pytest.mark.rule("8.70", "13.9")
@pytest.mark.parametrize("is_coin", [False, True])
def test_what_a_payer_of_funding_cannot_pay_is_a_loss_and_cuts_who_received_it(
    is_coin: bool,
) -> None:
    """At 100, 100 lots of a coin each: funding of half of the value is 5,000, the payer has 1,000.

    In coin, at 100 numeraire a coin, it is 50 coins of the 10 that 1,000 are worth.
    """
    coin = {"form": 2, "settlement_asset": 1, "unit": E8, "ticks_max": 10**4}
    half = {"funding_cap_e9": 500_000_000, "funding_damper_e9": ONE, "interest_e9": 500_000_000}
    house = ClearingHouse()
    house.list_contract(
        tiers=((0, 20_000, 10_000),), cycle_ns=0, funding_ns=HOUR, basis_clamp_ppm=0, **half,
        **(coin if is_coin else {}),
    )  # fmt: skip
    for name, amount in (("payer", 1_000), ("receiver", 20_000)):
        house.open_client(name)
        house.price(100)
        if is_coin:
            house.deposit(name, amount * E8 // 100, asset=1)
        else:
            house.deposit(name, amount * COIN)
    house.price(100)
    with house.before_funding_accrues():
        house.trade("payer", "receiver", lots=10_000 if is_coin else 100, ticks=100)
    before = house.equity("receiver")

    house.price(100, at_ns=START + HOUR)

    [loss] = house.events("LossRecorded")
    assert (loss["account"], loss["amount"]) == (house.number("payer"), 4_000 * COIN)
    [cut] = house.events("GainsCut")
    assert (cut["amount"], cut["winners"]) == (4_000 * COIN, 1)
    assert house.equity("receiver") == before + 1_000 * COIN
    gain = house.state.accounts.window_gain[house.number("receiver")]
    assert int(gain) == 1_000 * COIN


@pytest.mark.rule("8.8")
def test_funding_that_does_not_divide_leaves_one_unit_with_the_residue_account() -> None:
    house = pair(**FUNDED, unit=1, interest_e9=1_234_567, funding_damper_e9=ONE)

    house.advance(START + HOUR)

    # 1,000 units * 0.1234567% = 1.234567
    assert house.balance("A") == 1_000 * COIN - 2
    assert house.balance("B") == 1_000 * COIN + 1
    assert house.balance("RESIDUE") == 1


@pytest.mark.rule("8.8")
def test_a_funding_period_starts_with_empty_sums() -> None:
    house = pair(**FUNDED)
    house.price(100, at_ns=START + MINUTE, last={0: 150})

    house.advance(START + HOUR)

    marks = house.state.marks
    assert (marks.premium_sum[0], marks.premium_ms[0]) == (0, 0)
    assert marks.premium_from_ns[0] == START + HOUR
    assert house.state.instruments.next_funding_ns[0] == START + 2 * HOUR
    assert house.state.instruments.period[0] == 1


@pytest.mark.rule("4.28", "8.4", "8.9")
def test_funding_is_settled_once_in_its_turn_and_when_it_is_due() -> None:
    house = pair(**FUNDED)
    no = EngineCommandRefusal
    x = house.state

    def answer(instrument: int, period: int) -> Any:
        emitted = Recorder()
        row = {"instrument": instrument, "period": period}
        refusal = settlement.decide_settle_funding(x, row, emitted)
        return refusal.code if refusal else emitted.names

    assert answer(1, 1) == no.UNKNOWN_SUBJECT
    assert answer(0, 1) == no.NOT_DUE
    x.now_ns = START + HOUR
    assert answer(0, 2) == no.CAUSE_GONE
    assert answer(0, 1) == ["FundingSettled"]
    x.assets.is_stale[1] = True
    assert answer(0, 1) == ["CyclePostponed"]
    x.assets.is_stale[1] = False
    x.marks.updated_ns[0] = x.now_ns
    assert answer(0, 1) == ["CyclePostponed"]  # no time has passed


@pytest.mark.rule("4.50", "8.14", "8.40")
def test_blocked_funding_waits_and_every_period_is_paid_when_the_price_is_back() -> None:
    house = pair(**FUNDED)

    house.advance(START + 4 * HOUR)

    postponed = house.events("CyclePostponed")
    assert {row["kind"] for row in postponed} == {DueKind.FUNDING}
    assert [row["instant_ns"] for row in postponed] == [START + 3 * HOUR]
    assert [row["period"] for row in house.events("FundingSettled")] == [1, 2]
    assert house.state.instruments.next_funding_ns[0] == -(START + 3 * HOUR)

    # Those of three and of four hours are paid together, at twice the rate of the mean premium.
    house.price(100, at_ns=START + 4 * HOUR + MINUTE)
    row = house.events("FundingSettled", last=True)[0]
    once = house.events("FundingSettled")[1]["rate_e9"]
    assert (row["period"], row["periods"], row["rate_e9"]) == (4, 2, 2 * once)
    assert house.state.instruments.next_funding_ns[0] == START + 5 * HOUR
    assert house.state.marks.premium_sum[0] == 0


@pytest.mark.rule("8.40")
def test_a_feed_that_is_out_over_the_instant_of_funding_loses_no_period() -> None:
    def rates(*, is_out: bool) -> list[tuple[int, int]]:
        house = ClearingHouse(parameters={Parameter.INDEX_STALENESS_NS: 5 * MINUTE})
        house.list_contract(**{**FUNDED, "funding_ns": 8 * HOUR, "interest_e9": 100_000})
        first = (START // (8 * HOUR) + 1) * 8 * HOUR
        for k in range(1, 12 * 17):
            at = START + 5 * MINUTE * k
            if not (is_out and first - 12 * MINUTE < at < first + 3 * MINUTE):
                house.price(100, at_ns=at, last={0: 100})
        return [(row["period"], row["rate_e9"]) for row in house.events("FundingSettled")]

    assert rates(is_out=True) == rates(is_out=False)
    assert len(rates(is_out=True)) == 2


@pytest.mark.rule("8.40")
def test_what_is_late_takes_the_whole_notional_at_most() -> None:
    # 2% each: twelve periods of ten minutes until the source is too old, then sixty at once.
    house = pair(**{**FUNDED, "funding_ns": 10 * MINUTE})
    for name in ("A", "B"):
        house.deposit(name, 10_000 * COIN)
    house.price(100, at_ns=START + 2, last={0: 102})
    house.price(100, at_ns=START + 12 * HOUR)
    row = house.events("FundingSettled")[-1]
    assert row["periods"] == 60
    assert row["rate_e9"] == 10**9
    assert house.balance("A") == 11_000 * COIN - 240 * COIN - 1_000 * COIN


@pytest.mark.rule("8.9")
def test_a_contract_that_never_had_a_mark_owes_no_funding() -> None:
    house = ClearingHouse()
    house.list_contract(**FUNDED)
    house.advance(START + 3 * HOUR)
    house.price(100, at_ns=START + 3 * HOUR + MINUTE)
    assert not house.events("FundingSettled")
    assert house.state.instruments.next_funding_ns[0] == START + 4 * HOUR


@pytest.mark.rule("15.72")
def test_funding_that_would_bring_a_balance_to_the_bound_is_postponed() -> None:
    house = pair(**FUNDED)
    x = house.state
    row = {"instrument": 0, "period": 1}
    x.now_ns = START + HOUR
    x.marks.premium_e9[0] = 10**6
    paid = Recorder()
    assert settlement.decide_settle_funding(x, row, paid) is None
    x.accounts.balance[house.number("B"), 0] = 2**60 - 1

    held_up = Recorder()
    assert settlement.decide_settle_funding(x, row, held_up) is None

    assert paid.names == ["FundingSettled"]
    assert held_up.only()["next_ns"] == START + 2 * HOUR


@pytest.mark.rule("15.73")
def test_a_premium_is_added_up_over_thirty_days_at_most() -> None:
    house = pair(**FUNDED)
    marks = house.state.marks
    marks.premium_e9[0] = 10**9
    day, now = 86_400_000, house.state.now_ns

    def added_up(at_ns: int) -> tuple[int, int]:
        [last] = before(house.state, np.array([0]))
        return premium_so_far(last, at_ns)

    assert added_up(now + 20 * DAY)[1] == 20 * day
    assert added_up(now + 40 * DAY) == (30 * day * 10**9, 30 * day)
    marks.premium_ms[0] = 29 * day
    assert added_up(now + 40 * DAY)[1] == 30 * day
    marks.premium_ms[0] = 31 * day
    assert added_up(now + 40 * DAY)[1] == 31 * day


@pytest.mark.rule("8.13")
def test_what_was_postponed_by_an_interval_in_an_old_journal_still_is() -> None:
    house = pair(**{**FUNDED, "cycle_ns": HOUR})
    x = house.state
    kinds = (DueKind.CYCLE, DueKind.FUNDING, DueKind.OBSERVATION, DueKind.EXPIRY)
    columns = {"instrument": [0] * 4, "kind": kinds, "instant_ns": [START] * 4}
    older = Run("CyclePostponed", 1, 4, event.CYCLE_POSTPONED.run(
        {**columns, "next_ns": [0] * 4}).columns[:3])  # fmt: skip

    apply_run(x, older)

    i = x.instruments
    assert (i.next_cycle_ns[0], i.next_funding_ns[0]) == (START + 2 * HOUR, START + 2 * HOUR)
    assert i.next_observation_ns[0] == i.next_expiry_ns[0] == WAITING


# ---- expiry


@pytest.mark.rule("7.31", "8.10", "8.11", "8.12")
def test_expiry_pays_the_final_price_and_clears_every_position() -> None:
    house = pair(
        expiry_ns=START + HOUR + 30 * MINUTE, settlement_window_ns=10 * MINUTE, lots_max=100
    )
    house.price(110, at_ns=START + HOUR)
    house.submit(
        command.RESERVE_MARGIN.row(
            account=house.number("A"), instrument=0, lots=5, limit_ticks=111
        ),
        command.RESERVE_MARGIN.row(
            account=house.number("B"), instrument=0, lots=-5, limit_ticks=109
        ),
    )
    house.price(120, at_ns=START + HOUR + 25 * MINUTE)

    house.advance(START + 2 * HOUR)

    # Half of the window at 110, half at 120.
    [expired] = house.events("ContractExpired")
    assert expired["ticks"] == 115
    assert not house.state.accounts.open_order_hold.any()
    assert not house.state.reservations.open_order_hold.any()
    assert (house.balance("A"), house.balance("B")) == (1_150 * COIN, 850 * COIN)
    assert house.state.instruments.status[0] == InstrumentStatus.EXPIRED
    for name, sign in (("A", 1), ("B", -1)):
        held = house.position(name)
        assert held.pop("realised") == sign * 150 * COIN
        assert set(held.values()) <= {0, house.number(name)}
    assert house.state.reservations.used("lots").tolist() == [0, 0]
    for column in ("next_cycle_ns", "next_funding_ns", "next_expiry_ns"):
        assert getattr(house.state.instruments, column)[0] == 0
    house.advance(START + 5 * HOUR)
    assert len(house.events("ContractExpired")) == 1


@pytest.mark.rule("8.10")
def test_without_a_window_the_last_index_is_the_final_price() -> None:
    house = pair(expiry_ns=START + 10 * MINUTE)
    house.price(107, at_ns=START + MINUTE)

    house.advance(START + 10 * MINUTE)

    assert house.events("ContractExpired")[0]["ticks"] == 107


@pytest.mark.rule("4.11", "8.14", "8.15")
def test_a_blocked_expiry_waits_and_is_done_with_the_price() -> None:
    expiry = START + 3 * HOUR
    house = pair(cycle_ns=0, expiry_ns=expiry, settlement_window_ns=HOUR)
    no = EngineCommandRefusal

    early = expiry_of.settle_expiry(house.state, {"instrument": 0}, Recorder())
    unknown = expiry_of.settle_expiry(house.state, {"instrument": 1}, Recorder())
    assert early is not None
    assert unknown is not None
    assert (early.code, unknown.code) == (no.NOT_DUE, no.UNKNOWN_SUBJECT)

    house.advance(expiry + MINUTE)
    postponed = house.events("CyclePostponed")
    assert [(row["kind"], row["instant_ns"]) for row in postponed] == [(DueKind.EXPIRY, expiry)]
    assert house.state.instruments.next_expiry_ns[0] == expiry + DAY
    house.price(100, at_ns=expiry + MINUTE + 1)
    assert len(house.events("ContractExpired")) == 1


@pytest.mark.rule("7.18", "8.11")
def test_a_contract_that_settles_at_close_pays_the_rest_at_expiry() -> None:
    house = pair(style=int(Style.AT_CLOSE), cycle_ns=0, expiry_ns=START + HOUR)
    house.trade("B", "A", lots=4, ticks=105)
    assert (house.balance("A"), house.balance("B")) == (1_020 * COIN, 980 * COIN)

    house.price(110, at_ns=START + MINUTE)
    house.advance(START + HOUR)

    assert (house.balance("A"), house.balance("B")) == (1_080 * COIN, 920 * COIN)
    assert house.balance("SETTLEMENT") == house.balance("RESIDUE") == 0


# ---- the gains window


@pytest.mark.rule("8.17")
def test_a_new_window_forgets_gains_and_halves_what_is_held_back() -> None:
    house = pair()
    house.price(110, at_ns=START + HOUR)
    house.price(110, at_ns=START + 2 * HOUR)
    a = house.number("A")
    house.state.accounts.encumbered[a] = 7
    assert house.state.accounts.window_gain[a] == 100 * COIN

    house.advance(START + DAY)
    house.assess()

    assert [row["instant_ns"] for row in house.events("GainsWindowStarted")] == [START + DAY]
    assert house.state.accounts.window_gain[a] == 0
    assert house.state.accounts.encumbered[a] == 3
    assert house.state.window_ns == START + DAY


@pytest.mark.rule("4.28", "8.17")
def test_a_window_does_not_start_before_the_last_one_is_over() -> None:
    house = pair()

    refusal = settlement.decide_start_gains_window(
        house.state, {"instant_ns": house.state.now_ns}, Recorder()
    )

    assert refusal == (EngineCommandRefusal.NOT_DUE, house.state.now_ns, START + DAY)
