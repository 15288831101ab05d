from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.pricing.least_squares import damped_step


@pytest.mark.parametrize("count", [1, 3, 5, 17])
@pytest.mark.parametrize("damping", [0.0, 0.5])
def test_a_step_solves_the_damped_normal_equations(count: int, damping: float) -> None:
    rng = np.random.default_rng(count)
    jacobian = rng.standard_normal((count + 4, count))
    whole = jacobian.T @ jacobian
    gradient, step = rng.standard_normal(count), np.zeros(count)

    ok = damped_step(np.tril(whole), gradient, damping, np.zeros((count, count)), step)

    damped = whole + damping * np.diag(np.diag(whole))
    assert ok
    assert step == pytest.approx(np.linalg.solve(damped, -gradient), rel=1e-8, abs=1e-10)


def test_a_matrix_that_is_not_positive_definite_is_told() -> None:
    step = np.zeros(2)

    assert not damped_step(np.array([[1.0, 0.0], [2.0, 1.0]]), np.ones(2), 0.0, np.eye(2), step)


def test_a_parameter_without_effect_stays_where_it_is() -> None:
    step = np.zeros(2)

    assert damped_step(np.diag([2.0, 0.0]), np.array([1.0, 0.0]), 0.0, np.zeros((2, 2)), step)
    assert step == pytest.approx([-0.5, 0.0])
