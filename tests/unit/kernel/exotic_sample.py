"""A fixed book of exotics, priced and digested: run as a program, it prints the digest."""

from __future__ import annotations

import hashlib
import sys

import numpy as np

from novate.valuation import exotic


def results(count: int) -> list[np.ndarray]:
    """Every output of every function over the same drawn terms."""
    rng = np.random.default_rng(20)
    cp, direction = rng.choice([-1.0, 1.0], count), rng.choice([-1.0, 1.0], count)
    K, T, vol = rng.uniform(50, 200, count), rng.uniform(0, 2, count), rng.uniform(0, 2, count)
    rate, yield_ = rng.uniform(-0.02, 0.1, count), rng.uniform(-0.05, 0.1, count)
    is_in, in_coin = rng.integers(0, 2, count), rng.integers(0, 2, count)
    H = 100.0 * np.exp(direction * rng.uniform(0, 0.6, count))
    monitoring = rng.integers(1, 4, count)
    state = rng.integers(0, 3, count) * rng.integers(0, 2, count)
    rebate, payoff = rng.uniform(0, 3, count), rng.integers(0, 5, count)
    form, period = rng.integers(0, 3, count), rng.choice([0.0, 1 / 1095], count)
    lower, upper = rng.uniform(60, 99, count), rng.uniform(101, 150, count)
    digital = {"F": 100.0, "K": K, "T": T, "vol": vol, "rate": rate}
    common = {"S": 100.0, "T": T, "vol": vol, "rate": rate, "yield_": yield_}
    calls = (
        exotic.digital(cp, in_coin=in_coin, pays_asset=is_in, amount=rebate, **digital),
        exotic.barrier(
            cp, direction=direction, is_in=is_in, K=K, H=H, rebate=rebate, payoff=payoff,
            monitoring=monitoring, interval=np.where(monitoring == 2, 0.01, 0.0), state=state,
            in_coin=in_coin, **common,
        ),
        exotic.touch(direction, H=H, form=form + 1, **common),
        exotic.double_barrier(cp, is_in=is_in, K=K, lower=lower, upper=upper, **common),
        exotic.perpetual_price(
            S=K, funding=0.3, interest=0.01, rate=rate, yield_=yield_, form=form,
            period_years=period, covariance=vol * 0.05,
        ),
        exotic.sabr(F=100.0, K=K, T=T, alpha=vol + 0.1, beta=1.0, rho=rate * 5, nu=vol),
    )  # fmt: skip
    return [np.asarray(column) for call in calls for column in call]


def digest(count: int) -> str:
    """One digest of all bits."""
    whole = hashlib.sha256()
    for column in results(count):
        whole.update(np.ascontiguousarray(np.nan_to_num(column, nan=-1e99)).tobytes())
    return whole.hexdigest()


if __name__ == "__main__":
    sys.stdout.write(digest(40))
