"""From a checked parameter file to the commands that open a clearing house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from novate.book.state import SINGLE_ROLES
from novate.canonical import Run
from novate.errors import InputError
from novate.instrument import contract as listed
from novate.instrument.future import Future
from novate.instrument.perpetual import Perpetual
from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import MarginMode, Role, Segregation, ShortfallPolicy, Style
from novate.message import command
from novate.message.layer import BY_CHOICE
from novate.message.parameter import HOUR, MINUTE, SETTINGS, Scope, set_parameter, set_parameters


@dataclass(frozen=True, slots=True)
class Contract:
    """An instrument of the run with what the edges need to know of it."""

    symbol: str
    price_symbol: str
    asset: int
    tick_e8: int
    lot_e8: int
    form: int
    settlement: int = 0
    family: str = ""

    @property
    def item(self) -> str:
        """Under what a profit or loss of this contract is told: options by their underlying."""
        return self.family or self.symbol

    @property
    def is_option(self) -> bool:
        """Whether its price is a premium."""
        return bool(self.family)

    def size(self, lots: int) -> str:
        """A signed size for people: coins, or contracts of an inverse contract."""
        if self.form == LINEAR:
            return f"{lots * self.lot_e8 / 1e8:+,.8g}"
        return f"{lots:+,} contracts"


@dataclass(slots=True)
class Venue:
    """Assets, contracts and sources of a run, with the commands that declare them.

    ``assets`` are the symbols by number, the numeraire first; ``sources`` maps a source's name to
    its number and asset; ``option_rules`` are the names of the rules for short options, the first
    one number 1.  Instruments are numbered ``contracts`` first, then ``options``.
    """

    parameters: Mapping[str, Any]
    assets: list[str] = field(default_factory=list)
    decimals: list[int] = field(default_factory=list)
    contracts: list[Contract] = field(default_factory=list)
    options: list[Contract] = field(default_factory=list)
    sources: dict[str, tuple[int, int]] = field(default_factory=dict)
    house: dict[Role, int] = field(default_factory=dict)
    option_rules: list[str] = field(default_factory=list)
    accounts: int = 0

    def asset(self, symbol: str) -> int:
        """Return the number of an asset."""
        if symbol not in self.assets:
            raise InputError(f"asset {symbol!r} is not declared; known are {self.assets}")
        return self.assets.index(symbol)

    def listed(self, instrument: int) -> Contract:
        """Return what a number of the engine's instruments is."""
        first = len(self.contracts)
        return (
            self.contracts[instrument] if instrument < first else self.options[instrument - first]
        )


def open_venue(
    parameters: Mapping[str, Any], symbols: list[str], start_ns: int
) -> tuple[Venue, list[Run]]:
    """Return a venue over the named instruments, and the commands that open it.

    Parameters
    ----------
    parameters
        As `adapter.parameter_file.read_parameters` returns them.
    symbols
        Instruments to list, in order.
    start_ns
        Instant of the opening.
    """
    venue = Venue(parameters)
    runs = [command.ADVANCE_TIME.row(instant_ns=start_ns)]
    numeraire = parameters["run"]["numeraire"]
    names = [numeraire, *(name for name in parameters["assets"] if name != numeraire)]
    for name in names:
        asset = parameters["assets"][name]
        venue.assets.append(name)
        venue.decimals.append(asset["decimals"])
        runs.append(
            command.DECLARE_ASSET.row(
                symbol=name, decimals=asset["decimals"], haircut_bps=asset["haircut_bps"]
            )
        )
    for role in SINGLE_ROLES:
        runs.append(account_row(venue, role.name.lower().replace("_", "-"), role))
        venue.house[role] = venue.accounts - 1
    runs.extend(_settings(parameters))
    runs.extend(_option_rules(venue))
    for symbol in symbols:
        runs.extend(_list(venue, symbol, parameters["instruments"][symbol]))
    runs.extend(_overrides(venue, symbols, start_ns))
    return venue, runs


def account_row(
    venue: Venue,
    reference: str,
    role: Role,
    parent: int = -1,
    *,
    mode: MarginMode = MarginMode.CROSS,
    shortfall_policy: ShortfallPolicy = ShortfallPolicy.AUTO_LIQUIDATE,
) -> Run:
    """Return the command that opens the next account."""
    venue.accounts += 1
    return command.OPEN_ACCOUNT.row(
        reference=reference,
        role=int(role),
        parent=parent,
        segregation=int(Segregation.NONE),
        mode=int(mode),
        shortfall_policy=int(shortfall_policy),
    )


def _settings(parameters: Mapping[str, Any]) -> list[Run]:
    """Risk parameters and the waterfall."""
    waterfall = parameters["waterfall"]
    values = {
        parameter: parameters[setting.section][setting.key] * setting.unit.scale
        for parameter, setting in SETTINGS.items()
    }
    first, second, third, fourth = (int(BY_CHOICE[name]) for name in waterfall["order"])
    return [
        set_parameters(values),
        command.DECLARE_WATERFALL.row(
            first=first,
            second=second,
            third=third,
            fourth=fourth,
            last=int(BY_CHOICE[waterfall["last_layer"]]),
        ),
    ]


def _overrides(venue: Venue, symbols: list[str], start_ns: int) -> list[Run]:
    """Values for one contract each, at once or when they become effective."""
    runs = []
    for override in venue.parameters["overrides"].values():
        if override["instrument"] not in symbols:
            continue
        number = symbols.index(override["instrument"])
        effective_ns = override["effective"] or 0
        if effective_ns <= start_ns:
            effective_ns = 0
        if override["tiers"] is not None:
            columns = _tier_columns(venue, number, override["tiers"])
            instants = [effective_ns] * len(override["tiers"])
            runs.append(command.REPLACE_TIERS.run({**columns, "effective_ns": instants}))
        for parameter, setting in SETTINGS.items():
            if Scope.INSTRUMENT in setting.scopes and override[setting.key] is not None:
                value = override[setting.key] * setting.unit.scale
                runs.append(set_parameter(parameter, value, Scope.INSTRUMENT, number, effective_ns))
    return runs


def _option_rules(venue: Venue) -> list[Run]:
    """The commands that declare the rules for short options, in the order of the file."""
    runs = []
    for name, rule in venue.parameters["option_margin"].items():
        venue.option_rules.append(name)
        runs.append(option_rule_row(name, rule))
    return runs


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


def contract_of(venue: Venue, symbol: str, terms: Mapping[str, Any]) -> listed.Contract:
    """Return the contract that a parameter file describes.

    Raises
    ------
    InputError
        If it names an asset that is not declared.
    """
    settlement = venue.asset(terms["settlement_asset"])
    style = Style.EACH_CYCLE if terms["settlement_style"] == "each-cycle" else Style.AT_CLOSE
    size = (
        listed.Linear(lot_e8=terms["lot"])
        if terms["form"] == "linear"
        else listed.Inverse(face_e8=terms["face_value"])
    )
    common: dict[str, Any] = {
        "symbol": symbol,
        "size": size,
        "underlying": venue.asset(terms["underlying"]),
        "settlement_asset": settlement,
        "decimals": venue.decimals[settlement],
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


def _list(venue: Venue, symbol: str, terms: Mapping[str, Any]) -> list[Run]:
    """Return the commands that list one contract with its tiers."""
    number = len(venue.contracts)
    contract = contract_of(venue, symbol, terms)
    venue.contracts.append(
        Contract(
            symbol,
            terms["price_symbol"] or symbol,
            contract.underlying,
            contract.tick_e8,
            terms["lot"],
            contract.form,
            contract.settlement_asset,
        )
    )
    tiers = command.SET_TIER.run(_tier_columns(venue, number, terms["tiers"]))
    return [command.LIST_INSTRUMENT.row(**contract.listing()), tiers]


def _tier_columns(
    venue: Venue, instrument: int, tiers: Sequence[Mapping[str, Any]]
) -> dict[str, list[int]]:
    """Return the columns of a table of tiers under the leverage cap of the house."""
    floor = -(-1_000_000 // venue.parameters["margin"]["leverage_max"])
    return {
        "instrument": [instrument] * len(tiers),
        "floor": [tier["floor"] for tier in tiers],
        "initial_ppm": [max(tier["initial_ppm"], floor) for tier in tiers],
        "maintenance_ppm": [tier["maintenance_ppm"] for tier in tiers],
    }


def source_row(venue: Venue, name: str, asset: int, weight: int = 1) -> Run:
    """Return the command that declares the next price source."""
    venue.sources[name] = (len(venue.sources), asset)
    return command.DECLARE_SOURCE.row(symbol=name, asset=asset, weight=weight)


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
