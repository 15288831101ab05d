"""Download public kline archives, month by month, checked and resumable.

The archives are zip files with one CSV each, and beside each lies a text file with its SHA-256
digest.  A download goes to ``NAME.part`` first, continues there after an interruption, and gets
its name only when the digest matches; a file that is there already and matches is not fetched
again.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

from novate.errors import InputError
from novate.units import DAY, INSTANT_MAX, civil_from_days

CHUNK_BYTES = 2**18
TIMEOUT_SECONDS = 30

INTERVALS = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d")

_SYMBOL = re.compile(r"[A-Z0-9_]{2,30}", re.ASCII)
_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Archive:
    """Where the archives are.

    Attributes
    ----------
    url
        Template with ``{market}``, ``{kind}``, ``{symbol}``, ``{interval}``, ``{month}``.
    digest_suffix
        What the digest file's name ends in.
    markets
        Path of each market, by its name here.
    kinds
        Kinds of bars of each market; the mark-price bars land in a directory of that name, by
        which the price reader knows them.
    """

    url: str = (
        "https://data.binance.vision/data/{market}/monthly/{kind}/{symbol}/{interval}/"
        "{symbol}-{interval}-{month}.zip"
    )
    digest_suffix: str = ".CHECKSUM"
    markets: dict[str, str] = field(default_factory=lambda: {"spot": "spot", "usdm": "futures/um"})
    kinds: dict[str, tuple[str, ...]] = field(
        default_factory=lambda: {
            "spot": ("klines",),
            "usdm": ("klines", "markPriceKlines"),
        }
    )


BINANCE = Archive()


@dataclass(frozen=True, slots=True)
class Request:
    """What to fetch.

    Attributes
    ----------
    symbol
        Venue's symbol, upper case.
    market
        ``spot`` or ``usdm``.  Coin-margined bars are left out: their volume counts contracts.
    interval
        Length of a bar, as in ``INTERVALS``.
    months
        ``YYYY-MM``.
    """

    symbol: str
    market: str
    interval: str
    months: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is: file ``number`` of ``count``, ``received`` of ``size`` bytes.

    ``size`` is None when the server does not say it.
    """

    file: str
    number: int
    count: int
    received: int
    size: int | None


class Response(Protocol):
    """What an opener returns: a context manager, bytes, a status and headers."""

    status: int
    headers: http.client.HTTPMessage

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes."""

    def __enter__(self) -> Response:
        """Open."""

    def __exit__(self, *error: object) -> bool | None:
        """Close."""


Opener = Callable[[str, int], Response]
"""(URL, first byte wanted) -> response; raises `urllib.error.HTTPError` or `OSError`."""


def open_url(url: str, start: int) -> Response:
    """Open an HTTP address from a byte on.

    Raises
    ------
    InputError
        If the address is not HTTP.
    """
    if not url.startswith(("https://", "http://")):
        raise InputError(f"address {url!r}; allowed: http or https")
    headers = {"User-Agent": "novate"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  scheme checked above
    response: Response = urllib.request.urlopen(  # noqa: S310  scheme checked above
        request, timeout=TIMEOUT_SECONDS
    )
    return response


def months_between(start_ns: int, end_ns: int) -> tuple[str, ...]:
    """Return the months that ``[start_ns, end_ns)`` touches, ``YYYY-MM``, ascending.

    Raises
    ------
    InputError
        If the window is empty or outside 1970 to 2261.
    """
    if not 0 <= start_ns < end_ns <= INSTANT_MAX:
        raise InputError(f"window {start_ns} to {end_ns} ns; allowed: start before end, from 1970")
    year, month, _ = civil_from_days(start_ns // DAY)
    last = civil_from_days((end_ns - 1) // DAY)[:2]
    months = []
    while (year, month) <= last:
        months.append(f"{year:04d}-{month:02d}")
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return tuple(months)


def fetch_klines(
    request: Request,
    directory: Path,
    opener: Opener = open_url,
    archive: Archive = BINANCE,
    progress: Callable[[Progress], None] | None = None,
) -> list[Path]:
    """Download the archives of a symbol.

    Parameters
    ----------
    request
        Symbol, market, interval, months.
    directory
        Files land in ``directory/MARKET/KIND/``; it is made when absent.
    opener
        Opens an address from a byte on.
    archive
        Addresses.
    progress
        Called after each piece, and once for a file that is there already.

    Returns
    -------
    list of Path
        One file per kind and month, ready for `load_prices`.

    Raises
    ------
    InputError
        If the request is malformed, an archive does not exist, a digest does not match, or the
        host cannot be reached.
    """
    _check(request, archive)
    jobs = [
        (kind, month) for kind in archive.kinds[request.market] for month in sorted(request.months)
    ]
    report = progress or _ignore
    paths = []
    for number, (kind, month) in enumerate(jobs, start=1):
        url = archive.url.format(
            market=archive.markets[request.market],
            kind=kind,
            symbol=request.symbol,
            interval=request.interval,
            month=month,
        )
        target = directory / request.market / kind / url.rsplit("/", 1)[-1]
        _make_directory(target.parent)
        digest = _digest_of(url + archive.digest_suffix, opener)
        if target.is_file() and _sha256(target) == digest:
            size = target.stat().st_size
            report(Progress(target.name, number, len(jobs), size, size))
        else:
            for total, received in _download(url, target, digest, opener):
                report(Progress(target.name, number, len(jobs), received, total))
        paths.append(target)
    return paths


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{directory}: cannot be made ({error.strerror}); allowed: a place to write to"
        ) from error


def _ignore(_: Progress) -> None:
    """Take no notice."""


def _check(request: Request, archive: Archive) -> None:
    if request.market not in archive.markets:
        raise InputError(f"market {request.market!r}; allowed: {', '.join(archive.markets)}")
    if not _SYMBOL.fullmatch(request.symbol):
        raise InputError(f"symbol {request.symbol!r}; allowed: capitals and digits, as BTCUSDT")
    if request.interval not in INTERVALS:
        raise InputError(f"interval {request.interval!r}; allowed: {', '.join(INTERVALS)}")
    bad = [month for month in request.months if not _MONTH.fullmatch(month)]
    if bad or not request.months:
        raise InputError(f"months {bad or 'none'}; allowed: one or more as 2021-05")


def _begin(url: str, start: int, opener: Opener) -> Response:
    """Open an address; a part that is longer than the file is fetched from its beginning."""
    try:
        return opener(url, start)
    except urllib.error.HTTPError as error:
        if error.code != 416 or start == 0:
            raise
        error.close()
        return opener(url, 0)


@contextlib.contextmanager
def _opened(url: str, start: int, opener: Opener) -> Iterator[Response]:
    """Open an address and turn what can go wrong on the way into an `InputError`."""
    try:
        with _begin(url, start, opener) as response:
            yield response
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 404:
            raise InputError(
                f"{url}: there is no such archive (HTTP 404); allowed: a listed symbol and a "
                "month that is over"
            ) from error
        raise InputError(f"{url}: the host answered HTTP {error.code}") from error
    except (OSError, http.client.HTTPException) as error:
        raise InputError(
            f"{url}: cannot be reached or broke off ({error}); fetching needs the Internet. "
            "Run it again to continue, or put the files there by hand"
        ) from error


def _digest_of(url: str, opener: Opener) -> str:
    with _opened(url, 0, opener) as response:
        text = response.read(4_096).decode("ascii", "replace")
    digest = text.split()[0].lower() if text.split() else ""
    if not _DIGEST.fullmatch(digest):
        raise InputError(f"{url}: {text[:80]!r}; allowed: a SHA-256 digest in 64 hex digits")
    return digest


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(
    url: str, target: Path, digest: str, opener: Opener
) -> Iterator[tuple[int | None, int]]:
    """Fetch one file and give it its name; yield (size if known, bytes there) on the way."""
    part = target.with_name(target.name + ".part")
    there = part.stat().st_size if part.is_file() else 0
    # Broken off between the last byte and the new name, the part is whole already.
    if not there or _sha256(part) != digest:
        yield from _pieces(url, part, there, opener)
    found = _sha256(part)
    if found != digest:
        part.unlink()
        raise InputError(f"{url}: SHA-256 {found}; allowed: {digest}; the download was removed")
    part.replace(target)
    yield target.stat().st_size, target.stat().st_size


def _pieces(url: str, part: Path, there: int, opener: Opener) -> Iterator[tuple[int | None, int]]:
    """Append what is missing to the part file."""
    with _opened(url, there, opener) as response:
        is_rest = there > 0 and response.status == 206
        there = there if is_rest else 0
        length = response.headers.get("Content-Length")
        size = there + int(length) if length and length.isdigit() else None
        with _open_part(part, "ab" if is_rest else "wb") as file:
            while piece := response.read(CHUNK_BYTES):
                _write(file, piece, part)
                there += len(piece)
                yield size, there
    if size is not None and there != size:
        raise InputError(
            f"{url}: broke off after {there} of {size} bytes; run it again to continue"
        )


def _open_part(part: Path, mode: Literal["ab", "wb"]) -> BinaryIO:
    try:
        return part.open(mode)
    except OSError as error:
        raise InputError(f"{part}: cannot be written ({error.strerror})") from error


def _write(file: BinaryIO, piece: bytes, part: Path) -> None:
    """Write a piece; a full disk must not be mistaken for a broken connection."""
    try:
        file.write(piece)
        file.flush()
    except OSError as error:
        raise InputError(f"{part}: cannot be written ({error.strerror})") from error
