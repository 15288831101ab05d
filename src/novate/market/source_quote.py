"""In which asset a price source quotes: prices in a money that is not the numeraire.

Much of the market quotes a coin in dollars while a contract is settled in a stable coin: the two
part when the stable coin leaves its peg.  So the dollar is declared as an asset like others, with
sources that tell its price in the numeraire, or the numeraire's in dollars, and a source of a coin
says in which of them it quotes.
"""

from __future__ import annotations

from novate.market.state import MarketState
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import SetSourceQuoteRefusal
from novate.message.topic import NOBODY, Application, Decision, Topic


def decide_set_source_quote(state: MarketState, row: Row, emit: Emit) -> Refusal | None:
    """Let a source quote in the numeraire, or in an asset that was declared before its own."""
    no, sources = SetSourceQuoteRefusal, state.sources
    if row["source"] >= sources.count:
        return Refusal(no.UNKNOWN_SOURCE, row["source"], sources.count - 1)
    asset = int(sources.asset[row["source"]])
    if row["quote"] >= asset:
        return Refusal(no.UNKNOWN_ASSET, row["quote"], asset - 1)
    emit(event.SOURCE_QUOTE_SET, **row)
    return None


def apply_source_quote_set(state: MarketState, row: Row) -> None:
    """Set the quote asset; what the source reported before no longer counts (rule 5.133)."""
    sources, source = state.sources, row["source"]
    sources.quote[source] = row["quote"]
    sources.is_inverted[source] = row["is_inverted"]
    sources.contradicted_ns[source] = sources.observed_ns[source]
    sources.forget_quotes()
    state.note_reported(int(sources.asset[source]))


TOPIC: Topic[MarketState] = Topic(
    name="source quotes",
    decisions=(
        Decision(
            command.SET_SOURCE_QUOTE,
            decide_set_source_quote,
            SetSourceQuoteRefusal,
            is_before_house=True,
        ),
    ),
    applications=(Application(event.SOURCE_QUOTE_SET, apply_source_quote_set, NOBODY),),
)
