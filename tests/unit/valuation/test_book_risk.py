"""Books added up: against dictionaries with exact sums, by every key, in both currencies."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from novate.errors import InputError
from novate.kernel.clearing.value import INVERSE
from novate.kernel.codes import PricingStatus
from novate.valuation.book_risk import (
    KEYS,
    PER_SPOT,
    Positions,
    RiskTable,
    book_risk,
    expiry_buckets,
)
from novate.valuation.gamma_profile import gamma_profile
from novate.valuation.holding import NATIVE, NO_EXPIRY, REPORTING, Kind, unit_risk
from tests.unit.valuation.books import (
    BTC,
    DAY,
    ETH,
    NOW,
    USDT,
    USDT_PRICE,
    contract,
    contracts,
    market,
)

TERMS = contracts()
RISK = unit_risk(TERMS, market(TERMS))
EDGES = (7, 31, 60)
BUCKET = expiry_buckets(TERMS.expiry_ns, NOW, EDGES)
ACCOUNTS, N = 40, 5_000
MEMBER = (np.arange(ACCOUNTS) % 7).astype(np.int32)
RNG = np.random.default_rng(5)
BOOK = Positions(
    account=RNG.integers(0, ACCOUNTS, N).astype(np.int32),
    contract=RNG.integers(0, len(TERMS), N).astype(np.int32),
    quantity=np.round(RNG.normal(0, 100, N)),
)


def summed(book: Positions = BOOK, member: np.ndarray = MEMBER) -> RiskTable:
    return book_risk(book, TERMS, RISK, member=member, bucket=BUCKET)


CELLS = summed()


def twin(*names: str) -> dict[tuple[int, ...], tuple[list[float], list[float]]]:
    """Native and reporting sums by key, position by position, with exact additions."""
    terms: dict[tuple[int, ...], list[list[float]]] = defaultdict(list)
    rows = np.vstack([RISK.native, RISK.reporting]).T.tolist()
    for account, c, quantity in zip(
        BOOK.account.tolist(), BOOK.contract.tolist(), BOOK.quantity.tolist(), strict=True
    ):
        key = {
            "account": account,
            "member": int(MEMBER[account]),
            "underlying": int(TERMS.underlying[c]),
            "settlement": int(TERMS.settlement[c]),
            "bucket": int(BUCKET[c]),
        }
        terms[tuple(key[name] for name in names)].append([quantity * x for x in rows[c]])
    return {
        key: (
            [math.fsum(column) for column in list(zip(*lines, strict=True))[: len(NATIVE)]],
            [math.fsum(column) for column in list(zip(*lines, strict=True))[len(NATIVE) :]],
        )
        for key, lines in terms.items()
    }


GROUPINGS = [
    KEYS,
    ("account", "underlying", "settlement"),
    ("member", "underlying", "settlement"),
    ("underlying", "settlement", "bucket"),
    ("settlement", "underlying"),
]


@pytest.mark.parametrize("names", GROUPINGS, ids="-".join)
def test_sums_are_those_of_a_dictionary_with_exact_sums(names: tuple[str, ...]) -> None:
    table, expected = CELLS.by(*names), twin(*names)
    keys = list(zip(*(table.keys[name].tolist() for name in names), strict=True))
    # What cancels almost wholly is compared on the scale of the largest sum of its measure.
    scale = np.abs(np.vstack([table.native, table.reporting])).max(axis=1)

    assert keys == sorted(expected)
    for k, key in enumerate(keys):
        native, reporting = expected[key]
        np.testing.assert_allclose(table.native[:, k], native, rtol=1e-12, atol=1e-13 * scale[0])
        np.testing.assert_allclose(
            table.reporting[:, k], reporting, rtol=1e-12, atol=1e-14 * scale[len(NATIVE)]
        )


def test_the_whole_book_is_the_sum_of_its_positions() -> None:
    whole = CELLS.by()
    each = (BOOK.quantity * RISK["value"][BOOK.contract]).tolist()

    assert len(whole) == 1
    assert whole["value"][0] == pytest.approx(math.fsum(each), rel=1e-12)
    vega = (BOOK.quantity * RISK["vega"][BOOK.contract]).tolist()
    assert whole["vega"][0] == pytest.approx(math.fsum(vega), rel=1e-12)
    assert whole.positions.tolist() == [N]


def test_a_member_is_the_sum_of_its_accounts() -> None:
    accounts, members = CELLS.by("account", "member"), CELLS.by("member")
    for k, member in enumerate(members.keys["member"]):
        own = accounts["cash_gamma"][accounts.keys["member"] == member]
        assert members["cash_gamma"][k] == pytest.approx(math.fsum(own.tolist()), rel=1e-12)


def test_what_has_no_sum_is_not_a_number() -> None:
    account = CELLS.by("account")
    assert np.isnan(account.native).all()
    for name in REPORTING:
        assert np.isnan(account[name]).all() == (name in PER_SPOT)

    by_settlement = CELLS.by("settlement")
    assert np.isnan(by_settlement.in_settlement("delta")).all()
    assert np.isfinite(by_settlement.in_settlement("value")).all()


def test_coin_settled_positions_are_seen_in_coin_and_in_the_reporting_currency() -> None:
    table = CELLS.by("underlying", "settlement")
    [row] = np.flatnonzero((table.keys["underlying"] == BTC) & (table.keys["settlement"] == BTC))
    price = market(TERMS).settlement_price[2]

    assert table["value"][row] == pytest.approx(table.in_settlement("value")[row] * price, rel=1e-9)
    assert set(table.keys["settlement"].tolist()) == {BTC, ETH, USDT}
    assert table["net_delta"][row] != pytest.approx(table["delta"][row], rel=1e-3)


def test_a_position_without_a_price_is_counted_and_left_out() -> None:
    status = RISK.status.copy()
    status[3] = PricingStatus.NOT_FINITE
    native, reporting = RISK.native.copy(), RISK.reporting.copy()
    native[:, 3], reporting[:, 3] = np.nan, np.nan
    broken = replace(RISK, status=status, native=native, reporting=reporting)
    table = book_risk(BOOK, TERMS, broken, member=MEMBER, bucket=BUCKET)
    others = BOOK.contract != 3
    left = Positions(
        account=BOOK.account[others],
        contract=BOOK.contract[others],
        quantity=BOOK.quantity[others],
    )

    assert table.by().unpriced.tolist() == [int((~others).sum())]
    assert table.by()["value"] == summed(left).by()["value"]


def test_many_accounts_with_few_positions_are_summed_as_the_same_few_accounts() -> None:
    far = 3_000_000
    wide = Positions(
        account=(BOOK.account * (far // ACCOUNTS)).astype(np.int32),
        contract=BOOK.contract,
        quantity=BOOK.quantity,
    )
    table = summed(wide, np.zeros(far, np.int32))

    np.testing.assert_array_equal(table.reporting, CELLS.reporting)
    np.testing.assert_array_equal(table.keys["account"], CELLS.keys["account"] * (far // ACCOUNTS))


def test_an_empty_book_has_no_cells_and_no_total() -> None:
    none = Positions(
        account=np.zeros(0, np.int32), contract=np.zeros(0, np.int32), quantity=np.zeros(0)
    )

    assert len(summed(none)) == 0
    assert len(summed(none).by()) == 0
    assert len(summed(none).by("member")) == 0


def test_buckets_include_their_upper_edge_and_begin_with_what_does_not_expire() -> None:
    days = [NO_EXPIRY, NOW + DAY, NOW + 7 * DAY, NOW + 7 * DAY + 1, NOW + 31 * DAY, NOW + 99 * DAY]

    assert expiry_buckets(np.array(days), NOW, EDGES).tolist() == [0, 1, 1, 2, 2, 4]
    with pytest.raises(InputError, match="increasing days"):
        expiry_buckets(np.array(days), NOW, (7, 7))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"account": ACCOUNTS}, "position 2, account: 40; allowed: 0 to 39"),
        ({"contract": -1}, "position 2, contract: -1"),
        ({"quantity": np.nan}, "finite quantities"),
    ],
)
def test_a_position_that_names_nothing_known_is_refused(
    change: dict[str, float], message: str
) -> None:
    [(name, value)] = change.items()
    column = getattr(BOOK, name).copy()
    column[2] = value

    with pytest.raises(InputError, match=message):
        summed(replace(BOOK, **{name: column}))


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(InputError, match="allowed: account, member"):
        CELLS.by("colour")
    with pytest.raises(InputError, match="allowed: member"):
        CELLS.by("member").by("account")


def test_the_world_has_more_than_one_bucket_and_settlement() -> None:
    assert len(set(BUCKET.tolist())) == 4
    assert contract(1)["settlement"] == USDT
    assert len(BOOK) == N


def test_an_option_that_expires_at_its_strike_has_a_value_and_spoils_no_sum() -> None:
    rows = [contract(Kind.EUROPEAN, expiry_ns=NOW), contract(Kind.EUROPEAN, strike=61_000.0)]
    terms = contracts(rows)
    at = market(terms, forward=np.full(2, 60_000.0))
    risk = unit_risk(terms, at)
    quantity = np.array([1.0, 10.0])
    book = Positions(
        account=np.zeros(2, np.int32), contract=np.arange(2, dtype=np.int32), quantity=quantity
    )
    table = book_risk(book, terms, risk, member=np.zeros(1, np.int32), bucket=np.zeros(2, np.int64))
    whole = table.by("underlying")

    assert (whole.unpriced.tolist(), whole.at_kink.tolist()) == ([0], [1])
    assert whole["delta"][0] == pytest.approx(0.5 * USDT_PRICE + 10.0 * risk["delta"][1])
    for name in ("gamma", "theta", "speed", "colour", "cash_gamma"):
        assert whole[name][0] == 10.0 * risk[name][1], name
    profile = gamma_profile(terms, at, quantity, [59_000.0, 60_000.0, 61_000.0])
    assert np.abs(profile.gamma).max() < 0.01


def test_what_no_float64_holds_is_no_price_or_no_greek_and_spoils_no_sum() -> None:
    rows = [contract(Kind.FUTURE, unit=1e305), contract(Kind.FUTURE, INVERSE, strike=1e-90)]
    terms = contracts(rows)
    at = replace(market(terms), spot=np.array([6e4, 1e-90]), forward=np.array([7e4, 1e-90]))
    risk = unit_risk(terms, at)

    assert risk.status.tolist() == [PricingStatus.PARAMETER_OUT_OF_RANGE, PricingStatus.AT_KINK]
    assert np.isnan(risk.reporting[:, 0]).all()
    assert np.isfinite(risk.reporting[:, 1]).all()
    assert np.isfinite(risk.native[:, 1]).all()
