"""The head anchor: two slots of text, written in turn."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from novate.adapter.sqlite_journal.head_anchor import HeadAnchor
from novate.canonical import GENESIS
from novate.errors import JournalError

HASHES = [bytes([n]) * 32 for n in range(5)]


@pytest.fixture
def anchor(tmp_path: Path) -> Iterator[HeadAnchor]:
    made = HeadAnchor(tmp_path / "anchor")
    made.create(0, GENESIS)
    made.open(read_only=False)
    yield made
    made.close()


def read(anchor: HeadAnchor) -> HeadAnchor:
    again = HeadAnchor(anchor.path)
    try:
        again.open(read_only=True)
    finally:
        again.close()
    return again


def test_a_new_anchor_is_at_the_beginning(anchor: HeadAnchor) -> None:
    assert anchor.head == (0, GENESIS)
    assert not anchor.is_damaged


def test_the_latest_head_is_read_back_and_the_one_before_is_kept(anchor: HeadAnchor) -> None:
    for sequence in (1, 2, 3):
        anchor.write(sequence, HASHES[sequence])

    again = read(anchor)
    assert again.head == (3, HASHES[3])
    assert sorted(again.slots) == [(2, HASHES[2]), (3, HASHES[3])]


def test_the_file_never_grows_and_a_person_can_read_it(anchor: HeadAnchor) -> None:
    size = anchor.path.stat().st_size
    for sequence in range(1, 5):
        anchor.write(sequence, HASHES[sequence])

    assert anchor.path.stat().st_size == size == 8192
    lines = anchor.path.read_text().split("\n")
    assert lines[0].startswith(f"novate-head 1 {4:020d} {HASHES[4].hex()} ")
    assert lines[1].strip().startswith(f"novate-head 1 {3:020d} {HASHES[3].hex()} ")


def test_writing_goes_on_over_the_older_slot_after_opening_again(anchor: HeadAnchor) -> None:
    anchor.write(1, HASHES[1])
    anchor.close()
    anchor.open(read_only=False)
    anchor.write(2, HASHES[2])

    assert sorted(read(anchor).slots) == [(1, HASHES[1]), (2, HASHES[2])]


@pytest.mark.parametrize("place", [0, 14, 33, 34, 40, 97, 99, 115, 116, 117, 4095])
@pytest.mark.parametrize("bit", [1, 4, 128])
def test_any_flipped_bit_spoils_its_slot_and_no_other(
    anchor: HeadAnchor, place: int, bit: int
) -> None:
    anchor.write(1, HASHES[1])  # over the first or the second slot, whichever: both are tried
    for slot, start in enumerate((0, 4096)):
        good = anchor.path.read_bytes()
        other = read(anchor).slots[1 - slot]
        damaged = bytearray(good)
        damaged[start + place] ^= bit
        anchor.path.write_bytes(damaged)

        again = read(anchor)
        assert again.is_damaged
        assert again.slots == [other]
        anchor.path.write_bytes(good)


@pytest.mark.parametrize("size", [0, 100, 4095])
def test_an_anchor_without_a_readable_slot_is_refused(anchor: HeadAnchor, size: int) -> None:
    os.truncate(anchor.path, size)

    with pytest.raises(JournalError, match="neither slot can be read"):
        read(anchor)


@pytest.mark.parametrize("size", [4096, 8191, 8193])
def test_an_anchor_of_another_size_is_damaged(anchor: HeadAnchor, size: int) -> None:
    os.truncate(anchor.path, size)

    assert read(anchor).is_damaged


def test_a_second_writer_is_refused_and_a_reader_is_not(anchor: HeadAnchor) -> None:
    second = HeadAnchor(anchor.path)
    with pytest.raises(JournalError, match="another process writes this journal"):
        second.open(read_only=False)
    second.close()

    assert read(anchor).head == (0, GENESIS)


def test_a_closed_anchor_is_not_written(anchor: HeadAnchor) -> None:
    anchor.close()

    with pytest.raises(JournalError, match="is closed"):
        anchor.write(1, HASHES[1])


def test_a_short_write_is_an_error(anchor: HeadAnchor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "pwrite", lambda descriptor, content, offset: len(content) - 1)

    with pytest.raises(OSError, match=r"only \d+ of \d+ bytes were written"):
        anchor.write(1, HASHES[1])
