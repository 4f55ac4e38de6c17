"""The frames that cross the trust line: a length, a JSON header, then the raw bytes of arrays.

This is the box's side. It trusts what it reads, for the engine wrote it; the engine has its own, strict
reader for what is written here.
"""

import json
import socket
import struct

LENGTH = struct.Struct(">I")


class HungUp(Exception):
    """The engine closed the channel."""


class Channel:
    """A connected stream socket that carries whole messages."""

    def __init__(self, connection: socket.socket):
        self._connection = connection

    def fileno(self) -> int:
        """Return the descriptor of the socket, to be waited for."""
        return self._connection.fileno()

    @staticmethod
    def frame(header: dict) -> bytes:
        """Return the bytes of one message without a payload."""
        encoded = json.dumps(header).encode()
        return LENGTH.pack(len(encoded)) + encoded

    def send(self, header: dict, payload: bytes = b"") -> None:
        """Write one message; a payload's length is not stated, for the reader dictates it."""
        self._connection.sendall(self.frame(header))
        if payload:
            self._connection.sendall(payload)

    def receive(self) -> tuple[dict, dict]:
        """Read one message: its header, and its numpy arrays by name, with the dtype and shape they were sent in.

        Raises:
            HungUp: the other side is gone.
        """
        header = json.loads(self._read(LENGTH.unpack(self._read(LENGTH.size))[0]))
        listed = header.get("arrays")
        return header, self._arrays(listed) if listed else {}

    def _arrays(self, listed: list[dict]) -> dict:
        import numpy as np  # boxes for agents do without

        arrays = {}
        for entry in listed:
            dtype = np.dtype(entry["dtype"])
            size = dtype.itemsize * int(np.prod(entry["shape"], dtype=np.int64))
            arrays[entry["name"]] = np.frombuffer(self._read(size), dtype).reshape(entry["shape"])
        return arrays

    def _read(self, size: int) -> bytearray:
        buffer = bytearray(size)
        view = memoryview(buffer)
        while view:
            count = self._connection.recv_into(view)
            if count == 0:
                raise HungUp
            view = view[count:]
        return buffer
