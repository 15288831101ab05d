from __future__ import annotations

import numpy as np
import pytest

from novate.book.reservation import (
    apply_margin_released,
    apply_margin_reserved,
    decide_release_margins,
    end_reservations,
    release_all,
    reservation_rows,
)
from novate.book.state import BookState
from novate.errors import InvariantError
from novate.kernel.clearing.trade_code import NO_RESERVATION, UNKNOWN
from novate.message.refusal import ReleaseMarginRefusal
from tests.unit.clearing import Recorder, decide_one


def book_with(*orders: tuple[int, int, int]) -> BookState:
    """Two accounts, with reservations of (account, instrument, lots) that hold 10 a lot."""
    book = BookState()
    for _ in range(2):
        book.accounts.append()
    for account, instrument, lots in orders:
        apply_margin_reserved(
            book,
            {
                "reservation": book.reservations.count + 1, "account": account,
                "instrument": instrument, "lots": lots, "limit_ticks": 5,
                "open_order_hold": 10 * abs(lots), "equity": 0, "requirement": 0,
            },
        )  # fmt: skip
    return book


def test_a_reservation_opens_lots_on_its_side_and_holds_its_money() -> None:
    book = book_with((0, 0, 3), (0, 0, -2), (0, 1, 4))

    assert book.positions.used("buy_lots").tolist() == [3, 4]
    assert book.positions.used("sell_lots").tolist() == [2, 0]
    assert book.accounts.open_order_hold[0] == 90


@pytest.mark.parametrize("number", [1, 2])
def test_a_release_takes_back_what_the_reservation_opened(number: int) -> None:
    book = book_with((0, 0, 3), (0, 0, -2))
    emitted = Recorder()

    assert decide_one(decide_release_margins, book, {"reservation": number}, emitted) is None
    apply_margin_released(book, {"reservation": np.array([emitted.only()["reservation"]])})

    left = {1: (0, 2), 2: (3, 0)}[number]
    assert (book.positions.buy_lots[0], book.positions.sell_lots[0]) == left
    assert book.accounts.open_order_hold[0] == 10 * sum(left)
    again = decide_one(decide_release_margins, book, {"reservation": number}, emitted)
    assert again == (ReleaseMarginRefusal.UNKNOWN_RESERVATION, number, 2)


@pytest.mark.parametrize("number", [0, 2])
def test_a_reservation_that_nobody_made_is_not_released(number: int) -> None:
    refusal = decide_one(
        decide_release_margins, book_with((0, 0, 3)), {"reservation": number}, Recorder()
    )

    assert refusal == (ReleaseMarginRefusal.UNKNOWN_RESERVATION, number, 1)


def test_a_run_of_releases_names_what_it_releases_and_then_what_it_does_not() -> None:
    book = book_with((0, 0, 3), (0, 0, -2), (0, 1, 4))
    emitted = Recorder()

    reasons = decide_release_margins(book, {"reservation": np.array([3, 9, 1, 3])}, emitted)

    assert [row["reservation"] for _, row in emitted.events] == [3, 1]
    code = ReleaseMarginRefusal.UNKNOWN_RESERVATION
    assert reasons == [(1, (code, 9, 3)), (3, (code, 3, 3))]


def test_what_was_released_is_not_released_again() -> None:
    book = book_with((0, 0, 3))
    apply_margin_released(book, {"reservation": np.array([1])})

    with pytest.raises(InvariantError, match="what is released is reserved"):
        apply_margin_released(book, {"reservation": np.array([1])})


def test_kernels_are_told_the_rows_of_reservations_or_why_there_is_none() -> None:
    book = book_with((0, 0, 3), (1, 0, 5), (0, 0, -2))
    apply_margin_released(book, {"reservation": np.array([2])})
    book.reservations.drop_done()

    rows = reservation_rows(book, np.array([0, 1, 2, 3, 4], np.uint32))

    assert rows.tolist() == [NO_RESERVATION, 0, UNKNOWN, 1, UNKNOWN]
    assert reservation_rows(book, np.zeros(2, np.uint32)).tolist() == [NO_RESERVATION] * 2


def test_open_reservations_are_released_by_account_and_then_in_order_of_number() -> None:
    book = book_with((0, 0, 10), (1, 0, 5), (0, 0, -10), (0, 1, 7))
    apply_margin_released(book, {"reservation": np.array([3])})
    emitted = Recorder()

    release_all(book, np.array([1, 0]), emitted)

    assert emitted.events == [("MarginReleased", {"reservation": n}) for n in (2, 1, 4)]


def test_a_contract_that_is_over_holds_nobodys_money() -> None:
    book = book_with((0, 0, 3), (0, 0, -2), (0, 1, 4), (1, 0, 1))

    end_reservations(book, 0)

    assert book.accounts.used("open_order_hold").tolist() == [40, 0]
    assert book.reservations.used("lots").tolist() == [0, 0, 4, 0]
    assert book.reservations.export()["number"].tolist() == [3]
    assert book.reservations.done[0] == 3
