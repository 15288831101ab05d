from __future__ import annotations

import pytest

from novate.book.account import BY_ROLE
from novate.default_management.loss import BY_CHOICE, CATALOGUE, LAYERS
from novate.default_management.loss.policy import (
    Bearer,
    LastLayer,
    LayerTerms,
    LossPolicy,
    Place,
    Prefunded,
    by_number,
    numbers_at,
    numbers_of,
    terms_of,
)
from novate.errors import InvariantError
from novate.kernel.codes import Collateral, Layer, Role


def test_every_layer_is_listed_once_in_order_of_loss_absorption() -> None:
    assert [terms.number for terms in LAYERS] == [*range(1, 7), Layer.NET_WORTH, Layer.UNCOVERED]
    assert list(by_number(CATALOGUE)) == [policy.terms.number for policy in CATALOGUE]
    for names in ([t.key for t in LAYERS], [t.label for t in LAYERS], [t.short for t in LAYERS]):
        assert len(set(names)) == len(LAYERS)


def test_the_waterfall_in_force_is_made_of_the_listed_layers() -> None:
    assert numbers_at(Place.PREFUNDED, CATALOGUE) == (1, 2, 3, 4)
    assert numbers_at(Place.LAST, CATALOGUE) == (5, 6)
    assert numbers_at(Place.NOWHERE, CATALOGUE) == ()
    assert [terms.number for terms in terms_of(())] == [Layer.NET_WORTH, Layer.UNCOVERED]


def test_every_layer_but_what_is_left_can_be_chosen_in_a_parameter_file() -> None:
    assert set(BY_CHOICE.values()) == set(Layer) - {Layer.NET_WORTH, Layer.UNCOVERED}
    assert len(BY_CHOICE) == len(Layer) - 2


def test_each_layer_has_one_kind_of_payer() -> None:
    assert [numbers_of(bearer, CATALOGUE) for bearer in Bearer] == [
        (Layer.OWN_CONTRIBUTION,),
        (Layer.INSURANCE_FUND, Layer.SKIN_IN_THE_GAME),
        (Layer.DEFAULT_FUND, Layer.GAINS_HAIRCUT, Layer.AUTO_DELEVERAGING, Layer.NET_WORTH),
        (Layer.UNCOVERED,),
    ]


def test_prefunded_layers_are_paid_from_accounts_of_funds() -> None:
    prefunded = [policy for policy in CATALOGUE if isinstance(policy, Prefunded)]
    takes_numeraire = {
        role for role, own in BY_ROLE.items() if own.collateral == Collateral.NUMERAIRE
    }
    assert {policy.role for policy in prefunded} == takes_numeraire
    assert all(policy.terms.bearer is not Bearer.NOBODY for policy in prefunded)


class Fund(Prefunded):
    role = Role.INSURANCE_FUND

    def __init__(self, number: int, key: str, place: Place = Place.PREFUNDED) -> None:
        self.terms = LayerTerms(number, key, key, place, Bearer.CLEARING_HOUSE, key, key)


@pytest.mark.parametrize(
    ("policies", "reason"),
    [
        ([Fund(8, "a"), Fund(8, "b")], "loss policy 8 exists once"),
        ([Fund(7, "a")], "loss policy 7 exists once"),
        ([Fund(0, "a")], "loss policy a: number 0"),
        ([Fund(128, "a")], "loss policy a: number 128"),
        ([Fund(8, "a"), Fund(9, "a")], "loss policy a is named once"),
        ([Fund(8, "uncovered")], "loss policy uncovered is named once"),
        ([Fund(8, "a", Place.LAST)], "of the kind that its place says"),
        ([Fund(8, "a", Place.NOWHERE)], "of the kind that its place says"),
    ],
)
def test_a_catalogue_in_which_numbers_or_names_clash_is_a_fault(
    policies: list[LossPolicy], reason: str
) -> None:
    with pytest.raises(InvariantError, match=reason):
        by_number(policies)


def test_a_last_layer_is_no_prefunded_one() -> None:
    assert [isinstance(policy, LastLayer) for policy in CATALOGUE] == [False] * 4 + [True] * 2
