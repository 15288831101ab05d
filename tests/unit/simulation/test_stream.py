from __future__ import annotations

import numpy as np
import pytest

from novate.errors import InputError
from novate.simulation.stream import Purpose, stream


def draw(seed: int, purpose: int, entity: int) -> list[int]:
    return stream(seed, purpose, entity).integers(0, 2**62, size=4).tolist()


def test_the_same_three_integers_give_the_same_numbers() -> None:
    assert draw(5, Purpose.WICK, 9) == draw(5, Purpose.WICK, 9)


def test_a_change_of_any_of_the_three_integers_gives_another_stream() -> None:
    streams = [draw(*key) for key in ((5, 3, 9), (6, 3, 9), (5, 4, 9), (5, 3, 10), (3, 5, 9))]
    assert len({tuple(numbers) for numbers in streams}) == len(streams)


def test_streams_look_independent() -> None:
    first, second = (stream(1, 1, entity).standard_normal(20_000) for entity in (0, 1))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03


def test_the_words_of_the_generator_never_change() -> None:
    # The bit generator is integer arithmetic: these words are the same on every machine.
    words = stream(2, 3, 4).bit_generator.random_raw(2)
    expected = np.random.Philox(key=np.array([2, (3 << 48) | 4], dtype=np.uint64)).random_raw(2)
    assert words.tolist() == expected.tolist()


@pytest.mark.parametrize("key", [(-1, 0, 0), (2**64, 0, 0), (0, 2**16, 0), (0, 0, 2**48)])
def test_an_integer_outside_its_range_is_refused(key: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match="is outside"):
        stream(*key)
