"""The first screen: how bad, who paid, who lost, what the controls were worth, on which path.

All of it is plain HTML, readable without the script and in print.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from novate.app.report.call import not_met
from novate.app.report.flow import Paid, beyond_collateral, who_paid
from novate.app.report.load import Outcome, Result, Run, Summary, WorstAccount
from novate.app.report.markup import Column, Content, Html, bar, element, join, table
from novate.app.report.wording import (
    FIXED_SPACE,
    MINUS,
    NONE,
    count,
    counted,
    exact,
    instant,
    money,
    money_or_none,
    percent,
    sentence,
    signed,
    words,
)

WORST_MAX = 10
HELD_MAX = 2
Cell = Callable[[Outcome], str]
MEASURES: tuple[tuple[str, Cell], ...] = (
    ("Shortfall", lambda outcome: money_or_none(outcome.shortfall)),
    ("= own members\u2019 contributions", lambda outcome: money_or_none(outcome.own_members)),
    ("+ clearing house\u2019s layers", lambda outcome: money_or_none(outcome.clearing_house)),
    ("+ others", lambda outcome: money_or_none(outcome.others)),
    ("+ uncovered", lambda outcome: money_or_none(outcome.uncovered)),
    ("Accounts liquidated", lambda outcome: count(outcome.liquidated_accounts)),
    ("Margin calls made", lambda outcome: count(outcome.calls_made)),
)


def opening(run: Run) -> Html:
    """Return the first screen below the page's head."""
    summary = run.summary
    left = element("div", _payers_panel(summary), _comparison_panel(summary), class_="stack")
    panels = element("div", left, _worst_panel(summary), class_="panels")
    return join([element("p", verdict(summary), class_="verdict"), _key_figures(run), panels])


def verdict(summary: Summary) -> str:
    """Return the outcome in one or two sentences."""
    result, unit = summary.result, summary.numeraire
    if result.shortfall == 0:
        opening_words = (
            "No shortfall: every loss stayed within the defaulters\u2019 collateral."
            if result.taken_over
            else "No shortfall and no default."
        )
        return f"{opening_words} Uncovered loss: {money_or_none(result.uncovered)}."
    lost = (
        f"{counted(result.taken_over, 'failed account').capitalize()} cost "
        f"{money(result.shortfall)} {unit} beyond their collateral."
    )
    paid = [
        f"{row.layer.label[:1].lower()}{row.layer.label[1:]} {money(row.amount)}"
        for row in who_paid(summary)
        if row.amount > 0 and not row.layer.is_collateral and row.layer.key != "uncovered"
    ]
    rest = (
        "nothing is left uncovered"
        if result.uncovered == 0
        else f"{money(result.uncovered)} {unit} is left uncovered"
    )
    if not paid:
        return f"{lost} No layer of the waterfall paid; {rest}."
    return f"{lost} Paid by {sentence(paid)}; {rest}."


def _key_figures(run: Run) -> Html:
    summary = run.summary
    result, unit = summary.result, summary.numeraire
    fund = result.fund_after - result.fund_before
    kept = f"; surplus put in {money(result.surplus_to_fund)}"
    change = percent(float(fund / result.fund_before)) if result.fund_before else ""
    share = f" ({'+' if fund > 0 else ''}{change})" if fund and change else ""
    figures = [
        _figure(
            f"Shortfall, {unit}",
            money_or_none(result.shortfall),
            "lost beyond the defaulters\u2019 collateral, all layers",
            tone="bad" if result.shortfall else "good",
            title=exact(result.shortfall),
        ),
        _figure(
            f"Insurance fund before \u2192 after, {unit}",
            f"{money(result.fund_before)} \u2192 {money(result.fund_after)}",
            f"{_lowest(result)}{signed(fund)}{share}{kept if result.surplus_to_fund else ''}",
            title=f"{exact(result.fund_before)} \u2192 {exact(result.fund_after)}",
            class_="wide",
        ),
        _figure(
            f"Uncovered, {unit}",
            money_or_none(result.uncovered),
            "paid by nobody",
            tone="bad" if result.uncovered else "good",
            title=exact(result.uncovered),
        ),
        _figure(
            "Accounts liquidated",
            count(result.liquidated_accounts),
            f"of {count(summary.accounts)}; {money(result.liquidated_notional)} notional",
        ),
        _figure(
            "Margin calls met",
            f"{count(result.calls_met)} of {count(result.calls_made)}",
            not_met(run),
        ),
    ]
    return element("dl", *figures, class_="figures")


def _lowest(result: Result) -> str:
    """Say how far the fund fell on the way, where that is below both its ends."""
    if result.fund_lowest >= min(result.fund_before, result.fund_after):
        return ""
    clock = instant(result.fund_lowest_at)[11:16]
    return f"lowest {money(result.fund_lowest)} at {clock}; "


def _figure(
    label: str, value: str, detail: Content, *, tone: str = "", title: str = "", class_: str = ""
) -> Html:
    return element(
        "div",
        element("dt", label),
        element("dd", value, class_=f"value {tone}".strip(), title=title or None),
        element("dd", detail, class_="detail"),
        class_=f"figure {class_}".strip(),
    )


def _payers_panel(summary: Summary) -> Html:
    paid = who_paid(summary)
    total = beyond_collateral(paid)
    largest = max((row.amount for row in paid), default=Decimal(0))
    columns = [
        Column(heading="Layer, in order of loss absorption"),
        Column(heading="", class_="barred"),
        Column(heading=f"Paid, {summary.numeraire}", is_number=True),
        Column(heading="Of shortfall", is_number=True),
    ]
    rows = [_payer_row(row, total, largest) for row in paid]
    last: list[Content] = ["Shortfall: all but the collateral", "", money_or_none(total)]
    last.append(percent(1.0) if total else NONE)
    made = table(columns, rows, caption="Who paid", class_="tight payers", total=last)
    difference = total - summary.result.shortfall
    warning = Html("")
    if difference != 0:
        text = (
            f"The layers beyond collateral sum to {money(total)}, "
            f"the shortfall is {money(summary.result.shortfall)}: they differ by "
            f"{money(difference)}."
        )
        warning = element("p", text, class_="warning")
    return _panel("Who paid", made, warning)


def _payer_row(row: Paid, total: Decimal, largest: Decimal) -> list[Content]:
    has_share = row.amount and total and not row.layer.is_collateral
    share = percent(float(row.amount / total)) if has_share else ""
    length = float(row.amount / largest) if largest else 0.0
    amount: Content = money(row.amount)
    if row.amount == 0:
        amount = element("span", NONE, class_="none")
    return [row.layer.label, bar(length, row.layer.tone), amount, share]


def _comparison_panel(summary: Summary) -> Html:
    """Return one table of controls on against off and of the two path orders."""
    controls, bounds = summary.controls, summary.bounds
    outcomes: list[Outcome | None] = [
        controls.on if controls else None,
        controls.off if controls else None,
        bounds.high_first if bounds else None,
        bounds.low_first if bounds else None,
    ]
    columns = [
        Column(heading=summary.numeraire),
        Column(heading="Controls on", is_number=True),
        Column(heading="Controls off", is_number=True),
        Column(heading="High first", is_number=True, class_="apart"),
        Column(heading="Low first", is_number=True),
    ]
    rows: list[list[Content]] = [
        [label, *(_outcome_cell(outcome, cell) for outcome in outcomes)] for label, cell in MEASURES
    ]
    missing = [
        name
        for name, value in (("the run with controls off", controls), ("both path orders", bounds))
        if value is None
    ]
    text = f"This run took the {summary.path} path."
    if bounds:
        text += (
            " High first and low first are two orders of the prices inside a bar, both with the"
            " controls on. They are no bounds: other orders may lie beyond them."
        )
    if missing:
        text = f"{text} Not run: {sentence(missing)}."
    made = table(
        columns, rows, caption="Controls on against off; path orders", class_="tight outcomes"
    )
    return _panel("What the controls were worth, and the two path orders", made, _note(text))


def _outcome_cell(outcome: Outcome | None, cell: Cell) -> Content:
    if outcome is None:
        return element("span", "not run", class_="none")
    text = cell(outcome)
    return element("span", text, class_="none") if text == NONE else text


def _worst_panel(summary: Summary) -> Html:
    worst = summary.worst_accounts[:WORST_MAX]
    heading = "Ten worst accounts, by what they lost beyond their collateral"
    columns = [
        Column(heading="Shortfall", is_number=True),
        Column(heading="Account"),
        Column(heading="Own loss", is_number=True),
        Column(heading="What it held"),
        Column(heading="Taken over, UTC", class_="when"),
    ]
    made = table(
        columns,
        [_worst_row(row) for row in worst],
        caption="The ten accounts with the largest shortfall",
        class_="tight worst",
        empty="No account lost anything.",
    )
    if not worst:
        return _panel(heading, made)
    unit, result = summary.numeraire, summary.result
    together = sum((row.shortfall for row in worst), Decimal(0))
    text = (
        f"{unit}. Together {money(together)} of the shortfall of {money(result.shortfall)}; "
        f"{money(result.liquidator_shortfall)} of it arose later, in closing out what had been "
        "taken over. Own loss: equity at the start and what was paid in since."
    )
    return _panel(heading, made, _note(text))


def _worst_row(row: WorstAccount) -> list[Content]:
    owner = " \u00b7 ".join(words(text) for text in (row.role, row.member) if text)
    date, _, clock = instant(row.liquidated_at).partition(" ")
    when = join([clock, element("small", date)]) if clock else element("span", date, class_="none")
    return [
        element("strong", money_or_none(row.shortfall), title=exact(row.shortfall)),
        join([element("span", row.reference), element("small", owner or "\u2013")]),
        element("span", money(row.own_loss), title=exact(row.own_loss)),
        element("span", _held(row.held), title=row.held or None, class_="held"),
        when,
    ]


def _held(text: str | None) -> str:
    """Return holdings that break between two of them only, the first few of many."""
    if not text:
        return NONE
    signed_parts = [
        f"{MINUS}{part[1:]}" if part.startswith("-") else part for part in text.split(", ")
    ]
    each = [part.replace(" ", FIXED_SPACE) for part in signed_parts]
    more = len(each) - HELD_MAX
    return ", ".join([*each[:HELD_MAX], f"{more}{FIXED_SPACE}more"] if more > 0 else each)


def _panel(heading: str, *content: Content) -> Html:
    return element("section", element("h2", heading), *content, class_="panel")


def _note(text: str) -> Html:
    return element("p", text, class_="note")
