"""Coins and shape of a generated crash day."""

from __future__ import annotations

from dataclasses import dataclass

from novate.errors import InputError

MINUTES_A_DAY = 1440


@dataclass(frozen=True, slots=True, kw_only=True)
class Coin:
    """One coin of the day.

    Attributes
    ----------
    symbol
        Name.
    price_e8, tick_e8
        Opening price and price step, 1e-8 numeraire.
    daily_volatility
        Standard deviation of a normal day's log return.
    crash_beta
        Log fall as a multiple of the leading coin's; zero for a pegged coin.
    volume_e8
        Normal volume per day, 1e-8 base units.
    is_pegged
        Whether the coin is a stable coin that follows the declared loss of peg.
    """

    symbol: str
    price_e8: int
    tick_e8: int
    daily_volatility: float
    crash_beta: float
    volume_e8: int
    is_pegged: bool = False


DEMO_COINS = (
    Coin(
        symbol="BTC",
        price_e8=114_000 * 10**8,
        tick_e8=10**7,
        daily_volatility=0.022,
        crash_beta=1.0,
        volume_e8=250_000 * 10**8,
    ),
    Coin(
        symbol="ETH",
        price_e8=4_100 * 10**8,
        tick_e8=10**6,
        daily_volatility=0.034,
        crash_beta=1.15,
        volume_e8=6_000_000 * 10**8,
    ),
    Coin(
        symbol="SOL",
        price_e8=205 * 10**8,
        tick_e8=10**6,
        daily_volatility=0.042,
        crash_beta=1.35,
        volume_e8=45_000_000 * 10**8,
    ),
    Coin(
        symbol="XRP",
        price_e8=28 * 10**7,
        tick_e8=10**4,
        daily_volatility=0.042,
        crash_beta=1.5,
        volume_e8=1_100_000_000 * 10**8,
    ),
    Coin(
        symbol="DOGE",
        price_e8=24 * 10**6,
        tick_e8=10**3,
        daily_volatility=0.05,
        crash_beta=1.7,
        volume_e8=9_000_000_000 * 10**8,
    ),
    Coin(
        symbol="USDE",
        price_e8=10**8,
        tick_e8=10**4,
        daily_volatility=0.0006,
        crash_beta=0.0,
        volume_e8=400_000_000 * 10**8,
        is_pegged=True,
    ),
)
"""Coins of the demonstration day; levels and volumes are round numbers of the right size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashTerms:
    """Shape of the day.  Minutes count from the first bar; falls are fractions of the price.

    Attributes
    ----------
    fall_min, fall_max
        The leading coin's fall from the start of the window to the trough is drawn in between.
    recovery
        Share of the log fall that is regained.
    minutes, crash_start, crash_minutes, recovery_minutes
        Length of the day, first minute of the window, minutes to the trough, minutes of recovery.
    jumps
        Number of common jumps inside the window; they carry half of the fall.
    tail_degrees
        Degrees of freedom of the Student t returns; above 2.
    calm_correlation, crash_correlation
        Correlation of minute returns outside and inside the window.
    volatility_multiple
        Noise inside the window as a multiple of normal; decays over the recovery.
    peg_low
        Lowest level of a pegged coin as a share of par.
    peg_lag
        Minutes between the start of the window and the loss of the peg.
    peg_sources
        How many sources see the loss of peg; None for all.  One source alone is the case of a
        venue that marks collateral on its own thin book.
    sources
        Index sources per coin.
    source_noise
        Standard deviation of one source against the index on a normal day.
    stale_source, stale_start, stale_minutes
        Which source freezes, when (minutes after the window opens) and for how long.
    outlier_source, outlier_start, outlier_minutes, outlier_move
        Which source prints an outlier on every coin, when, for how long and how far.
    """

    fall_min: float = 0.35
    fall_max: float = 0.45
    recovery: float = 0.45
    minutes: int = MINUTES_A_DAY
    crash_start: int = 600
    crash_minutes: int = 75
    recovery_minutes: int = 240
    jumps: int = 4
    tail_degrees: float = 3.5
    calm_correlation: float = 0.55
    crash_correlation: float = 0.92
    volatility_multiple: float = 5.0
    peg_low: float = 0.80
    peg_lag: int = 25
    peg_sources: int | None = None
    sources: int = 5
    source_noise: float = 0.0003
    stale_source: int = 3
    stale_start: int = 10
    stale_minutes: int = 45
    outlier_source: int = 4
    outlier_start: int = -120
    outlier_minutes: int = 3
    outlier_move: float = -0.30

    def __post_init__(self) -> None:
        """Check that the parts fit into the day; raises InputError."""
        trough = self.crash_start + self.crash_minutes
        if self.crash_start < 2 or trough + self.recovery_minutes > self.minutes:
            msg = (
                f"crash_start {self.crash_start} + crash_minutes {self.crash_minutes} + "
                f"recovery_minutes {self.recovery_minutes} must fit into {self.minutes} minutes"
            )
            raise InputError(msg)
        if not 0.0 < self.fall_min <= self.fall_max < 1.0:
            msg = f"fall {self.fall_min} to {self.fall_max}; allowed is inside 0 to 1"
            raise InputError(msg)
        if self.tail_degrees <= 2.0:
            msg = f"tail_degrees {self.tail_degrees}; allowed is > 2"
            raise InputError(msg)
        if not 0.0 <= self.calm_correlation <= self.crash_correlation <= 1.0:
            msg = (
                f"correlations {self.calm_correlation}, {self.crash_correlation}; "
                "allowed is 0 <= calm <= crash <= 1"
            )
            raise InputError(msg)
        if not 0.0 < self.peg_low <= 1.0:
            msg = f"peg_low {self.peg_low}; allowed is above 0, at most 1"
            raise InputError(msg)
        if not 1 <= self.jumps <= self.crash_minutes:
            msg = f"jumps {self.jumps}; allowed is 1 to {self.crash_minutes}"
            raise InputError(msg)
        if max(self.stale_source, self.outlier_source) >= self.sources:
            msg = (
                f"stale_source {self.stale_source} or outlier_source {self.outlier_source} is not "
                f"below sources {self.sources}"
            )
            raise InputError(msg)
