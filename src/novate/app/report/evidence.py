"""What a reader needs to believe the report: one account's story, calibration, inputs, proof."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from novate.app.report.flow import layer_of
from novate.app.report.load import Fact, Failure, Run, Stage, Target, Verification
from novate.app.report.markup import Column, Content, Html, element, join, table
from novate.app.report.wording import (
    NONE,
    any_number,
    count,
    counted,
    exact,
    instant,
    money_or_none,
    percent,
    sentence,
    words,
)


def story(run: Run) -> Html:
    """Return the vertical timeline of one account's facts."""
    told = run.story
    if not told.facts:
        return element("p", NONE, class_="none")
    owner = " \u00b7 ".join(words(text) for text in (told.role, told.member) if text)
    by = (
        f", told by {counted(len(told.facts), 'journaled fact')}; # is its sequence in the journal."
    )
    told_of = f" ({owner})" if owner else ""
    first = join(["What happened to ", element("strong", told.reference), told_of, by])
    facts = element("ol", *(_fact(fact) for fact in told.facts), class_="story")
    return join([element("p", first, class_="note"), _failure(run), facts])


ENDS = {"start": "Net equity at the start", "takeover": "Net equity at takeover"}


def _failure(run: Run) -> Html:
    """Return how the account came to fail, what it held then, and who paid for it."""
    failure, unit = run.story.failure, run.summary.numeraire
    if failure is None:
        return Html("")
    ends = {**ENDS, "failure": f"Net equity when its {failure.kind} began"}
    tables = [_stage_table(stage, ends, unit) for stage in failure.stages]
    tables.append(_compared(failure, unit))
    held = [
        (f"{row.size} {row.instrument} at {row.mark}", row.notional) for row in failure.positions
    ]
    tables.append(_amounts("Positions then, notional at the mark", held, unit))
    paid = [(layer_of(row.layer).label, row.amount) for row in run.story.paid]
    total = [("Its shortfall, all layers", run.story.shortfall)]
    tables.append(_amounts("Who paid its shortfall", paid + total, unit))
    return element("div", *tables, class_="grid two bridge")


def _stage_table(stage: Stage, ends: dict[str, str], unit: str) -> Html:
    rows = [(ends[stage.start], stage.opening)]
    rows += [(item.item, item.amount) for item in stage.items]
    rows.append((ends[stage.end], stage.closing))
    return _amounts(f"From {stage.start} to {stage.end}", rows, unit)


def _compared(failure: Failure, unit: str) -> Html:
    """Return the comparison that decided."""
    margin = "maintenance margin" if failure.kind == "liquidation" else "initial margin"
    rows = [
        ("Net equity", failure.net),
        ("Haircuts on its collateral", failure.haircuts),
        ("Equity that counts", failure.equity),
        (f"Required: {margin}", failure.requirement),
        ("Lacking", failure.requirement - failure.equity),
    ]
    return _amounts(f"What was compared at {instant(failure.instant)} UTC", rows, unit)


def _amounts(heading: str, rows: list[tuple[str, Decimal]], unit: str) -> Html:
    columns = [Column(heading="Item"), Column(heading=unit, is_number=True)]
    made = table(
        columns, [[name, exact(amount)] for name, amount in rows], caption=heading, class_="tight"
    )
    return element("figure", element("h3", heading), made)


def _fact(fact: Fact) -> Html:
    pairs = [
        element("div", element("dt", words(name)), element("dd", any_number(value)))
        for name, value in fact.numbers.items()
    ]
    when = element(
        "div",
        element("time", instant(fact.instant)),
        element("span", f"#{fact.sequence}", class_="sequence", title="Journal sequence"),
        class_="when",
    )
    text = element(
        "div",
        element("span", words(fact.kind), class_="kind"),
        element("p", fact.text),
        element("dl", *pairs) if pairs else Html(""),
    )
    return element("li", when, text)


def calibration(run: Run) -> Html:
    """Return what the population should look like, and does.

    Targets that are stated for each instrument or for each group of accounts stand in a table with
    a column for each; the rest are a list.
    """
    targets = run.summary.calibration
    if not targets:
        return element("p", "No population was generated.", class_="none")
    by_instrument = {
        row.target: split
        for row in targets
        if (split := _of_instrument(row.target, run.summary.instruments))
    }
    by_group = {
        row.target: (name, measure)
        for row in targets
        if row.target not in by_instrument
        for name, found, measure in [row.target.partition(": ")]
        if found
    }
    plain = [row for row in targets if row.target not in by_instrument | by_group]
    intro = "What was reached; in small type what was wanted, where there was a target."
    return join(
        [
            _target_list(plain) if plain else Html(""),
            element("p", intro, class_="note") if by_instrument or by_group else Html(""),
            _target_matrix(targets, by_instrument, "Targets by instrument"),
            _target_matrix(targets, by_group, "Targets by group of accounts"),
        ]
    )


def _of_instrument(target: str, instruments: list[str]) -> tuple[str, str] | None:
    """Split a target such as `open interest BTCUSDT` into the instrument and the measure."""
    measure, _, name = target.rpartition(" ")
    return (name, measure) if name in instruments else None


def _target_list(targets: list[Target]) -> Html:
    columns = [
        Column(heading="Target"),
        Column(heading="Wanted", is_number=True),
        Column(heading="Reached", is_number=True),
        Column(heading="Unit"),
    ]
    rows: list[list[Content]] = []
    for row in targets:
        shown, unit = _in_unit(row.unit or "")
        rows.append([words(row.target), shown(row.wanted), shown(row.reached), unit])
    return table(columns, rows, caption="Calibration targets and what was reached")


def _target_matrix(targets: list[Target], split: dict[str, tuple[str, str]], caption: str) -> Html:
    """Return a table with a row for each measure and a column for each instrument or group."""
    if not split:
        return Html("")
    names = list(dict.fromkeys(name for name, _ in split.values()))
    cells = {split[row.target]: row for row in targets if row.target in split}
    columns = [Column(heading="Target"), Column(heading="Unit")]
    columns += [Column(heading=words(name), is_number=True) for name in names]
    rows: list[list[Content]] = []
    for measure in dict.fromkeys(measure for _, measure in split.values()):
        found = [cells.get((name, measure)) for name in names]
        unit = _in_unit(next(row.unit or "" for row in found if row is not None))[1]
        rows.append([words(measure), unit, *(_target_cell(row) for row in found)])
    return join([element("h3", caption), table(columns, rows, caption=caption)])


def _target_cell(row: Target | None) -> Content:
    if row is None:
        return ""
    shown, _ = _in_unit(row.unit or "")
    wanted = shown(row.wanted)
    note = element("small", wanted) if wanted not in {NONE, "reported"} else Html("")
    return join([shown(row.reached), note])


def _in_unit(unit: str) -> tuple[Callable[[str | int | float | None], str], str]:
    """Return how values of a unit are written, and the unit to write beside them."""
    if unit.split(" ", maxsplit=1)[0] in {"share", "fraction"}:
        return _as_percent, unit
    return any_number, unit


def _as_percent(value: str | float | None) -> str:
    try:
        return percent(float(value)) if value is not None else NONE
    except ValueError:
        return str(value)


def inputs(run: Run) -> Html:
    """Return what went in, what was set aside, what was refused, and the notes."""
    summary = run.summary
    listed, left_out = len(summary.quarantine), summary.quarantined_rows
    text = f"Quarantined rows: {count(left_out) if left_out else NONE}"
    if summary.quarantined_rows > listed:
        text = f"{text} ({counted(listed, 'value')} listed)"
    quarantine = (
        Html("")
        if not listed
        else table(
            [
                Column(heading="File"),
                Column(heading="Row", is_number=True),
                Column(heading="Column"),
                Column(heading="Value"),
                Column(heading="Allowed"),
            ],
            [
                [
                    row.file,
                    any_number(row.row),
                    row.column or "",
                    element("code", str(row.value)),
                    row.allowed or "",
                ]
                for row in summary.quarantine
            ],
            caption="Quarantined values",
        )
    )
    refusals = (
        element("p", NONE, class_="none")
        if not summary.refusals
        else table(
            [
                Column(heading="Command"),
                Column(heading="Refusal"),
                Column(heading="Count", is_number=True),
            ],
            [
                [element("code", row.command), element("code", row.refusal), count(row.count)]
                for row in summary.refusals
            ],
            caption="Refused commands",
        )
    )
    notes = element("ul", *(element("li", note) for note in summary.notes))
    return join(
        [
            _scope(run),
            _bars(run),
            element("h3", text),
            quarantine,
            element("h3", "Commands refused"),
            refusals,
            element("h3", "Notes and limits"),
            notes if summary.notes else element("p", NONE, class_="none"),
        ]
    )


def _bars(run: Run) -> Html:
    """Return the bars that the price files should have held and did."""
    found = run.summary.bars_by_symbol
    if not found:
        return Html("")
    names = ("Bars of the window", "Present", "Missing", "Rows outside the window")
    columns = [Column(heading="Symbol")]
    columns += [Column(heading=name, is_number=True) for name in names]
    rows: list[list[Content]] = [
        [row.symbol, *(count(n) for n in (row.expected, row.present, row.missing, row.outside))]
        for row in found
    ]
    note = "A bar takes part only if every contract has it; gaps are not filled."
    return join(
        [
            element("h3", "Bars of the price files"),
            table(columns, rows, caption="Bars of the price files", class_="tight"),
            element("p", note, class_="note"),
        ]
    )


def _scope(run: Run) -> Html:
    summary, unit = run.summary, run.summary.numeraire
    paid_in, paid_out = summary.result.external_paid_in, summary.result.external_paid_out
    period = f"{instant(summary.period.start)} to {instant(summary.period.end)} UTC"
    return _pairs(
        [
            ("Period", period),
            ("Instruments", ", ".join(summary.instruments) or NONE),
            ("Bars", count(summary.bars)),
            ("Steps", count(summary.steps)),
            ("Accounts", count(summary.accounts)),
            ("Path inside a bar", summary.path),
            (f"Liquidation fees, {unit}", money_or_none(summary.result.liquidation_fees)),
            (f"Surplus paid to the fund, {unit}", money_or_none(summary.result.surplus_to_fund)),
            (f"Paid in by the external market, {unit}", money_or_none(paid_in)),
            (f"Paid to the external market, {unit}", money_or_none(paid_out)),
        ]
    )


def verification(run: Run) -> Html:
    """Return what the journal proves."""
    proof, elapsed = run.summary.verification, run.summary.elapsed_s
    pairs: list[tuple[str, Content]] = [
        ("Journal records", count(proof.records)),
        ("Events", count(proof.events)),
        ("Head sequence", count(proof.head_sequence)),
        ("Head hash", element("code", proof.head_hash)),
        ("State digest", element("code", proof.state_digest)),
        *_balances(proof),
        ("Recovered to the same state", _answer(proof.recovered)),
        ("Audited: every batch decided again, same events", _answer(proof.audited)),
        ("Engine version", str(run.summary.engine_version)),
        ("Time to replay", _seconds(elapsed.replay)),
        ("Time to verify", _seconds(elapsed.verify)),
    ]
    return element("div", element("p", badge(proof)), _pairs(pairs), class_="proof")


def badge(proof: Verification) -> Html:
    """Return one word on the evidence, and what is missing from it."""
    if proof.is_complete:
        return element("span", "Verified: conserves, recovers, audited", class_="badge good")
    missing = [
        name
        for name, holds in (
            ("conservation", proof.is_conserved),
            ("recovery", proof.recovered),
            ("audit", proof.audited),
        )
        if not holds
    ]
    return element("span", f"Not verified: {sentence(missing)}", class_="badge bad")


def _balances(proof: Verification) -> list[tuple[str, Content]]:
    rows: list[tuple[str, Content]] = [
        (f"Sum of all ledger accounts, {row.asset}", _zero(any_number(str(row.sum)), row.sum == 0))
        for row in proof.conservation
    ]
    rows += [
        (
            f"Sum of all positions, {row.instrument}",
            _zero(f"{row.sum_lots:,} lots", row.sum_lots == 0),
        )
        for row in proof.positions
    ]
    return rows or [("Sum of all ledger accounts", element("span", NONE, class_="bad"))]


def _zero(text: str, is_zero: bool) -> Html:
    return element("span", text, class_="good" if is_zero else "bad")


def reproduce(run: Run) -> Html:
    """Return the commands that give the same run again."""
    commands = run.summary.commands
    lines = element("pre", element("code", "\n".join(commands)))
    return lines if commands else element("p", NONE, class_="none")


def _answer(holds: bool) -> Html:
    return element("span", "yes" if holds else "no", class_="good" if holds else "bad")


def _seconds(value: float | None) -> str:
    return NONE if value is None else f"{value:,.1f} s"


def _pairs(pairs: list[tuple[str, Content]] | list[tuple[str, str]]) -> Html:
    made = [element("div", element("dt", name), element("dd", value)) for name, value in pairs]
    return element("dl", *made, class_="pairs")
