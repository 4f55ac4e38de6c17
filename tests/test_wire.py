"""The engine's reader of what a box sends: whatever it is, the answer is a value or a `ProtocolViolation`."""

import contextlib
import importlib.util
import json
import socket
import struct
import threading
from types import ModuleType

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agentarch.content import content_folder
from agentarch.execution.wire import (
    MAX_HEADER_BYTES,
    ChannelClosed,
    ProtocolViolation,
    parse_strict,
    receive_floats,
    receive_header,
    send,
)

finite = st.floats(allow_nan=False, allow_infinity=False)
plain_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64) | finite | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
plain_objects = st.dictionaries(st.text(), plain_values, max_size=6)


@pytest.fixture
def pair():
    """The engine's end of a channel, and the box's."""
    ours, theirs = socket.socketpair()
    ours.settimeout(20)
    theirs.settimeout(20)
    with ours, theirs:
        yield ours, theirs


def framed(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


@given(st.binary() | st.text().map(str.encode) | plain_values.map(lambda v: json.dumps(v).encode()))
@example(b"[" * 200_000)
@example(b'{"a":' * 200_000)
@example(b"\xef\xbb\xbf{}")
@example("{}".encode("utf-16"))
@example(b'{"\\ud800": 1}')
@example(b"9" * 5000)
@example(b"{" + b" " * 10_000)
def test_whatever_comes_is_a_plain_object_or_a_violation(data):
    try:
        value = parse_strict(data)
    except ProtocolViolation:
        return
    assert isinstance(value, dict)
    json.dumps(value, allow_nan=False)


@given(plain_objects)
def test_a_plain_object_survives(value):
    assert parse_strict(json.dumps(value).encode()) == value
    assert parse_strict(bytearray(json.dumps(value, ensure_ascii=False), "utf-8", "surrogatepass")) == value


@pytest.mark.parametrize(
    "text",
    [
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": [-Infinity]}',
        '{"a": 1e999}',
        '{"a": -1e999}',
        '{"a": 1, "a": 2}',
        '{"a": {"b": 1, "\\u0062": 2}}',
        '{"a": %s}' % ("9" * 5000),
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        '{"a":' * 200 + "1" + "}" * 200,
        '{"a": ' + "[" * 200 + "]" * 200 + "}",
        "[]",
        "3",
        '"text"',
        "null",
        "",
        "{}{}",
        "{'a': 1}",
        '{"a": 1,}',
        '{"a": 01}',
        "\0",
    ],
    ids=lambda text: text[:16],
)
def test_what_is_not_one_plain_object_is_refused(text):
    with pytest.raises(ProtocolViolation):
        parse_strict(text.encode())


def test_what_is_not_utf_8_is_refused():
    with pytest.raises(ProtocolViolation):
        parse_strict(b'{"a": "\xff"}')


@given(data=st.binary(max_size=200))
@settings(max_examples=50)
def test_arbitrary_bytes_on_the_channel_give_a_header_a_violation_or_the_end(data):
    ours, theirs = socket.socketpair()
    with ours:
        ours.settimeout(20)
        with theirs:
            theirs.sendall(data)
        with contextlib.suppress(ProtocolViolation, ChannelClosed):
            assert isinstance(receive_header(ours), dict)


@given(header=plain_objects)
@settings(max_examples=50)
def test_a_header_arrives_as_it_was_sent(header):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        data = json.dumps(header).encode()
        theirs.sendall(framed(data))
        assert receive_header(ours) == header


def test_a_header_that_announces_too_much_is_refused_before_it_is_read(pair):
    ours, theirs = pair
    theirs.sendall(struct.pack(">I", MAX_HEADER_BYTES + 1))
    with pytest.raises(ProtocolViolation, match="65,537 bytes"):
        receive_header(ours)


def test_a_header_in_many_pieces_is_put_together(pair):
    ours, theirs = pair
    data = framed(b'{"type": "trained", "losses": [1.5]}')
    sender = threading.Thread(target=lambda: [theirs.sendall(data[i : i + 1]) for i in range(len(data))])
    sender.start()
    assert receive_header(ours) == {"type": "trained", "losses": [1.5]}
    sender.join()


@pytest.mark.parametrize("kept", [0, 2, 4, 10])
def test_a_header_that_is_cut_short_is_the_end_of_the_channel(pair, kept):
    ours, theirs = pair
    theirs.sendall(framed(b'{"type": "end"}')[:kept])
    theirs.close()
    with pytest.raises(ChannelClosed):
        receive_header(ours)


def test_floats_arrive_bit_for_bit_in_the_shape_that_was_asked_for(pair):
    ours, theirs = pair
    values = np.array([[0.1, -0.0, 3e38], [1e-45, -1.5, 7]], np.float32)
    theirs.sendall(values.tobytes())
    received = receive_floats(ours, (2, 3))
    assert received.dtype == np.float32
    assert received.tobytes() == values.tobytes()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_floats_that_are_not_finite_are_refused(pair, bad):
    ours, theirs = pair
    theirs.sendall(np.array([1, bad], np.float32).tobytes())
    with pytest.raises(ProtocolViolation, match="NaN or infinity"):
        receive_floats(ours, (2,))


def test_too_few_floats_are_the_end_of_the_channel(pair):
    ours, theirs = pair
    theirs.sendall(bytes(11))
    theirs.close()
    with pytest.raises(ChannelClosed):
        receive_floats(ours, (3,))


def test_a_box_that_says_nothing_is_not_waited_for_for_ever(pair):
    ours, _ = pair
    ours.settimeout(0.1)
    with pytest.raises(TimeoutError):
        receive_header(ours)


def test_writing_to_a_box_that_is_gone_says_so(pair):
    ours, theirs = pair
    theirs.close()
    with pytest.raises(ChannelClosed):
        send(ours, {"type": "end"}, {"inputs": np.zeros(10**6)})


def test_writing_to_a_box_that_does_not_read_ends(pair):
    ours, _ = pair
    ours.settimeout(0.1)
    with pytest.raises(TimeoutError):
        send(ours, {"type": "predict"}, {"inputs": np.zeros(10**7)})


def test_the_box_reads_the_arrays_that_the_engine_writes(pair):
    ours, theirs = pair
    arrays = {
        "tokens": np.arange(12, dtype=np.int16).reshape(3, 4).T,  # not contiguous
        "reals": np.array([[0.1]], np.float64),
        "empty": np.zeros((0, 5), np.float32),
        "big_endian": np.array([3, 4], ">i4"),
    }
    send(ours, {"type": "job", "seed": 1}, arrays)
    header, received = box_wire().Channel(theirs).receive()
    assert (header["type"], header["seed"]) == ("job", 1)
    assert received.keys() == arrays.keys()
    for name, array in arrays.items():
        assert received[name].dtype == array.dtype
        assert np.array_equal(received[name], array)


def test_the_engine_reads_what_the_box_writes(pair):
    ours, theirs = pair
    box_wire().Channel(theirs).send({"type": "predicted"}, np.ones(3, np.float32).tobytes())
    assert receive_header(ours) == {"type": "predicted"}
    assert receive_floats(ours, (3,)).tolist() == [1, 1, 1]


def box_wire() -> ModuleType:
    """Return the box's side of the wire, which the engine never imports."""
    spec = importlib.util.spec_from_file_location("box_wire", content_folder("sandbox") / "wire.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
