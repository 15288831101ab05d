"""Write the example chain and the pictures of docs/options.md.

Run it as ``python -m scripts.option_pictures`` from the root.  The chain is one snapshot of a
generated BTC market; two of its rows are broken on purpose, so that the page has something to
reject: one is crossed, one was seen an hour before.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from novate.adapter.chain_file import load_chains
from novate.kernel.clearing.columns import F64
from novate.market.volatility import Chain, Surface, fit_surface
from novate.simulation.crash_day import crash_day
from novate.simulation.options.book import OptionBook, generate_option_book
from novate.simulation.options.chain import quote_chain
from novate.simulation.options.market import DEMO_SMILES, SurfacePath, surface_path
from novate.simulation.options.quote import option_quotes
from novate.simulation.options.terms import EXPIRY_OFFSETS_NS, Trader, list_options
from novate.simulation.options.value import contract_table, market_at
from novate.units import MINUTE, format_instant, parse_instant
from novate.valuation.gamma_profile import gamma_profile

DOCS = Path(__file__).parent.parent / "docs"
START_NS = parse_instant("2026-03-12T00:00:00Z")
SEED = 1
HEAD = (
    "snapshot", "observed", "underlying", "unit", "expiry", "strike", "side", "bid", "ask",
    "bid_size", "ask_size", "open_interest", "mark", "forward", "spot",
)  # fmt: skip
CROSSED, STALE = 28, 33
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 320, 64, 32, 34, 44
COLOURS = ("#2f6fb7", "#c8641e", "#2e8b57")
STEPS = 6
SMILE_X, SMILE_Y = (-3.0, 3.0), (0.30, 0.60)
GAMMA_X, GAMMA_Y = (80_000.0, 140_000.0), (-4.0, 2.0)
INK, SOFT, RULE, PAPER = "#222222", "#666666", "#dddddd", "#ffffff"


def scene() -> tuple[OptionBook, tuple[SurfacePath, ...]]:
    """Return a book of two hundred made-up holders and the surfaces of the day."""
    day = crash_day(SEED, START_NS)
    paths = tuple(
        surface_path(
            terms,
            day.index_e8[:, day.prices.symbols.index(terms.symbol)],
            START_NS + np.arange(1, len(day.index_e8) + 1, dtype=np.int64) * MINUTE,
            START_NS + np.array(EXPIRY_OFFSETS_NS),
        )
        for terms in DEMO_SMILES
    )
    number = np.arange(200, dtype=np.int64)
    book = generate_option_book(
        list_options(("BTC", "ETH"), np.array([path.spot_e8[0] for path in paths])),
        paths,
        kind=number % 4,
        size=10**12 // (1 + number),
        perpetual_interest=np.array([450e6, 270e6]),
    )
    return book, paths


def plain(value: float, digits: int) -> str:
    """Return a number without an exponent, nothing for none."""
    return "" if math.isnan(value) else f"{value:.{digits}f}"


def chain_rows(chain: Chain) -> list[list[str]]:
    """Return the lines of the example below its head."""
    written = []
    for k in range(len(chain)):
        bid, ask = float(chain.bid[k]), float(chain.ask[k])
        if k == CROSSED:
            bid, ask = ask, bid
        observed = chain.instant_ns - (60 * MINUTE if k == STALE else 0)
        written.append(
            [
                "opening",
                format_instant(observed),
                chain.underlying,
                "quote",
                format_instant(int(chain.expiry_ns[k])),
                plain(chain.strike_e8[k] / 1e8, 0),
                "call" if chain.side[k] > 0 else "put",
                plain(bid, 0),
                plain(ask, 0),
                plain(float(chain.bid_size[k]), 1),
                plain(float(chain.ask_size[k]), 1),
                plain(float(chain.open_interest[k]), 2),
                plain(float(chain.mark[k]), 2),
                plain(float(chain.forward[k]), 2),
                plain(chain.spot, 2),
            ]
        )
    return written


class Picture:
    """A line picture as SVG text: axes from the data, lines and points on top."""

    def __init__(self, title: str, x: tuple[float, float], y: tuple[float, float]) -> None:
        self.x, self.y = x, y
        self.parts = [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
                'font-family="sans-serif" font-size="12">'
            ),
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>',
            f'<text x="{LEFT}" y="18" fill="{INK}" font-weight="bold">{title}</text>',
        ]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the place of a point on the paper."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (
            HEIGHT - TOP - BOTTOM
        )

    def axes(self, x_name: str, x_form: str, y_form: str, y_scale: float) -> None:
        """Draw the lines across, the values at both axes, and the name of the lower one."""
        for step in range(STEPS + 1):
            y = self.y[0] + step * (self.y[1] - self.y[0]) / STEPS
            x = self.x[0] + step * (self.x[1] - self.x[0]) / STEPS
            _, down = self.at(self.x[0], y)
            along, _ = self.at(x, self.y[0])
            self.parts += [
                (
                    f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{down:.1f}" y2="{down:.1f}" '
                    f'stroke="{RULE}"/>'
                ),
                (
                    f'<text x="{LEFT - 6}" y="{down + 4:.1f}" fill="{SOFT}" text-anchor="end">'
                    f"{y * y_scale:{y_form}}</text>"
                ),
                (
                    f'<text x="{along:.1f}" y="{HEIGHT - BOTTOM + 16}" fill="{SOFT}" '
                    f'text-anchor="middle">{x:{x_form}}</text>'
                ),
            ]
        self.parts.append(
            f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" fill="{SOFT}" '
            f'text-anchor="middle">{x_name}</text>'
        )

    def line(self, x: F64, y: F64, colour: str, dash: str = "") -> None:
        """Draw a line through points."""
        points = " ".join(
            "{:.1f},{:.1f}".format(*self.at(*point))
            for point in zip(x.tolist(), y.tolist(), strict=True)
        )
        self.parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.8"'
            f"{f' stroke-dasharray={chr(34)}{dash}{chr(34)}' if dash else ''}/>"
        )

    def bars(self, x: F64, low: F64, high: F64, colour: str) -> None:
        """Draw a bar from bid to ask at each point."""
        for place, bottom, top in zip(x.tolist(), low.tolist(), high.tolist(), strict=True):
            across, down = self.at(place, bottom)
            _, up = self.at(place, top)
            self.parts.append(
                f'<rect x="{across - 2.5:.1f}" y="{up:.1f}" width="5" '
                f'height="{max(down - up, 1.5):.1f}" fill="{colour}" fill-opacity="0.45"/>'
            )

    def words(self, texts: Sequence[tuple[str, str]]) -> None:
        """Write a legend above the middle of the picture, one (text, colour) under the other."""
        for row, (text, colour) in enumerate(texts):
            self.parts.append(
                f'<text x="{LEFT + 260}" y="{TOP + 14 + 16 * row}" fill="{colour}" '
                f'text-anchor="end">{text}</text>'
            )

    def text(self) -> str:
        """Return the whole picture."""
        return "\n".join([*self.parts, "</svg>\n"])


def smile_picture(surface: Surface) -> str:
    """Draw the fitted smiles against bid and ask."""
    quotes = surface.quotes
    picture = Picture("BTC smiles: fitted lines, and quotes from bid to ask", SMILE_X, SMILE_Y)
    picture.axes("deviations from the forward, ln(K/F) / total volatility", ".0f", ".0f", 100.0)
    names = []
    for colour, one in zip(COLOURS, surface.slices, strict=True):
        atm, _ = surface.volatility(one.forward, one.expiry_ns)
        total = float(atm) * math.sqrt(one.years)
        grid = np.linspace(*SMILE_X, 121)
        vol = np.sqrt(one.raw.variance(grid * total) / one.years)
        mine = (quotes.expiry_ns == one.expiry_ns) & (np.abs(quotes.k / total) < 3.0)
        picture.bars(
            quotes.k[mine] / total,
            np.clip(quotes.bid_vol[mine], *SMILE_Y),
            np.clip(quotes.ask_vol[mine], *SMILE_Y),
            colour,
        )
        shown = vol <= SMILE_Y[1]
        picture.line(grid[shown], vol[shown], colour)
        names.append((f"{one.years * 365:.1f} days", colour))
    picture.words([("volatility, % a year", SOFT), *names])
    return picture.text()


def gamma_picture(book: OptionBook, paths: tuple[SurfacePath, ...]) -> str:
    """Draw the makers' gamma in BTC over spot."""
    rows = np.flatnonzero(book.contracts.underlying == 0)
    table = contract_table(book.contracts, paths[0].expiry_ns, 2).take(rows)
    market = market_at(book.contracts, paths, 0).take(rows)
    now = float(market.spot[0])
    ladder = np.linspace(*GAMMA_X, 201)
    profile = gamma_profile(table, market, book.coins_of(Trader.MARKET_MAKER)[rows], ladder)
    gamma = profile.gamma * ladder**2 / 100 / 1e6
    picture = Picture("Gamma of the makers over the price of BTC", GAMMA_X, GAMMA_Y)
    picture.axes("price of BTC", ",.0f", ".0f", 1.0)
    picture.line(ladder, np.zeros(len(ladder)), SOFT)
    picture.line(ladder, gamma, COLOURS[0])
    picture.line(np.full(2, now), np.array(GAMMA_Y), INK)
    names = [("USDT m for 1%", SOFT), (f"spot {now:,.0f}", INK)]
    if len(profile.zero_gamma):
        near = profile.zero_gamma[np.abs(profile.zero_gamma - now).argmin()]
        picture.line(np.full(2, near), np.array(GAMMA_Y), COLOURS[1], "5 4")
        names.append((f"zero gamma {near:,.0f}", COLOURS[1]))
    picture.words(names)
    return picture.text()


def main() -> None:
    """Write the chain and the pictures."""
    book, paths = scene()
    chain = quote_chain(book, paths, option_quotes(book, paths, 0, SEED), 0)
    path = DOCS / "examples" / "chain.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEAD)
        writer.writerows(chain_rows(chain))
    [read] = load_chains(path, lambda fault: None)
    surface = fit_surface(read)
    if not isinstance(surface, Surface):
        raise SystemExit("the example chain was refused")
    (DOCS / "_static" / "smile.svg").write_text(smile_picture(surface), encoding="utf-8")
    (DOCS / "_static" / "gamma.svg").write_text(gamma_picture(book, paths), encoding="utf-8")


if __name__ == "__main__":
    main()
