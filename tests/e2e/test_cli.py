"""The command line as a person meets it: what it does, what it says, and with which exit code."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from novate.app.cli import main
from tests.e2e.run_fixture import (
    COLLATERAL,
    POSITIONS,
    Shown,
    Table,
    bars,
    book_arguments,
    novate,
    replay_arguments,
    summary,
    write_csv,
)

TABLES = {
    "accounts", "calls", "ccp", "concentration", "liquidations", "losses", "prices", "solvency",
    "option_quotes", "option_slices", "option_realised", "option_risk", "option_gamma",
    "option_pins", "option_pnl",
}  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Shown]:
    """Directory of a small demonstration, and what the program printed."""
    out = tmp_path_factory.mktemp("demo") / "run"
    return out, novate("demo", "--accounts", "400", "--out", out, "--json")


def test_the_demonstration_leaves_a_whole_run_directory(demo: tuple[Path, Shown]) -> None:
    out, shown = demo

    assert shown.code == 0, shown.err
    assert {path.stem for path in out.glob("*.parquet")} == TABLES
    assert {path.name for path in out.iterdir() if path.suffix != ".parquet"} >= {
        "journal.db",
        "journal.db.anchor",
        "report.html",
        "story.json",
        "summary.json",
    }


def test_json_is_the_summary_and_nothing_else(demo: tuple[Path, Shown]) -> None:
    out, shown = demo

    assert shown.json == summary(out)


def test_the_demonstration_proves_itself_and_compares_its_variants(
    demo: tuple[Path, Shown],
) -> None:
    content = summary(demo[0])

    assert content["verification"]["recovered"] is True
    assert content["verification"]["audited"] is True
    assert {row["sum"] for row in content["verification"]["conservation"]} == {"0"}
    assert {row["sum_lots"] for row in content["verification"]["positions"]} == {0}
    assert content["accounts"] == 400
    assert content["bars"] == 1_440
    assert set(content["bounds"]) == {"high_first", "low_first"}
    assert content["bounds"]["low_first"] == content["controls"]["on"]
    assert content["result"]["liquidated_accounts"] > 0


def test_the_numbers_of_the_summary_are_those_of_the_tables(demo: tuple[Path, Shown]) -> None:
    out, _ = demo
    content = summary(out)
    losses = pq.read_table(out / "losses.parquet").to_pylist()
    paid: dict[str, float] = {}
    for row in losses:
        paid[row["layer"]] = paid.get(row["layer"], 0.0) + row["amount"]

    for row in content["payers"]:
        if row["layer"] != "defaulter_collateral":
            assert paid.get(row["layer"], 0.0) == pytest.approx(float(row["amount"]), abs=1e-3)
    fills = pq.read_table(out / "liquidations.parquet")
    assert float(np.sum(fills["notional"].to_numpy())) == pytest.approx(
        float(content["result"]["liquidated_notional"]), rel=1e-9
    )


def test_the_summary_names_the_command_that_makes_it_again(demo: tuple[Path, Shown]) -> None:
    out, _ = demo

    assert summary(out)["commands"][-1] == f"novate verify {out}"


def test_verify_recomputes_what_the_summary_claims(demo: tuple[Path, Shown]) -> None:
    out, _ = demo

    shown = novate("verify", out, "--json")

    claimed = summary(out)["verification"]
    assert shown.code == 0, shown.err
    assert shown.json["state_digest"] == claimed["state_digest"]
    assert shown.json["head_hash"] == claimed["head_hash"]
    assert shown.json["records"] == claimed["head_sequence"] == claimed["records"]
    assert "summary.json" in shown.json["checked"]
    assert "report.html" in shown.json["not checked"]


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("result", "shortfall", "1.000000"),
        ("result", "fund_lowest", "0.000001"),
        ("result", "liquidated_notional", "7.000000"),
        ("result", "bad_debt", "5.000000"),
        ("verification", "state_digest", "ab" * 32),
        ("verification", "head_hash", "cd" * 32),
        ("controls", "on", None),
    ],
)
def test_verify_of_a_summary_that_claims_something_else_is_a_fault(
    demo: tuple[Path, Shown], tmp_path: Path, part: str, name: str, value: str | None
) -> None:
    copy = shutil.copytree(demo[0], tmp_path / "copy")
    content = summary(copy)
    if value is None:
        content[part][name]["fund_used"] = value = "9.000000"
    else:
        content[part][name] = value
    (copy / "summary.json").write_text(json.dumps(content), encoding="utf-8")

    shown = novate("verify", copy)

    assert shown.code == 3
    assert f"{part}.{name}" in shown.message
    assert f"is {value}; the journal gives " in shown.message


@pytest.fixture(scope="module")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A replay of the generated day with the small book."""
    folder = tmp_path_factory.mktemp("small")
    prices = write_csv(folder / "prices.csv", bars())
    shown = novate(*replay_arguments(prices, folder / "run", *book_arguments(folder)))
    assert shown.code == 0, shown.err
    return folder / "run"


def test_verify_of_a_tampered_copy_is_a_fault(small_run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(small_run, tmp_path / "copy")
    connection = sqlite3.connect(copy / "journal.db", isolation_level=None)
    connection.execute("UPDATE record SET instant_ns = instant_ns + 1 WHERE sequence = 40")
    connection.close()

    shown = novate("verify", copy)

    assert shown.code == 3
    assert "fault:" in shown.message
    assert "record 40 is altered" in shown.message
    assert "Traceback" not in shown.err
    assert novate("verify", small_run).code == 0


def test_the_report_can_be_written_again_from_the_tables(small_run: Path) -> None:
    before = (small_run / "report.html").read_bytes()
    (small_run / "report.html").unlink()

    shown = novate("report", small_run)

    assert shown.code == 0, shown.err
    assert (small_run / "report.html").read_bytes() == before


def test_another_run_is_replaced_only_by_force(small_run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(small_run, tmp_path / "copy")
    before = (copy / "journal.db").read_bytes()
    prices = write_csv(tmp_path / "prices.csv", bars())
    arguments = replay_arguments(prices, copy, *book_arguments(tmp_path), "--seed", "9")

    refused = novate(*arguments)

    assert refused.code == 1
    assert f"{copy / 'journal.db'} holds the journal of another run" in refused.message
    assert "--force" in refused.message
    assert (copy / "journal.db").read_bytes() == before
    assert novate("demo", "--out", copy).code == 1

    forced = novate(*arguments, "--force")

    assert forced.code == 0, forced.err
    assert f"replacing the run in {copy}" in forced.message


def test_a_run_whose_inputs_cannot_be_used_leaves_the_earlier_one(
    small_run: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(small_run, tmp_path / "copy")
    before = {path.name: path.read_bytes() for path in copy.iterdir()}

    shown = novate(*replay_arguments(tmp_path / "absent.csv", copy, "--force"))

    assert shown.code == 1
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == before


@pytest.mark.parametrize(
    "arguments", [["replay"], ["demo", "--bogus"], ["demo", "--seed", "x"], ["nothing"]]
)
def test_a_command_line_that_cannot_be_understood_is_a_bad_input(arguments: list[str]) -> None:
    assert main(arguments) == 1


def test_a_positions_file_without_its_header_is_asked_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = write_csv(tmp_path / "prices.csv", bars())
    arguments = replay_arguments(prices, tmp_path / "run", *book_arguments(tmp_path))
    lines = (tmp_path / "positions.csv").read_text().splitlines()[1:]
    (tmp_path / "positions.csv").write_text("Long" + "\n".join(lines)[4:] + "\n")

    shown = refuse(capsys, monkeypatch, *arguments)

    assert "columns missing: ['account', 'instrument', 'quantity', 'entry_price']" in shown
    assert "found: ['Long', 'east', 'BTCUSDT', '2', '50000'] (is the header line missing?)" in shown


def test_the_version_and_the_help_name_every_command() -> None:
    shown = novate("--help")

    assert shown.code == 0
    for command in ("demo", "replay", "verify", "report", "fetch"):
        assert re.search(rf"\b{command}\b", shown.out)
    assert re.match(r"\d{4}\.\d+", novate("--version").out)


# ---- inputs that cannot be used


def refuse(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str | Path
) -> str:
    """Run the command line in this process; it must refuse, and leave no report behind."""
    monkeypatch.setenv("COLUMNS", "4000")
    code = main([str(argument) for argument in arguments])
    shown = " ".join(capsys.readouterr().err.split())

    assert code == 1, shown
    assert "input:" in shown
    out = Path(str(arguments[arguments.index("--out") + 1])) if "--out" in arguments else None
    assert out is None or not (out / "report.html").exists()
    return shown


@pytest.fixture
def strict(tmp_path: Path) -> list[str | Path]:
    """Arguments of a parameter file that accepts no unusable row."""
    path = tmp_path / "strict.toml"
    path.write_text('include = ["preset:venue"]\n[run]\nfaults_max = 0\n', encoding="utf-8")
    return ["--parameters", path]


@pytest.mark.parametrize(
    ("column", "value", "allowed"),
    [
        ("close", "nan", "0.00000001 to"),
        ("open", "inf", "0.00000001 to"),
        ("low", "-inf", "0.00000001 to"),
        ("low", "0", "0.00000001 to"),
        ("low", "-49000.00", "0.00000001 to"),
        ("high", "1e300", "0.00000001 to"),
        ("high", "99999999999999999999", "0.00000001 to"),
        ("open", "", "four prices"),
        ("open", "50,000", "0.00000001 to"),
        ("open", "fifty", "0.00000001 to"),
        ("high", "40000", "at least"),
        ("volume", "-1", "0.00000000 to"),
        ("volume", "1e40", "0.00000000 to"),
    ],
)
def test_an_unusable_price_is_named_with_file_row_column_value_and_what_is_allowed(
    tmp_path: Path,
    strict: list[str | Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    column: str,
    value: str,
    allowed: str,
) -> None:
    rows = bars()
    rows[4][column] = value  # line 6 of the file
    prices = write_csv(tmp_path / "prices.csv", rows)

    message = refuse(capsys, monkeypatch, *replay_arguments(prices, tmp_path / "run", *strict))

    assert f"{prices}, row 6, {column}: " in message
    assert repr(value)[1:-1] in message
    assert f"allowed: {allowed}" in message


def test_bars_that_contradict_each_other_are_named(
    tmp_path: Path,
    strict: list[str | Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = bars()
    rows.append({**rows[0], "close": "50001.00"})
    prices = write_csv(tmp_path / "prices.csv", rows)

    message = refuse(capsys, monkeypatch, *replay_arguments(prices, tmp_path / "run", *strict))

    assert re.search(rf"{re.escape(str(prices))}, row (2|22), close: '5\d+", message)


def no_zone(rows: Table) -> None:
    for row in rows:
        row["open_time"] = row["open_time"].replace("Z", "")


def mixed_zones(rows: Table) -> None:
    rows[3]["open_time"] = rows[3]["open_time"].replace("Z", "+01:00")


def mixed_units(rows: Table) -> None:
    for number, row in enumerate(rows):
        row["open_time"] = str(1_773_273_600 * 10 ** (3 if number else 6))


def other_columns(rows: Table) -> None:
    for row in rows:
        row["price"] = row.pop("close")


def a_foreign_symbol(rows: Table) -> None:
    for row in rows:
        row["symbol"] = row["symbol"].replace("ETH", "XYZ")


def another_day(rows: Table) -> None:
    for row in rows:
        row["open_time"] = row["open_time"].replace("2026", "2025")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (no_zone, r"open_time: '2026-03-12T00:00:00.*' has no zone; allowed: Z or one UTC offset"),
        (mixed_zones, r"open_time: time zones are mixed: .*; allowed: one per file"),
        (mixed_units, r"open_time: units .* are mixed; allowed: one unit per file"),
        (other_columns, r"columns missing: \['close'\]; found: \['symbol', 'open_time', "),
        (a_foreign_symbol, r"ETHUSDT"),
        (another_day, r"BTCUSDT"),
    ],
)
def test_a_price_file_that_cannot_be_trusted_as_a_whole_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    edit: Callable[[Table], None],
    message: str,
) -> None:
    rows = bars()
    edit(rows)
    prices = write_csv(tmp_path / "prices.csv", rows)

    shown = refuse(capsys, monkeypatch, *replay_arguments(prices, tmp_path / "run"))

    assert "prices.csv" in shown
    assert re.search(message, shown), shown


def truncated_parquet(folder: Path) -> Path:
    rows = bars()
    path = folder / "prices.parquet"
    pq.write_table(pa.table({name: [row[name] for row in rows] for name in rows[0]}), path)
    path.write_bytes(path.read_bytes()[:-200])
    return path


def truncated_zip(folder: Path) -> Path:
    path = folder / "BTCUSDT-1h-2026-03.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(write_csv(folder / "BTCUSDT-1h-2026-03.csv", bars()))
    path.write_bytes(path.read_bytes()[:-60])
    return path


def empty_csv(folder: Path) -> Path:
    path = folder / "prices.csv"
    path.write_text("", encoding="utf-8")
    return path


def binary_csv(folder: Path) -> Path:
    path = folder / "prices.csv"
    path.write_bytes(bytes(range(256)))
    return path


@pytest.mark.parametrize(
    ("make", "allowed"),
    [
        (truncated_parquet, "a complete Parquet file"),
        (truncated_zip, "a complete, open zip archive"),
        (empty_csv, "at least one row"),
        (binary_csv, "UTF-8, comma separated"),
        (lambda folder: folder / "absent.csv", "an existing file"),
        (lambda folder: folder / "prices.xlsx", ".parquet, .csv, .zip"),
    ],
)
def test_a_broken_price_file_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Path], Path],
    allowed: str,
) -> None:
    path = make(tmp_path)

    shown = refuse(capsys, monkeypatch, *replay_arguments(path, tmp_path / "run"))

    assert str(path) in shown
    assert f"allowed: {allowed}" in shown


def test_a_contract_that_the_parameters_do_not_know_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = write_csv(tmp_path / "prices.csv", bars())
    arguments = replay_arguments(prices, tmp_path / "run", "--instruments", "NOPEUSDT")

    shown = refuse(capsys, monkeypatch, *arguments)

    assert "instrument 'NOPEUSDT' is not in the parameters; allowed are ['BTCUSDT'" in shown


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--path", "sideways"], "path 'sideways'; allowed are low-first and high-first"),
        (["--start", "2026-03-12"], "2026-03-12"),
        (["--end", "2026-03-11T00:00:00Z"], "allowed: files, start < end"),
        (["--accounts", "30"], "340"),
        (["--parameters", "absent.toml"], "absent.toml"),
    ],
)
def test_an_argument_that_cannot_be_used_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    more: list[str],
    message: str,
) -> None:
    prices = write_csv(tmp_path / "prices.csv", bars())
    arguments = [str(each) for each in replay_arguments(prices, tmp_path / "run")]
    if more[0] in arguments:
        at = arguments.index(more[0])
        arguments[at : at + 2] = more
    else:
        arguments += more

    assert message in refuse(capsys, monkeypatch, *arguments)


def edited(rows: Table, number: int, **cells: str) -> Table:
    """A copy of rows with cells of one of them changed."""
    copy = [dict(row) for row in rows]
    copy[number].update(cells)
    return copy


@pytest.mark.parametrize(
    ("positions", "message"),
    [
        (edited(POSITIONS, 0, quantity="nan"), r"row 2, quantity: 'nan'; allowed: a number"),
        (edited(POSITIONS, 0, quantity="0"), r"row 2, quantity: '0'; allowed: a quantity other"),
        (edited(POSITIONS, 0, quantity="2.0005"), r"row 2, quantity: .*allowed: a multiple of"),
        (
            edited(POSITIONS, 1, quantity="-1e30"),
            r"row 3, quantity: .*allowed: a number of at most",
        ),
        (edited(POSITIONS, 1, entry_price="-1"), r"row 3, entry_price: '-1'; allowed: more than"),
        (edited(POSITIONS, 2, instrument="XYZ"), r"row 4, instrument: 'XYZ'; allowed: BTCUSDT"),
        (edited(POSITIONS, 2, account=""), r"row 4, account: ''; allowed: 1 to 64 printable"),
        ([*POSITIONS, POSITIONS[0]], r"row 7, instrument: 'BTCUSDT'; allowed: one row for long"),
        (edited(POSITIONS, 0, quantity="2.5"), r"sums to BTCUSDT \+500 lots .*allowed: 0 per"),
        (edited(POSITIONS, 3, member="east"), r"row 5, account: 'hedge'; allowed: what an earlier"),
    ],
)
def test_a_book_that_does_not_add_up_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    positions: Table,
    message: str,
) -> None:
    prices = write_csv(tmp_path / "prices.csv", bars())
    arguments = replay_arguments(prices, tmp_path / "run", *book_arguments(tmp_path))
    write_csv(tmp_path / "positions.csv", positions)

    shown = refuse(capsys, monkeypatch, *arguments)

    assert "positions.csv" in shown
    assert re.search(message, shown), shown


@pytest.mark.parametrize(
    ("collateral", "message"),
    [
        (edited(COLLATERAL, 0, amount="inf"), r"collateral.csv, row 2, amount: 'inf'; allowed: "),
        (edited(COLLATERAL, 0, amount="0"), r"collateral.csv, row 2, amount: '0'; allowed: more"),
        (edited(COLLATERAL, 0, asset="GOLD"), r"collateral.csv, row 2, asset: 'GOLD'; allowed: "),
        ([*COLLATERAL, COLLATERAL[1]], r"row 6, asset: 'BTC'; allowed: one row for long in it"),
        (edited(COLLATERAL, 0, account="ghost"), r"collateral of account 'ghost', which holds no"),
    ],
)
def test_collateral_that_belongs_to_nobody_or_twice_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    collateral: Table,
    message: str,
) -> None:
    prices = write_csv(tmp_path / "prices.csv", bars())
    arguments = replay_arguments(prices, tmp_path / "run", *book_arguments(tmp_path))
    write_csv(tmp_path / "collateral.csv", collateral)

    assert re.search(message, refuse(capsys, monkeypatch, *arguments))


def test_positions_without_collateral_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = write_csv(tmp_path / "prices.csv", bars())
    arguments = replay_arguments(prices, tmp_path / "run", *book_arguments(tmp_path)[:2])

    shown = refuse(capsys, monkeypatch, *arguments)

    assert "a positions file needs a collateral file beside it" in shown
