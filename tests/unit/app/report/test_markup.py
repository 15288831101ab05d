from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.app.report.markup import Column, Html, bar, data_block, element, escape, join, table
from novate.errors import InvariantError


class Reader(HTMLParser):
    """Collects what a browser would see: tags and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(markup: str) -> Reader:
    reader = Reader()
    reader.feed(markup)
    reader.close()
    return reader


@given(st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"]), min_size=1))
def test_text_of_any_kind_stays_text(text: str) -> None:
    reader = read(element("p", text, title=text))

    assert reader.tags == ["p"]
    assert "".join(reader.text) == text


def test_markup_is_not_escaped_again() -> None:
    inner = element("b", "a & b")

    assert element("p", inner) == "<p><b>a &amp; b</b></p>"
    assert escape(inner) is inner
    assert join([inner, "<"]) == f"{inner}&lt;"


def test_attributes_are_written_by_their_html_names() -> None:
    made = element("td", class_="n", aria_label='"x"', hidden=True, title=None, tabindex=False)

    assert made == '<td class="n" aria-label="&quot;x&quot;" hidden></td>'


@given(st.recursive(st.text() | st.integers() | st.none(), st.lists))
def test_a_data_block_reads_back_and_cannot_close_its_element(value: object) -> None:
    block = data_block("d", value)
    body = block.removeprefix('<script type="application/json" id="d">').removesuffix("</script>")

    assert "<" not in body
    assert json.loads(body) == value


def test_a_script_end_inside_data_does_not_end_the_block() -> None:
    block = data_block("d", ["</script><script>alert(1)</script><!--"])

    assert block.count("</script") == 1
    assert "<!--" not in block


def test_a_value_that_is_no_number_is_refused_in_data() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        data_block("d", [float("nan")])


def test_an_empty_table_says_so() -> None:
    made = table([Column(heading="A"), Column(heading="B")], [], caption="c", empty="none at all")

    assert "none at all" in made
    assert 'colspan="2"' in made


def test_a_row_with_a_cell_too_few_stops() -> None:
    with pytest.raises(InvariantError, match="one cell for each column"):
        table([Column(heading="A"), Column(heading="B")], [["1"]], caption="c")


def test_a_bar_never_leaves_its_box() -> None:
    assert 'width="100.00%"' in bar(1.7, "fund")
    assert 'width="0.00%"' in bar(-0.2, "fund")
    assert isinstance(bar(0.5, "fund"), Html)
