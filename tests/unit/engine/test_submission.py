from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from novate.canonical import Run
from novate.engine.catalogue import ENGINE_ONLY
from novate.engine.state import State
from novate.engine.submission import (
    LINKABLE,
    LINKED_MAX,
    checked,
    require_house,
    require_journalable,
    require_key,
    require_linkable,
)
from novate.errors import InputError
from novate.kernel.codes import Role
from novate.message import command
from tests.unit.clearing import OWN_ROLES, START, ClearingHouse, _account

DEPOSIT = command.POST_COLLATERAL.row(account=0, asset=0, amount=7)


def test_columns_become_what_the_message_declares() -> None:
    columns = (("account", [3]), ("asset", np.array([0])), ("amount", (7,)))

    run = checked(Run("PostCollateral", 1, 1, columns))  # type: ignore[arg-type]

    assert run == command.POST_COLLATERAL.row(account=3, asset=0, amount=7)


@pytest.mark.parametrize(("name", "version"), [("Guess", 1), ("PostCollateral", 2)])
def test_an_unknown_command_is_refused(name: str, version: int) -> None:
    with pytest.raises(InputError, match=f"command '{name}' version {version} is unknown"):
        checked(Run(name, version, 0, ()))


def test_text_that_is_not_utf8_cannot_be_journaled() -> None:
    lone = command.DECLARE_ASSET.row(symbol="\ud800", decimals=6, haircut_bps=0)

    require_journalable([DEPOSIT])
    with pytest.raises(InputError, match="command 'DeclareAsset' cannot be journaled"):
        require_journalable([DEPOSIT, lone])


@pytest.mark.parametrize(
    ("source", "sequence"),
    [("feed", 0), ("feed", -1), ("feed", 2**63), ("feed", True), ("a\nb", 1), ("x" * 201, 1)],
)
def test_a_key_has_a_printable_source_and_a_number_from_one(source: str, sequence: Any) -> None:
    with pytest.raises(InputError, match="allowed: "):
        require_key(source, sequence)


def test_a_call_without_a_source_has_no_number() -> None:
    require_key("", 0)
    require_key("feed", 2**63 - 1)


def test_control_commands_and_what_the_world_reports_cannot_be_linked() -> None:
    outside = {message.name for message in command.COMMANDS} - ENGINE_ONLY

    assert outside - LINKABLE == {
        "AdvanceTime", "AssessMargin", "ReportFill", "ReportLast", "ReportPrice", "ReportSurface",
    }  # fmt: skip
    require_linkable([DEPOSIT] * LINKED_MAX)
    with pytest.raises(InputError, match="65 rows are linked; allowed: up to 64"):
        require_linkable([DEPOSIT] * (LINKED_MAX + 1))
    with pytest.raises(InputError, match="AssessMargin cannot be linked"):
        require_linkable([DEPOSIT, command.ASSESS_MARGIN.row(instant_ns=1)])


def opening(*roles: Role) -> list[Run]:
    return [_account(role.name, role) for role in roles]


def test_money_moves_when_the_house_has_all_of_its_accounts() -> None:
    require_house(State(), [command.ADVANCE_TIME.row(instant_ns=START), *opening(*OWN_ROLES)])
    require_house(State(), [*opening(*OWN_ROLES), DEPOSIT])
    require_house(ClearingHouse().state, [DEPOSIT])
    with pytest.raises(InputError, match=r"PostCollateral: .* not open: \['external_market'\]"):
        require_house(State(), [*opening(*OWN_ROLES[:-1]), DEPOSIT])


def test_an_opening_that_will_be_refused_does_not_count() -> None:
    taken = _account(OWN_ROLES[0].name, OWN_ROLES[-1])

    with pytest.raises(InputError, match=r"not open: \['external_market'\]"):
        require_house(State(), [*opening(*OWN_ROLES[:-1]), taken, DEPOSIT])
