"""Put the report together: one HTML file, nothing to load, and a policy that lets nothing load.

The content-security policy allows exactly the style sheet and the two scripts that are written into
the file, by their SHA-256, and no address at all.  Data reaches the page as escaped text or as one
JSON block, never as markup or code.
"""

from __future__ import annotations

import base64
import hashlib
import re
from importlib import resources
from typing import TYPE_CHECKING, Any

from novate.app.report.chart import MILLISECOND_NS
from novate.app.report.evidence import badge
from novate.app.report.load import Run, load_run
from novate.app.report.markup import Html, data_block, element, escape, join
from novate.app.report.opening import opening
from novate.app.report.plot import clock, focus_window, period
from novate.app.report.section import sections
from novate.app.report.wording import count, counted, instant
from novate.errors import require

if TYPE_CHECKING:
    from pathlib import Path

REPORT_NAME = "report.html"
SCRIPTS = ("js/theme.js", "js/chart.js", "js/curve.js", "js/flow.js", "js/page.js")
LIBRARY = "vendor/echarts.common.min.js"


def write_report(run_directory: Path) -> Path:
    """Write the report of a replay beside its results.

    Parameters
    ----------
    run_directory
        What a replay wrote: `summary.json`, `story.json` and the Parquet tables.

    Returns
    -------
    The path of `report.html` in the same directory.  The same results give the same bytes.

    Raises
    ------
    InputError
        If the directory lacks a file, field or column.
    """
    text = render(load_run(run_directory))
    path = run_directory / REPORT_NAME
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def render(run: Run) -> str:
    """Return the report as one HTML document."""
    summary, parts = run.summary, sections(run)
    style = _asset("report.css")
    library, script = _asset(LIBRARY), "\n".join(_asset(name) for name in SCRIPTS)
    charts = {chart.key: chart.data for part in parts for chart in part.charts if chart.data}
    values = {
        "policy": content_security_policy(style, [library, script]),
        "title": escape(summary.title),
        "engine_version": escape(str(summary.engine_version)),
        "style": style,
        "subtitle": escape(_subtitle(run)),
        "badge": badge(summary.verification),
        "navigation": join([element("a", part.name, href=f"#{part.key}") for part in parts]),
        "opening": opening(run),
        "sections": join([part.markup() for part in parts]),
        "numeraire": escape(summary.numeraire),
        "data": data_block("report-data", {**_windows(run), "charts": charts}),
        "library": library,
        "script": script,
    }
    # One pass over the template: a value that looks like a placeholder stays as it is.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], _asset("template.html"))


def content_security_policy(style: str, scripts: list[str]) -> Html:
    """Return the policy that allows these inline texts and nothing else.

    Parameters
    ----------
    style
        The one style sheet.
    scripts
        The inline scripts.
    """
    allowed = " ".join(_source(text) for text in scripts)
    return Html(
        "default-src 'none'; "
        f"script-src {allowed}; style-src {_source(style)}; "
        "img-src 'none'; connect-src 'none'; font-src 'none'; frame-src 'none'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )


def _windows(run: Run) -> dict[str, Any]:
    """Return the whole period and the window the charts open with, milliseconds since 1970."""
    whole, window = period(run), focus_window(run)
    if window is None:
        return {"range": _milliseconds(whole), "focus": None}
    label = f"{clock(window[0])[:5]}\u2013{clock(window[1])[:5]} UTC"
    return {"range": _milliseconds(whole), "focus": {**_milliseconds(window), "label": label}}


def _milliseconds(window: tuple[int, int]) -> dict[str, Any]:
    return {"start": window[0] // MILLISECOND_NS, "end": window[1] // MILLISECOND_NS}


def _subtitle(run: Run) -> str:
    summary = run.summary
    symbols = ", ".join(summary.instruments[:6])
    more = len(summary.instruments) - 6
    listed = f"{symbols} and {counted(more, 'other')}" if more > 0 else symbols
    if summary.options:
        listed += f", {counted(summary.options, 'option')}"
    period = f"{instant(summary.period.start)} to {instant(summary.period.end)} UTC"
    return (
        f"{period} \u00b7 {listed} \u00b7 {counted(summary.accounts, 'account')} \u00b7 "
        f"{counted(summary.bars, 'bar')}, {count(summary.steps)} steps, {summary.path} \u00b7 "
        f"engine {summary.engine_version}"
    )


def _source(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"


def _asset(name: str) -> str:
    """Return a text asset, checked to be safe inside its element."""
    text = resources.files("novate.app.report").joinpath(name).read_text(encoding="utf-8")
    if name.endswith((".js", ".css")):
        unsafe = ("</script", "<!--", "</style")
        require(not any(word in text.lower() for word in unsafe), f"{name} cannot end its element")
    return text
