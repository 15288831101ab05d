"""Holders of a generated book, who top up and withdraw as the day goes on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from novate.app.replay.book import Book
from novate.canonical import Run
from novate.message import command
from novate.simulation.agents.behaviour import fresh_memory, react

I64 = npt.NDArray[np.int64]


class Holders:
    """The holders of a run, and what they did so far; those of a book from files do nothing."""

    def __init__(self, book: Book) -> None:
        self._accounts = book.accounts.numbers
        self._traits = book.traits
        self._memory = None if book.traits is None else fresh_memory(book.traits)

    def react(self, equity: I64, initial_margin: I64, instant_ns: int) -> list[Run]:
        """Return the deposits and withdrawals of now, in the numeraire.

        Parameters
        ----------
        equity, initial_margin
            Of the margin accounts as the last step left them, ledger units.
        instant_ns
            Now.
        """
        if self._traits is None or self._memory is None:
            return []
        reaction = react(
            self._traits,
            self._memory,
            equity=equity,
            initial_margin=initial_margin,
            instant_ns=instant_ns,
        )
        self._memory = reaction.memory
        runs = []
        for message, amount in (
            (command.POST_COLLATERAL, reaction.deposit),
            (command.WITHDRAW_COLLATERAL, reaction.withdrawal),
        ):
            rows = np.flatnonzero(amount)
            if rows.size:
                runs.append(
                    message.run(
                        {
                            "account": self._accounts[rows],
                            "asset": np.zeros(rows.size, np.uint32),
                            "amount": amount[rows],
                        }
                    )
                )
        return runs
