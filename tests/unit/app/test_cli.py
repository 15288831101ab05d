from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from novate.adapter.fetch import Request
from novate.adapter.parameter_file import read_parameters
from novate.app import cli
from novate.app.replay.job import Job
from novate.app.replay.venue import used_assets
from novate.errors import InputError, InvariantError, JournalError
from tests.unit.app.margin.files import write


def demo_parameters() -> dict[str, Any]:
    """Checked parameters of the demonstration."""
    return read_parameters(cli.presets() / "demo.toml", cli.presets())


def test_the_presets_come_with_the_package() -> None:
    assert {path.name for path in cli.presets().glob("*.toml")} >= {"venue.toml", "demo.toml"}
    assert demo_parameters()["run"]["numeraire"] == "USDT"


def test_scaling_a_book_keeps_the_average_account() -> None:
    parameters = {"book": {"accounts": 5_000, "open_interest": 1_000_000_000}}

    cli._scale_book(parameters, 400)

    assert parameters == {"book": {"accounts": 400, "open_interest": 80_000_000}}


def test_assets_of_contracts_that_take_no_part_are_left_out() -> None:
    settings = demo_parameters()
    taking_part = {"BTCUSDT": settings["instruments"]["BTCUSDT"]}

    kept = used_assets(settings, taking_part)

    assert set(kept) == {"USDT", "BTC", "USDC", "USDE"}  # stable coins have no contract


def test_a_generated_book_is_said_to_be_one() -> None:
    assert any("generated" in note for note in cli._replay_notes(True))
    assert not any("generated" in note for note in cli._replay_notes(False))
    assert cli._replay_notes(True)[:-1] == cli._replay_notes(False)


def captured(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[Job, dict[str, Any]]:
    """The job that a command line would run."""
    jobs: list[tuple[Job, dict[str, Any]]] = []

    def keep(job: Job, out: Path, as_json: bool, **options: Any) -> int:
        jobs.append((job, {"out": out, "as_json": as_json, **options}))
        return 0

    monkeypatch.setattr(cli, "_run", keep)
    assert cli.main(list(arguments)) == 0
    [found] = jobs
    return found


def test_the_demonstration_is_a_day_of_generated_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    job, options = captured(monkeypatch, "demo", "--seed", "9", "--accounts", "500")

    assert job.price_files == ()
    assert job.end_ns - job.start_ns == 86_400 * 10**9
    assert job.parameters["run"]["seed"] == 9
    assert job.parameters["book"]["accounts"] == 500
    assert options["out"] == Path("novate-demo")
    assert job.commands[1] == "novate verify novate-demo"


WINDOW = ("--start", "2020-03-12T00:00:00Z", "--end", "2020-03-13T00:00:00Z")


def test_a_replay_takes_its_settings_from_the_file_where_none_are_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job, options = captured(monkeypatch, "replay", "a.csv", "b.csv", *WINDOW)

    assert job.price_files == ("a.csv", "b.csv")
    assert job.symbols == ("BTCUSDT", "ETHUSDT")
    assert (job.order, job.points) == ("low-first", 8)
    assert job.title == "Replay 2020-03-12 to 2020-03-13"
    assert set(job.parameters["instruments"]) == {"BTCUSDT", "ETHUSDT"}
    assert set(job.parameters["assets"]) == {"USDT", "BTC", "ETH", "USDC"}
    assert options["with_variants"] is True


def test_arguments_of_a_replay_go_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    job, options = captured(
        monkeypatch, "replay", "a.csv", *WINDOW, "--instruments", "SOLUSDT", "BTCUSDT",
        "--path", "high-first", "--points", "12", "--seed", "5", "--accounts", "400",
        "--positions", "p.csv", "--collateral", "c.csv", "--no-variants", "--json",
    )  # fmt: skip

    assert job.symbols == ("SOLUSDT", "BTCUSDT")
    assert (job.order, job.points) == ("high-first", 12)
    assert job.parameters["run"]["seed"] == 5
    assert job.parameters["book"]["accounts"] == 400
    assert (job.positions_file, job.collateral_file) == ("p.csv", "c.csv")
    assert (options["with_variants"], options["as_json"]) == (False, True)


@pytest.mark.parametrize(
    ("error", "code", "word"),
    [
        (InputError("row 7"), 1, "input: row 7"),
        (JournalError("record 3"), 3, "fault: record 3"),
        (InvariantError("debits"), 3, "fault: debits"),
    ],
)
def test_the_exit_code_says_whose_fault_it_is(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    code: int,
    word: str,
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise error

    monkeypatch.setattr(cli, "_run", fail)

    assert cli.main(["demo"]) == code
    assert word in capsys.readouterr().err


def content(quarantined: int = 0) -> dict[str, Any]:
    """As much of a summary as is printed."""
    outcome = {
        "shortfall": "4000.000000",
        "own_members": "3000.000000",
        "clearing_house": "1000.000000",
        "others": "0.000000",
        "uncovered": "0.000000",
    }
    return {
        "title": "A day",
        "accounts": 1_234,
        "bars": 10,
        "steps": 40,
        "numeraire": "USDT",
        "result": {
            **outcome,
            "fund_before": "5000000.000000",
            "fund_after": "4999000.000000",
            "fund_lowest": "4000.000000",
            "fund_lowest_at": "2026-03-12T10:46:45Z",
            "liquidated_accounts": 17,
            "liquidated_notional": "7654321.000000",
            "calls_made": 3,
            "calls_met": 2,
        },
        "payers": [
            {"layer": "insurance_fund", "amount": "1000.000000"},
            {"layer": "default_fund", "amount": "0.000000"},
        ],
        "controls": {"on": outcome, "off": {**outcome, "clearing_house": "2500.000000"}},
        "verification": {
            "events": 99,
            "recovered": True,
            "audited": True,
            "conservation": [{"asset": "USDT", "sum": "0"}],
            "state_digest": "ab" * 32,
        },
        "quarantined_rows": quarantined,
    }


def run_printed(monkeypatch: pytest.MonkeyPatch, out: Path, quarantined: int, as_json: bool) -> int:
    """Print a summary as if it had been run."""

    def write(job: Job, directory: Path, say: Callable[..., None], **_: Any) -> Path:
        (directory / "summary.json").write_text(json.dumps(content(quarantined)))
        say("replay", 1, 2)
        say("replay", 2, 2)
        return directory / "report.html"

    monkeypatch.setattr(cli, "run_job", write)
    monkeypatch.setenv("COLUMNS", "200")
    job = Job({}, (), 0, 0, "A day", "low-first", 4)
    return cli._run(job, out, as_json)


def test_what_came_of_a_run_is_printed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_printed(monkeypatch, tmp_path, 0, as_json=False) == 0

    shown = capsys.readouterr().out
    assert "1,234 accounts" in shown
    assert "5,000,000.00 -> 4,999,000.00, lowest 4,000.00 at 10:46" in shown
    assert "insurance fund" in shown
    assert "default fund" not in shown  # paid nothing
    assert (
        "controls off: shortfall 4,000.00 = own members 3,000.00 + clearing house 2,500.00" in shown
    )
    assert str(tmp_path / "report.html") in shown.replace("\n", "")
    assert "quarantined" not in shown


def test_quarantined_rows_are_said_and_change_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_printed(monkeypatch, tmp_path, 5, as_json=False) == 2
    assert "5 rows quarantined" in capsys.readouterr().out
    assert run_printed(monkeypatch, tmp_path, 1, as_json=False) == 2
    assert "1 row quarantined" in capsys.readouterr().out


def test_json_is_printed_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_printed(monkeypatch, tmp_path, 0, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == content()


@pytest.mark.parametrize("is_compiled", [True, False])
def test_a_run_says_what_it_does_before_it_begins_and_that_it_compiles(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    is_compiled: bool,
) -> None:
    monkeypatch.setattr(cli, "is_compiled", lambda: is_compiled)

    assert run_printed(monkeypatch, tmp_path, 0, as_json=True) == 0

    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "A day: reading inputs, then the run and its checks"
    assert (lines[1] == cli.COMPILING) is not is_compiled


def test_fetch_names_the_months_and_prints_the_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[Request, Path]] = []

    def fetch(request: Request, out: Path, progress: Callable[..., None]) -> list[Path]:
        asked.append((request, out))
        return [out / "BTCUSDT-1h-2020-02.zip"]

    monkeypatch.setattr(cli, "fetch_klines", fetch)

    code = cli.main(
        ["fetch", "BTCUSDT", "--start", "2020-02-28T00:00:00Z", "--end", "2020-03-02T00:00:00Z",
         "--out", str(tmp_path)]
    )  # fmt: skip

    assert code == 0
    [(request, out)] = asked
    assert request.symbol == "BTCUSDT"
    assert len(request.months) == 2
    assert out == tmp_path
    assert "BTCUSDT-1h-2020-02.zip" in capsys.readouterr().out.replace("\n", "")


def test_margin_is_shown_and_told_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book, market, collateral = map(str, write(tmp_path))
    files = [book, "--market", market, "--collateral", collateral]

    assert cli.main(["margin", *files, "--model", "paradex_2024"]) == 0
    assert "initial excess" in capsys.readouterr().out
    assert cli.main(["margin", *files, "--compare", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"paradex_2024", "vega"} <= {row["model"] for row in rows}
    assert cli.main(["margin", *files, "--model", "vega", "--what-if", "BTC-PERP=1"]) == 1
    assert "option" in capsys.readouterr().err
    assert cli.main(["margin", *files]) == 1
    assert "no model; allowed" in capsys.readouterr().err
    assert cli.main(["margin", *files, "--compare", "--what-if", "BTC-PERP=1"]) == 1
    assert "--compare with --what-if" in capsys.readouterr().err
