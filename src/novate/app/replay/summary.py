"""The document `summary.json`: what went in, what came out, and what proves it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from novate.app.replay.driver import PreparedRun
from novate.app.replay.job import OTHER_ORDER, Job
from novate.app.replay.read import Inputs
from novate.app.replay.verification import Verification
from novate.engine.version import ENGINE_VERSION
from novate.insight import figure
from novate.insight.figure import Outcome
from novate.insight.observed_run import ObservedRun
from novate.units import format_instant


def summary_of(
    job: Job,
    ready: PreparedRun,
    run: ObservedRun,
    verification: Verification,
    outcomes: Mapping[str, Outcome],
) -> dict[str, Any]:
    """Return the summary of a run.

    Parameters
    ----------
    job, ready, run
        What was asked for, what took part, and what came of it.
    verification
        Whether the journal gives the state that the run left.
    outcomes
        What the variants came to: ``other`` with the other order of extremes, ``off`` without
        controls.  Those that were not run are left out.
    """
    return {
        **_frame(job, ready, run),
        **_figures(job, run, outcomes),
        **_inputs(ready.inputs),
        "calibration": list(ready.calibration),
        **_faults(ready.inputs),
        "refusals": [
            {"command": name, "refusal": code, "count": count}
            for (name, code), count in sorted(run.observer.refusals.items())
        ],
        "verification": figure.verification_of(
            run, {"recovered": verification.recovered, "audited": verification.audited}
        ),
        "notes": list(job.notes),
        "commands": list(job.commands),
    }


def _frame(job: Job, ready: PreparedRun, run: ObservedRun) -> dict[str, Any]:
    """What ran, on what, from when to when."""
    return {
        "title": job.title,
        "engine_version": ENGINE_VERSION,
        "numeraire": ready.venue.assets[0],
        "period": {
            "from": format_instant(int(ready.feed.instant_ns[0])),
            "to": format_instant(int(ready.feed.instant_ns[-1])),
        },
        "bars": ready.feed.bars,
        "steps": len(ready.feed),
        "accounts": len(run.accounts),
        "house_accounts": figure.house_accounts(run),
        "instruments": [contract.symbol for contract in ready.venue.contracts],
        "options": len(run.state.instruments.symbols) - len(ready.venue.contracts),
        "path": job.order,
    }


def _figures(job: Job, run: ObservedRun, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    """Who lost and who paid, with and without controls, and under either order of extremes."""
    this_run = figure.outcome(run).shown()
    controls = {"on": this_run, "off": outcomes["off"].shown()} if "off" in outcomes else None
    bounds = None
    if "other" in outcomes:
        both = {job.order: this_run, OTHER_ORDER[job.order]: outcomes["other"].shown()}
        bounds = {name.replace("-", "_"): both[name] for name in sorted(both)}
    return {
        "result": figure.result_of(run),
        "payers": figure.payers_of(run),
        "worst_accounts": figure.worst_accounts(run),
        "controls": controls,
        "bounds": bounds,
    }


def _inputs(inputs: Inputs) -> dict[str, Any]:
    return {
        "bars_by_symbol": [
            {**dataclasses.asdict(count), "missing": count.missing} for count in inputs.bars
        ],
    }


def _faults(inputs: Inputs) -> dict[str, Any]:
    """Rows of files that were left out."""
    return {
        "quarantine": [
            {
                "file": fault.file,
                "row": fault.row,
                "column": fault.column,
                "value": fault.value,
                "allowed": fault.allowed,
            }
            for fault in inputs.faults
        ],
        "quarantined_rows": inputs.faulty_rows,
    }
