from __future__ import annotations

import io

from rich.console import Console

from novate.app.progress import Bars


def test_each_phase_has_a_bar_with_its_count() -> None:
    shown = io.StringIO()
    with Bars(Console(file=shown, force_terminal=True, width=100)) as bars:
        bars("replay", 3, 10)
        bars("audit", 7, 7)

    assert "replay" in shown.getvalue()
    assert "3/10" in shown.getvalue()
    assert "7/7" in shown.getvalue()
