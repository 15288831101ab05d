"""The page on options runs as it is written there, and its files are what the script writes."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from scripts import option_pictures
from tests.e2e.run_fixture import ROOT

PAGE = (ROOT / "docs" / "options.md").read_text(encoding="utf-8")
FILES = ("examples/chain.csv", "_static/smile.svg", "_static/gamma.svg")


def test_every_block_of_the_page_gives_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    blocks = "\n\n".join(re.findall(r"```pycon\n(.*?)```", PAGE, re.DOTALL))
    page = doctest.DocTestParser().get_doctest(blocks, {}, "options.md", None, 0)
    shown: list[str] = []
    doctest.DocTestRunner().run(page, out=shown.append)

    assert len(page.examples) > 25
    assert "".join(shown) == ""


def test_the_chain_and_the_pictures_are_those_of_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("examples", "_static"):
        (tmp_path / folder).mkdir()
    monkeypatch.setattr(option_pictures, "DOCS", tmp_path)
    option_pictures.main()

    for name in FILES:
        assert (tmp_path / name).read_bytes() == (ROOT / "docs" / name).read_bytes(), name
