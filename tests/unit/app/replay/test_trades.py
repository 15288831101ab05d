"""The trades of a file come due one instant after another."""

from __future__ import annotations

from novate.app.replay.trades import DatedTrades, TradeQueue
from novate.message import command


def test_trades_come_due_with_their_own_clock_before_a_step_and_at_it() -> None:
    run = command.RELEASE_MARGIN.row(reservation=1)
    trades = TradeQueue(DatedTrades(instant_ns, run) for instant_ns in (3, 5, 9))

    before, at = trades.due(5)

    assert [each.name for each in before] == ["AdvanceTime", "ReleaseMargin"]
    assert at == [run]
    assert len(trades) == 1
