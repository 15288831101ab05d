"""The table of realised beside implied volatility."""

from __future__ import annotations

import dataclasses

import pyarrow as pa

from novate.app.replay.write import SCHEMAS
from novate.app.report.load import Run, Table
from novate.app.report.realised import ESTIMATORS, realised_table


def test_each_estimator_has_its_column_and_implied_stands_beside(loss_run: Run) -> None:
    rows = [
        {
            "instant_ns": 12 * 3_600 * 10**9,
            "underlying": "BTC",
            "estimator": name,
            "minutes": 60,
            "realised": 0.5 + 0.1 * k,
            "implied_nearest": 1.25,
            "implied_next": 1.0,
        }
        for k, (name, _) in enumerate(ESTIMATORS)
    ]
    data = pa.table(
        {
            name: pa.array([row[name] for row in rows], kind)
            for name, kind in SCHEMAS["option_realised"].items()
        }
    )
    tables = {**loss_run.tables, "option_realised": Table(name="option_realised", data=data)}
    text = str(realised_table(dataclasses.replace(loss_run, tables=tables)))

    assert text.count("<tr>") + text.count("<tr ") == 2  # a head and one row
    for share in ("50", "60", "70", "80", "90", "100", "125"):
        assert f"{share}\u202f%" in text or f"{share}\u00a0%" in text or f"{share} %" in text
    assert "12:00" in text
    assert "60 minutes" in text
