"""What a step is made of."""

from __future__ import annotations

from novate.app.replay.participants import Participants
from novate.engine.batch import decode_batch
from novate.kernel.codes import InstrumentStatus, Origin
from tests.unit.app.replay.option_run import ready as option_day
from tests.unit.app.replay.small import finished, ready


def test_a_step_is_prices_then_fills_then_the_assessment() -> None:
    _, done = finished()
    steps: dict[int, list[str]] = {}
    for record in done.engine.journal.read():
        if record.source == "feed" and record.origin == Origin.EXTERNAL:
            names = [run.name for run in decode_batch(record).commands]
            steps.setdefault(record.source_sequence, []).extend(names)

    order = [
        "AdvanceTime", "ReportPrice", "ReportLast", "SettleExternalMarket", "ReportFill",
        "AssessMargin",
    ]  # fmt: skip
    with_fills = [names for names in steps.values() if "ReportFill" in names]
    assert with_fills
    paid = "SettleExternalMarket"
    assert any(paid in names for names in steps.values())
    assert all({*names} | {paid} == {*order} for names in with_fills)
    assert all(names == [n for n in order if n in names] for names in steps.values())


def test_a_contract_that_is_over_has_no_last_price() -> None:
    state = finished()[1].engine.state.copy()
    state.instruments.status[0] = InstrumentStatus.EXPIRED
    day = ready()
    participants = Participants(day.venue, day.feed, day.book)

    commands = participants.commands(next(iter(day.feed)), state, state.assess_all())

    [last] = [run for run in commands if run.name == "ReportLast"]
    assert dict(last.columns)["instrument"].tolist() == [1]


def test_only_an_option_market_has_hedges() -> None:
    plain, options = ready(), option_day()

    without = Participants(plain.venue, plain.feed, plain.book)
    hedging = Participants(options.venue, options.feed, options.book, options.options)

    assert without.hedges is None
    assert not without.take([]).size
    assert hedging.hedges is not None
    assert hedging.hedges.by_underlying.shape == (2,)
