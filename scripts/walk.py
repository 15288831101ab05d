"""Follow one account through a run and write the tables of docs/walk.md.

`walk_journal` reads the journal, works every number out again by the rulebook and stops where one
differs; this program shows what it found.  The page's own words stay as they are: only what stands
between `<!-- walk: NAME -->` and `<!-- end -->` is written.

Usage: scripts/walk.py RUN [--account REFERENCE] [--write docs/walk.md]
"""

# ruff: noqa: RUF001  formulas for people: times, minus and dashes are what they look like

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

from walk_journal import PPM, Assessed, Position, Row, Step, Terms, Walk, choose, follow

from novate.adapter.sqlite_journal import SqliteJournal
from novate.canonical import Record
from novate.kernel.codes import Layer
from novate.message.command import SUBMIT_TRADE
from novate.message.deciding_price import DecidingPrice
from novate.message.event import TRADE_NOVATED
from novate.message.parameter import Parameter
from novate.units import format_instant

MARKER = re.compile(r"(<!-- walk: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
NONE = "None in this run.\n"


# ---- text


def table(headings: str, rows: list[list[str]]) -> str:
    """Return a Markdown table; headings are split at `|`, those that end in `>` hold numbers."""
    names = [name.strip() for name in headings.split("|")]
    lines = [
        "| " + " | ".join(name.rstrip(">").strip() for name in names) + " |",
        "|" + "|".join("--:" if name.endswith(">") else "---" for name in names) + "|",
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


def clock(instant_ns: int) -> str:
    """Time of day of an instant, UTC."""
    return format_instant(instant_ns)[11:19]


def name_of(terms: Terms, account: int) -> str:
    """Reference of an account."""
    return f"`{terms.references[account]}`"


def sign(text: str) -> str:
    """Put a plus before an amount that has no minus."""
    return text if text.startswith("−") else f"+{text}"


def rate_text(ppm: int) -> str:
    """A rate in ppm as a percentage."""
    return f"{ppm / 10_000:g} %"


def layer_text(layer: int) -> str:
    """A layer of the waterfall in words."""
    return Layer(layer).name.lower().replace("_", " ")


def number(value: float) -> str:
    """A count or a float with thousands separators, at most six decimals."""
    text = f"{value:,.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"
    return text.replace("-", "−")


# ---- blocks


def account(walk: Walk, run: Path) -> str:
    """Who is followed, and what happened to it, one line per record."""
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    story = {
        "CollateralPosted": "collateral arrives",
        "CollateralWithdrawn": "collateral is paid out",
        "TradeNovated": "the opening trade",
        "FundingSettled": "funding",
        "CycleSettled": "variation-margin cycle",
        "MarginCalled": "equity is below initial margin: a margin call",
        "DefaultDeclared": "the call was not met: default",
        "LiquidationStarted": "equity is below maintenance margin: liquidation starts",
        "OrderPlaced": "a slice goes to the market",
        "OrderFilled": "the slice fills",
        "AssetConverted": "a coin is sold to pay a debt in the numeraire",
        "LiquidationStopped": "equity is at the release level again: liquidation stops",
        "AccountTakenOver": "taken over by the liquidator",
        "LossRecorded": "what is missing is recorded as a loss",
    }
    shown = [step for step in walk.steps if step.name in story]
    lines = [
        [str(sequence), format_instant(instant)[:19].replace("T", " "), story[name]]
        for (sequence, instant, name), _ in groupby(
            shown, key=lambda step: (step.sequence, step.instant_ns, step.name)
        )
    ]
    who = name_of(walk.terms, walk.account)
    head = (
        f"The run has {summary['accounts']:,} margin accounts, {summary['bars']:,} bars and "
        f"{summary['verification']['records']:,} journal records. The account is {who}. "
        f"{walk.checks:,} numbers were worked out again for this page; all of them are the "
        "journaled ones.\n\n"
    )
    return head + table("record> | instant, UTC | what happened", lines)


def collateral(walk: Walk, run: Path) -> str:
    """Deposits, and what they count for at the opening prices."""
    terms = walk.terms
    rows = [
        [str(step.sequence), f"`{terms.assets[step.row['asset']]['symbol']}`",
         terms.amount(step.row["amount"], step.row["asset"]),
         f"{terms.assets[step.row['asset']]['haircut_bps'] / 100:g} %"]
        for step in walk.of("CollateralPosted")
    ]  # fmt: skip
    return table("record> | asset | amount> | haircut>", rows) if rows else NONE


def trade(walk: Walk, run: Path) -> str:
    """Return the opening trade: command columns, event row, state before and after."""
    steps = walk.of("TradeNovated")
    if not steps:
        return NONE
    step, terms = steps[0], walk.terms
    command, row = step.numbers["command"], step.row
    contract = terms.instruments[row["instrument"]]
    asset = contract["settlement_asset"]
    said = {
        "buyer": name_of(terms, row["buyer"]),
        "seller": name_of(terms, row["seller"]),
        "instrument": f"`{contract['symbol']}`",
        "ticks": f"price {terms.price_text(row['instrument'], row['ticks'])}",
        "value": terms.amount(row["value"], asset),
        "buyer_fee": terms.amount(row["buyer_fee"], asset),
        "seller_fee": terms.amount(row["seller_fee"], asset),
    }
    parts = [f"`SubmitTrade`, one row of {len(steps)} of this account in record {step.sequence}:\n"]
    parts += [_columns(SUBMIT_TRADE.fields, command, said)]
    parts += ["\n`TradeNovated`, the event that follows:\n"]
    parts += [_columns(TRADE_NOVATED.fields, row, said)]
    rate = contract["taker_fee_ppm"]
    parts.append(
        f"\nvalue = unit × lots × ticks = {contract['unit']:,} × {row['lots']:,} × "
        f"{row['ticks']:,} = {row['value']:,} ledger units. Taker fee = ⌈value × {rate:,} / "
        f"1,000,000⌉ = {row['buyer_fee']:,}; the maker pays "
        f"{contract['maker_fee_ppm']:,} / 1,000,000 of it, {row['seller_fee']:,}.\n"
        if walk.account == row["buyer"] and not command["buyer_is_maker"]
        else "\n"
    )
    parts += ["\nState before and after the record:\n", _states(terms, step, row["instrument"])]
    return "\n".join(parts)


def _columns(fields: object, row: Row, said: dict[str, str]) -> str:
    lines = [
        [f"`{f.name}`", number(row[f.name]), said.get(f.name, f.doc)]
        for f in fields  # type: ignore[attr-defined]
    ]
    return table("column | value> | that is", lines)


def _states(terms: Terms, step: Step, instrument: int) -> str:
    asset = terms.instruments[instrument]["settlement_asset"]
    empty = Position(instrument, 0, 0, 0, 0)
    old = step.before.positions.get(instrument, empty)
    new = step.after.positions.get(instrument, empty)
    rows = [["lots", number(old.lots), number(new.lots), "signed: long is positive"]]
    said = {
        "entry_cost": "what the position cost to open",
        "settlement_cost": "value up to which gain and loss have been paid in cash",
        "realised": "profit of closed lots",
    }
    rows += [
        [f"`{name}`", terms.amount(getattr(old, name), asset),
         terms.amount(getattr(new, name), asset), text]
        for name, text in said.items()
    ]  # fmt: skip
    before, after = step.before.balance[asset], step.after.balance[asset]
    symbol = terms.assets[asset]["symbol"]
    rows.append(
        [f"balance, {symbol}", terms.amount(before, asset), terms.amount(after, asset),
         sign(terms.amount(after - before, asset))]
    )  # fmt: skip
    return table("state | before> | after> |", rows)


def settlement(walk: Walk, run: Path) -> str:
    """Funding payments and variation-margin cycles."""
    terms, parts = walk.terms, []
    for step in walk.of("FundingSettled", "CycleSettled"):
        row, i = step.row, step.row["instrument"]
        asset = terms.instruments[i]["settlement_asset"]
        lots = step.before.positions[i].lots
        price = terms.price_text(i, row["ticks"])
        title = f"Record {step.sequence}, {clock(step.instant_ns)}, `{step.name}` of "
        title += f"`{terms.instruments[i]['symbol']}` at {price}:\n"
        value = terms.amount(abs(terms.value(i, row["ticks"], lots)), asset)
        if step.name == "FundingSettled":
            pays = step.numbers["payment"]
            lines = [
                ["size of the position", f"value at the mark {price}, without its sign", value],
                ["average premium P", "time sum / time, floored", f"{step.numbers['premium']}e-9"],
                ["rate", "P + clamp(interest − P, ±damper), clamped to ±cap",
                 f"{row['rate_e9'] / 1e7:g} %"],
                ["payment", "⌈size × rate⌉ paid, or the floor of it received",
                 sign(terms.amount(pays, asset))],
            ]  # fmt: skip
        else:
            cost = step.before.positions[i].settlement_cost
            lines = [
                ["value now", f"V({price}, {number(lots)} lots)",
                 terms.amount(step.numbers["value"], asset)],
                ["settled so far", "settlement cost before", terms.amount(cost, asset)],
                ["variation margin", "value now − settled so far",
                 sign(terms.amount(step.numbers["payment"], asset))],
            ]  # fmt: skip
        parts += [title, table("quantity | how | amount>", lines)]
        parts += [f"State before and after:\n\n{_states(terms, step, i)}"]
    return "\n".join(parts) or NONE


def breach(walk: Walk, run: Path) -> str:
    """Return the first assessment that found the account below maintenance margin."""
    steps = walk.of("LiquidationStarted", "AccountTakenOver")
    return _assessment(walk, steps[0]) if steps else NONE


def protected(walk: Walk, run: Path) -> str:
    """Return the protected prices of the same assessment, and which prices decided."""
    steps = walk.of("LiquidationStarted", "AccountTakenOver")
    if not steps or not steps[0].protected.positions:
        return NONE
    step, terms = steps[0], walk.terms
    is_takeover = step.name == "AccountTakenOver"
    what = "takeover level" if is_takeover else "maintenance margin"
    rows = []
    for name, done in (("mark", step.assessed), ("protected prices", step.protected)):
        level = done.maintenance
        if is_takeover:
            level = level * terms.parameters[Parameter.TAKEOVER_PPM] // PPM
        rows.append(
            [name, terms.amount(done.equity), terms.amount(level),
             terms.amount(done.equity - level)]
        )  # fmt: skip
    decided_by = DecidingPrice(step.row["decided_by"])
    best = "the mark" if decided_by == DecidingPrice.MARK else "the protected prices"
    verdict = (
        f"Equity is below the {what} at both. The prices at which it is less far below are told: "
        f"`{step.name}` has `decided_by` {int(decided_by)}, {best}, with `worth` "
        f"{terms.amount(step.row['worth'])} and `level` {terms.amount(step.row['level'])}.\n"
    )
    return "\n".join(
        [
            f"Record {step.sequence}, {clock(step.instant_ns)}. The protected prices:\n",
            *(_protected_table(terms, line) for line in step.protected.positions),
            f"The same assessment at both prices, with the {what}:\n",
            table(f"prices | equity> | {what}> | equity − {what}>", rows),
            verdict,
        ]
    )


def _protected_table(terms: Terms, line: Row) -> str:
    slow, i = line["slow"], line["held"].instrument
    constant = terms.parameters[Parameter.BASIS_PROTECTION_NS]
    times = f"dt = {slow['elapsed_ns'] / 1e9:g} s, T = {constant / 1e9:g} s"
    name = f"**protected price of `{slow['symbol']}`**"
    lines = [
        ["index", "in ticks", number(slow["index"])],
        ["premium", "of this update of the mark, 1e-9", number(slow["premium_e9"])],
        ["premium before", "of the update before it, 1e-9", number(slow["before_premium_e9"])],
        ["sample", "⌊premium nearer to 0 × index / 10⌋, 1e-8 ticks; 0 if the signs differ",
         number(slow["sample"])],
        ["slow basis before", "1e-8 ticks", number(slow["before"])],
        ["slow basis", f"before + ⌊(sample − before) × dt / (T + dt)⌋, {times}",
         number(slow["slow_basis_e8"])],
        ["band", f"⌊index × {slow['basis_clamp_ppm']:,} ppm⌋", number(slow["band"])],
        [name, "index + slow basis / 1e8, half up, within ±band",
         f"**{number(line['mark'])}**, {terms.price_text(i, line['mark'])}"],
    ]  # fmt: skip
    return table("quantity | how | ticks>", lines)


def _assessment(walk: Walk, step: Step) -> str:
    """Positions, collateral and levels of one assessment."""
    terms, done = walk.terms, step.assessed
    takeover = done.maintenance * terms.parameters[Parameter.TAKEOVER_PPM] // PPM
    release = -(-done.maintenance * terms.parameters[Parameter.RELEASE_PPM] // PPM)
    levels = [
        ["equity", "sum of what counts", terms.amount(done.equity)],
        ["maintenance margin", "sum over the positions", terms.amount(done.maintenance)],
        ["missing", "maintenance margin − equity", terms.amount(done.maintenance - done.equity)],
        ["takeover level", f"⌊maintenance × {terms.parameters[Parameter.TAKEOVER_PPM]:,} ppm⌋",
         terms.amount(takeover)],
        ["release level", f"⌈maintenance × {terms.parameters[Parameter.RELEASE_PPM]:,} ppm⌉",
         terms.amount(release)],
    ]  # fmt: skip
    return "\n".join(
        [
            f"Record {step.sequence}, {clock(step.instant_ns)}. The positions:\n",
            _position_table(terms, done),
            "The margin that they ask for:\n",
            _margin_table(terms, done),
            "The collateral:\n",
            _collateral_table(terms, done),
            "The verdict:\n",
            table("level | how | amount>", levels),
        ]
    )


def _position_table(terms: Terms, done: Assessed) -> str:
    rows = []
    for line in done.positions:
        i = line["held"].instrument
        asset = terms.instruments[i]["settlement_asset"]
        rows.append(
            [f"`{terms.instruments[i]['symbol']}`", number(line["held"].lots),
             terms.price_text(i, line["mark"]), terms.amount(line["value"], asset),
             terms.amount(line["held"].settlement_cost, asset),
             terms.amount(line["pending"], asset)]
        )  # fmt: skip
    return table(
        "contract | lots> | mark> | value V> | settlement cost> | pending = V − settlement cost>",
        rows,
    )


def _margin_table(terms: Terms, done: Assessed) -> str:
    rows = [
        [f"`{terms.instruments[line['held'].instrument]['symbol']}`",
         number(line["notional"] / PPM), number(line["tier"]["floor"] // PPM),
         rate_text(line["tier"]["maintenance_ppm"]), number(line["tier"]["deduction"] / PPM),
         terms.amount(line["maintenance"])]
        for line in done.positions
        if line["held"].lots
    ]  # fmt: skip
    return table(
        "contract | notional> | tier from> | rate> | deduction> "
        "| maintenance = ⌈notional × rate − deduction⌉>",
        rows,
    )


def _collateral_table(terms: Terms, done: Assessed) -> str:
    rows = [
        [f"`{terms.assets[line['asset']]['symbol']}`",
         terms.amount(line["balance"], line["asset"]), terms.amount(line["pending"], line["asset"]),
         "1" if line["asset"] == 0 else f"{line['price_e8'] / 1e8:,.10g}",
         f"{line['haircut_bps'] / 100:g} %", terms.amount(line["full"]),
         terms.amount(line["counted"])]
        for line in done.assets
        if line["total"] or line["balance"]
    ]  # fmt: skip
    rows.append(
        ["**sum**", "", "", "", "", f"**{terms.amount(done.net)}**",
         f"**{terms.amount(done.equity)}**"]
    )  # fmt: skip
    return table(
        "asset | balance> | pending> | index> | haircut> | worth> | counts as equity>", rows
    )


def slices(walk: Walk, run: Path) -> str:
    """Orders and fills of the liquidation."""
    terms, parts = walk.terms, []
    for step in walk.of("OrderPlaced", "OrderFilled"):
        row = step.row
        if step.name == "OrderPlaced" and row["kind"] == 1:
            parts.append(_order(terms, step))
        elif step.name == "OrderFilled":
            parts.append(_fill(terms, step))
    return "\n".join(parts) or NONE


def _order(terms: Terms, step: Step) -> str:
    row, done = step.row, step.numbers
    share = terms.parameters[Parameter.SLICE_PPM]
    rule = "all of it: the notional is not above the slice floor"
    if not done["is_whole"]:
        rule = f"⌈{abs(done['lots']):,} × {share:,} ppm⌉, the other side of the position"
    return (
        f"Record {step.sequence}, {clock(step.instant_ns)}: order {row['order']} to trade "
        f"**{number(row['quantity'])} lots** of `{terms.instruments[row['subject']]['symbol']}`: "
        f"{rule}.\n\n{_limit_table(terms, step)}"
    )


def _limit_table(terms: Terms, step: Step) -> str:
    row, done = step.row, step.numbers
    is_sale = row["quantity"] < 0
    sign_, which = ("−", "lower") if is_sale else ("+", "higher")
    lines = [
        ["reference r", "mark when it was placed", number(row["reference"])],
        ["price at the index p", "index in ticks", number(done["index"])],
        ["width w", f"⌊r × {done['collar']:,} ppm⌋, at least 1", number(done["width"])],
        ["by the mark", f"r {sign_} w", number(done["by_mark"])],
        ["by the index", f"p {sign_} ⌊w / 2⌋", number(done["by_index"])],
        ["**limit**", f"the {which} of both",
         f"**{number(row['limit'])}**, {terms.price_text(row['subject'], row['limit'])}"],
    ]  # fmt: skip
    return table("quantity | how | ticks>", lines)


def _fill(terms: Terms, step: Step) -> str:
    row, done = step.row, step.numbers
    i = row["instrument"]
    asset = terms.instruments[i]["settlement_asset"]
    rate = terms.parameters[Parameter.LIQUIDATION_FEE_PPM]
    lines = [
        ["value of the fill", f"V({terms.price_text(i, row['ticks'])}, {number(row['lots'])} lots)",
         terms.amount(row["value"], asset)],
        ["closed cost", "⌊entry cost × closed lots / lots held⌋",
         terms.amount(done["closed"], asset)],
        ["realised profit", "−value − closed cost", terms.amount(done["realised"], asset)],
        ["fee to the insurance fund", f"⌈size × {rate:,} ppm⌉, at most what the account is worth",
         terms.amount(row["fee"])],
    ]  # fmt: skip
    return (
        f"Record {step.sequence}, {clock(step.instant_ns)}: order {row['order']} fills at "
        f"{terms.price_text(i, row['ticks'])}.\n\n"
        f"{table('quantity | how | amount>', lines)}\n{_states(terms, step, i)}"
    )


def release(walk: Walk, run: Path) -> str:
    """Return where the liquidation stopped, and where it started again."""
    steps = walk.of("LiquidationStopped")
    if not steps:
        return NONE
    step = steps[-1]
    terms, done = walk.terms, step.assessed
    lines = [
        ["equity", "assessed with the smaller position", terms.amount(done.equity)],
        ["maintenance margin", "of the smaller position", terms.amount(done.maintenance)],
        ["release level", f"⌈maintenance × {terms.parameters[Parameter.RELEASE_PPM]:,} ppm⌉",
         terms.amount(step.row["requirement"])],
    ]  # fmt: skip
    return f"Record {step.sequence}, {clock(step.instant_ns)}:\n\n" + table(
        "level | how | amount>", lines
    )


def takeover(walk: Walk, run: Path) -> str:
    """Return the assessment at which the account was taken over."""
    steps = walk.of("AccountTakenOver")
    return _assessment(walk, steps[0]) if steps else NONE


def statement(walk: Walk, run: Path) -> str:
    """Return the account's cash from the first deposit to the loss, to the last unit."""
    steps = walk.of("AccountTakenOver")
    if not steps:
        return NONE
    terms, step = walk.terms, steps[0]
    flows = _flows(walk)
    [cash] = [line for line in step.assessed.assets if line["asset"] == 0]
    walk.check("cash before the takeover", sum(flows.values()), cash["balance"])
    symbol = terms.assets[0]["symbol"]
    lines = [[text, terms.amount(units)] for text, units in flows.items()]
    lines.append([f"**{symbol} on the account**", f"**{terms.amount(cash['balance'])}**"])
    lines.append(["pending result, settled at the takeover", terms.amount(cash["pending"])])
    for line in step.assessed.assets:
        if line["asset"] and line["total"]:
            units = terms.amount(line["total"], line["asset"])
            text = f"{units} {terms.assets[line['asset']]['symbol']} at its index, no haircut"
            lines.append([text, terms.amount(line["full"])])
    others = sum(line["full"] for line in step.assessed.assets if line["asset"])
    walk.check("the statement", cash["balance"] + cash["pending"] + others, step.row["equity"])
    lines.append(["**net equity that went along**", f"**{terms.amount(step.assessed.net)}**"])
    return table(f"{symbol} | amount>", lines)


def _interest(walk: Walk) -> dict[str, int]:
    """Interest that the account paid on a negative balance of numeraire, if any."""
    charged = [step for step in walk.of("InterestCharged") if step.row["asset"] == 0]
    paid = sum(step.numbers["payment"] for step in charged)
    return {"interest on a negative balance": paid} if charged else {}


def _flows(walk: Walk) -> dict[str, int]:
    """Numeraire in and out of the account, by reason."""
    flows = _interest(walk)

    def add(text: str, units: int) -> None:
        flows[text] = flows.get(text, 0) + units

    seen: set[tuple[int, str]] = set()
    for step in walk.steps:
        if step.name == "CollateralPosted" and step.row["asset"] == 0:
            add("deposits", step.row["amount"])
        elif step.name == "CollateralWithdrawn" and step.row["asset"] == 0:
            add("withdrawals", -step.row["amount"])
        elif step.name == "TradeNovated":
            side = "buyer" if step.row["buyer"] == walk.account else "seller"
            add("trading fees", -step.row[f"{side}_fee"])
        elif step.name == "OrderFilled":
            add("liquidation fees", -step.row["fee"])
        elif step.name == "AssetConverted":
            add("conversions", step.row["proceeds"])
        elif step.name in {"FundingSettled", "CycleSettled"}:
            # Both carry one view for all rows of their run, so each record counts once.
            key = (step.sequence, step.name)
            if key not in seen:
                text = "funding" if step.name == "FundingSettled" else "variation-margin cycles"
                add(text, step.after.balance[0] - step.before.balance[0])
            seen.add(key)
    return flows


def loss(walk: Walk, run: Path) -> str:
    """Return the account's loss and who bore it."""
    mine = [k for k, row in walk.losses.items() if row["account"] == walk.account]
    return _allocation(walk, mine[0]) if mine else NONE


def deeper(walk: Walk, run: Path) -> str:
    """Return the loss that went through the most layers, the largest of those."""
    ranked = sorted(
        walk.losses,
        key=lambda k: (len({row["layer"] for row in walk.paid[k]}), walk.losses[k]["amount"]),
    )
    return _allocation(walk, ranked[-1]) if ranked else NONE


def _allocation(walk: Walk, key: int) -> str:
    """Layer by layer: what it had, what it paid, what was left of the loss."""
    terms, found = walk.terms, walk.losses[key]
    rest, rows = found["amount"], []
    for row in _with_empty(walk, key):
        is_shared = sum(other["layer"] == row["layer"] for other in walk.paid[key]) > 1
        is_single = row["layer"] in (1, 2, 3) and not is_shared
        if is_single:
            walk.check("what a layer pays", min(rest, row["had"]), row["amount"])
        rest -= row["amount"]
        rows.append(
            [layer_text(row["layer"]), name_of(terms, row["payer"]), terms.amount(row["had"]),
             terms.amount(row["amount"]), terms.amount(row["had"] - row["amount"]),
             terms.amount(rest)]
        )  # fmt: skip
    head = (
        f"Loss {key} of {name_of(terms, found['account'])}, recorded in {found['sequence']}, "
        f"allocated in {walk.paid[key][0]['sequence'] if walk.paid[key] else '–'}: "
        f"**{terms.amount(found['amount'])}**.\n\n"
    )
    return head + table(
        "layer | payer | it had> | it pays = min(rest, had)> | it keeps> | rest of the loss>", rows
    )


def _with_empty(walk: Walk, key: int) -> list[Row]:
    """Payments of a loss, and the layers on the way that had nothing to pay with."""
    paid = walk.paid[key]
    used = [row["layer"] for row in paid]
    last = max((walk.terms.order.index(k) for k in used if k in walk.terms.order), default=-1)
    passed = [
        {"layer": layer, "payer": fund, "had": had, "amount": 0}
        for layer, (fund, had) in walk.had.get(key, {}).items()
        if layer not in used and walk.terms.order.index(layer) < last
    ]
    place = {layer: k for k, layer in enumerate(walk.terms.order)}
    return sorted([*passed, *paid], key=lambda row: place.get(row["layer"], len(place)))


def proof(walk: Walk, run: Path) -> str:
    """Sequence, instant and hash of every record that this page quotes."""
    quoted = sorted({step.sequence for step in walk.steps} | _loss_records(walk))
    rows = [
        [str(k), format_instant(walk.records[k].instant_ns)[:19].replace("T", " "),
         "engine" if walk.records[k].origin else "outside", f"`{walk.records[k].hash.hex()[:24]}`"]
        for k in quoted
    ]  # fmt: skip
    return table("record> | instant, UTC | from | hash, first 24 of 64 digits", rows) + _one_hash(
        walk.records[quoted[-1]]
    )


def _loss_records(walk: Walk) -> set[int]:
    return {
        row["sequence"]
        for key, found in walk.losses.items()
        if found["account"] == walk.account
        for row in walk.paid[key]
    }


def _one_hash(record: Record) -> str:
    return (
        f"\nRecord {record.sequence} in full:\n\n```text\n"
        f"previous  {record.previous.hex()}\nhash      {record.hash.hex()}\n"
        f"body      {len(record.body):,} bytes\n```\n"
    )


def verify(walk: Walk, run: Path) -> str:
    """Return what `novate verify` says of the run."""
    done = subprocess.run(
        [sys.executable, "-m", "novate.app.cli", "verify", str(run)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "120"},
    )
    lines = "\n".join(line.rstrip() for line in done.stdout.splitlines())
    return f"```text\n{lines}\n```\n"


BLOCKS: dict[str, Callable[[Walk, Path], str]] = {
    block.__name__: block
    for block in (
        collateral,
        trade,
        settlement,
        breach,
        protected,
        slices,
        release,
        takeover,
        statement,
        loss,
        deeper,
        proof,
        verify,
        account,
    )
}
"""What the page may ask for; `account` comes last because it says how much was checked."""


def blocks(
    run: Path, reference: str = "", wanted: frozenset[str] = frozenset(BLOCKS)
) -> dict[str, str]:
    """Return the text of each wanted block of a run's page.

    Parameters
    ----------
    run
        Run directory.
    reference
        Account to follow; the one that `choose` finds, else that of the report's story.
    wanted
        Names of blocks.
    """
    journal = SqliteJournal(run / "journal.db", read_only=True)
    story = json.loads((run / "story.json").read_text(encoding="utf-8"))
    try:
        reference = reference or choose(journal) or story["reference"]
        walk = follow(journal, reference)
    finally:
        journal.close()
    return {name: make(walk, run) for name, make in BLOCKS.items() if name in wanted}


def main() -> int:
    """Print the blocks, or write them into a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--account", default="")
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    made = blocks(given.run, given.account)
    if given.write is None:
        for name, text in made.items():
            print(f"## {name}\n\n{text}")
        return 0
    page = given.write.read_text(encoding="utf-8")
    page = MARKER.sub(lambda found: f"{found[1]}\n{made[found[2]]}\n{found[3]}", page)
    given.write.write_text(page, encoding="utf-8")
    print(f"wrote {given.write}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
