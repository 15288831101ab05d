"""Pauses of an index, and ramps by which the prices of before leave decisions."""

from __future__ import annotations

from enum import IntEnum

from novate.message.declare import Field, declare

JUMP_PAUSED = declare(
    "JumpPaused",
    "An index leapt further than its band: it is not fresh until the jump is confirmed or over.",
    Field("asset", "uint32", "asset"),
    Field("from_e8", "int64", "index before the jump"),
    Field("price_e8", "int64", "index now"),
)
JUMP_CHECKED = declare(
    "JumpChecked",
    "Sources that reported since a jump began to agree with the index, or no longer do.",
    Field("asset", "uint32", "asset"),
    Field("sources", "int64", "sources that agree"),
    Field("agreed_ns", "int64", "instant from which they do, 0 if they do not"),
)
JUMP_RESUMED = declare(
    "JumpResumed",
    "The pause of a jump is over.",
    Field("asset", "uint32", "asset"),
    Field("reason", "int8", "message.pause.ResumeReason"),
    Field("price_e8", "int64", "index now"),
)
HALT_BEGUN = declare(
    "HaltBegun",
    "An assessment found an index stale that the one before did not.",
    Field("asset", "uint32", "asset"),
)
HALT_ENDED = declare(
    "HaltEnded",
    "The index is there again.",
    Field("asset", "uint32", "asset"),
    Field("since_ns", "int64", "instant of the assessment that found it stale"),
)
RAMP_STARTED = declare(
    "RampStarted",
    "The price of before goes on to protect from liquidation, and moves towards the index.",
    Field("asset", "uint32", "asset"),
    Field("from_e8", "int64", "price at which it begins"),
    Field("side", "int8", "1 if the index is above it, -1 below"),
)
RAMP_ENDED = declare(
    "RampEnded",
    "A ramp met the index.",
    Field("asset", "uint32", "asset"),
    Field("price_e8", "int64", "index now"),
)
HOUSE_PAUSED = declare(
    "HousePaused",
    "No index is fresh any more: nobody is called, defaults, is liquidated or taken over.",
    Field("assets", "int64", "assets with sources and an index, of which none is fresh"),
)
HOUSE_PAUSE_EXPIRED = declare(
    "HousePauseExpired",
    "A pause of the house is over by its length, and no index is fresh yet.",
    Field("since_ns", "int64", "when the house paused"),
    Field("length_ns", "int64", "how long it lasted"),
)
HOUSE_RESUMED = declare(
    "HouseResumed",
    "An index is fresh again after a pause of the house.",
    Field("since_ns", "int64", "when the house paused"),
    Field("length_ns", "int64", "how long it lasted, 0 if it was over before"),
)


class ResumeReason(IntEnum):
    """Why the pause of a jump is over."""

    RETURNED = 1  # the index is back within the band of what it was
    QUORUM = 2  # enough sources that reported since the jump agree with it
    TIME = 3  # the pause was as long as it may be
