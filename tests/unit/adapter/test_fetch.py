from __future__ import annotations

import hashlib
import http.server
import io
import socket
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.adapter.fetch import (
    CHUNK_BYTES,
    Archive,
    Progress,
    Request,
    fetch_klines,
    months_between,
    open_url,
)
from novate.errors import InputError
from novate.units import DAY, parse_instant

NAME = "BTCUSDT-1h-2021-05.zip"
FOLDER = "data/futures/um/monthly/{kind}/BTCUSDT/1h/"
REQUEST = Request("BTCUSDT", "usdm", "1h", ("2021-05",))


def archive_bytes(length: int = 3 * CHUNK_BYTES) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        # A fixed date: made twice, the archive has the same bytes.
        member = zipfile.ZipInfo("BTCUSDT-1h-2021-05.csv", (2021, 6, 1, 0, 0, 0))
        archive.writestr(member, b"0" * length)
    return content.getvalue()


@dataclass
class Host:
    """A public archive on this machine that notes what it is asked for."""

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    knows_ranges: bool = True
    breaks_after: int | None = None
    address: str = ""

    def add(self, kind: str, content: bytes, digest: str | None = None) -> None:
        path = "/" + FOLDER.format(kind=kind) + NAME
        self.files[path] = content
        digest = digest or hashlib.sha256(content).hexdigest()
        self.files[path + ".CHECKSUM"] = f"{digest}  {NAME}\n".encode()

    @property
    def archive(self) -> Archive:
        return Archive(url=Archive().url.replace("https://data.binance.vision", self.address))

    def zips_asked(self) -> list[str | None]:
        return [start for path, start in self.asked if path.endswith(".zip")]


def handler_for(host: Host) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            start = self.headers.get("Range")
            host.asked.append((self.path, start))
            content = host.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            first = int(start[6:-1]) if start and host.knows_ranges else 0
            if first > 0 and first >= len(content):
                self.send_error(416)
                return
            self.send_response(206 if first else 200)
            self.send_header("Content-Length", str(len(content) - first))
            self.end_headers()
            end = None if host.breaks_after is None else first + host.breaks_after
            self.wfile.write(content[first:end] if self.path.endswith(".zip") else content)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler_for(host))
    host.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield host
    server.shutdown()
    thread.join()
    server.server_close()


def test_bars_and_mark_prices_land_in_folders_of_their_kind(host: Host, tmp_path: Path) -> None:
    content = archive_bytes()
    host.add("klines", content)
    host.add("markPriceKlines", content[::-1])
    seen: list[Progress] = []

    paths = fetch_klines(REQUEST, tmp_path, archive=host.archive, progress=seen.append)

    assert [path.relative_to(tmp_path).as_posix() for path in paths] == [
        f"usdm/klines/{NAME}",
        f"usdm/markPriceKlines/{NAME}",
    ]
    assert [path.read_bytes() for path in paths] == [content, content[::-1]]
    assert {(p.number, p.count, p.size) for p in seen} == {
        (1, 2, len(content)),
        (2, 2, len(content)),
    }
    assert seen[-1].received == len(content)
    assert not list(tmp_path.rglob("*.part"))


def test_a_file_that_is_there_and_whole_is_not_fetched_again(host: Host, tmp_path: Path) -> None:
    host.add("klines", archive_bytes())
    host.add("markPriceKlines", archive_bytes())
    first = fetch_klines(REQUEST, tmp_path, archive=host.archive)
    first[1].write_bytes(b"damaged")
    host.asked.clear()

    second = fetch_klines(REQUEST, tmp_path, archive=host.archive)

    assert second == first
    assert len(host.zips_asked()) == 1
    assert first[1].read_bytes() == archive_bytes()


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_broken_download_goes_on_where_it_stopped(
    host: Host, tmp_path: Path, knows_ranges: bool
) -> None:
    content = archive_bytes()
    host.add("klines", content)
    host.add("markPriceKlines", content)
    host.knows_ranges, host.breaks_after = knows_ranges, CHUNK_BYTES + 10
    with pytest.raises(InputError, match="broke off"):
        fetch_klines(REQUEST, tmp_path, archive=host.archive)
    kept = (tmp_path / "usdm/klines" / f"{NAME}.part").stat().st_size
    host.breaks_after = None
    host.asked.clear()

    paths = fetch_klines(REQUEST, tmp_path, archive=host.archive)

    assert kept > 0
    assert host.zips_asked()[0] == f"bytes={kept}-"
    assert paths[0].read_bytes() == content


def test_a_whole_part_only_needs_its_name(host: Host, tmp_path: Path) -> None:
    content = archive_bytes()
    host.add("klines", content)
    host.add("markPriceKlines", content)
    part = tmp_path / "usdm/klines" / f"{NAME}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(content)

    paths = fetch_klines(REQUEST, tmp_path, archive=host.archive)

    assert len(host.zips_asked()) == 1
    assert paths[0].read_bytes() == content
    assert not part.exists()


def test_a_part_longer_than_the_file_is_fetched_anew(host: Host, tmp_path: Path) -> None:
    content = archive_bytes()
    host.add("klines", content)
    host.add("markPriceKlines", content)
    part = tmp_path / "usdm/klines" / f"{NAME}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(content + b"more")

    assert fetch_klines(REQUEST, tmp_path, archive=host.archive)[0].read_bytes() == content


def test_a_wrong_digest_removes_the_download(host: Host, tmp_path: Path) -> None:
    host.add("klines", archive_bytes(), "0" * 64)

    with pytest.raises(InputError, match=f"allowed: {'0' * 64}; the download was removed"):
        fetch_klines(REQUEST, tmp_path, archive=host.archive)

    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_digest_that_is_none_is_refused(host: Host, tmp_path: Path) -> None:
    for digest in ("<html>", " "):
        host.add("klines", b"x", digest)
        with pytest.raises(InputError, match="a SHA-256 digest in 64 hex digits"):
            fetch_klines(REQUEST, tmp_path, archive=host.archive)


def test_an_archive_that_does_not_exist_is_named(host: Host, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"2021-05\.zip\.CHECKSUM: there is no such archive"):
        fetch_klines(REQUEST, tmp_path, archive=host.archive)


def test_without_the_internet_the_message_says_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        archive = Archive(url=address + "/{market}{kind}{symbol}{interval}{month}.zip")

        with pytest.raises(InputError, match=r"needs the Internet.*by hand"):
            fetch_klines(REQUEST, tmp_path, archive=archive)


def test_a_place_that_cannot_be_written_is_named(host: Host, tmp_path: Path) -> None:
    (tmp_path / "usdm").write_text("a file where a folder should be")

    with pytest.raises(InputError, match="cannot be made"):
        fetch_klines(REQUEST, tmp_path, archive=host.archive)


def test_only_web_addresses_are_opened() -> None:
    with pytest.raises(InputError, match="http or https"):
        open_url("file:///etc/hostname", 0)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (Request("BTCUSDT", "moon", "1h", ("2021-05",)), "'moon'; allowed: spot, usdm"),
        (Request("../../x", "spot", "1h", ("2021-05",)), "symbol"),
        (Request("btcusdt", "spot", "1h", ("2021-05",)), "symbol"),
        (Request("BTCUSDT", "spot", "7m", ("2021-05",)), "'7m'; allowed: 1m"),
        (Request("BTCUSDT", "spot", "1h", ("2021-13",)), "2021-13"),
        (Request("BTCUSDT", "spot", "1h", ()), "months none"),
    ],
)
def test_a_malformed_request_is_refused_before_anything_is_opened(
    tmp_path: Path, request_: Request, reason: str
) -> None:
    def opener(url: str, start: int) -> object:
        pytest.fail(f"opened {url} from {start}")

    with pytest.raises(InputError, match=reason):
        fetch_klines(request_, tmp_path, opener)  # type: ignore[arg-type]


def test_the_months_of_a_window_do_not_include_its_end() -> None:
    start, end = parse_instant("2020-11-30Z"), parse_instant("2021-02-01Z")

    assert months_between(start, end) == ("2020-11", "2020-12", "2021-01")
    assert months_between(start, start + 1) == ("2020-11",)
    with pytest.raises(InputError, match="start before end"):
        months_between(end, start)


@given(start=st.integers(0, 90_000), days=st.integers(1, 900))
def test_months_follow_one_another(start: int, days: int) -> None:
    months = months_between(start * DAY, (start + days) * DAY)

    numbers = [int(month[:4]) * 12 + int(month[5:]) for month in months]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert days // 31 <= len(months) <= days // 28 + 2
