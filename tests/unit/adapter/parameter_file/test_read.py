from __future__ import annotations

from pathlib import Path

import pytest

from novate.adapter.parameter_file import read_parameters
from novate.errors import InputError

BASE = """
[assets.USDT]
decimals = 6
[assets.BTC]
decimals = 8
[calls]
grace_minutes = 5
"""


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_file_overrides_what_it_includes_key_by_key(tmp_path: Path) -> None:
    write(tmp_path, "presets/base.toml", BASE)
    write(tmp_path, "more.toml", "[calls]\ngrace_minutes = 6\n[margin]\nleverage_max = 20\n")
    path = write(
        tmp_path,
        "own.toml",
        'include = ["preset:base", "more.toml"]\n[assets.BTC]\nhaircut_bps = 700\n',
    )

    checked = read_parameters(path, tmp_path / "presets")

    assert checked["assets"]["BTC"] == {"decimals": 8, "haircut_bps": 700}
    assert checked["calls"]["grace_minutes"] == 6
    assert checked["margin"]["leverage_max"] == 20


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[assets", "not TOML"),
        ("a = 1\na = 2\n", "not TOML"),
        (b"\xff", "not TOML"),
        ("include = 5", "a list of file names"),
        ("include = [5]", "a list of file names"),
        ('include = ["absent.toml"]', "not readable"),
        ('include = ["own.toml"]', "without a circle"),
        ('include = ["preset:absent"]', r"'preset:absent'; allowed: preset: and one of \['base'\]"),
        ('include = ["preset:../own"]', "allowed: preset:"),
        ("", "numeraire"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(
    tmp_path: Path, text: str | bytes, reason: str
) -> None:
    write(tmp_path, "presets/base.toml", BASE)

    with pytest.raises(InputError, match=reason):
        read_parameters(write(tmp_path, "own.toml", text), tmp_path / "presets")


def test_presets_need_a_place(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="allowed: preset: and one of"):
        read_parameters(write(tmp_path, "own.toml", 'include = ["preset:venue"]'))
    with pytest.raises(InputError, match="not readable"):
        read_parameters(tmp_path / "absent.toml")
