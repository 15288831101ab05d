from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from novate.market.volatility.discount import DiscountReason
from novate.market.volatility.quality import assess, describe
from novate.market.volatility.quote import Reject
from novate.market.volatility.quoted import QuotedFault, QuotedKind
from novate.market.volatility.surface import Surface, SurfaceReason, fit_surface
from novate.units import HOUR
from tests.unit.market.volatility.synthetic import black, chain, changed, true_variance

SOURCE = changed(chain(), 3, bid=math.nan)
FITTED = fit_surface(SOURCE)
REPORT = assess(SOURCE, FITTED)


def test_every_row_of_the_chain_is_in_the_counts() -> None:
    assert REPORT.is_trusted
    assert REPORT.rows == len(SOURCE)
    assert REPORT.quotes + sum(count for _, count in REPORT.rejected) == REPORT.rows
    assert (Reject.NO_BID, 1) in REPORT.rejected
    by_expiry = sum(one.quotes + sum(count for _, count in one.rejected) for one in REPORT.slices)
    assert by_expiry == REPORT.rows


def test_shares_and_errors_are_those_of_the_quotes_counted_by_hand() -> None:
    assert isinstance(FITTED, Surface)
    one, quality = FITTED.slices[1], REPORT.slices[1]
    mine = FITTED.quotes.expiry_ns == one.expiry_ns
    model = [
        math.sqrt(
            (one.raw.a + one.raw.b * (one.raw.rho * x + math.hypot(x, one.raw.sigma))) / one.years
        )
        for x in (FITTED.quotes.k[mine] - one.raw.m).tolist()
    ]
    miss = np.array(model) - FITTED.quotes.mid_vol[mine]

    assert quality.rms_vol == pytest.approx(math.sqrt(np.mean(miss**2)), rel=1e-9)
    assert quality.rms_spread == pytest.approx(quality.rms_vol / 0.01, rel=1e-2)
    assert quality.inside == 1.0
    assert quality.least_g > 0.0
    assert quality.calendar_gap > 0.0
    assert math.isnan(REPORT.slices[0].calendar_gap)


def test_a_liquid_quote_outside_is_listed_with_how_far_outside_it_is() -> None:
    """One call quoted five points dearer: the smile of its neighbours misses it."""
    row = int(np.flatnonzero((SOURCE.side == 1) & (SOURCE.strike > SOURCE.forward))[40])
    years = float(SOURCE.years[row])
    strike, forward = float(SOURCE.strike[row]), float(SOURCE.forward[row])
    level = math.sqrt(true_variance(math.log(strike / forward), years) / years)
    bid, ask = (black(1, forward, strike, years, level + move) / forward for move in (0.04, 0.06))
    dear = changed(SOURCE, row, bid=bid, ask=ask)
    report = assess(dear, fit_surface(dear))

    [missed] = [miss for one in report.slices for miss in one.missed]
    assert missed.strike == strike
    assert (missed.bid_vol, missed.ask_vol) == pytest.approx((level + 0.04, level + 0.06), abs=1e-6)
    assert missed.half_spreads == pytest.approx(
        (missed.model_vol - missed.bid_vol) / 0.01, rel=1e-3
    )
    assert missed.half_spreads < -1.0
    assert f"  missed {strike:.10g}: " in describe(report)


def test_the_discount_of_every_expiry_is_there_with_the_reason_why_it_is_one() -> None:
    assert [one.expiry_ns for one in REPORT.discounts] == [one.expiry_ns for one in REPORT.slices]
    assert all(one.used == 1.0 for one in REPORT.discounts)
    assert DiscountReason.IMPLIED not in {one.reason for one in REPORT.discounts}
    for one in REPORT.discounts:
        assert f": 1.0000, {one.reason.name}, implied {one.implied:.4f} with" in describe(REPORT)


def test_quotes_that_contradict_each_other_are_named_and_sound_ones_said_to_be() -> None:
    assert REPORT.quoted == ()
    assert "quotes do not contradict each other" in describe(REPORT)

    fault = QuotedFault(REPORT.slices[0].expiry_ns, 51_000.0, QuotedKind.BUTTERFLY, 0.00125)
    text = describe(replace(REPORT, quoted=(fault,)))
    assert "BUTTERFLY, the bid at 51000 is 0.001250 of the forward above what asks allow" in text


def test_the_report_in_words_is_the_same_each_time_and_names_every_expiry() -> None:
    text = describe(REPORT)

    assert text == describe(assess(SOURCE, fit_surface(SOURCE)))
    assert text.startswith("BTC at 2026-03-02T09:00:00Z: fitted\n")
    assert text.count("OWN_QUOTES") == 5
    assert "NO_BID 1" in text


def test_a_refused_chain_is_called_untrustworthy_with_its_reasons() -> None:
    late = replace(changed(SOURCE, 0, forward=60_000.0), instant_ns=SOURCE.instant_ns + HOUR)
    report = assess(late, fit_surface(late))
    text = describe(report)

    assert not report.is_trusted
    assert report.reason is SurfaceReason.ALL_STALE
    assert report.slices == ()
    assert "UNTRUSTWORTHY, not fitted" in text
    assert "reason: ALL_STALE, 1 where 0.5 is allowed" in text
    assert "SEVERAL_FORWARDS" in text
