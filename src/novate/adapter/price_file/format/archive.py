"""A zip archive with one comma-separated file in it, as venues publish their klines."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from novate.adapter.price_file.format.form import Cells, Report
from novate.adapter.price_file.format.text import cells_of
from novate.errors import InputError

ARCHIVE_BYTES_MAX = 4 * 2**30
"""Largest unpacked size of a zip member; a year of minute bars takes about 60 MB."""


@dataclass(frozen=True, slots=True)
class ZippedCsv:
    """One CSV file inside a file with the suffix ``.zip``."""

    name: str = ".zip"

    def recognises(self, path: Path) -> bool:
        """Whether the suffix says so."""
        return path.suffix.lower() == self.name

    def read(
        self,
        path: Path,
        aliases: Mapping[str, tuple[str, ...]],
        report: Report,
        headless: tuple[str, ...] | None,
    ) -> Cells:
        """Unpack in memory and read all columns."""
        return cells_of(path, _zip_bytes(path), report, headless)


def _zip_bytes(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) != 1 or not members[0].filename.lower().endswith(".csv"):
                names = [member.filename for member in members]
                message = f"{path}: holds {names}; allowed: exactly one CSV file"
                raise InputError(message)
            if members[0].file_size > ARCHIVE_BYTES_MAX:
                size = members[0].file_size
                message = f"{path}: {size} bytes unpacked; allowed: at most {ARCHIVE_BYTES_MAX}"
                raise InputError(message)
            return archive.read(members[0])
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        message = f"{path}: not readable as zip ({error}); allowed: a complete, open zip archive"
        raise InputError(message) from error
    except OSError as error:
        message = f"{path}: not readable ({error}); allowed: an existing file"
        raise InputError(message) from error
