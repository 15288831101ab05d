"""A preset: dated parameters of one venue's methodology, their sources, and what confirms them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from novate.errors import InputError
from novate.margin.methodology.outcome import Outcome
from novate.margin.methodology.portfolio import Portfolio, Snapshot


class Methodology(Protocol):
    """A way to say what a portfolio must hold: a pure function of portfolio and market."""

    def outcome(self, portfolio: Portfolio, snapshot: Snapshot) -> Outcome:
        """Return the requirement, its parts and what bound it.

        Raises
        ------
        MissingInputError
            If portfolio or market lack something that it needs.
        NotValuedError
            If the portfolio holds what it does not cover.
        """


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The head of a preset file.

    Attributes
    ----------
    name, title
        By which it is asked for, and what people call it.
    venue
        Whose methodology it is.
    as_of
        Date of the parameters, ISO 8601.
    method
        Name in `catalogue.METHODS`.
    kind
        ``portfolio`` where positions offset one another, ``position`` where each is margined by
        itself.
    sources
        Where rule and parameters were published.
    confirmed
        By product, which published numbers it reproduces.
    unconfirmed
        By product or part, why no published number confirms it.
    """

    name: str
    title: str
    venue: str
    as_of: str
    method: str
    kind: str
    sources: tuple[str, ...]
    confirmed: dict[str, str] = msgspec.field(default_factory=dict)
    unconfirmed: dict[str, str] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A methodology with its parameters.

    Attributes
    ----------
    terms
        Its head.
    methodology
        What computes.
    digest
        Version of the parameters: SHA-256 of head and parameters in canonical JSON, hex.
    """

    terms: Terms
    methodology: Methodology
    digest: str

    @property
    def is_confirmed(self) -> bool:
        """Whether published numbers confirm at least one product of it."""
        return bool(self.terms.confirmed)


def preset_of(
    table: Mapping[str, Any], methods: Mapping[str, type[Methodology]], where: str
) -> Preset:
    """Return the preset that a table states.

    Parameters
    ----------
    table
        ``preset`` is its head, ``parameters`` what the method asks for.
    methods
        Methods by name.
    where
        What the table was read from, for messages.

    Raises
    ------
    InputError
        If a key is missing or unknown, a value has another type, or the method is not known.
    """
    unknown = sorted(set(table) - {"preset", "parameters"})
    if unknown:
        raise InputError(f"{where}: unknown table {unknown}; allowed: preset and parameters")
    try:
        terms = msgspec.convert(table.get("preset", {}), Terms)
        method = methods.get(terms.method)
        if method is None:
            raise InputError(f"{where}: method {terms.method!r}; allowed: {sorted(methods)}")
        methodology = msgspec.convert(table.get("parameters", {}), method)
    except msgspec.ValidationError as error:
        raise InputError(f"{where}: {error}; allowed: what the method's reference lists") from error
    encoded = msgspec.json.encode(table, order="deterministic")
    return Preset(terms=terms, methodology=methodology, digest=hashlib.sha256(encoded).hexdigest())
