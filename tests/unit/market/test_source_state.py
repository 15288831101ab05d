from __future__ import annotations

from novate.market.source_state import SourceState


def test_it_begins_without_assets_sources_and_time() -> None:
    state = SourceState()

    assert (state.now_ns, state.assets.count, state.sources.count) == (0, 0, 0)
