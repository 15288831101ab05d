from __future__ import annotations

from pathlib import Path

import pytest

from novate.adapter.methodology_file import read_preset
from novate.errors import InputError
from tests.golden.margin_preset import FOLDER, NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_that_comes_with_the_package_can_be_read(name: str) -> None:
    assert read_preset(FOLDER / f"{name}.toml").terms.name == name


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not readable"):
        read_preset(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("preset = ", encoding="utf-8")
    with pytest.raises(InputError, match="not TOML"):
        read_preset(broken)
