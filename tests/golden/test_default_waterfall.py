"""The order and the sums of the waterfall on worked examples; every comparison is exact."""

from __future__ import annotations

import pytest

from novate.kernel.codes import Layer, Role
from tests.unit.clearing import COIN, START, ClearingHouse

GAINS = (30, 20, 10)


def loss_of_a_hundred() -> ClearingHouse:
    """A client of M loses 200 and has 100.

    Resources: M's own contribution 40, insurance fund 10, skin in the game 5, contributions of two
    other members 20 and 10.  Standing accounts gain 60; the other 140 that the client lost went
    to the external market, which shares no losses.
    """
    house = ClearingHouse(member="M", default_fund=40 * COIN)
    house.open_member("N", default_fund=20 * COIN)
    house.open_member("O", default_fund=10 * COIN)
    house.deposit("INSURANCE_FUND", 10 * COIN)
    house.deposit("SKIN_IN_THE_GAME", 5 * COIN)
    house.list_contract(tiers=((0, 40_000, 20_000),))
    house.open_client("loser", deposit=100 * COIN)
    house.open_client("bystander", member="N", deposit=1_000 * COIN)
    house.price(100)
    for gain in GAINS:
        house.open_client(f"gains {gain}", member="O", deposit=1_000 * COIN)
        house.trade(f"gains {gain}", "loser", lots=gain // 10, ticks=100)
    house.trade("EXTERNAL_MARKET", "loser", lots=14, ticks=100)
    house.price(110)
    return house


def paid_by(house: ClearingHouse) -> list[tuple[int, str, int]]:
    """Layer, payer and amount in numeraire of every allocation, in order."""
    names = house.state.accounts.references
    return [
        (row["layer"], names[row["payer"]], row["amount"] / COIN)
        for row in house.events("LossAllocated")
    ]


# Loss 100: own contribution 40, fund 10, skin in the game 5, default fund 30, residual 15; the sum
# is 100.  The residual over gains of 60 cuts every gain by 25%.
@pytest.mark.rule("13.1", "13.3")
def test_a_loss_goes_through_all_layers_in_their_order_and_adds_up() -> None:
    house = loss_of_a_hundred()

    assert [row["amount"] for row in house.events("LossRecorded")] == [100 * COIN]
    assert paid_by(house) == [
        (Layer.OWN_CONTRIBUTION, "M-fund", 40),
        (Layer.INSURANCE_FUND, "INSURANCE_FUND", 10),
        (Layer.SKIN_IN_THE_GAME, "SKIN_IN_THE_GAME", 5),
        (Layer.DEFAULT_FUND, "N-fund", 20),
        (Layer.DEFAULT_FUND, "O-fund", 10),
    ]
    [cut] = house.events("GainsCut")
    assert cut == {"loss": 1, "amount": 15 * COIN, "gains": 60 * COIN, "winners": 3}
    paid = sum(row["amount"] for row in house.events("LossAllocated"))
    assert paid + cut["amount"] == 100 * COIN


@pytest.mark.rule("13.9")
def test_accounts_without_gains_are_untouched_and_all_others_lose_a_quarter_of_theirs() -> None:
    house = loss_of_a_hundred()

    assert house.equity("bystander") == 1_000 * COIN
    cuts = [1_000 * COIN - house.balance(f"gains {gain}") for gain in GAINS]
    assert cuts == [7_500_000, 5_000_000, 2_500_000]
    for gain in GAINS:
        assert house.equity(f"gains {gain}") == 1_000 * COIN + gain * COIN * 3 // 4
    assert house.state.assess(house.number("LIQUIDATOR")).net == 0


def stressed(members: dict[str, tuple[int, int]], fund: int) -> ClearingHouse:
    """Every member's house account posts its margin and then loses its stress loss.

    ``members``: name -> (stress loss, margin) in ledger units.  A survivor's contribution is the
    default fund; the survivor is the winner too.
    """
    house = ClearingHouse(member="survivor", default_fund=fund)
    house.list_contract(unit=1, tiers=((0, 1_000, 500),))
    house.open_client("winner", deposit=10**6)
    house.price(100, at_ns=START)
    for name, (loss, margin) in members.items():
        house.open_member(name)
        house.open_client(f"{name} house", member=name, role=Role.HOUSE, deposit=margin)
        house.trade("winner", f"{name} house", lots=loss, ticks=100)
    house.price(101)
    return house


# Cover-1 and Cover-2 (PFMI principle 4, key consideration 4; EMIR articles 42 and 43): stress
# losses 120, 95, 60, 40 over margins 80, 70, 55, 45 leave 40, 25, 5, 0 over margin.
@pytest.mark.rule("12.8")
def test_what_members_lose_over_their_margin_is_recorded() -> None:
    members = {"A": (120, 80), "B": (95, 70), "C": (60, 55), "D": (40, 45)}

    house = stressed(members, fund=0)

    over = {row["account"]: row["amount"] for row in house.events("LossRecorded")}
    assert over == {
        house.number(f"{name} house"): n for name, n in (("A", 40), ("B", 25), ("C", 5))
    }


@pytest.mark.parametrize(
    ("members", "fund", "residual"),
    [
        ({"A": (120, 80)}, 40, 0),  # Cover-1
        ({"A": (120, 80), "B": (95, 70)}, 65, 0),  # Cover-2
        ({"A": (120, 80), "B": (95, 70)}, 64, 1),
        ({"A": (120, 80), "B": (95, 70), "C": (60, 55)}, 65, 5),
        # Losses over margin of 50, 40, 30, 5: Cover-2 is 90, a fund of 85 leaves 5.
        ({"A": (150, 100), "B": (140, 100)}, 85, 5),
    ],
)
def test_a_default_fund_covers_what_it_was_sized_for(
    members: dict[str, tuple[int, int]], fund: int, residual: int
) -> None:
    house = stressed(members, fund)

    paid = house.events("LossAllocated")
    cut = house.events("GainsCut")

    total = sum(loss - margin for loss, margin in members.values())
    assert {row["layer"] for row in paid} == {Layer.DEFAULT_FUND}
    assert sum(row["amount"] for row in paid) == total - residual
    assert sum(row["amount"] for row in cut) == residual
    assert house.balance("survivor-fund") == fund - (total - residual)
