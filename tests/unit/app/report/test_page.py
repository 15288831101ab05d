from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from importlib import resources
from pathlib import Path

import msgspec

from novate.app.report import write_report
from novate.app.report.load import Run
from novate.app.report.page import content_security_policy, render
from tests.e2e.report_fixture import HOSTILE

LIBRARY_SHA256 = "61f13280aba3161f77fc801bf5f9c786f55f10432153a0683fc5cc0700b013d5"


def test_the_same_run_gives_the_same_bytes(loss_directory: Path, loss_run: Run) -> None:
    path = write_report(loss_directory)

    assert path == loss_directory / "report.html"
    assert path.read_text(encoding="utf-8") == render(loss_run)


def test_the_policy_allows_exactly_the_inline_texts(loss_run: Run) -> None:
    page = render(loss_run)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    texts = re.findall(r"<(?:script|style)>(.*?)</(?:script|style)>", page, flags=re.DOTALL)

    assert policy is not None
    assert len(texts) == 3
    for text in texts:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy[1]
    assert policy[1].count("'sha256-") == 3


def test_the_policy_names_no_address_and_no_unsafe_source() -> None:
    policy = content_security_policy("a{}", ["1"])

    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_the_page_refers_to_nothing_outside_itself(loss_run: Run) -> None:
    page = re.sub(r"<script>.*?</script>", "", render(loss_run), flags=re.DOTALL)

    assert re.findall(r"\b(?:src|href)=\"(?!#)[^\"]*\"", page) == []
    assert "url(" not in page
    assert "@import" not in page


def test_no_data_becomes_markup(loss_run: Run) -> None:
    assert HOSTILE not in render(loss_run)


def test_a_title_that_looks_like_a_placeholder_stays_as_it_is(loss_run: Run) -> None:
    summary = msgspec.structs.replace(loss_run.summary, title="{{script}}")
    page = render(replace(loss_run, summary=summary))

    assert "<h1>{{script}}</h1>" in page


def test_the_chart_library_is_the_published_one_with_its_licences() -> None:
    vendor = resources.files("novate.app.report").joinpath("vendor")
    library = vendor.joinpath("echarts.common.min.js").read_bytes()

    assert hashlib.sha256(library).hexdigest() == LIBRARY_SHA256
    assert "Apache License" in vendor.joinpath("LICENSE").read_text()
    assert "Apache ECharts" in vendor.joinpath("NOTICE").read_text()
    assert "Mike Bostock" in vendor.joinpath("LICENSE-d3").read_text()


def test_no_script_of_ours_turns_text_into_markup() -> None:
    folder = resources.files("novate.app.report").joinpath("js")
    for script in folder.iterdir():
        text = script.read_text()
        banned = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
        assert re.findall(banned, text) == [], script.name
