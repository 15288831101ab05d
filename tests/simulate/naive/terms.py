"""Terms that change while the house runs: margin tiers, rules for shorts, risk parameters."""

from __future__ import annotations

from typing import Any

import pytest

from novate.message import refusal
from novate.message.parameter import SETTINGS, Parameter, Scope
from tests.simulate.naive.index import MEDIAN, TRIMMED
from tests.simulate.naive.number import refuse_if
from tests.simulate.naive.world import Tier, World

Row = dict[str, Any]
MILLION = 1_000_000


@pytest.mark.rule("3.8", "15.17")
def set_tier(w: World, row: Row, _: int) -> None:
    code = refusal.SetTierRefusal
    refuse_if(row["instrument"] >= len(w.instruments), code.UNKNOWN_INSTRUMENT)
    tiers = w.instruments[row["instrument"]].tiers
    check_tier(tiers, row)
    refuse_if(w.instruments[row["instrument"]].is_option, code.OPTION_HAS_RULE)
    last = tiers[-1] if tiers else None
    tier = tier_above(last, row["floor"], row["initial_ppm"], row["maintenance_ppm"])
    tiers.append(tier)
    w.emit(
        "TierSet",
        tier=len(tiers) - 1,
        **row,
        initial_deduction=tier.initial_deduction,
        maintenance_deduction=tier.maintenance_deduction,
    )


@pytest.mark.rule("15.17")
def check_tier(tiers: list[Tier], row: Row) -> None:
    """Refuse what cannot be the next tier."""
    code = refusal.SetTierRefusal
    initial, maintenance = row["initial_ppm"], row["maintenance_ppm"]
    last = tiers[-1] if tiers else None
    floor_ok = row["floor"] > last.floor if last else row["floor"] == 0
    refuse_if(len(tiers) >= 16, code.TOO_MANY_TIERS)
    refuse_if(not floor_ok, code.FLOOR_NOT_ASCENDING)
    in_range = 0 < maintenance <= MILLION and 0 < initial <= MILLION
    refuse_if(not in_range, code.RATE_OUT_OF_RANGE)
    falls = last and (initial < last.initial_ppm or maintenance < last.maintenance_ppm)
    refuse_if(bool(falls), code.RATE_FALLING)
    refuse_if(initial <= maintenance and initial < MILLION, code.INITIAL_BELOW_MAINTENANCE)


@pytest.mark.rule("3.8")
def tier_above(last: Tier | None, floor: int, initial: int, maintenance: int) -> Tier:
    """A tier whose deductions make margin continuous at its floor."""
    tier = Tier(floor, initial, maintenance)
    if last:
        rise = initial / 1e6 - last.initial_ppm / 1e6
        tier.initial_deduction = last.initial_deduction + float(floor) * rise
        rise = maintenance / 1e6 - last.maintenance_ppm / 1e6
        tier.maintenance_deduction = last.maintenance_deduction + float(floor) * rise
    return tier


@pytest.mark.rule("3.27", "3.28", "15.17")
def replace_tiers(w: World, row: Row, place: int) -> None:
    """The first row of a table decides for all of it."""
    rows = w.run_rows[place:]
    before = w.run_rows[place - 1] if place else None

    def is_next(last: Row, one: Row) -> bool:
        same = all(last[name] == one[name] for name in ("instrument", "effective_ns"))
        return same and one["floor"] != 0

    if before is not None and is_next(before, row):
        return
    table = [rows[0]]
    while len(table) < len(rows) and is_next(table[-1], rows[len(table)]):
        table.append(rows[len(table)])
    code = refusal.ReplaceTiersRefusal
    refuse_if(row["instrument"] >= len(w.instruments), code.UNKNOWN_INSTRUMENT)
    tiers: list[Tier] = []
    for one in table:
        check_tier(tiers, one)
        last = tiers[-1] if tiers else None
        tiers.append(tier_above(last, one["floor"], one["initial_ppm"], one["maintenance_ppm"]))
    refuse_if(w.instruments[row["instrument"]].is_option, code.OPTION_HAS_RULE)
    at = row["effective_ns"]
    if at == 0:
        put_tiers(w, row["instrument"], 0, tiers)
        return
    refuse_if(at <= w.now, code.INSTANT_OUT_OF_RANGE, at, w.now + 1)
    w.dated_tiers.pop((row["instrument"], at), None)
    w.dated_tiers[row["instrument"], at] = tiers
    for k, one in enumerate(table):
        w.emit("TiersScheduled", tier=k, **one)


@pytest.mark.rule("3.28")
def enact_tiers(w: World, row: Row, _: int) -> None:
    key = (row["instrument"], row["effective_ns"])
    put_tiers(w, *key, w.dated_tiers.pop(key))


@pytest.mark.rule("3.27")
def put_tiers(w: World, instrument: int, at: int, tiers: list[Tier]) -> None:
    """A whole table takes the place of the present one; the versions are left open."""
    w.instruments[instrument].tiers = tiers
    for k, tier in enumerate(tiers):
        w.emit(
            "TiersReplaced",
            instrument=instrument,
            tier=k,
            **vars(tier),
            effective_ns=at,
            table=None,
            replaced=None,
        )


@pytest.mark.rule("9.44")
def replace_margin_rule(w: World, row: Row, _: int) -> None:
    code = refusal.ReplaceMarginRuleRefusal
    refuse_if(row["instrument"] >= len(w.instruments), code.UNKNOWN_INSTRUMENT)
    refuse_if(not w.instruments[row["instrument"]].is_option, code.NOT_AN_OPTION)
    refuse_if(not 1 <= row["margin_rule"] <= len(w.short_rules), code.UNKNOWN_RULE)
    at = row["effective_ns"]
    if at == 0:
        put_rule(w, **row)
        return
    refuse_if(at <= w.now, code.INSTANT_OUT_OF_RANGE, at, w.now + 1)
    w.dated_rules[row["instrument"], at] = row["margin_rule"]
    w.emit("MarginRuleScheduled", **row)


@pytest.mark.rule("9.44")
def enact_margin_rule(w: World, row: Row, _: int) -> None:
    key = (row["instrument"], row["effective_ns"])
    put_rule(w, **row, margin_rule=w.dated_rules.pop(key))


@pytest.mark.rule("9.44")
def put_rule(w: World, instrument: int, margin_rule: int, effective_ns: int) -> None:
    terms = w.instruments[instrument].terms
    w.emit(
        "MarginRuleReplaced",
        instrument=instrument,
        margin_rule=margin_rule,
        replaced=terms["margin_rule"],
        effective_ns=effective_ns,
    )
    terms["margin_rule"] = margin_rule


@pytest.mark.rule("6.13", "6.14")
def set_parameter(w: World, row: Row, _: int) -> None:
    code = refusal.SetParameterRefusal
    refuse_if(row["parameter"] not in list(Parameter), code.UNKNOWN_PARAMETER)
    parameter = Parameter(row["parameter"])
    setting = SETTINGS[parameter]
    low, high = setting.minimum, setting.maximum
    refuse_if(row["value"] < low, code.BELOW_MINIMUM, row["value"], low)
    refuse_if(row["value"] > high, code.ABOVE_MAXIMUM, row["value"], high)
    refuse_if(row["scope"] not in (Scope.HOUSE, *setting.scopes), code.SCOPE_NOT_ALLOWED)
    instruments, accounts = len(w.instruments), len(w.accounts)
    subjects = {Scope.HOUSE: 1, Scope.INSTRUMENT: instruments}.get(Scope(row["scope"]), accounts)
    known = 0 <= row["subject"] < subjects
    if row["scope"] == Scope.GROUP:
        known = bool(w.accounts_of(row["subject"]))
    refuse_if(not known, code.UNKNOWN_SUBJECT, row["subject"])
    at = row["effective_ns"]
    key = (row["parameter"], row["scope"], row["subject"])
    if at:
        refuse_if(at <= w.now, code.INSTANT_OUT_OF_RANGE, at, w.now + 1)
        w.dated_parameters[*key, at] = row["value"]
        w.emit("ParameterScheduled", **row)
    else:
        hold(w, key, 0, row["value"])


@pytest.mark.rule("6.14")
def enact_parameter(w: World, row: Row, _: int) -> None:
    key = (row["parameter"], row["scope"], row["subject"])
    at = row["effective_ns"]
    hold(w, key, at, w.dated_parameters.pop((*key, at)))


@pytest.mark.rule("6.13", "6.16")
def hold(w: World, key: tuple[int, int, int], at: int, value: int) -> None:
    """A value is in force; what version that makes is left open."""
    parameter, scope, subject = key
    if scope == Scope.HOUSE:
        w.parameters[Parameter(parameter)] = value
    else:
        w.overrides[key] = value
    w.emit(
        "ParameterSet",
        parameter=parameter,
        value=value,
        scope=scope,
        subject=subject,
        effective_ns=at,
        parameter_set=None,
    )


@pytest.mark.rule("6.17")
def set_haircut_rule(w: World, row: Row, _: int) -> None:
    """There is one rule: what was set."""
    code = refusal.SetHaircutRuleRefusal
    refuse_if(not 0 < row["asset"] < len(w.assets), code.UNKNOWN_ASSET)
    refuse_if(row["rule"] != 0, code.UNKNOWN_RULE)
    w.emit("HaircutRuleSet", **row)


@pytest.mark.rule("5.23")
def set_index_method(w: World, row: Row, _: int) -> None:
    code = refusal.SetIndexMethodRefusal
    refuse_if(not 0 < row["asset"] < len(w.assets), code.UNKNOWN_ASSET)
    refuse_if(row["method"] not in (TRIMMED, MEDIAN), code.UNKNOWN_METHOD)
    w.assets[row["asset"]].method = row["method"]
    w.emit("IndexMethodSet", **row)
