"""The first screen: how bad, who paid, who lost, what the controls were worth, within which bounds.

All of it is plain HTML, readable without the script and in print.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from novate.app.report.flow import Paid, beyond_own, who_paid
from novate.app.report.load import Outcome, Run, Summary, WorstAccount
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
HELD_MAX = 5
Cell = Callable[[Outcome], str]
MEASURES: tuple[tuple[str, Cell], ...] = (
    ("Loss beyond collateral", lambda outcome: money_or_none(outcome.loss_beyond_collateral)),
    ("Bad debt", lambda outcome: money_or_none(outcome.bad_debt)),
    ("Accounts liquidated", lambda outcome: count(outcome.liquidated_accounts)),
    ("Insurance fund used", lambda outcome: money_or_none(outcome.fund_used)),
    ("Uncovered loss", lambda outcome: money_or_none(outcome.uncovered)),
    ("Margin calls made", lambda outcome: count(outcome.calls_made)),
)


def opening(run: Run) -> Html:
    """Return the first screen below the page's head."""
    summary = run.summary
    left = element("div", _payers_panel(summary), _comparison_panel(summary), class_="stack")
    panels = element("div", left, _worst_panel(summary), class_="panels")
    return join([element("p", verdict(summary), class_="verdict"), _key_figures(summary), panels])


def verdict(summary: Summary) -> str:
    """Return the outcome in one or two sentences."""
    result, unit = summary.result, summary.numeraire
    if result.bad_debt == 0:
        opening_words = (
            "No bad debt: every loss stayed within the defaulters\u2019 own resources."
            if result.taken_over
            else "No bad debt and no default."
        )
        return f"{opening_words} Uncovered loss: {money_or_none(result.uncovered)}."
    lost = (
        f"{counted(result.taken_over, 'failed account').capitalize()} cost "
        f"{money(result.bad_debt)} {unit} beyond the defaulters\u2019 own resources."
    )
    paid = [
        f"{row.layer.label[:1].lower()}{row.layer.label[1:]} {money(row.amount)}"
        for row in who_paid(summary)
        if row.amount > 0 and not row.layer.is_own and row.layer.key != "uncovered"
    ]
    rest = (
        "nothing is left uncovered"
        if result.uncovered == 0
        else f"{money(result.uncovered)} {unit} is left uncovered"
    )
    if not paid:
        return f"{lost} No layer of the waterfall paid; {rest}."
    return f"{lost} Paid by {sentence(paid)}; {rest}."


def _key_figures(summary: Summary) -> Html:
    result, unit = summary.result, summary.numeraire
    fund = result.fund_after - result.fund_before
    kept = f"; liquidation surplus put in {money(result.surplus_to_fund)}"
    change = percent(float(fund / result.fund_before)) if result.fund_before else ""
    share = f" ({'+' if fund > 0 else ''}{change})" if fund and change else ""
    figures = [
        _figure(
            f"Bad debt, {unit}",
            money_or_none(result.bad_debt),
            "losses beyond the defaulters\u2019 own resources",
            tone="bad" if result.bad_debt else "good",
            title=exact(result.bad_debt),
        ),
        _figure(
            f"Insurance fund before \u2192 after, {unit}",
            f"{money(result.fund_before)} \u2192 {money(result.fund_after)}",
            f"{signed(fund)}{share}{kept if result.surplus_to_fund else ''}",
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
            f"{count(result.calls_made - result.calls_met)} not met; "
            f"{counted(result.defaults, 'default')}",
        ),
    ]
    return element("dl", *figures, class_="figures")


def _figure(
    label: str, value: str, detail: str, *, tone: str = "", title: str = "", class_: str = ""
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
    total = sum((row.amount for row in paid), Decimal(0))
    largest = max((row.amount for row in paid), default=Decimal(0))
    columns = [
        Column(heading="Layer, in order of loss absorption"),
        Column(heading="", class_="barred"),
        Column(heading=f"Paid, {summary.numeraire}", is_number=True),
        Column(heading="Share", is_number=True),
    ]
    rows = [_payer_row(row, total, largest) for row in paid]
    last: list[Content] = ["All losses", "", money_or_none(total), percent(1.0) if total else NONE]
    made = table(columns, rows, caption="Who paid", class_="tight payers", total=last)
    difference = beyond_own(paid) - summary.result.bad_debt
    warning = Html("")
    if difference != 0:
        text = (
            f"The layers beyond own resources sum to {money(beyond_own(paid))}, "
            f"bad debt is {money(summary.result.bad_debt)}: they differ by {money(difference)}."
        )
        warning = element("p", text, class_="warning")
    return _panel("Who paid", made, warning)


def _payer_row(row: Paid, total: Decimal, largest: Decimal) -> list[Content]:
    share = percent(float(row.amount / total)) if row.amount and total else ""
    length = float(row.amount / largest) if largest else 0.0
    amount: Content = money(row.amount)
    if row.amount == 0:
        amount = element("span", NONE, class_="none")
    return [row.layer.label, bar(length, row.layer.tone), amount, share]


def _comparison_panel(summary: Summary) -> Html:
    """Return one table of controls on against off and the two bounds of the path."""
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
        for name, value in (("the run with controls off", controls), ("the path bounds", bounds))
        if value is None
    ]
    text = f"This run took the {summary.path} path."
    if missing:
        text = f"{text} Not run: {sentence(missing)}."
    made = table(columns, rows, caption="Controls on against off; path bounds", class_="tight")
    return _panel("What the controls were worth, and the path bounds", made, _note(text))


def _outcome_cell(outcome: Outcome | None, cell: Cell) -> Content:
    if outcome is None:
        return element("span", "not run", class_="none")
    text = cell(outcome)
    return element("span", text, class_="none") if text == NONE else text


def _worst_panel(summary: Summary) -> Html:
    worst = summary.worst_accounts[:WORST_MAX]
    columns = [
        Column(heading="Account"),
        Column(heading=f"Loss, {summary.numeraire}", is_number=True),
        Column(heading="What it held"),
        Column(heading="Liquidated, UTC", class_="when"),
    ]
    made = table(
        columns,
        [_worst_row(row) for row in worst],
        caption="The ten accounts that lost most beyond their own money",
        class_="tight worst",
        empty="No account lost anything.",
    )
    return _panel("Ten worst accounts, by loss beyond their own money", made)


def _worst_row(row: WorstAccount) -> list[Content]:
    owner = " \u00b7 ".join(words(text) for text in (row.role, row.member) if text)
    date, _, clock = instant(row.liquidated_at).partition(" ")
    when = join([clock, element("small", date)]) if clock else element("span", date, class_="none")
    return [
        join([element("strong", row.reference), element("small", owner or "\u2013")]),
        element("span", money(row.loss), title=exact(row.loss)),
        join(
            [
                element("span", _held(row.held), title=row.held or None),
                element("small", row.cause or "\u2013"),
            ]
        ),
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
    return ", ".join([*each[:HELD_MAX], f"and {more} more"] if more > 1 else each)


def _panel(heading: str, *content: Content) -> Html:
    return element("section", element("h2", heading), *content, class_="panel")


def _note(text: str) -> Html:
    return element("p", text, class_="note")
