"""The command that says what a book must hold, as a person and as a program use it."""

from __future__ import annotations

import pytest

from novate.app.margin.presets import names
from tests.e2e.run_fixture import ROOT, novate

EXAMPLES = ROOT / "docs" / "examples"
FILES = (
    EXAMPLES / "margin-book.csv", "--market", EXAMPLES / "options-market.toml",
    "--collateral", EXAMPLES / "margin-collateral.csv",
)  # fmt: skip


def test_the_table_of_the_readme_is_what_the_command_prints() -> None:
    shown = novate("margin", *FILES, "--compare")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert shown.code == 0, shown.err
    rows = {line.split()[0]: line.split() for line in shown.out.splitlines() if line.strip()}
    for name in ("derive_pmrm2_btc", "derive_standard", "paradex_2024"):
        [told] = [line for line in readme.splitlines() if line.strip().startswith(name + " ")]
        assert told.split() == rows[name]


def test_a_requirement_is_explained_as_json() -> None:
    found = novate("margin", *FILES, "--model", "derive_pmrm2_btc", "--json").json

    assert sum(part["initial"] for part in found["parts"]) == pytest.approx(found["initial"])
    assert len(found["scenarios"]) > 23
    assert found["binding"] == {"BTC": "+18.0%, volatility up"}


def test_the_page_names_every_model() -> None:
    page = (ROOT / "docs" / "margin.md").read_text(encoding="utf-8")

    assert [name for name in names() if f"`{name}`" not in page] == []


def test_an_unknown_model_is_refused_with_exit_code_one() -> None:
    shown = novate("margin", *FILES, "--model", "best")

    assert shown.code == 1
    assert "model 'best'; allowed" in shown.err
