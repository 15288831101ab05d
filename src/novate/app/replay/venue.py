"""From a checked parameter file to the commands that open a clearing house."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from novate.app.replay.opening import account_row
from novate.book.state import SINGLE_ROLES
from novate.canonical import Run
from novate.default_management.loss import BY_CHOICE
from novate.errors import InputError
from novate.instrument import contract as listed
from novate.instrument.future import Future
from novate.instrument.perpetual import Perpetual
from novate.kernel.codes import Role, Style
from novate.message import command
from novate.message.declare import rows_of
from novate.message.parameter import (
    HOUR,
    MINUTE,
    SETTINGS,
    Parameter,
    Scope,
    set_parameter,
    set_parameters,
)


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract of the run.

    Attributes
    ----------
    symbol, price_symbol
        Its ticker, and what price files call it.
    asset, settlement
        Numbers of its underlying and of the asset in which it pays.
    tick_e8, lot_e8, unit
        Tick, lot (1e-8 coin) and value unit.
    form, face_e8
        Settlement form; of an inverse contract its face value, 1e-8 of the quote, else 0.
    """

    symbol: str
    price_symbol: str
    asset: int
    settlement: int
    tick_e8: int
    lot_e8: int
    unit: int
    form: int
    face_e8: int


@dataclass(frozen=True, slots=True)
class Venue:
    """Assets and contracts of a run by number, with the commands that declare them.

    Attributes
    ----------
    parameters, rules
        Parameters under which the book is drawn, and those under which the venue runs.
    assets, decimals
        Symbols and ledger decimals, the numeraire first.
    contracts
        Numbered from 0; options follow them.
    option_rules
        Names of the rules for short options; the first one is number 1.
    house
        The clearing house's own accounts; the next account is number ``len(house)``.
    opening
        The commands.
    """

    parameters: Mapping[str, Any]
    rules: Mapping[str, Any]
    assets: tuple[str, ...]
    decimals: tuple[int, ...]
    contracts: tuple[Contract, ...]
    option_rules: tuple[str, ...]
    house: Mapping[Role, int]
    opening: tuple[Run, ...]

    def asset(self, symbol: str) -> int:
        """Return the number of an asset."""
        return _asset(self.assets, symbol)


def open_venue(
    parameters: Mapping[str, Any],
    symbols: tuple[str, ...],
    start_ns: int,
    rules: Mapping[str, Any] | None = None,
) -> Venue:
    """Return a venue over the named instruments.

    Parameters
    ----------
    parameters
        As `adapter.parameter_file.read_parameters` returns them.
    symbols
        Instruments to list, in order.
    start_ns
        Instant of the opening.
    rules
        Parameters under which the venue runs, where they are not those of the book.

    Raises
    ------
    InputError
        If an instrument names an asset that is not declared, or its tick and lot do not fit.
    """
    rules = parameters if rules is None else rules
    numeraire = rules["run"]["numeraire"]
    assets = (numeraire, *(name for name in rules["assets"] if name != numeraire))
    decimals = tuple(rules["assets"][name]["decimals"] for name in assets)
    house = {role: number for number, role in enumerate(SINGLE_ROLES)}
    contracts, listings = [], []
    for symbol in symbols:
        terms = rules["instruments"][symbol]
        contract = _contract(assets, decimals, symbol, terms)
        contracts.append(_of_run(contract, terms))
        listings.append(command.LIST_INSTRUMENT.row(**contract.listing()))
        tiers = _tier_columns(len(contracts) - 1, terms["tiers"], rules["margin"]["leverage_max"])
        listings.append(command.SET_TIER.run(tiers))
    option_rules = rules["option_margin"]
    opening = (
        command.ADVANCE_TIME.row(instant_ns=start_ns),
        *(_asset_row(name, rules["assets"][name]) for name in assets),
        *(account_row(role.name.lower().replace("_", "-"), role) for role in house),
        *_settings(rules),
        *(option_rule_row(name, rule) for name, rule in option_rules.items()),
        *listings,
        *_overrides(rules, symbols, start_ns),
    )
    return Venue(
        parameters=parameters,
        rules=rules,
        assets=assets,
        decimals=decimals,
        contracts=tuple(contracts),
        option_rules=tuple(option_rules),
        house=house,
        opening=opening,
    )


def without_collar(venue: Venue, trades: Run) -> list[Run]:
    """Return trades with what lifts the trade collar before them and puts it back after them."""
    declared = [
        row
        for run in venue.opening
        if run.name == command.SET_PARAMETER.name
        for row in rows_of(run)
        if row["parameter"] == Parameter.TRADE_COLLAR_PPM and not row["effective_ns"]
    ]
    lifted = [{**row, "value": 0} for row in declared]
    before, after = (
        [command.SET_PARAMETER.row(**row) for row in rows] for rows in (lifted, declared)
    )
    return [*before, trades, *after]


def _asset(assets: tuple[str, ...], symbol: str) -> int:
    if symbol not in assets:
        raise InputError(f"asset {symbol!r} is not declared; known are {list(assets)}")
    return assets.index(symbol)


def _asset_row(name: str, terms: Mapping[str, Any]) -> Run:
    return command.DECLARE_ASSET.row(
        symbol=name, decimals=terms["decimals"], haircut_bps=terms["haircut_bps"]
    )


def _settings(parameters: Mapping[str, Any]) -> list[Run]:
    """Risk parameters and the waterfall."""
    waterfall = parameters["waterfall"]
    values = {
        parameter: parameters[setting.section][setting.key] * setting.unit.scale
        for parameter, setting in SETTINGS.items()
    }
    first, second, third, fourth = (BY_CHOICE[name] for name in waterfall["order"])
    return [
        set_parameters(values),
        command.DECLARE_WATERFALL.row(
            first=first,
            second=second,
            third=third,
            fourth=fourth,
            last=BY_CHOICE[waterfall["last_layer"]],
        ),
    ]


def _overrides(rules: Mapping[str, Any], symbols: Sequence[str], start_ns: int) -> Iterator[Run]:
    """Values for one contract each, at once or when they become effective."""
    for override in rules["overrides"].values():
        if override["instrument"] not in symbols:
            continue
        number = list(symbols).index(override["instrument"])
        stated = override["effective"] or 0
        effective_ns = stated if stated > start_ns else 0
        if override["tiers"] is not None:
            columns = _tier_columns(number, override["tiers"], rules["margin"]["leverage_max"])
            instants = [effective_ns] * len(override["tiers"])
            yield command.REPLACE_TIERS.run({**columns, "effective_ns": instants})
        for parameter, setting in SETTINGS.items():
            if Scope.INSTRUMENT in setting.scopes and override[setting.key] is not None:
                value = override[setting.key] * setting.unit.scale
                yield set_parameter(parameter, value, Scope.INSTRUMENT, number, effective_ns)


def option_rule_row(name: str, rule: Mapping[str, Any]) -> Run:
    """Return the command that declares one rule for short options of a parameter file."""
    return command.DECLARE_OPTION_MARGIN.row(
        symbol=name,
        initial_ppm=rule["initial_ppm"],
        initial_floor_ppm=rule["initial_floor_ppm"],
        maintenance_ppm=rule["maintenance_ppm"],
        call_value_ppm=rule["call_value_ppm"],
        put_value_ppm=rule["put_value_ppm"],
        close_out_ppm=rule["close_out_ppm"],
        entry_counts=rule["entry_counts"] == "yes",
        expiry_window_ns=rule["expiry_window_hours"] * HOUR,
        expiry_ppm=rule["expiry_ppm"],
    )


def _contract(
    assets: tuple[str, ...], decimals: tuple[int, ...], symbol: str, terms: Mapping[str, Any]
) -> listed.Contract:
    """Return the contract that a parameter file describes."""
    settlement = _asset(assets, terms["settlement_asset"])
    style = Style.EACH_CYCLE if terms["settlement_style"] == "each-cycle" else Style.AT_CLOSE
    size = (
        listed.Linear(lot_e8=terms["lot"])
        if terms["form"] == "linear"
        else listed.Inverse(face_e8=terms["face_value"])
    )
    common: dict[str, Any] = {
        "symbol": symbol,
        "size": size,
        "underlying": _asset(assets, terms["underlying"]),
        "settlement_asset": settlement,
        "decimals": decimals[settlement],
        "tick_e8": terms["tick"],
        "price_max_e8": terms["price_max"],
        "style": style,
        "cycle_ns": terms["cycle_hours"] * HOUR,
        "maker_fee_ppm": terms["maker_fee_ppm"],
        "taker_fee_ppm": terms["taker_fee_ppm"],
        "basis_clamp_ppm": terms["basis_clamp_ppm"],
    }
    if terms["kind"] == "future":
        return Future(
            expiry_ns=terms["expiry"] or 0,
            settlement_window_ns=terms["settlement_minutes"] * MINUTE,
            **common,
        )
    return Perpetual(
        funding_ns=terms["funding_hours"] * HOUR,
        funding_cap_e9=terms["funding_cap_ppm"] * 1_000,
        funding_damper_e9=terms["funding_damper_ppm"] * 1_000,
        interest_e9=terms["interest_ppm"] * 1_000,
        **common,
    )


def _of_run(contract: listed.Contract, terms: Mapping[str, Any]) -> Contract:
    """What the replay needs to know of a listed contract."""
    return Contract(
        symbol=contract.symbol,
        price_symbol=terms["price_symbol"] or contract.symbol,
        asset=contract.underlying,
        settlement=contract.settlement_asset,
        tick_e8=contract.tick_e8,
        lot_e8=terms["lot"],
        unit=contract.unit,
        form=contract.form,
        face_e8=terms["face_value"],
    )


def _tier_columns(
    instrument: int, tiers: Sequence[Mapping[str, int]], leverage_max: int
) -> dict[str, list[int]]:
    """Return the columns of a table of tiers under the leverage cap of the house."""
    floor = -(-1_000_000 // leverage_max)
    return {
        "instrument": [instrument] * len(tiers),
        "floor": [tier["floor"] for tier in tiers],
        "initial_ppm": [max(tier["initial_ppm"], floor) for tier in tiers],
        "maintenance_ppm": [tier["maintenance_ppm"] for tier in tiers],
    }


def used_assets(settings: dict[str, Any], instruments: dict[str, Any]) -> dict[str, Any]:
    """Assets that the contracts need, and those that no contract of the parameters prices.

    The rest are coins whose contract takes no part in the run, so that nothing prices them.
    """
    needed = {settings["run"]["numeraire"]}
    for terms in instruments.values():
        needed |= {terms["underlying"], terms["settlement_asset"]}
    priced = {terms["underlying"] for terms in settings["instruments"].values()}
    return {
        name: asset
        for name, asset in settings["assets"].items()
        if name in needed or name not in priced
    }
