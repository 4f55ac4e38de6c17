"""The engine's side of the trust line: writes frames for a box, and reads what a box sends, strictly.

A box may send anything. Whatever is not a small, plain JSON header or exactly the bytes asked for raises
`ProtocolViolation`.
"""

from __future__ import annotations

import json
import math
import socket
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_HEADER_BYTES = 64 * 1024
MAX_DEPTH = 16
_LENGTH = struct.Struct(">I")


class ProtocolViolation(Exception):
    """A box sent something that the protocol does not allow."""


class ChannelClosed(Exception):
    """The box hung up."""


def send(
    connection: socket.socket, header: Mapping[str, Any], arrays: Mapping[str, NDArray[np.generic]]
) -> None:
    """Write one message: a JSON header that lists the arrays, then their bytes.

    Raises:
        ChannelClosed: the box is gone.
        TimeoutError: the box does not read.
    """
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    listed = [{"name": n, "dtype": a.dtype.str, "shape": a.shape} for n, a in contiguous.items()]
    encoded = json.dumps({**header, "arrays": listed}).encode()
    try:
        connection.sendall(_LENGTH.pack(len(encoded)) + encoded)
        for array in contiguous.values():
            connection.sendall(array.tobytes())
    except (BrokenPipeError, ConnectionResetError):
        raise ChannelClosed from None


def receive_header(connection: socket.socket) -> dict[str, Any]:
    """Read one header.

    Raises:
        ProtocolViolation: too long, not JSON, not an object, or with NaN, infinity or repeated keys.
        ChannelClosed: the box is gone.
        TimeoutError: nothing came in time.
    """
    (length,) = _LENGTH.unpack(_read(connection, _LENGTH.size))
    if length > MAX_HEADER_BYTES:
        raise ProtocolViolation(f"a header of {length:,} bytes")
    return parse_strict(_read(connection, length))


def receive_floats(connection: socket.socket, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Read exactly the bytes of a float32 array of the given shape.

    Raises:
        ProtocolViolation: a value is NaN or infinite.
        ChannelClosed: the box is gone.
        TimeoutError: too little came in time.
    """
    array = np.frombuffer(_read(connection, 4 * math.prod(shape)), "<f4").reshape(shape)
    if not np.isfinite(array).all():
        raise ProtocolViolation("predictions that contain NaN or infinity")
    return array


def receive_bytes(connection: socket.socket, size: int) -> bytes:
    """Read exactly so many bytes, which mean nothing to us.

    Raises:
        ChannelClosed: the box is gone.
        TimeoutError: too little came in time.
    """
    return bytes(_read(connection, size))


def parse_strict(data: bytes | bytearray) -> dict[str, Any]:
    """Parse JSON that must be one object of plain, finite values with distinct keys.

    Raises:
        ProtocolViolation: it is not.
    """
    try:
        value = json.loads(
            data, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_without_repeated_keys
        )
    except (ValueError, RecursionError) as error:
        raise ProtocolViolation(f"a header that is not plain JSON ({type(error).__name__})") from None
    if not isinstance(value, dict):
        raise ProtocolViolation(f"a header that is a {type(value).__name__}, not an object")
    _check_depth(value)
    return value


def _read(connection: socket.socket, size: int) -> bytearray:
    buffer = bytearray(size)
    view = memoryview(buffer)
    while view:
        try:
            count = connection.recv_into(view)
        except ConnectionResetError:
            count = 0
        if count == 0:
            raise ChannelClosed
        view = view[count:]
    return buffer


def _check_depth(value: dict[str, Any]) -> None:
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        containers = (one.values() if isinstance(one, dict) else one for one in level)
        level = [inner for container in containers for inner in container if isinstance(inner, dict | list)]
        if not level:
            return
    raise ProtocolViolation(f"a header nested more than {MAX_DEPTH} deep")


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a plain number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is not finite")
    return value


def _without_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is repeated")
    return found
