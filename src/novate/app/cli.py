"""The command line: ``novate demo | replay | verify | report | price | margin | fetch``.

Exit codes: 0 done; 1 an input cannot be used; 2 a run finished but rows were quarantined; 3 the
journal or the program contradicts itself.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from contextvars import ContextVar
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console
from rich.text import Text

from novate.adapter.fetch import Progress as Fetched
from novate.adapter.fetch import Request, fetch_klines, months_between
from novate.adapter.parameter_file import read_parameters
from novate.app.margin.book import read_book
from novate.app.margin.compute import after_trades, compared, requirement
from novate.app.margin.presets import load, load_all, names
from novate.app.margin.show import show_change, show_compared, show_requirement
from novate.app.pricing import price_file
from novate.app.pricing.show import show
from novate.app.printed import print_summary, print_verified
from novate.app.progress import Bars, is_compiled
from novate.app.replay.job import Job
from novate.app.replay.run import run_job
from novate.app.replay.venue import used_assets
from novate.app.report import write_report
from novate.app.verify import verify_run
from novate.errors import InputError, NovateError
from novate.units import format_instant, parse_instant

DONE, BAD_INPUT, QUARANTINED, FAULT = 0, 1, 2, 3
DEMO_TITLE = "Crash day of a generated venue"
DEMO_START = "2026-03-12T00:00:00Z"
COMPILING = (
    "Compiling loops for the first run on this machine: about three minutes on two cores, during "
    "which progress hardly moves. They are kept for later runs."
)

app = App(
    name="novate",
    help="A clearing house for digital-asset derivatives, from one trade to the last loss.",
    version=lambda: version("novate"),
    version_flags=["--version"],
)


def presets() -> Path:
    """Directory of the parameter files that come with novate."""
    return Path(str(files("novate.app") / "preset"))


@app.command
def demo(
    *,
    out: Path = Path("novate-demo"),
    seed: int = 1,
    accounts: int | None = None,
    force: bool = False,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Run a generated crash day and write its report.

    An earlier demonstration in the same directory is replaced; any other run only with --force.

    Parameters
    ----------
    out
        Directory of the run; made if absent.
    seed
        Seed of prices, book and behaviour.
    accounts
        Margin accounts of the generated book; the preset's number by default.
    force
        Replace whatever run is in the directory.
    as_json
        Print the summary as JSON.
    """
    _make_room(out, force=force, is_demo=True)
    parameters = read_parameters(presets() / "demo.toml", presets())
    parameters["run"]["seed"] = seed
    if accounts is not None:
        _scale_book(parameters, accounts)
    start_ns = parse_instant(DEMO_START)
    job = Job(
        parameters=parameters,
        symbols=tuple(parameters["instruments"]),
        start_ns=start_ns,
        end_ns=start_ns + 86_400 * 10**9,
        title=DEMO_TITLE,
        order="low-first",
        points=4,
        commands=(_as_typed(), f"novate verify {out}"),
        notes=(
            "Prices, accounts and behaviour are generated; nothing here is a real venue's book.",
            "A bar that moves more than 1% takes four prices on its declared path, else its close.",
        ),
    )
    return _run(job, out, as_json)


def _make_room(out: Path, *, force: bool, is_demo: bool = False) -> None:
    """Refuse a directory that holds another run, and say when one is replaced.

    Raises
    ------
    InputError
        If the directory holds a journal, neither by ``force`` to be replaced nor, for a
        demonstration, that of a demonstration.
    """
    journal = out / "journal.db"
    if not journal.exists():
        return
    if force or (is_demo and _is_demo(out)):
        what = "the run" if force else "the earlier demonstration"
        Console(stderr=True).print(f"replacing {what} in {out}", style="dim", soft_wrap=True)
        return
    raise InputError(
        f"{journal} holds the journal of another run, which this run would replace; give another "
        "directory with --out, or --force to replace it"
    )


def _is_demo(out: Path) -> bool:
    """Whether the directory holds a demonstration, by the title of its summary."""
    try:
        title = json.loads((out / "summary.json").read_text(encoding="utf-8"))["title"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(title == DEMO_TITLE)


def _scale_book(parameters: dict[str, Any], accounts: int) -> None:
    """Change the number of accounts and keep their average size."""
    book = parameters["book"]
    book["open_interest"] = book["open_interest"] * accounts // book["accounts"]
    # A derived open interest (0) follows the prices, not the number of accounts.
    book["accounts"] = accounts


@app.command
def replay(
    prices: Annotated[tuple[Path, ...], Parameter(consume_multiple=True)],
    *,
    start: str,
    end: str,
    instruments: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = (
        "BTCUSDT",
        "ETHUSDT",
    ),
    parameters: Path | None = None,
    positions: Path | None = None,
    collateral: Path | None = None,
    trades: Path | None = None,
    accounts: int | None = None,
    path: str | None = None,
    points: int | None = None,
    seed: int | None = None,
    variants: bool = True,
    out: Path = Path("novate-replay"),
    force: bool = False,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Take historical prices and a book through the clearing house.

    Parameters
    ----------
    prices
        Parquet, CSV or Binance kline archives (zip); files with markPrice in their path hold marks.
    start, end
        Window of bars, ISO 8601 with a zone, for example 2020-03-08T00:00:00Z.
    instruments
        Contracts of the parameter file that take part.
    parameters
        TOML parameter file; the venue preset by default.
    positions, collateral
        CSV, Parquet or JSON lines files of a balanced book; a book is generated without them.
    trades
        CSV, Parquet or JSON lines file of executed trades, novated at their instants; with a book
        from files.
    accounts
        Margin accounts of a generated book.
    path
        Which extreme of a bar comes first: high-first or low-first; both orders are run.
    points
        Prices per bar on that path.
    seed
        Seed of a generated book.
    variants
        Also run the other path and the run without controls.
    out
        Directory of the run.
    force
        Replace the run that is in the directory.
    as_json
        Print the summary as JSON.
    """
    _make_room(out, force=force)
    settings = read_parameters(parameters or presets() / "venue.toml", presets())
    if seed is not None:
        settings["run"]["seed"] = seed
    if accounts is not None:
        _scale_book(settings, accounts)
    order = path or settings["run"]["path"]
    order = "low-first" if order == "both" else order
    if order not in ("low-first", "high-first"):
        raise InputError(f"path {order!r}; allowed are low-first and high-first")
    unknown = [name for name in instruments if name not in settings["instruments"]]
    if unknown:
        raise InputError(
            f"instrument {unknown[0]!r} is not in the parameters; allowed are "
            f"{sorted(settings['instruments'])}"
        )
    kept = {name: settings["instruments"][name] for name in instruments}
    settings["assets"] = used_assets(settings, kept)
    settings["instruments"] = kept
    window = (parse_instant(start), parse_instant(end))
    job = Job(
        parameters=settings,
        symbols=tuple(instruments),
        start_ns=window[0],
        end_ns=window[1],
        title=f"Replay {format_instant(window[0])[:10]} to {format_instant(window[1])[:10]}",
        order=order,
        points=points or settings["run"]["points_per_bar"],
        price_files=tuple(str(file) for file in prices),
        positions_file=str(positions or ""),
        collateral_file=str(collateral or ""),
        trades_file=str(trades or ""),
        commands=(_as_typed(), f"novate verify {out}"),
        notes=_replay_notes(positions is None),
    )
    return _run(job, out, as_json, with_variants=variants)


def _replay_notes(is_generated: bool) -> tuple[str, ...]:
    """What a reader must know about a replay's inputs."""
    notes = [
        "Prices are historical; the mark column of the files stands in for the index.",
        "Inside a bar the path is declared, not known: the report shows the other order too.",
        "Liquidation orders fill against a modelled market: depth and square-root impact.",
        "Historical prices do not react to liquidations beyond the venue's last price.",
        "A collateral asset without price bars is held at par.",
    ]
    if is_generated:
        notes.append("Accounts are generated to stated targets; they are not a real venue's.")
    return tuple(notes)


_typed: ContextVar[tuple[str, ...]] = ContextVar("typed", default=())
"""Arguments of the command that runs, for the report's "how to reproduce"."""


def _as_typed() -> str:
    return "novate " + shlex.join(_typed.get())


def _run(job: Job, out: Path, as_json: bool, *, with_variants: bool = True) -> int:
    """Run a job with progress, print what came of it, and say so in the exit code."""
    console = Console(stderr=True)
    console.print(f"{job.title}: reading inputs, then the run and its checks", style="dim")
    if not is_compiled():
        console.print(COMPILING, style="dim")
    with Bars(console) as bars:
        report = run_job(job, out, bars, with_variants=with_variants)
    content = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    if as_json:
        sys.stdout.write(json.dumps(content, indent=1) + "\n")
    else:
        print_summary(content, report)
    return QUARANTINED if content["quarantined_rows"] else DONE


@app.command
def verify(run: Path, *, as_json: Annotated[bool, Parameter(name="--json")] = False) -> int:
    """Re-hash, recover and audit the journal of a run, and check its summary against it.

    Records that an earlier engine version decided are recovered; the release that audits them is
    named.

    Parameters
    ----------
    run
        Directory of a run, or a journal file.
    as_json
        Print the findings as JSON.
    """
    with Bars(Console(stderr=True)) as bars:
        found = verify_run(run, bars)
    if as_json:
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
    else:
        print_verified(found)
    return DONE


@app.command(name="report")
def rewrite_report(run: Path) -> int:
    """Write the report of a run again from its tables.

    Parameters
    ----------
    run
        Directory of a run.
    """
    Console().print(f"report: {write_report(run)}")
    return DONE


@app.command
def price(
    instruments: Path, *, market: Path, as_json: Annotated[bool, Parameter(name="--json")] = False
) -> int:
    """Price a file of instruments: value, Greeks, implied volatility, and totals of a book.

    Parameters
    ----------
    instruments
        CSV, Parquet or JSON lines with symbol, kind, underlying, and side, strike, expiry,
        settlement, unit, quantity, vol and price as the kind needs them.
    market
        TOML file with spots, forwards, rates and volatilities, or a chain of quotes (CSV, Parquet,
        JSON lines).
    as_json
        Print everything as JSON.
    """
    content = price_file(instruments, market)
    if as_json:
        sys.stdout.write(json.dumps(content, indent=1) + "\n")
    else:
        show(Console(), content)
    return QUARANTINED if content["quarantined"]["rows"] or content["unpriced"] else DONE


@app.command
def margin(
    book: Path,
    *,
    market: Path,
    collateral: Path | None = None,
    model: str | None = None,
    compare: bool = False,
    explain: bool = False,
    what_if: Annotated[list[str] | None, Parameter(name="--what-if")] = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Say what a book must hold by a venue's published margin methodology, or by all of them.

    Parameters
    ----------
    book
        CSV, Parquet or JSON lines as for `novate price`, each row with a quantity: futures,
        perpetuals and European options are positions, spot rows are collateral.
    market
        TOML file with spots, forwards, rates and volatilities, or a chain of quotes.
    collateral
        CSV, Parquet or JSON lines with asset and amount; the market's reporting currency is cash.
    model
        Name of a preset, or a TOML file of your own.
    compare
        Show all presets side by side, and the model of a file.
    explain
        Show the parts that add up to the requirement, and every scenario.
    what_if
        Trade at the mark, SYMBOL=QUANTITY in units of the underlying; may be repeated.
    as_json
        Print everything as JSON.
    """
    if compare and what_if:
        raise InputError("--compare with --what-if; allowed: one of them, --what-if with --model")
    portfolio, snapshot = read_book(book, market, collateral)
    found: Any
    if compare:
        own = [load(model)] if model is not None and model not in names() else []
        found = compared([*own, *load_all()], portfolio, snapshot)
        print_found = partial(show_compared, Console(), found)
    elif model is None:
        raise InputError(
            f"no model; allowed: --compare, or --model and one of {', '.join(names())}"
        )
    elif what_if:
        found = after_trades(load(model), portfolio, snapshot, what_if)
        print_found = partial(show_change, Console(), found)
    else:
        found = requirement(load(model), portfolio, snapshot)
        print_found = partial(show_requirement, Console(), found, explain=explain)
    if as_json:
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
    else:
        print_found()
    return DONE


@app.command
def fetch(
    symbol: str,
    *,
    start: str,
    end: str,
    interval: str = "1h",
    market: str = "usdm",
    out: Path = Path("novate-prices"),
) -> int:
    """Download public kline archives, last and mark, for a replay.

    Parameters
    ----------
    symbol
        For example BTCUSDT.
    start, end
        Window, ISO 8601 with a zone; whole months are fetched.
    interval
        Length of a bar: 1m or 1h, for example.
    market
        usdm for USD-margined futures, spot for spot.
    out
        Directory of the files.
    """
    months = months_between(parse_instant(start), parse_instant(end))
    console = Console(stderr=True)

    def show(done: Fetched) -> None:
        console.print(str(done), style="dim")

    for path in fetch_klines(Request(symbol, market, interval, months), out, progress=show):
        Console().print(str(path))
    return DONE


def _complain(kind: str, error: Exception) -> None:
    """Say on standard error what was wrong, on one line, whatever characters it holds."""
    text = Text.assemble((f"{kind}:", "red"), f" {error}")
    Console(stderr=True).print(text, soft_wrap=True, highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    typed = list(sys.argv[1:] if arguments is None else arguments)
    _typed.set(tuple(typed))
    try:
        code = app(typed, result_action="return_value", exit_on_error=False)
    except CycloptsError:
        # Said already, by the command line itself; without this it would exit like a quarantine.
        return BAD_INPUT
    except InputError as error:
        _complain("input", error)
        return BAD_INPUT
    except NovateError as error:
        _complain("fault", error)
        return FAULT
    return int(code or 0)


if __name__ == "__main__":
    sys.exit(main())
