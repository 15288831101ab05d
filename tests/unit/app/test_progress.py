from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from novate.app import progress
from novate.app.progress import Bars, is_compiled


def test_each_phase_has_a_bar_with_its_count() -> None:
    shown = io.StringIO()
    with Bars(Console(file=shown, force_terminal=True, width=100)) as bars:
        bars("replay", 3, 10)
        bars("audit", 7, 7)

    assert "replay" in shown.getvalue()
    assert "3/10" in shown.getvalue()
    assert "7/7" in shown.getvalue()


def test_without_a_terminal_a_phase_prints_a_line_when_it_begins_and_for_each_tenth() -> None:
    shown = io.StringIO()
    with Bars(Console(file=shown, width=100)) as bars:
        for done in range(2_001):
            bars("replay", done, 2_000)
        bars("variants", 0, 0)

    lines = [line.split() for line in shown.getvalue().splitlines()]
    assert lines == [
        *(["replay", f"{done:,}/2,000"] for done in range(0, 2_001, 200)),
        ["variants", "0/1"],
    ]


def test_loops_are_compiled_once_the_cache_holds_one_that_is_needed_late(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def share_pro_rata() -> None:
        """Stands for a compiled loop."""

    monkeypatch.setattr(progress, "share_pro_rata", share_pro_rata)
    assert is_compiled()  # the compiler is switched off

    share_pro_rata.stats = SimpleNamespace(cache_path=str(tmp_path))  # type: ignore[attr-defined]
    assert not is_compiled()
    (tmp_path / "loss.share_pro_rata-19.py311.nbi").touch()
    assert is_compiled()
