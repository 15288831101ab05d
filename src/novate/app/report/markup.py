"""HTML from data that cannot be injected: text is escaped unless this module made it.

`Html` marks text that is already markup.  `element` escapes everything else, attributes included,
so the only way to write a tag is to call this module.
"""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from typing import Any

from novate.errors import require


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


Content = str | Html


def escape(text: str) -> Html:
    """Return the text as markup that shows it."""
    return text if isinstance(text, Html) else Html(html.escape(text, quote=True))


def element(name: str, *content: Content, **attributes: str | bool | None) -> Html:
    """Return one element.

    Parameters
    ----------
    name
        Tag name.
    content
        Children in order; plain text is escaped.
    attributes
        By name; `class_` gives `class`, other underscores become hyphens.  `True` gives the bare
        attribute, `False` and `None` leave it out.
    """
    written = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = key.rstrip("_").replace("_", "-")
        written.append(f" {attribute}" if value is True else f' {attribute}="{escape(value)}"')
    opening = f"<{name}{''.join(written)}>"
    return Html(f"{opening}{join(content)}</{name}>")


def join(parts: tuple[Content, ...] | list[Content] | list[Html]) -> Html:
    """Return the parts one after another, plain text escaped."""
    return Html("".join(escape(part) for part in parts))


def bar(share: float, tone: str) -> Html:
    """Return a bar that fills `share` (0 to 1) of its box, in the colour class `tone`.

    It is drawn by SVG attributes because the page's policy allows no style attribute.
    """
    width = f"{100 * min(max(share, 0.0), 1.0):.2f}%"
    rectangle = element("rect", width=width, height="100%", class_=f"fill-{tone}")
    return element("svg", rectangle, class_="bar", aria_hidden="true", focusable="false")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """How a table shows one column: its heading, whether it holds numbers, a further class."""

    heading: Content
    is_number: bool = False
    class_: str = ""


def table(
    columns: list[Column],
    rows: list[list[Content]],
    *,
    caption: str,
    class_: str = "",
    empty: str = "none",
    total: list[Content] | None = None,
) -> Html:
    """Return a table with a caption for screen readers and one scrolling box around it.

    Parameters
    ----------
    columns
        One for each cell of a row.
    rows
        Cells in order; plain text is escaped.
    caption
        What the table holds.
    class_
        Further classes of the table.
    empty
        What the only row says when there are no rows.
    total
        A last row, set apart.
    """
    for row in rows:
        require(len(row) == len(columns), "a table row has one cell for each column")
    head = element("tr", *(_heading(column) for column in columns))
    body = [_row(columns, row) for row in rows]
    if not rows:
        span = element("td", empty, colspan=str(len(columns)), class_="none")
        body = [element("tr", span)]
    foot = [] if total is None else [element("tfoot", _row(columns, total))]
    made = element(
        "table",
        element("caption", caption, class_="aside"),
        element("thead", head),
        element("tbody", *body),
        *foot,
        class_=class_ or None,
    )
    return element("div", made, class_="scroll", tabindex="0", role="region", aria_label=caption)


def data_block(identifier: str, value: Any) -> Html:
    """Return a JSON value as a data block that cannot end its own element.

    Every `<`, `>` and `&` inside strings is written as a JSON escape, so no text can close the
    element or open a comment; NaN is refused.
    """
    text = json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=True)
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Html(f'<script type="application/json" id="{escape(identifier)}">{safe}</script>')


def _heading(column: Column) -> Html:
    return element("th", column.heading, scope="col", class_=_cell_class(column))


def _row(columns: list[Column], row: list[Content]) -> Html:
    cells = [
        element("td", cell, class_=_cell_class(column))
        for column, cell in zip(columns, row, strict=True)
    ]
    return element("tr", *cells)


def _cell_class(column: Column) -> str | None:
    names = " ".join(name for name in ("n" if column.is_number else "", column.class_) if name)
    return names or None
