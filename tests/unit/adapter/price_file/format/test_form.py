from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from novate.adapter.price_file import PriceOptions, load_prices
from novate.adapter.price_file.format import CATALOGUE
from novate.adapter.price_file.format.form import Cells, Report
from novate.errors import InputError
from novate.units import HOUR, parse_instant


@dataclass(frozen=True, slots=True)
class JsonLines:
    """One bar a line: a fourth format in one class."""

    name: str = ".jsonl"

    def recognises(self, path: Path) -> bool:
        return path.suffix == self.name

    def read(
        self,
        path: Path,
        aliases: Mapping[str, tuple[str, ...]],
        report: Report,
        headless: tuple[str, ...] | None,
    ) -> Cells:
        bars = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        columns = {name: pa.array([bar[name] for bar in bars], pa.string()) for name in bars[0]}
        return Cells(columns, np.arange(1, len(bars) + 1, dtype=np.int64))


def test_a_format_of_one_file_is_read_to_the_end(tmp_path: Path) -> None:
    path, start = tmp_path / "bars.jsonl", "2021-05-19T00:00:00Z"
    bar = {"symbol": "BTCUSDT", "open": "1", "high": "3", "low": "1", "close": "2", "volume": "9"}
    times = (start, "2021-05-19T01:00:00Z")
    path.write_text("\n".join(json.dumps({"open_time": at, **bar}) for at in times))
    window = (parse_instant(start), parse_instant(start) + 2 * HOUR)

    options = PriceOptions(formats=(*CATALOGUE, JsonLines()))

    found = load_prices([path], ["BTCUSDT"], *window, print, options)

    assert found.last[:, 3].tolist() == [2 * 10**8] * 2
    assert found.interval_ns == HOUR
    with pytest.raises(InputError, match=r"'.jsonl'; allowed: .parquet, .csv, .zip"):
        load_prices([path], ["BTCUSDT"], *window, print)


def test_no_two_formats_recognise_one_file() -> None:
    for form in CATALOGUE:
        path = Path(f"BTCUSDT{form.name.upper()}")
        assert [other.name for other in CATALOGUE if other.recognises(path)] == [form.name]
