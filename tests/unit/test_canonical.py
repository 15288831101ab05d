"""The byte form of batches, the hash chain and the digests."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from novate.canonical import (
    GENESIS,
    Column,
    Record,
    Run,
    check_chain,
    check_links,
    command_digest,
    decode_runs,
    digest_columns,
    encode_runs,
    seal,
)
from novate.errors import JournalError

DTYPES = [
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    "float64",
    "bool",
]
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=5)


@st.composite
def columns(draw: st.DrawFn, rows: int) -> Column:
    """One column in any allowed form: either byte order, with or without strides, or text."""
    kind = draw(st.sampled_from([*DTYPES, "str"]))
    if kind == "str":
        texts = st.text(st.characters(codec="utf-8"), max_size=4)
        return tuple(draw(st.lists(texts, min_size=rows, max_size=rows)))
    dtype = np.dtype(kind).newbyteorder(draw(st.sampled_from("<>")))
    step = draw(st.sampled_from([1, 2, -1]))
    elements = {"allow_nan": False} if kind == "float64" else {}
    length = rows * abs(step)
    values = draw(arrays.arrays(dtype, length, elements=arrays.from_dtype(dtype, **elements)))
    return values[::step]


@st.composite
def runs(draw: st.DrawFn) -> Run:
    rows = draw(st.integers(0, 4))
    fields = draw(st.lists(NAMES, unique=True, max_size=4))
    return Run(
        name=draw(NAMES),
        version=draw(st.integers(1, 2**32 - 1)),
        rows=rows,
        columns=tuple((field, draw(columns(rows))) for field in fields),
    )


BATCHES = st.lists(runs(), max_size=3)


def trade(**changes: Column) -> Run:
    values: dict[str, Column] = {
        "lots": np.array([3, -3], np.int64),
        "price": np.array([0.5, 2.0]),
        "is_taker": np.array([True, False]),
        "venue": ("a", "b"),
    }
    return Run("SubmitTrade", 1, 2, tuple((values | changes).items()))


def chain(length: int) -> list[Record]:
    records: list[Record] = []
    for sequence in range(1, length + 1):
        previous = records[-1].hash if records else GENESIS
        records.append(
            seal(
                sequence=sequence,
                instant_ns=10 * sequence,
                engine_version=1,
                previous=previous,
                body=b"body %d" % sequence,
                source="feed",
                source_sequence=sequence,
            )
        )
    return records


@given(BATCHES, BATCHES)
def test_what_was_encoded_is_decoded(commands: list[Run], events: list[Run]) -> None:
    decoded = decode_runs(encode_runs(commands, events))

    assert decoded == (commands, events)
    for run, back in zip(commands + events, decoded[0] + decoded[1], strict=True):
        for (_, before), (_, after) in zip(run.columns, back.columns, strict=True):
            assert np.array_equal(before, after)


@given(BATCHES, BATCHES)
def test_decoding_and_encoding_again_gives_the_same_bytes(
    commands: list[Run], events: list[Run]
) -> None:
    body = encode_runs(commands, events)

    assert encode_runs(*decode_runs(body)) == body


@given(BATCHES, st.data())
def test_a_damaged_body_is_refused_or_is_the_one_form_of_something_else(
    commands: list[Run], data: st.DataObject
) -> None:
    body = bytearray(encode_runs(commands, [trade()]))
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] ^= 1 << data.draw(st.integers(0, 7))
    if data.draw(st.booleans()):
        del body[data.draw(st.integers(0, len(body) - 1)) :]
    try:
        decoded = decode_runs(bytes(body))
    except JournalError:
        return

    assert encode_runs(*decoded) == body


@given(st.binary(max_size=60))
@example(b"")
@example(b"nvt1\xff\xff\xff\xff")
@example(b"nvt1\x01\x00\x00\x00\xc1")
def test_arbitrary_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(JournalError):
        decode_runs(body + b"!")


def test_decoded_columns_are_aligned_views_that_cannot_be_written() -> None:
    body = encode_runs([trade()], [])

    (run,), _ = decode_runs(body)

    for _, values in run.columns:
        if isinstance(values, np.ndarray):
            assert np.shares_memory(values, np.frombuffer(body, np.uint8))
            assert values.ctypes.data % 8 == 0
            assert not values.flags.writeable


def test_the_layout_of_a_body_is_the_published_one() -> None:
    run = Run("T", 1, 2, (("a", np.array([1, 2], np.int16)), ("s", ("x", ""))))
    header = msgspec.msgpack.encode(
        [[["T", 1, 2, [["a", "int16", None], ["s", "str", ["x", ""]]]]], []]
    )
    padding = bytes(-len(header) % 8)

    expected = b"nvt1" + len(header).to_bytes(4, "little") + header + padding
    expected += b"\x01\x00\x02\x00" + bytes(4)

    assert encode_runs([run], []) == expected


def test_minus_zero_is_written_as_zero() -> None:
    minus, plus = (trade(price=np.array([zero, 1.0])) for zero in (-0.0, 0.0))

    assert minus == plus
    assert digest_columns([("p", np.array([-0.0]))]) == digest_columns([("p", np.array([0.0]))])


@pytest.mark.parametrize("odd", [-0.0, np.nan])
def test_a_body_with_another_form_of_a_float_is_refused(odd: float) -> None:
    body = encode_runs([trade(price=np.array([1.5, 2.0]))], [])
    forged = body.replace(np.float64(1.5).tobytes(), np.float64(odd).tobytes())

    with pytest.raises(JournalError, match=r"SubmitTrade\.price holds NaN or minus zero"):
        decode_runs(forged)


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (trade(price=np.array([1.0, np.nan])), r"price is NaN in rows \[1\]"),
        (trade(lots=np.array([1], np.int64)), "has 1 values, not 2"),
        (trade(venue=("a",)), "has 1 values, not 2"),
        (trade(lots=np.array([[1], [2]], np.int64)), "2 dimensions"),
        (trade(lots=np.array([1, 2], np.float32)), "'float32', allowed are bool, int8"),
        (trade(lots=np.array(["a", "b"])), "'str32', allowed are"),
        (trade(venue=("a", 1)), "neither an array nor a tuple of texts"),  # type: ignore[arg-type]
        (trade(venue=("a", "\ud800")), "not UTF-8"),
        (trade(**{"": ("a", "b")}), "a name is empty"),
        (Run("", 1, 0, ()), "a name is empty"),
        (Run("T", 1, 0, (("a", ()), ("a", ()))), "a name is repeated"),
        (Run("T", 0, 0, ()), "version 0"),
        (Run("T", 1, -1, ()), "rows -1"),
    ],
)
def test_what_has_no_canonical_form_is_refused_by_name(run: Run, message: str) -> None:
    with pytest.raises(JournalError, match=message):
        encode_runs([run], [])


Header = list[list[list[object]]]


def forged(change: Callable[[Header], object], columns: bytes = bytes(8)) -> bytes:
    """Encode a body whose header nobody checked: one run of two int16 and two texts."""
    header: Header = [[["T", 1, 2, [["a", "int16", None], ["s", "str", ["x", ""]]]]], []]
    change(header)
    packed = msgspec.msgpack.encode(header)
    return b"nvt1" + len(packed).to_bytes(4, "little") + packed + bytes(-len(packed) % 8) + columns


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: h[0][0].__setitem__(2, 3), "has 2 texts, not 3"),
        (lambda h: h[0][0].__setitem__(2, 2**31), "ends at byte"),
        (lambda h: h[0][0][3][0].__setitem__(1, "float32"), "element type 'float32'"),
        (lambda h: h[0][0][3][0].__setitem__(1, "str"), "text without texts"),
        (lambda h: h[0][0][3][1].__setitem__(1, "int8"), "element type 'int8' and texts"),
        (lambda h: h[0][0][3][1].__setitem__(0, "a"), "a name is repeated"),
        (lambda h: h[0][0].__setitem__(1, -1), "version -1"),
        (lambda h: h[0][0].__setitem__(1, "1"), "header cannot be read"),
        (lambda h: h[0].clear(), "columns end at byte"),
    ],
)
def test_a_forged_header_is_refused(change: Callable[[Header], object], message: str) -> None:
    decode_runs(forged(lambda h: None))

    with pytest.raises(JournalError, match=message):
        decode_runs(forged(change))


def test_padding_and_booleans_have_one_form() -> None:
    with pytest.raises(JournalError, match="padding"):
        decode_runs(forged(lambda h: None, columns=bytes(7) + b"\x01"))
    body = encode_runs([Run("T", 1, 8, (("a", np.ones(8, np.bool_)),))], [])
    with pytest.raises(JournalError, match="neither 0 nor 1"):
        decode_runs(body[:-1] + b"\x02")


def test_a_longer_form_of_the_same_header_is_refused() -> None:
    body = encode_runs([], [])
    longer = b"\x92\xdc\x00\x00\x90"  # two empty lists, the first with a 16-bit length

    assert msgspec.msgpack.decode(longer) == msgspec.msgpack.decode(body[8:11])
    with pytest.raises(JournalError, match="shortest form"):
        decode_runs(b"nvt1" + len(longer).to_bytes(4, "little") + longer + bytes(3))


def test_runs_compare_by_their_bytes_and_not_with_other_things() -> None:
    assert trade() == trade(lots=np.array([3, -3], ">i8"))
    assert trade() != trade(lots=np.array([3, -3], np.int32))
    assert trade() != "trade"


def test_the_command_digest_sees_commands_and_nothing_else() -> None:
    digest = command_digest([trade()])

    assert digest == hashlib.sha256(encode_runs([trade()], [])).digest()
    assert digest == command_digest(decode_runs(encode_runs([trade()], [trade()]))[0])
    assert digest != command_digest([trade(), trade()])


def test_the_state_digest_sees_name_type_shape_order_and_every_element() -> None:
    column = np.arange(6, dtype=np.int64)
    base = [("a", column), ("b", column)]
    others = [
        [("b", column), ("a", column)],
        [("a", column), ("c", column)],
        [("a", column)],
        [("a", column.astype(np.uint64)), ("b", column)],
        [("a", column.reshape(2, 3)), ("b", column)],
        [("a", column), ("b", column + 1)],
        [("a", column), ("b", column[:0])],
    ]

    assert len({digest_columns(items) for items in [base, *others]}) == len(others) + 1


def test_the_state_digest_does_not_see_byte_order_strides_or_which_nan() -> None:
    column = np.arange(6, dtype=np.int64)
    other_nan = np.array([0x7FF8000000000001], np.uint64).view(np.float64)

    assert digest_columns([("a", column)]) == digest_columns([("a", column.astype(">i8"))])
    assert digest_columns([("a", column[::-2])]) == digest_columns([("a", column[::-2].copy())])
    assert digest_columns([("a", np.array([np.nan]))]) == digest_columns([("a", other_nan)])


def test_the_state_digest_refuses_a_repeated_name_and_unknown_elements() -> None:
    with pytest.raises(JournalError, match="'a' is digested twice"):
        digest_columns([("a", np.zeros(1)), ("a", np.zeros(1))])
    with pytest.raises(JournalError, match="element type 'object'"):
        digest_columns([("a", np.array([None]))])


@pytest.mark.rule("14.1")
def test_the_hash_covers_the_hash_before_the_head_and_the_body() -> None:
    record = chain(1)[0]
    head = msgspec.msgpack.encode([1, 10, 1, 0, "feed", 1])

    assert record.hash == hashlib.sha256(GENESIS + head + b"body 1").digest()


def test_a_whole_chain_holds_and_gives_its_head() -> None:
    records = chain(4)

    assert check_chain(records) == (4, records[3].hash)
    assert check_chain(records[2:], (2, records[1].hash)) == (4, records[3].hash)
    assert check_chain([]) == (0, GENESIS)


@pytest.mark.rule("14.1")
@pytest.mark.parametrize(
    "change",
    [
        {"instant_ns": 21},
        {"engine_version": 2},
        {"origin": 1},
        {"source": "field"},
        {"source_sequence": 3},
        {"body": b"body 3"},
        {"hash": bytes(32)},
    ],
)
def test_any_altered_part_of_a_record_is_found_and_named(change: dict[str, object]) -> None:
    records = chain(3)
    records[1] = dataclasses.replace(records[1], **change)  # type: ignore[arg-type]

    with pytest.raises(JournalError, match="record 2 is altered"):
        check_chain(records)


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ([0, 2], "record 2 is missing: 3 is in its place"),
        ([1, 0], "record 1 is missing: 2 is in its place"),
        ([0, 0], "record 2 is missing: 1 is in its place"),
        ([1], "record 1 is missing: 2 is in its place"),
    ],
)
def test_a_gap_a_swap_and_a_repeat_are_named(order: list[int], message: str) -> None:
    records = chain(3)

    with pytest.raises(JournalError, match=message):
        check_chain([records[index] for index in order])


def test_a_record_of_another_chain_does_not_continue_this_one() -> None:
    stranger = seal(sequence=2, instant_ns=0, engine_version=1, previous=GENESIS, body=b"")

    with pytest.raises(JournalError, match="record 2 does not continue record 1"):
        check_links([chain(1)[0], stranger])


def test_links_alone_do_not_look_into_the_body() -> None:
    records = chain(2)
    records[0] = dataclasses.replace(records[0], body=b"")

    assert check_links(records) == (2, records[1].hash)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sequence": 0}, "sequence is 0, an int in 1"),
        ({"sequence": True}, "sequence is True"),
        ({"instant_ns": 2**63}, "instant_ns is 9223372036854775808"),
        ({"instant_ns": np.int64(1)}, "instant_ns is np.int64"),
        ({"engine_version": -1}, "engine_version is -1"),
        ({"origin": 3}, "origin is 3, an int in 0..2"),
        ({"source": "a", "source_sequence": 0}, "a source numbers from 1"),
        ({"source": "", "source_sequence": 5}, "without a source the number is 0"),
        ({"source": "a\0", "source_sequence": 1}, "text without NUL"),
        ({"source": "\ud800", "source_sequence": 1}, "not UTF-8"),
        ({"body": bytearray(b"")}, "not bytes"),
        ({"previous": b"short"}, "32 bytes are allowed"),
    ],
)
def test_a_record_that_a_store_could_not_give_back_is_not_sealed(
    change: dict[str, object], message: str
) -> None:
    fields: dict[str, object] = {
        "sequence": 1,
        "instant_ns": 0,
        "engine_version": 0,
        "previous": GENESIS,
        "body": b"",
    }

    with pytest.raises(JournalError, match=message):
        seal(**(fields | change))  # type: ignore[arg-type]
