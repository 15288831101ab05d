"""What the hedging of option makers does to a crash: the generated day with it and without.

Runs the demonstration's day in memory once for each interval and prints, for each underlying, how
far the last price fell below the index at worst and how low it went, what the makers gained, and
the shortfall.  The market, its index and the accounts are the same; only the hedges differ.

    python scripts/hedging_feedback.py [--minutes 0 15 60] [--accounts 5000]
"""

from __future__ import annotations

import argparse
import copy

import numpy as np

from novate.adapter.memory_journal import MemoryJournal
from novate.adapter.parameter_file import read_parameters
from novate.app.cli import presets
from novate.app.replay.driver import drive
from novate.app.replay.job import Job, Variant
from novate.app.replay.read import read_inputs
from novate.app.replay.run import prepare
from novate.insight.figure import outcome
from novate.simulation.options.terms import Trader
from novate.units import parse_instant

START_NS = parse_instant("2026-03-12T00:00:00Z")


def run(minutes: int, accounts: int) -> None:
    """Run one day and print its line."""
    parameters = copy.deepcopy(read_parameters(presets() / "demo.toml", presets()))
    share = accounts / parameters["book"]["accounts"]
    parameters["book"]["accounts"] = accounts
    parameters["book"]["open_interest"] = int(parameters["book"]["open_interest"] * share)
    parameters["options"]["hedge_minutes"] = minutes
    job = Job(
        parameters=parameters,
        symbols=tuple(parameters["instruments"]),
        start_ns=START_NS,
        end_ns=START_NS + 86_400 * 10**9,
        title="hedging",
        order="low-first",
        points=4,
    )
    ready = prepare(read_inputs(job), Variant(job.order))
    done = drive(ready, MemoryJournal(), lambda done, total: None)
    if done.options is None:
        raise SystemExit("the preset names no rule for short options: nothing to hedge")
    rows = done.run.observer.tables["prices"]
    parts = []
    for symbol in ("BTCUSDT", "ETHUSDT"):
        mine = [row for row in rows if row["instrument"] == symbol]
        last, index = (np.array([row[name] for row in mine]) for name in ("last", "index"))
        parts.append(f"{symbol} lowest {last.min():,.1f}, {(last / index - 1).min():+.2%} of index")
    made = np.array(done.options.actual).sum(axis=0)[Trader.MARKET_MAKER] / 1e6
    short = outcome(done.run).shortfall / 1e6
    hedge = f"every {minutes} min" if minutes else "never"
    parts += [f"makers {made:+,.0f}", f"shortfall {short:,.0f}"]
    print(f"{hedge:<12} {'; '.join(parts)}", flush=True)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, nargs="+", default=[0, 15])
    parser.add_argument("--accounts", type=int, default=5_000)
    given = parser.parse_args()
    for minutes in given.minutes:
        run(minutes, given.accounts)


if __name__ == "__main__":
    main()
