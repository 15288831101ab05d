"""The report in a real browser: opened from a file, without a network, in both themes."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from novate.app.report import write_report
from novate.app.report.load import load_run
from novate.app.report.section import sections
from novate.app.report.wording import money
from tests.e2e.report_fixture import HOSTILE, write_fixture

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@dataclass(kw_only=True)
class Visit:
    """One opened report and everything that went wrong or out while it was open."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Generator[Browser, None, None]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def loss_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(write_fixture(tmp_path_factory.mktemp("loss")))


@pytest.fixture(scope="module")
def quiet_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(write_fixture(tmp_path_factory.mktemp("quiet"), is_quiet=True))


@contextmanager
def visit(
    browser: Browser,
    report: Path,
    *,
    theme: str = "light",
    size: dict[str, int] | None = None,
    has_scripts: bool = True,
) -> Generator[Visit, None, None]:
    context = browser.new_context(
        viewport=size or DESKTOP, color_scheme=theme, offline=True, java_script_enabled=has_scripts
    )
    page = context.new_page()
    opened = Visit(page=page)
    page.on("console", lambda message: opened.errors.append(message.text))
    page.on("pageerror", lambda error: opened.errors.append(str(error)))
    page.on("request", lambda request: opened.requests.append(request.url))
    page.on("requestfailed", lambda request: opened.errors.append(request.url))
    page.goto(report.as_uri())
    if has_scripts:
        page.wait_for_selector("html[data-ready=true]", timeout=30_000)
    yield opened
    context.close()


def is_painted(page: Page) -> list[bool]:
    """For each chart, whether its drawing holds more than one colour."""
    painted: list[bool] = page.evaluate(
        """() => [...document.querySelectorAll("[data-chart]")].map((box) => {
          const canvas = box.querySelector("canvas");
          if (!canvas) return box.querySelectorAll("svg path").length > 0;
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const pixels = new Uint32Array(data.buffer);
          return pixels.some((pixel) => pixel !== pixels[0]);
        })"""
    )
    return painted


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_chart_is_drawn_without_a_request_or_an_error(
    browser: Browser, loss_report: Path, theme: str
) -> None:
    run = load_run(loss_report.parent)
    expected = sum(chart.data is not None for part in sections(run) for chart in part.charts)

    with visit(browser, loss_report, theme=theme) as opened:
        painted = is_painted(opened.page)

        assert len(painted) == expected
        assert all(painted)
        assert opened.errors == []
        assert opened.requests == [loss_report.as_uri()]


def test_the_first_screen_holds_the_key_numbers(browser: Browser, loss_report: Path) -> None:
    summary = load_run(loss_report.parent).summary
    assert summary.controls is not None
    assert summary.bounds is not None
    amounts = [summary.result.shortfall, summary.result.fund_after, summary.result.fund_lowest]
    amounts += [summary.controls.off.shortfall, summary.bounds.high_first.shortfall]
    amounts += [*(row.amount for row in summary.payers)]
    amounts += [row.shortfall for row in summary.worst_accounts]

    with visit(browser, loss_report) as opened:
        first = opened.page.locator("#opening")
        box = first.bounding_box()
        text = first.inner_text()

        assert box is not None
        assert box["y"] + box["height"] <= DESKTOP["height"]
        assert [money(amount) for amount in amounts if money(amount) not in text] == []
        assert opened.page.evaluate("document.documentElement.scrollWidth") == DESKTOP["width"]


def test_a_hostile_reference_stays_text(browser: Browser, loss_report: Path) -> None:
    with visit(browser, loss_report) as opened:
        page = opened.page
        chart = page.locator("[data-chart=waterfall]")
        chart.scroll_into_view_if_needed()

        assert page.locator("img").count() == 0
        assert page.evaluate("window.hacked") is None
        assert HOSTILE in page.locator("#opening").inner_text()
        assert HOSTILE in chart.inner_text()
        assert opened.errors == []


def test_a_tooltip_shows_text_and_breaks_no_policy(browser: Browser, loss_report: Path) -> None:
    with visit(browser, loss_report) as opened:
        page = opened.page
        chart = page.locator("[data-chart=price-0]")
        chart.scroll_into_view_if_needed()
        chart.hover(position={"x": 300, "y": 200})
        page.wait_for_selector("[data-chart=price-0] .tip", timeout=5_000)

        assert "UTC" in page.locator("[data-chart=price-0] .tip").inner_text()
        assert opened.errors == []


def background(page: Page) -> str:
    colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour


def test_the_theme_follows_the_system_and_the_button(browser: Browser, loss_report: Path) -> None:
    with visit(browser, loss_report) as light, visit(browser, loss_report, theme="dark") as dark:
        assert background(light.page) == "rgb(255, 255, 255)"
        assert background(dark.page) == "rgb(22, 24, 28)"

        button = light.page.locator("#theme")
        button.click()
        button.click()

        assert button.inner_text() == "Theme: dark"
        assert background(light.page) == background(dark.page)
        assert light.page.locator("html").get_attribute("data-palette") == background(dark.page)
        assert light.errors == []


def shown_window(page: Page) -> list[int]:
    """First and last instant that the equity chart shows, milliseconds since 1970."""
    window: list[int] = page.evaluate(
        """() => {
          const box = document.querySelector("[data-chart=equity]");
          const zoom = echarts.getInstanceByDom(box).getOption().dataZoom[0];
          return [Math.round(zoom.startValue), Math.round(zoom.endValue)];
        }"""
    )
    return window


def test_the_charts_open_near_the_liquidations_and_widen_on_request(
    browser: Browser, loss_report: Path
) -> None:
    with visit(browser, loss_report) as opened:
        near = shown_window(opened.page)
        opened.page.locator("#window-all").click()
        whole = shown_window(opened.page)

        assert whole[0] < near[0] < near[1] < whole[1]
        assert opened.errors == []


def test_a_table_sorts_by_its_numbers(browser: Browser, loss_report: Path) -> None:
    with visit(browser, loss_report) as opened:
        table = opened.page.locator("#ccp table")
        table.locator("th button").nth(4).click()
        cells = table.locator("tbody td:nth-child(5)").all_inner_texts()
        values = [float(cell.replace(",", "")) for cell in cells]

        assert values == sorted(values, reverse=True)
        assert opened.errors == []


def test_a_quiet_day_draws_no_flow_and_says_so(browser: Browser, quiet_report: Path) -> None:
    with visit(browser, quiet_report) as opened:
        assert all(is_painted(opened.page))
        assert opened.page.locator("[data-chart=waterfall]").count() == 0
        assert "no flow to draw" in opened.page.locator("#waterfall").inner_text()
        assert opened.errors == []


def test_on_a_phone_nothing_is_wider_than_the_screen(browser: Browser, loss_report: Path) -> None:
    with visit(browser, loss_report, size=PHONE) as opened:
        assert opened.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        assert all(is_painted(opened.page))
        assert opened.errors == []


@pytest.mark.parametrize("width", [1280, 1024, 390])
def test_the_page_does_not_scroll_sideways(browser: Browser, loss_report: Path, width: int) -> None:
    with visit(browser, loss_report, size={"width": width, "height": 900}) as opened:
        widest = opened.page.evaluate("document.documentElement.scrollWidth")

        assert widest == width


@pytest.mark.parametrize("width", [1440, 1280])
def test_on_a_desktop_no_table_of_a_section_is_cut_off(
    browser: Browser, loss_report: Path, width: int
) -> None:
    with visit(browser, loss_report, size={"width": width, "height": 900}) as opened:
        cut_off = opened.page.evaluate(
            """() => [...document.querySelectorAll("nav, main > section .scroll")]
              .filter((box) => box.scrollWidth > box.clientWidth)
              .map((box) => box.getAttribute("aria-label"))"""
        )

        assert cut_off == []


def test_without_scripts_the_numbers_are_there(browser: Browser, loss_report: Path) -> None:
    summary = load_run(loss_report.parent).summary

    with visit(browser, loss_report, has_scripts=False) as opened:
        text = opened.page.locator("body").inner_text()

        assert money(summary.result.shortfall) in text
        assert "The charts below need JavaScript" in text
        assert summary.verification.head_hash in text
