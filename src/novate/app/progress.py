"""Progress of a run on standard error: bars on a terminal, lines elsewhere."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from novate.kernel.clearing.loss import share_pro_rata

LINES = 10
"""Lines that a phase prints where there is no terminal, at most, after its first one."""


def is_compiled() -> bool:
    """Whether the compiled loops of these sources are in their cache.

    It looks for one that a run compiles late.  Without the compiler there is nothing to wait for.
    """
    stats = getattr(share_pro_rata, "stats", None)
    if stats is None:
        return True
    name = share_pro_rata.__name__
    return any(Path(stats.cache_path).glob(f"*.{name}-*.nbi"))


class Bars:
    """Progress by phase: bars on a terminal, elsewhere a line now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description:>9}"),
            BarColumn(bar_width=40),
            TextColumn("{task.completed:>7,}/{task.total:,}"),
            TimeRemainingColumn(),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}
        self._lines: dict[str, int] = {}

    def __enter__(self) -> Bars:
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._progress.stop()

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Show how far a phase is."""
        if not self._console.is_terminal:
            self._say(phase, done, total)
            return
        if phase not in self._tasks:
            self._tasks[phase] = self._progress.add_task(phase, total=max(total, 1))
        self._progress.update(self._tasks[phase], completed=done, total=max(total, 1))

    def _say(self, phase: str, done: int, total: int) -> None:
        """Print a line when a phase begins and after each tenth of it."""
        tenth = LINES * done // max(total, 1)
        if tenth > self._lines.get(phase, -1):
            self._lines[phase] = tenth
            self._console.print(f"{phase:>9} {done:>7,}/{max(total, 1):,}", highlight=False)
