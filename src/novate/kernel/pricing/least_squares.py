"""The linear step of Levenberg and Marquardt's method, for a handful of parameters.

The normal matrix is scaled by its diagonal (Marquardt's choice): steps do not depend on the units
of the parameters.  Cholesky's method then solves it in place.
"""

from __future__ import annotations

import math

from novate.kernel.jit import kernel

PIVOT_MIN = 1e-300
"""A parameter that no residual depends on gets this much of a diagonal, and so no step."""


@kernel
def damped_step(normal, gradient, damping, factor, step):  # type: ignore[no-untyped-def]
    """Solve (N + damping diag N) step = -gradient; return whether N was positive definite.

    ``normal[n, n]`` holds J'J in its lower triangle, ``gradient[n]`` J'r; ``factor[n, n]`` is room
    to work in, ``step[n]`` receives the answer.
    """
    n = gradient.size
    for i in range(n):
        for j in range(i + 1):
            factor[i, j] = normal[i, j]
        factor[i, i] = normal[i, i] * (1.0 + damping) + PIVOT_MIN
    for i in range(n):
        for j in range(i + 1):
            total = factor[i, j]
            for m in range(j):
                total -= factor[i, m] * factor[j, m]
            if i == j:
                if not total > 0.0:
                    return False
                factor[i, i] = math.sqrt(total)
            else:
                factor[i, j] = total / factor[j, j]
    for i in range(n):
        total = -gradient[i]
        for m in range(i):
            total -= factor[i, m] * step[m]
        step[i] = total / factor[i, i]
    for i in range(n - 1, -1, -1):
        total = step[i]
        for m in range(i + 1, n):
            total -= factor[m, i] * step[m]
        step[i] = total / factor[i, i]
    return True
