from __future__ import annotations

from novate.kernel.codes import Layer, Role
from novate.message.layer import (
    BALANCES,
    BY_CHOICE,
    DECLARED_ORDER,
    FUNDS,
    LAST,
    LAYERS,
    OWN_FUNDS,
    PREFUNDED,
    TERMS,
    Bearer,
    Place,
    layers_at,
    layers_of,
)


def test_every_layer_is_declared_once_in_order_of_loss_absorption() -> None:
    assert [terms.layer for terms in LAYERS] == list(Layer)
    for names in ([t.key for t in LAYERS], [t.label for t in LAYERS], [t.short for t in LAYERS]):
        assert len(set(names)) == len(LAYERS)


def test_the_waterfall_in_force_is_made_of_the_declared_layers() -> None:
    assert PREFUNDED == (1, 2, 3, 4)
    assert LAST == (5, 6)
    assert DECLARED_ORDER == (1, 2, 3, 4, 5)
    assert layers_at(Place.NOWHERE) == (Layer.UNCOVERED,)


def test_every_layer_but_what_is_left_can_be_chosen_in_a_parameter_file() -> None:
    assert set(BY_CHOICE.values()) == set(Layer) - {Layer.UNCOVERED}
    assert len(BY_CHOICE) == len(Layer) - 1


def test_each_layer_has_one_kind_of_payer() -> None:
    assert [layers_of(bearer) for bearer in Bearer] == [
        (Layer.OWN_CONTRIBUTION,),
        (Layer.INSURANCE_FUND, Layer.SKIN_IN_THE_GAME),
        (Layer.DEFAULT_FUND, Layer.GAINS_HAIRCUT, Layer.AUTO_DELEVERAGING),
        (Layer.UNCOVERED,),
    ]


def test_prefunded_layers_are_paid_from_accounts_and_last_ones_by_winners() -> None:
    for layer in PREFUNDED:
        assert TERMS[layer].role is not None
    assert all(TERMS[layer].role is None for layer in LAST)
    assert FUNDS == (Role.DEFAULT_FUND, Role.INSURANCE_FUND, Role.SKIN_IN_THE_GAME)
    assert set(BALANCES.values()) == set(FUNDS)
    assert list(OWN_FUNDS) == ["insurance_fund", "skin_in_the_game"]
