"""The engine's own messages: the clock, the assessment of all accounts, and refusals."""

from __future__ import annotations

from enum import IntEnum

from novate.message.declare import TEXT, Field, declare

ADVANCE_TIME = declare(
    "AdvanceTime",
    "Move the clock; work due up to that instant is done first, at its own instants.",
    Field("instant_ns", "int64", "new instant, not before the present one"),
)
ASSESS_MARGIN = declare(
    "AssessMargin",
    "Assess every account now; calls, liquidations and losses follow as engine commands.",
    Field("instant_ns", "int64", "the present instant"),
)
UPGRADE_ENGINE = declare(
    "UpgradeEngine",
    "Go on with a journal that an earlier engine version decided so far.",
    Field("from_version", "int64", "engine version of the record before"),
    Field("to_version", "int64", "engine version from here on"),
)

TIME_ADVANCED = declare(
    "TimeAdvanced", "The clock moved.", Field("instant_ns", "int64", "present instant")
)
MARGIN_ASSESSED = declare(
    "MarginAssessed",
    "Every account was assessed.",
    Field("accounts", "int64", "margin accounts assessed"),
    Field("breaches", "int64", "accounts below maintenance margin"),
    Field("equity", "int64", "sum of their equity after haircuts"),
    Field("initial", "int64", "sum of initial margin"),
    Field("maintenance", "int64", "sum of maintenance margin"),
    Field("unpaid", "int64", "gains that nobody has paid for yet", since=2, default=0),
    version=2,
)
GAINS_HELD = declare(
    "GainsHeld",
    "While gains are not paid for, a share of each stays in; 0 and 0 when all are paid for.",
    Field("unpaid", "int64", "what is not paid for, numeraire units"),
    Field("gains", "int64", "sum of the gains of all margin groups, numeraire units"),
)
COMMAND_REFUSED = declare(
    "CommandRefused",
    "A command that may not proceed; nothing changed.",
    Field("command", TEXT, "name of the command"),
    Field("row", "int64", "row of the command in its run"),
    Field("code", "int16", "refusal code of that command"),
    Field("actual", "int64", "the number that broke the rule"),
    Field("allowed", "int64", "the number that would have passed"),
)
ENGINE_UPGRADED = declare(
    "EngineUpgraded",
    "A later engine version took the journal over; digests are of the state it found, in hex.",
    Field("from_version", "int64", "engine version of the record before"),
    Field("to_version", "int64", "engine version from here on"),
    Field("state_version", "int64", "version of the columns in the state digest"),
    Field("state_digest", TEXT, "state digest"),
    Field("ledger_digest", TEXT, "ledger digest, which no version changes"),
)


class AdvanceTimeRefusal(IntEnum):
    """Why moving the clock was refused."""

    INSTANT_BEFORE_PRESENT = 1
    INSTANT_OUT_OF_RANGE = 2


class LinkedRefusal(IntEnum):
    """Why a row of linked commands was refused although nothing was wrong with it.

    The number that broke is the place of the row that failed, counted from 0 over all linked rows.
    """

    LINKED = 1000


class EngineCommandRefusal(IntEnum):
    """Refusals of commands that the engine itself issues: the cause no longer holds."""

    ENGINE_ONLY = 1
    UNKNOWN_SUBJECT = 2
    NOT_DUE = 3
    CAUSE_GONE = 4
