from __future__ import annotations

import pytest

from novate.adapter.parameter_file import SECTIONS, reference_page


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_every_key_has_a_line_with_its_meaning(section: object) -> None:
    page = reference_page()

    for setting in section.settings:  # type: ignore[attr-defined]
        lines = [line for line in page.splitlines() if line.startswith(f"| `{setting.key}` |")]
        assert any(line.endswith(f"| {setting.doc} |") for line in lines)


def test_amounts_are_shown_in_whole_units() -> None:
    page = reference_page()

    assert "| `slice_floor` | decimal text | numeraire, 6 decimals | `10000` |" in page
    assert "| `decimals` | integer | digits | required | 0 to 12 |" in page
    assert "## `[assets.NAME]`" in page
    assert all(line.count(" | ") == 5 for line in page.splitlines() if line.startswith("| `"))
