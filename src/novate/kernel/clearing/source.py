"""How many sources of an asset are usable now, and with how much of its weight."""

from __future__ import annotations

import numpy as np

from novate.kernel.jit import kernel


@kernel
def is_usable(weight, observed_ns, contradicted_ns, source, oldest_ns):  # type: ignore[no-untyped-def]
    """Whether a source counts (rule 5.4): not retired, not too old, not contradicted by itself."""
    return (
        weight[source] > 0
        and observed_ns[source] >= oldest_ns
        and contradicted_ns[source] != observed_ns[source]
    )


@kernel
def count_usable(  # type: ignore[no-untyped-def]
    assets, weight, observed_ns, contradicted_ns, count, asset, oldest_ns
):
    """Return the usable sources of an asset, their weight, and that of all its sources.

    The first ``count`` rows are sources; an instant of -1 is none.  Millions of weights of at most
    a million stay inside 64 bits.
    """
    usable, present, declared = np.int64(0), np.int64(0), np.int64(0)
    for source in range(count):
        if assets[source] == asset:
            declared += weight[source]
            if is_usable(weight, observed_ns, contradicted_ns, source, oldest_ns):
                usable += 1
                present += weight[source]
    return usable, present, declared
