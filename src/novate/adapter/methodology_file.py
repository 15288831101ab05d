"""Read a preset of a margin methodology: a TOML file, whole or refused."""

from __future__ import annotations

import tomllib
from pathlib import Path

from novate.errors import InputError
from novate.margin.methodology.catalogue import METHODS
from novate.margin.methodology.preset import Preset, preset_of


def read_preset(path: Path) -> Preset:
    """Read the preset in a file.

    Parameters
    ----------
    path
        TOML with the tables ``preset`` and ``parameters``; see `margin.methodology.preset.Terms`
        and the parameters of the method that it names.

    Raises
    ------
    InputError
        If the file cannot be read or parsed, or states no preset.
    """
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except OSError as error:
        raise InputError(
            f"{path}: not readable ({error.strerror}); allowed: an existing file"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not TOML ({error}); allowed: a TOML file, UTF-8") from error
    return preset_of(table, METHODS, str(path))
