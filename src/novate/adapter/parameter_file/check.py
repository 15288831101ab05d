"""Check a parameter tree against the schema: types, limits, names, and what must fit together."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from novate.adapter.parameter_file.schema import REQUIRED, SECTIONS, Kind, Section, Setting
from novate.adapter.parameter_file.tier import check_tiers
from novate.errors import InputError
from novate.units import PPM, format_decimal, format_instant, parse_decimal, parse_instant

TICKS_MAX = 10**10
"""Largest price in ticks that an instrument can be listed with."""

_NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,32}", re.ASCII)


def check_parameters(tree: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return a complete, checked parameter tree.

    Parameters
    ----------
    tree
        Nested dict as TOML gives it.
    where
        Name of the file for messages.

    Returns
    -------
    dict
        Section -> key -> value (named sections: section -> name -> key -> value), defaults filled
        in, texts parsed to integers in the unit of the schema, ``tiers`` of an instrument
        replaced by its rows (see `check_tiers`) under ``margin.leverage_max``, and the numeraire
        first among the assets.

    Raises
    ------
    InputError
        If a key is unknown, missing, of another type or outside its limits, or names something
        that is not there; the message gives section, key, value and what is allowed.
    """
    _refuse_unknown(tree, [section.name for section in SECTIONS], where, "section")
    checked: dict[str, Any] = {}
    for section in SECTIONS:
        given = tree.get(section.name, {})
        place = f"{where}: [{section.name}]"
        _require_table(given, place)
        if not section.is_named:
            checked[section.name] = _table(given, section, place)
            continue
        named = {}
        for name, table in given.items():
            if not _NAME.fullmatch(name):
                raise InputError(f"{place}: name {name!r}; allowed: 1 to 32 of A-Z a-z 0-9 _.:/-")
            inner = f"{where}: [{section.name}.{name}]"
            _require_table(table, inner)
            named[name] = _table(table, section, inner)
        checked[section.name] = named
    _check_run(checked, where)
    _check_assets(checked, where)
    for name in checked["instruments"]:
        _check_instrument(checked, name, f"{where}: [instruments.{name}]")
    for name, rule in checked["option_margin"].items():
        _check_option_margin(rule, f"{where}: [option_margin.{name}]")
    for name, override in checked["overrides"].items():
        _check_override(checked, override, f"{where}: [overrides.{name}]")
    _check_options(checked, where)
    _check_shares(checked, where)
    return checked


def _check_options(checked: Mapping[str, Any], where: str) -> None:
    """The rule of the option market must be one of the file's."""
    rule, known = checked["options"]["margin_rule"], checked["option_margin"]
    if rule and rule not in known:
        allowed = ", ".join(known) or "none, as there is no [option_margin]"
        raise InputError(f"{where}: [options] margin_rule {rule!r}; allowed: {allowed}")


def _refuse_unknown(given: Mapping[str, Any], known: list[str], place: str, what: str) -> None:
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f"{near[0]!r}" if near else ", ".join(known)
            raise InputError(f"{place}: unknown {what} {key!r}; allowed: {hint}")


def _require_table(given: Any, place: str) -> None:
    if not isinstance(given, Mapping):
        raise InputError(f"{place}: {given!r}; allowed: a table")


def _table(given: Mapping[str, Any], section: Section, place: str) -> dict[str, Any]:
    _refuse_unknown(given, [setting.key for setting in section.settings], place, "key")
    checked = {}
    for setting in section.settings:
        if setting.key in given:
            checked[setting.key] = _value(given[setting.key], setting, f"{place} {setting.key}")
        elif setting.default is REQUIRED:
            raise InputError(f"{place}: key {setting.key!r} is missing; it is {setting.doc}")
        else:
            checked[setting.key] = _copied(setting.default)
    return checked


def _copied(default: Any) -> Any:
    return list(default) if isinstance(default, tuple) else default


def _value(given: Any, setting: Setting, place: str) -> Any:
    return _READERS[setting.kind](given, setting, place)


def _limits(setting: Setting) -> str:
    minimum, maximum = setting.minimum or 0, setting.maximum or 0
    if setting.kind is Kind.DECIMAL:
        texts = (format_decimal(bound, setting.decimals) for bound in (minimum, maximum))
        return "decimal text, " + " to ".join(texts)
    return f"integer, {minimum} to {maximum}" + (f" {setting.unit}" if setting.unit else "")


def _bounded(value: int, given: Any, setting: Setting, place: str) -> int:
    if not (setting.minimum or 0) <= value <= (setting.maximum or 0):
        raise InputError(f"{place}: {given!r}; allowed: {_limits(setting)}")
    return value


def _integer(given: Any, setting: Setting, place: str) -> int:
    if isinstance(given, bool) or not isinstance(given, int):
        raise InputError(f"{place}: {given!r}; allowed: {_limits(setting)}")
    return _bounded(given, given, setting, place)


def _decimal(given: Any, setting: Setting, place: str) -> int:
    # A TOML float has lost its digits before it gets here, so only text and integers count.
    is_exact = isinstance(given, str | int) and not isinstance(given, bool)
    try:
        value = parse_decimal(str(given), setting.decimals) if is_exact else None
    except InputError as error:
        raise InputError(f"{place}: {given!r}; allowed: {_limits(setting)}") from error
    if value is None:
        raise InputError(f"{place}: {given!r}; allowed: {_limits(setting)}, in quotes")
    return _bounded(value, given, setting, place)


def _choice(given: Any, setting: Setting, place: str) -> str:
    if not isinstance(given, str) or given not in setting.choices:
        raise InputError(f"{place}: {given!r}; allowed: {', '.join(setting.choices)}")
    return given


def _text(given: Any, _setting: Setting, place: str) -> str:
    if not isinstance(given, str) or len(given) > 300 or not given.isprintable():
        raise InputError(f"{place}: {given!r}; allowed: text of at most 300 characters")
    return given


def _tiers(given: Any, _setting: Setting, place: str) -> Any:
    return given if isinstance(given, str) else check_tiers(given, place)


def _instant(given: Any, _setting: Setting, place: str) -> int:
    if isinstance(given, datetime | date):
        given = given.isoformat()
    if not isinstance(given, str):
        raise InputError(f"{place}: {given!r}; allowed: ISO 8601 such as 2021-05-19T00:00:00Z")
    try:
        return parse_instant(given)
    except InputError as error:
        raise InputError(f"{place}: {error}") from error


def _order(given: Any, setting: Setting, place: str) -> list[str]:
    is_list = isinstance(given, list) and all(isinstance(name, str) for name in given)
    places = len(setting.default)
    if not is_list or len(given) != places or len({*given} & {*setting.choices}) < places:
        allowed, each = ", ".join(setting.choices), "each"
        if places < len(setting.choices):
            each = str(places)
        raise InputError(f"{place}: {given!r}; allowed: a list with {each} of {allowed} once")
    return list(given)


_READERS: dict[Kind, Callable[[Any, Setting, str], Any]] = {
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.TEXT: _text,
    Kind.CHOICE: _choice,
    Kind.ORDER: _order,
    Kind.INSTANT: _instant,
    Kind.TIERS: _tiers,
}


def _check_run(checked: dict[str, Any], where: str) -> None:
    start, end = checked["run"]["start"], checked["run"]["end"]
    if start is not None and end is not None and end <= start:
        allowed = f"after start {format_instant(start)}"
        raise InputError(f"{where}: [run] end: {format_instant(end)}; allowed: {allowed}")
    book = checked["book"]
    least = 20 * book["members"] + 100
    if book["accounts"] < least:
        raise InputError(
            f"{where}: [book] accounts: {book['accounts']}; "
            f"allowed: at least {least} for {book['members']} members"
        )


def _check_assets(checked: dict[str, Any], where: str) -> None:
    assets, numeraire = checked["assets"], checked["run"]["numeraire"]
    if numeraire not in assets:
        raise InputError(f"{where}: [run] numeraire: {numeraire!r}; allowed: {list(assets)}")
    if assets[numeraire]["haircut_bps"]:
        haircut = assets[numeraire]["haircut_bps"]
        raise InputError(f"{where}: [assets.{numeraire}] haircut_bps: {haircut}; allowed: 0")
    if assets[numeraire]["decimals"] != 6:
        decimals = assets[numeraire]["decimals"]
        raise InputError(f"{where}: [assets.{numeraire}] decimals: {decimals}; allowed: 6")
    checked["assets"] = {numeraire: assets.pop(numeraire), **assets}


def _known(names: Mapping[str, Any], name: str, place: str) -> None:
    if name not in names:
        near = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5) or list(names)
        raise InputError(f"{place}: {name!r}; allowed: {', '.join(near) or 'none is declared'}")


def _check_instrument(checked: dict[str, Any], name: str, place: str) -> None:
    terms, assets = checked["instruments"][name], checked["assets"]
    for key in ("underlying", "settlement_asset"):
        _known(assets, terms[key], f"{place} {key}")
    terms["price_symbol"] = terms["price_symbol"] or name
    if (terms["kind"] == "future") != (terms["expiry"] is not None):
        raise InputError(f"{place} expiry: {terms['expiry']}; allowed: on a future, only there")
    if (terms["form"] == "inverse") != (terms["face_value"] > 0):
        raise InputError(
            f"{place} face_value: {format_decimal(terms['face_value'], 8)}; "
            "allowed: above 0 on an inverse contract, only there"
        )
    if terms["maker_fee_ppm"] + terms["taker_fee_ppm"] < 0:
        raise InputError(
            f"{place} maker_fee_ppm: {terms['maker_fee_ppm']}; "
            f"allowed: a rebate of at most the taker fee {terms['taker_fee_ppm']}"
        )
    ticks, rest = divmod(terms["price_max"], terms["tick"])
    if rest or ticks > TICKS_MAX:
        tick = format_decimal(terms["tick"], 8)
        raise InputError(
            f"{place} price_max: {format_decimal(terms['price_max'], 8)}; "
            f"allowed: a multiple of the tick {tick}, at most {TICKS_MAX} ticks"
        )
    decimals = assets[terms["settlement_asset"]]["decimals"]
    if terms["form"] == "linear" and terms["tick"] * terms["lot"] % 10 ** (16 - decimals):
        raise InputError(
            f"{place} lot: {format_decimal(terms['lot'], 8)}; allowed: one whose gain per tick is "
            f"a whole number of ledger units ({decimals} decimals)"
        )
    _resolve_tiers(checked, terms, place)


def _resolve_tiers(checked: dict[str, Any], terms: dict[str, Any], place: str) -> None:
    if isinstance(terms["tiers"], str):
        _known(checked["tiers"], terms["tiers"], f"{place} tiers")
        terms["tiers"] = checked["tiers"][terms["tiers"]]["rows"]
    cap = checked["margin"]["leverage_max"]
    floor = -(-PPM // cap)
    terms["tiers"] = [
        {
            **tier,
            "max_leverage": min(tier["max_leverage"], cap),
            "initial_ppm": max(tier["initial_ppm"], floor),
        }
        for tier in terms["tiers"]
    ]


def _check_override(checked: dict[str, Any], override: dict[str, Any], place: str) -> None:
    _known(checked["instruments"], override["instrument"], f"{place} instrument")
    values = [key for key in override if key not in ("instrument", "effective")]
    if all(override[key] is None for key in values):
        raise InputError(f"{place}: no value; allowed: one at least of {', '.join(values)}")
    if override["tiers"] is not None:
        _resolve_tiers(checked, override, place)


def _check_option_margin(rule: dict[str, Any], place: str) -> None:
    if rule["initial_floor_ppm"] > rule["initial_ppm"]:
        raise InputError(
            f"{place} initial_floor_ppm: {rule['initial_floor_ppm']}; "
            f"allowed: at most initial_ppm {rule['initial_ppm']}"
        )
    if (rule["expiry_window_hours"] > 0) != (rule["expiry_ppm"] > 0):
        raise InputError(
            f"{place} expiry_ppm: {rule['expiry_ppm']}; "
            f"allowed: above 0 with expiry_window_hours, only there"
        )


def _check_shares(checked: dict[str, Any], where: str) -> None:
    shares = [terms["open_interest_share_ppm"] for terms in checked["instruments"].values()]
    if sum(shares) not in {0, PPM}:
        raise InputError(
            f"{where}: [instruments] open_interest_share_ppm: sums to {sum(shares)}; "
            f"allowed: {PPM}, or 0 on every instrument"
        )
