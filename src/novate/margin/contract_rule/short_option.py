"""Margin of short options: position-based rules that venues declare as numbers.

A rule asks a share of the index for the initial margin, less of it the further the option is out of
the money, a smaller one for the maintenance margin, and the value of the option on top of both.  A
long option is paid for and asks for nothing.  The standard rules of Deribit and of Bybit are such
numbers; the presets have them with their sources.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np

from novate.instrument.columns import OptionRuleColumns
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.requirement import short_requirement_of
from novate.market.state import MarketState
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import DeclareOptionMarginRefusal as No
from novate.message.topic import NOBODY, Application, Decision, Topic
from novate.valuation.group_book import GroupBook

PPM = 1_000_000
WINDOW_MAX_NS = 30 * 86_400 * 10**9
"""Longest time before expiry in which more may be asked."""


Number: TypeAlias = Any
"""A number, or a column of them."""


class ShortMargin(NamedTuple):
    """Margin of one short lot, not negative, in the unit of its value."""

    initial: Number
    maintenance: Number


class ShortRule(NamedTuple):
    """A declared rule: shares of the index, ``call_value`` and ``put_value`` of the option's value.

    ``expiry_window_ns`` is the time before expiry from which the share ``expiry`` is added, ns.
    """

    initial: Number
    initial_floor: Number
    maintenance: Number
    call_value: Number
    put_value: Number
    close_out: Number
    expiry: Number
    expiry_window_ns: Number


def decide_declare_option_margin(state: MarketState, row: Row, emit: Emit) -> Refusal | None:
    """Decide a rule for short options: `OptionMarginDeclared` (rules 9.1 and 15.20).

    Parameters
    ----------
    row
        ``symbol``, shares in ppm, ``expiry_window_ns``, and whether entry prices count.

    Returns
    -------
    Refusal | None
        SYMBOL_TAKEN, also if empty, or the first number that is out of range.
    """
    rules = state.option_rules
    if not row["symbol"] or row["symbol"] in rules.symbols:
        return Refusal(No.SYMBOL_TAKEN, 0, 0)
    has_window = int(row["expiry_window_ns"] > 0)
    for name, code, least, most in (
        ("initial_ppm", No.INITIAL_OUT_OF_RANGE, 1, PPM),
        ("initial_floor_ppm", No.FLOOR_OUT_OF_RANGE, 1, row["initial_ppm"]),
        ("maintenance_ppm", No.MAINTENANCE_OUT_OF_RANGE, 1, PPM),
        ("call_value_ppm", No.VALUE_SHARE_OUT_OF_RANGE, 0, PPM),
        ("put_value_ppm", No.VALUE_SHARE_OUT_OF_RANGE, 0, PPM),
        ("close_out_ppm", No.CLOSE_OUT_OUT_OF_RANGE, 0, PPM),
        ("expiry_window_ns", No.WINDOW_OUT_OF_RANGE, 0, WINDOW_MAX_NS),
        ("expiry_ppm", No.ADD_ON_OUT_OF_RANGE, has_window, has_window * PPM),
    ):
        if not least <= row[name] <= most:
            return Refusal(code, row[name], least if row[name] < least else most)
    emit(event.OPTION_MARGIN_DECLARED, rule=rules.count + 1, **row)
    return None


def apply_option_margin_declared(state: MarketState, row: Row) -> None:
    """Append the rule; it never changes afterwards."""
    rules = state.option_rules
    at = rules.append()
    rules.symbols.append(row["symbol"])
    for name in rules.SPEC:
        getattr(rules, name)[at] = row[name]


def rule_of(rules: OptionRuleColumns, number: int | I64) -> ShortRule:
    """Return the shares of a declared rule, from 1, or of one for each option as columns."""
    at = number - 1
    names = (name for name in ShortRule._fields if name != "expiry_window_ns")
    shares = {name: getattr(rules, f"{name}_ppm")[at] / PPM for name in names}
    return ShortRule(expiry_window_ns=rules.expiry_window_ns[at], **shares)


def out_of_the_money(side: Number, index: Number, strike: Number) -> Number:
    """Distance that the index must travel before the option pays; 0 in the money."""
    return np.maximum(side * (strike - index), 0.0)


def short_margin(
    rule: ShortRule, side: Number, index: Number, strike: Number, value: Number, left_ns: Number
) -> ShortMargin:
    """Initial and maintenance margin of one short unit, in the currency of ``index``.

    Maintenance is the larger of a share of the index and a share of the value, plus the value and
    the cost of closing.  Initial is a share of the index less what the option is out of the money,
    at least the floor, plus the value, and no less than maintenance.  With ``left_ns`` to expiry
    no more than the rule's window both rise by its share of the index: a short option at the
    strike then gains or loses its whole delta in one move (pin risk), and less time is left to
    call for it.  Where an entry price above the value counts, the position adds the difference.

    Numbers, or columns with one option in each row.
    """
    away = out_of_the_money(side, index, strike)
    near = np.where(left_ns <= rule.expiry_window_ns, rule.expiry * index, 0.0)
    initial = np.maximum(rule.initial * index - away, rule.initial_floor * index) + value + near
    share = np.where(side > 0, rule.call_value, rule.put_value)
    maintenance = np.maximum(rule.maintenance * index, share * value) + value
    maintenance = maintenance + (rule.close_out * index + near)
    return ShortMargin(np.maximum(initial, maintenance), maintenance)


NOISE = 1e-6
"""Part of a tick that is not rounded up: the last bits of a value of whole ticks."""


def short_ticks(
    rule: ShortRule, side: Number, index: Number, strike: Number, value: Number, left_ns: Number,
    per_tick: Number, most: Number,
) -> tuple[I64, I64]:  # fmt: skip
    """Initial and maintenance margin of one short lot in ticks, rounded up, ``most`` at most.

    ``index``, ``strike`` and ``value`` in numeraire; ``per_tick`` is the worth of a tick in it.  No
    option pays more than ``most``, so that no more is asked for.  Numbers or columns.
    """
    margin = short_margin(rule, side, index, strike, value, left_ns)
    initial, maintenance = (
        np.minimum(np.ceil(np.minimum(a / per_tick, 1e18) - NOISE).astype(np.int64), most)
        for a in margin
    )
    return initial, maintenance


class ShortOption:
    """Rule of every option, by the numbers that its listing names; numeraire units, rounded up.

    What a short lot must hold is part of the option's mark (`margin.option_mark`); here it is
    counted: maintenance margin for the lots that are short, initial margin for those that would be
    if all open sells filled.  Source: the standard margin of Deribit and of Bybit.
    """

    name = "short option"

    def covers(self, market: MarketState, instrument: int) -> bool:
        """Whether a contract is margined by this rule."""
        return market.is_option(instrument)

    def margin(self, market: MarketState, book: GroupBook, row: int) -> tuple[int, int, int]:
        """Return initial and maintenance margin of one position, and its declared rule, from 1."""
        columns = (book.instrument, book.lots, book.entry_cost, book.sell_lots)
        i, lots, entry, sells = (int(column[row]) for column in columns)
        initial, maintenance = short_requirement_of(
            market.instrument_arrays(), market.asset_arrays(), i, lots, entry, sells
        )
        return int(initial), int(maintenance), int(market.instruments.margin_rule[i])


TOPIC: Topic[MarketState] = Topic(
    name="rules for short options",
    decisions=(
        Decision(
            command.DECLARE_OPTION_MARGIN, decide_declare_option_margin, No, is_before_house=True
        ),
    ),
    applications=(Application(event.OPTION_MARGIN_DECLARED, apply_option_margin_declared, NOBODY),),
)
