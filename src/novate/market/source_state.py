"""What an index is made of: assets, their sources, and the present instant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from novate.market.columns import AssetColumns, SourceColumns, Standing
from novate.message.parameter import Parameter
from novate.message.parameter_state import ParameterState
from novate.units import PPM

NUMERAIRE = 0

PRICE_MAX_E8 = 10**17
"""Highest price a source may report: one billion numeraire a unit."""

E8 = 10**8


class Look(NamedTuple):
    """What the index of an asset is good for now (rules 5.19 and 5.65)."""

    is_fresh: bool
    is_broad: bool  # fresh and not narrow


class SourceState(ParameterState):
    """The part of the market that an index method reads."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ns = 0
        self.assets = AssetColumns()
        self.sources = SourceColumns()
        self._looks: dict[int, Look] | None = None

    def index_life_ns(self) -> int:
        """Return for how long a source counts after its report, and an index that was made of it.

        The last is for the settlement window (rules 5.4 and 5.17).
        """
        return self.parameter(Parameter.INDEX_STALENESS_NS)

    @property
    def sources_min(self) -> int:
        """Usable sources without which an index is stale."""
        return self.parameter(Parameter.INDEX_SOURCES_MIN)

    def is_fresh(self, asset: int) -> bool:
        """Whether an asset's index is reported and does not jump; the numeraire's always is."""
        return not self.assets.jump_ns[asset] and self.is_reported(asset)

    def is_reported(self, asset: int) -> bool:
        """Whether an asset has a price and enough sources that reported lately; the numeraire has.

        The clock counts, not only the last assessment: time alone makes an index stale.
        """
        if asset == NUMERAIRE:
            return True
        return self._is_priced(asset) and self._standing(asset).usable >= self.sources_min

    def _is_priced(self, asset: int) -> bool:
        """Whether an asset has a price that was not stale at the last assessment."""
        return bool(self.assets.unit_price[asset] > 0.0 and not self.assets.is_stale[asset])

    def is_broad(self, asset: int) -> bool:
        """Whether an index is fresh and not narrow: enough of its weight reported lately.

        On a narrow one marks, margin and liquidation go on, and nothing is opened or withdrawn.
        """
        if asset == NUMERAIRE:
            return True
        looks = self._looks_beneath(asset) if self.sources.quotes(asset) else {}
        return self._look(asset, looks).is_broad

    def usable_sources(self, asset: int) -> list[int]:
        """Sources of an asset that count now, in order of number (rules 5.4 and 5.131)."""
        missing = self._missing_quotes(asset) if self.sources.quotes(asset) else ()
        return self._usable(asset, missing)

    def _usable(self, asset: int, missing: Sequence[int]) -> list[int]:
        """`usable_sources` where the index of some quote assets is not fresh."""
        usable = self.sources.usable(asset, self.now_ns, self.index_life_ns())
        if not missing:
            return usable
        return [s for s in usable if int(self.sources.quote[s]) not in missing]

    def _standing(self, asset: int, missing: list[int] | None = None) -> Standing:
        """Count what `usable_sources` names; without naming it unless a quote asset is missing."""
        missing = self._missing_quotes(asset) if missing is None else missing
        if missing:
            weight = self.sources.used("weight")
            usable = self._usable(asset, missing)
            declared = int(weight[self.sources.used("asset") == asset].sum())
            return Standing(len(usable), int(weight[usable].sum()), declared)
        return self.sources.standing(asset, self.now_ns, self.index_life_ns())

    def _missing_quotes(self, asset: int) -> list[int]:
        """Assets in which sources of an asset quote and whose index is not fresh."""
        quotes = self.sources.quotes(asset)
        if not quotes:
            return []
        looks = self._looks_beneath(asset)
        return [quote for quote in quotes if not looks[quote].is_fresh]

    def _looks_beneath(self, asset: int) -> dict[int, Look]:
        """Look at what an asset rests on, each once: quote assets have lower numbers (5.130)."""
        looks = {} if self._looks is None else self._looks
        for other in self.sources.beneath(asset):
            if other not in looks:
                looks[other] = self._look(other, looks)
        return looks

    def _look(self, asset: int, looks: Mapping[int, Look]) -> Look:
        """Look at an asset whose quote assets were looked at."""
        quotes = self.sources.quotes(asset)
        missing = [quote for quote in quotes if not looks[quote].is_fresh] if quotes else []
        if self.assets.jump_ns[asset] or not self._is_priced(asset):
            return Look(is_fresh=False, is_broad=False)
        found = self._standing(asset, missing)
        if found.usable < self.sources_min:
            return Look(is_fresh=False, is_broad=False)
        weight = found.weight
        narrow = [quote for quote in quotes if not looks[quote].is_broad] if quotes else []
        if narrow:
            quoted_in = self.sources.quote
            out = [s for s in self._usable(asset, missing) if int(quoted_in[s]) in narrow]
            weight -= int(self.sources.weight[out].sum())
        share = self.parameter(Parameter.INDEX_WEIGHT_MIN_PPM)
        return Look(is_fresh=True, is_broad=weight * PPM >= share * found.declared)

    @contextmanager
    def looking_once(self) -> Iterator[None]:
        """Look at each quote asset once within, however many assets rest on it.

        Prices stand still meanwhile, or indices are updated in order of number: that of an asset is
        not asked for before its turn.
        """
        before = self._looks
        self._looks = {} if before is None else before
        try:
            yield
        finally:
            self._looks = before

    def quoted_e8(self, source: int) -> int:
        """Return what a source tells, in 1e-8 numeraire (rule 5.132).

        The quote asset counts at its index; rounded once, half up, and between 1 and
        `PRICE_MAX_E8`.  Of a source that quotes in the numeraire it is what was reported.
        """
        price, quote = int(self.sources.price_e8[source]), int(self.sources.quote[source])
        is_inverted = bool(self.sources.is_inverted[source])
        if (quote == NUMERAIRE and not is_inverted) or price == 0:
            return price
        unit = E8 if quote == NUMERAIRE else int(self.assets.price_e8[quote])
        above, below = (E8 * unit, price) if is_inverted else (price * unit, E8)
        return min(max((2 * above + below) // (2 * below), 1), PRICE_MAX_E8)

    def note_reported(self, asset: int) -> None:
        """Note that no assessment has seen a report on an asset, nor what quotes in it (5.40)."""
        if not self.sources.has_quotes:
            self.assets.is_reported[asset] = True
            return
        found, to_do = {asset}, [asset]
        while to_do:
            others = set(self.sources.quoting(to_do.pop())) - found
            found |= others
            to_do += sorted(others)
        self.assets.is_reported[sorted(found)] = True
