"""Read a parameter file and the files it includes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from novate.adapter.parameter_file.check import check_parameters
from novate.errors import InputError

PRESET_PREFIX = "preset:"


def read_parameters(path: Path | str, presets: Path | None = None) -> dict[str, Any]:
    """Read a parameter file, with what it includes, into a checked nested dict.

    Parameters
    ----------
    path
        TOML file.  Its key ``include`` lists files to start from, relative to it, or
        ``preset:NAME``; later files override earlier ones key by key, the file itself is last.
    presets
        Directory of the presets, for ``preset:NAME``.

    Returns
    -------
    dict
        See `check_parameters`.

    Raises
    ------
    InputError
        If a file cannot be read or parsed, includes itself, or does not pass the check.
    """
    tree = _tree(Path(path), presets, ())
    return check_parameters(tree, str(path))


def _tree(path: Path, presets: Path | None, chain: tuple[Path, ...]) -> dict[str, Any]:
    resolved = path.resolve()
    if resolved in chain:
        raise InputError(f"{path}: includes itself; allowed: includes without a circle")
    try:
        with path.open("rb") as file:
            own = tomllib.load(file)
    except OSError as error:
        raise InputError(
            f"{path}: not readable ({error.strerror}); allowed: an existing file"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not TOML ({error}); allowed: a TOML file, UTF-8") from error
    includes = own.pop("include", [])
    if not isinstance(includes, list) or not all(isinstance(name, str) for name in includes):
        raise InputError(f"{path}: include {includes!r}; allowed: a list of file names")
    tree: dict[str, Any] = {}
    for name in includes:
        included = _located(name, path, presets)
        tree = _merged(tree, _tree(included, presets, (*chain, resolved)))
    return _merged(tree, own)


def _located(name: str, path: Path, presets: Path | None) -> Path:
    if not name.startswith(PRESET_PREFIX):
        return path.parent / name
    preset = name.removeprefix(PRESET_PREFIX)
    known = sorted(file.stem for file in presets.glob("*.toml")) if presets else []
    if presets is None or preset not in known:
        raise InputError(f"{path}: include {name!r}; allowed: {PRESET_PREFIX} and one of {known}")
    return presets / f"{preset}.toml"


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if isinstance(under, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(under, value)
        else:
            merged[key] = value
    return merged
