"""The engine against a second model written from the rulebook alone."""

from __future__ import annotations

from collections import Counter

import pytest

from novate.canonical import Run
from novate.default_management.waterfall import PLACES
from novate.engine import consequence
from novate.engine.catalogue import ENGINE_ONLY, REFUSALS
from novate.engine.recover import audit, recover
from novate.kernel.codes import Layer
from novate.message import command
from novate.message.declare import rows_of
from novate.message.event import EVENTS
from novate.message.refusal import EngineCommandRefusal
from novate.message.settlement import Basis
from tests.simulate.naive import house
from tests.simulate.naive.away import Away, Drained, Insolvent, Sheltered
from tests.simulate.naive.compare import run_both
from tests.simulate.naive.ended import Ended
from tests.simulate.naive.extreme import Filled, Spared, Unborne, Unfunded
from tests.simulate.naive.failure import EQUITY_SHARE, JUNIOR_MEMBERS
from tests.simulate.naive.grouped import Grouped, GroupedExtreme
from tests.simulate.naive.quoted import Quoted
from tests.simulate.shared import counted_once
from tests.tiny_model import PLUGINS

SEEDS = (*range(31), 32, 37, 65, 88, 93, 97, 103, 115, 140)
EXTREME_SEEDS = (*range(12), 30)
SOAK_SEEDS = range(1_000, 1_400)
POLICY_SEEDS = (*range(8), 13, 17)
AWAY_SEEDS = range(6)
QUOTED_SEEDS = range(2)

UNREACHABLE = {
    EngineCommandRefusal.UNKNOWN_SUBJECT: "the engine names only subjects that exist, and from"
    " outside ENGINE_ONLY comes first",
    EngineCommandRefusal.CAUSE_GONE: "a stage's commands have causes that do not touch each other",
}
"""Refusals that no stream of commands reaches, and why."""

OF_GROUPS = {
    "MarginCalled",
    "MarginCallMet",
    "CallExtended",
    "DefaultDeclared",
    "LiquidationStarted",
    "LiquidationStopped",
    "OrderPlaced",
    "OrderFilled",
    "AssetConverted",
    "AccountTakenOver",
    "LossRecorded",
    "PositionDeleveraged",
    "MarginReserved",
    "CollateralWithdrawn",
}
"""Events that must be seen of a margin group of several accounts, or of one of its accounts."""

SELDOM = {"SetMarginGroup GAINS_NOT_PAID", "SetAddOn INSUFFICIENT_MARGIN"}
"""Refusals that few streams reach, and none of these: unit tests hold them."""

OF_JOURNALS = {"EngineUpgraded"}
"""Events of what is told about a journal, of which the second model knows nothing."""


@counted_once
def reached_by(seed: int) -> Counter[str]:
    """Events, refusals and layers that one stream reaches; fails where the two houses differ.

    Or where recovery from the journal, which decides nothing, does not arrive at the same state.
    """
    reached: Counter[str] = Counter()
    workload = Grouped(seed)
    engine, _ = run_both(workload, reached)
    recovered = recover(engine.journal, from_snapshot=False, plugins=PLUGINS)
    assert recovered.state.digest() == engine.state.digest()
    return reached + Counter({f"group {k}": n for k, n in workload.of_several.items()})


@counted_once
def reached_at_extremes(seed: int) -> Counter[str]:
    """As `reached_by`, of a stream of enormous sizes."""
    reached: Counter[str] = Counter()
    engine, _ = run_both(GroupedExtreme(seed), reached)
    recovered = recover(engine.journal, from_snapshot=False, plugins=PLUGINS)
    assert recovered.state.digest() == engine.state.digest()
    return reached


@pytest.mark.rule("15.8")
@pytest.mark.parametrize("seed", EXTREME_SEEDS)
def test_at_the_end_of_64_bits_both_houses_agree_and_nothing_stops_the_engine(seed: int) -> None:
    assert reached_at_extremes(seed)["MarginAssessed"] > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_engine_and_naive_house_agree_on_every_record_and_balance(seed: int) -> None:
    assert reached_by(seed)["MarginAssessed"] > 0


@pytest.mark.parametrize("seed", [2, 9, 17])
def test_both_houses_agree_where_a_record_takes_two_rows(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consequence, "RECORD_ROWS", 2)
    monkeypatch.setattr(house, "RECORD_ROWS", 2)

    engine, _ = run_both(Grouped(seed), Counter())

    assert audit(engine.journal, plugins=PLUGINS).digest == engine.state.digest()


@counted_once
def reached_away_from_the_index(seed: int) -> Counter[str]:
    """As `reached_by`, of such a stream."""
    reached: Counter[str] = Counter()
    engine, _ = run_both(Away(seed), reached)
    recovered = recover(engine.journal, from_snapshot=False, plugins=PLUGINS)
    assert recovered.state.digest() == engine.state.digest()
    return reached


@pytest.mark.rule("5.92", "7.90", "7.91", "7.92")
@pytest.mark.parametrize("seed", AWAY_SEEDS)
def test_both_houses_agree_where_marks_are_away_from_the_index(seed: int) -> None:
    assert reached_away_from_the_index(seed)["MarginAssessed"] > 0


@pytest.mark.rule("5.85", "5.90", "5.135", "5.136")
@pytest.mark.parametrize("seed", QUOTED_SEEDS)
def test_both_houses_agree_where_an_asset_is_quoted_in_one_that_leaps(seed: int) -> None:
    reached: Counter[str] = Counter()

    run_both(Quoted(seed), reached)

    assert reached["JumpResumed"] > 0


@counted_once
def reached_by_the_insolvent() -> Counter[str]:
    """As `reached_by`, of a story about who cannot pay for a return to the index."""
    reached: Counter[str] = Counter()
    run_both(Insolvent(3), reached)
    return reached


@pytest.mark.rule("3.71", "7.90")
def test_both_houses_agree_on_who_is_insolvent_at_the_index() -> None:
    reached = reached_by_the_insolvent()
    assert [reached[name] for name in ("SubmitTrade 22", "ReserveMargin 15")] == [1, 1]
    assert reached["TradeNovated"] > 0


@counted_once
def reached_by_the_sheltered() -> Counter[str]:
    """As `reached_by`, of a story about who owes money at the index, behind a pushed mark."""
    reached: Counter[str] = Counter()
    engine, _ = run_both(Sheltered(3), reached)
    recovered = recover(engine.journal, from_snapshot=False, plugins=PLUGINS)
    assert recovered.state.digest() == engine.state.digest()
    return reached


@pytest.mark.rule("5.93", "5.94", "5.96", "11.28", "11.29", "11.30", "12.20")
def test_both_houses_agree_on_who_is_closed_behind_a_pushed_mark() -> None:
    reached = reached_by_the_sheltered()
    assert reached["LiquidationStarted"] + reached["DefaultDeclared"] >= 2
    assert reached["LiquidationStopped"] > 0
    assert reached["AccountTakenOver"] > 0


@counted_once
def reached_by_the_drained() -> Counter[str]:
    """As `reached_by`, of a story about who pays funding with a return to the index."""
    reached: Counter[str] = Counter()
    engine, _ = run_both(Drained(3), reached)
    recovered = recover(engine.journal, from_snapshot=False, plugins=PLUGINS)
    assert recovered.state.digest() == engine.state.digest()
    return reached


@pytest.mark.rule("8.71", "8.72", "8.73", "8.74", "8.75")
def test_both_houses_agree_on_funding_that_comes_back() -> None:
    # Of each of the two contracts more rows than those of one payer and one receiver.
    assert reached_by_the_drained()["FundingReturned"] > 2 * 2 * 2


class WithOwnPolicies(Grouped):
    """A stream whose waterfall has the layers of `tests.tiny_loss_policy`."""

    def _waterfall(self) -> Run:
        row = rows_of(super()._waterfall())[0]
        layers = [row[place] for place in PLACES[:4] if row[place] != Layer.SKIN_IN_THE_GAME]
        layers.insert(layers.index(Layer.INSURANCE_FUND) + 1, JUNIOR_MEMBERS)
        last = row["last"] if self.seed % 3 == 0 else EQUITY_SHARE
        order = dict(zip(PLACES, (*layers, last), strict=True))
        return command.DECLARE_WATERFALL.row(**order)


@counted_once
def reached_with_own_policies(seed: int) -> Counter[str]:
    reached: Counter[str] = Counter()
    engine, _ = run_both(WithOwnPolicies(seed), reached)
    digest = engine.state.digest()
    assert audit(engine.journal, plugins=PLUGINS).digest == digest
    assert recover(engine.journal, from_snapshot=False, plugins=PLUGINS).state.digest() == digest
    return reached


@pytest.mark.rule("13.19", "13.20", "13.21")
@pytest.mark.parametrize("seed", POLICY_SEEDS)
def test_both_houses_agree_on_loss_policies_of_the_tests(seed: int) -> None:
    assert reached_with_own_policies(seed)["MarginAssessed"] > 0


def test_the_streams_send_losses_to_the_layers_of_the_tests() -> None:
    reached = sum((reached_with_own_policies(seed) for seed in POLICY_SEEDS), Counter[str]())
    assert all(reached[f"layer {layer}"] for layer in (EQUITY_SHARE, JUNIOR_MEMBERS))


@counted_once
def reached_without_room() -> Counter[str]:
    """As `reached_by`, of a stream in which a receiver has no room for what it would get."""
    reached: Counter[str] = Counter()
    run_both(Filled(0), reached)
    return reached


def test_both_houses_agree_where_a_receiver_has_no_room() -> None:
    reached = reached_without_room()
    assert reached["TransferCollateral 10"] == 1
    assert [reached[f"TransferPosition {code}"] for code in (11, 12)] == [1, 1]


@counted_once
def reached_without_funds() -> Counter[str]:
    """As `reached_by`, of a stream in which nobody deposited what is to be paid out."""
    reached: Counter[str] = Counter()
    run_both(Unfunded(0), reached)
    return reached


def test_both_houses_agree_where_custody_is_short() -> None:
    reached = reached_without_funds()
    assert reached["WithdrawCollateral 10"] == 1
    assert reached["SettleExternalMarket 6"] == 1


@counted_once
def reached_by_a_rich_liquidator() -> Counter[str]:
    """As `reached_by`, of a stream in which the liquidator pays for a loss and holds something."""
    reached: Counter[str] = Counter()
    engine, _ = run_both(Spared(0), reached)
    recovered = recover(engine.journal, from_snapshot=False, plugins=PLUGINS)
    assert recovered.state.digest() == engine.state.digest()
    return reached


@pytest.mark.rule("12.31", "12.32", "12.33")
def test_both_houses_agree_where_the_liquidator_pays_before_it_is_flat() -> None:
    reached = reached_by_a_rich_liquidator()
    assert reached["AccountTakenOver"] == 2
    assert reached["SurplusSwept"] == 1
    assert reached[f"layer {Layer.INSURANCE_FUND.value}"] == 1


@counted_once
def reached_without_anybody_who_bears() -> Counter[str]:
    """As `reached_by`, of a stream in which a loss is left uncovered for an hour."""
    reached: Counter[str] = Counter()
    run_both(Unborne(0), reached)
    return reached


@pytest.mark.rule("13.18", "13.31", "13.32")
def test_both_houses_agree_where_funds_are_empty_and_nobody_gained() -> None:
    reached = reached_without_anybody_who_bears()
    assert reached[f"layer {Layer.NET_WORTH.value}"] > 0


@counted_once
def reached_by_ends() -> Counter[str]:
    """As `reached_by`, of a stream about ends of contracts that people decide."""
    reached: Counter[str] = Counter()
    engine, _ = run_both(Ended(3), reached)
    recovered = recover(engine.journal, from_snapshot=False, plugins=PLUGINS)
    assert recovered.state.digest() == engine.state.digest()
    return reached


def test_both_houses_agree_on_contracts_that_people_end() -> None:
    reached = reached_by_ends()
    assert [reached[name] for name in ("SettlementApproved", "ContractDelisted")] == [2, 1]


@pytest.mark.soak
@pytest.mark.parametrize("seed", SOAK_SEEDS)
def test_at_the_end_of_64_bits_nothing_stops_the_engine_over_many_streams(seed: int) -> None:
    reached: Counter[str] = Counter()
    run_both(GroupedExtreme(seed), reached)
    assert reached["MarginAssessed"] > 0


@pytest.mark.soak
@pytest.mark.parametrize("seed", SOAK_SEEDS)
def test_engine_and_naive_house_agree_over_many_and_longer_streams(seed: int) -> None:
    reached: Counter[str] = Counter()
    run_both(Grouped(seed, steps=120), reached)
    assert reached["MarginAssessed"] > 0


def reached_by_all() -> Counter[str]:
    """What all seeds reach together."""
    living = sum((reached_by(seed) for seed in SEEDS), Counter[str]())
    extreme = sum((reached_at_extremes(seed) for seed in EXTREME_SEEDS), Counter[str]())
    apart = reached_without_room() + reached_without_funds() + reached_by_ends()
    apart += reached_without_anybody_who_bears() + reached_by_a_rich_liquidator()
    away = sum((reached_away_from_the_index(seed) for seed in AWAY_SEEDS), Counter[str]())
    stories = reached_by_the_insolvent() + reached_by_the_drained() + reached_by_the_sheltered()
    return living + extreme + apart + away + stories


def test_the_streams_reach_every_event() -> None:
    reached = reached_by_all()
    assert {message.name for message in EVENTS if not reached[message.name]} == OF_JOURNALS


def test_the_streams_reach_what_happens_to_groups_of_several_accounts() -> None:
    reached = reached_by_all()
    assert {name for name in OF_GROUPS if not reached[f"group {name}"]} == set()


def test_the_streams_reach_every_refusal_of_a_command_from_outside() -> None:
    reached = reached_by_all()
    missed = [
        f"{command} {code.name}"
        for command, codes in REFUSALS.items()
        for code in codes
        if codes is not EngineCommandRefusal
        if not reached[f"{command} {code.value}"]
    ]
    assert set(missed) <= SELDOM


def test_the_streams_reach_every_refusal_of_an_engine_command_that_can_be_reached() -> None:
    reached = reached_by_all()
    names = [name for name, codes in REFUSALS.items() if codes is EngineCommandRefusal]
    missed = [
        code
        for code in EngineCommandRefusal
        if not any(reached[f"{name} {code.value}"] for name in names)
    ]
    assert missed == list(UNREACHABLE)
    assert set(names) - {"AssessMargin"} == set(ENGINE_ONLY)


def test_the_streams_reach_every_basis_of_a_settlement_price_and_late_funding() -> None:
    reached = reached_by_all()
    told = [basis for basis in Basis if basis != Basis.NOT_TOLD]
    assert [basis for basis in told if not reached[f"basis {basis}"]] == []
    assert reached["late funding"] > 0


def test_the_streams_send_losses_to_every_layer() -> None:
    reached = reached_by_all()
    reached[f"layer {Layer.GAINS_HAIRCUT.value}"] += reached["GainsCut"]
    reached[f"layer {Layer.AUTO_DELEVERAGING.value}"] += reached["PositionDeleveraged"]
    assert [layer for layer in Layer if not reached[f"layer {layer.value}"]] == []
