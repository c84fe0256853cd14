"""What MongoDB has stored, asked for over its own protocol: OP_MSG with `find` and `getMore`, and as much of BSON as that takes
(https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/, https://bsonspec.org). Needs no client, and goes with
the official server as well as with the stand-in."""

from __future__ import annotations

import socket
import struct

OP_MSG = 2013
DATABASE, COLLECTION = "runlog", "results"
BATCH = 500


def encode(document):
    """Of str, bool, int (64 bits), float-free documents."""
    body = b""
    for name, value in document.items():
        key = name.encode() + b"\0"
        if isinstance(value, bool):
            body += b"\x08" + key + bytes([value])
        elif isinstance(value, int):
            body += b"\x12" + key + struct.pack("<q", value)
        elif isinstance(value, str):
            text = value.encode() + b"\0"
            body += b"\x02" + key + struct.pack("<i", len(text)) + text
        else:
            body += b"\x03" + key + encode(value)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


SCALARS = {0x01: "<d", 0x08: "<?", 0x09: "<q", 0x10: "<i", 0x11: "<Q", 0x12: "<q"}


def decode_value(kind, data, at):
    """The value and where the next element begins."""
    if kind in SCALARS:
        size = struct.calcsize(SCALARS[kind])
        return struct.unpack_from(SCALARS[kind], data, at)[0], at + size
    if kind == 0x0A:
        return None, at
    if kind == 0x07:
        return data[at:at + 12], at + 12
    (size,) = struct.unpack_from("<i", data, at)
    if kind == 0x02:
        return data[at + 4:at + 3 + size].decode(), at + 4 + size
    if kind == 0x05:
        return data[at + 5:at + 5 + size], at + 5 + size
    assert kind in (0x03, 0x04), f"BSON of type {kind:#x}"
    document = decode(data[at:at + size])
    return (list(document.values()) if kind == 0x04 else document), at + size


def decode(data):
    document, at = {}, 4
    while data[at]:
        kind = data[at]
        end = data.index(b"\0", at + 1)
        document[data[at + 1:end].decode()], at = decode_value(kind, data, end + 1)
    return document


class Mongo:
    def __init__(self, address, port=27017, database=DATABASE):
        self._database = database
        self._socket = socket.create_connection((address, port), timeout=60)
        self._stream = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stream.close()
        self._socket.close()

    def command(self, document):
        body = struct.pack("<i", 0) + b"\0" + encode({**document, "$db": self._database})
        self._socket.sendall(struct.pack("<iiii", 16 + len(body), 1, 0, OP_MSG) + body)
        (size,) = struct.unpack("<i", self._stream.read(4))
        answer = decode(self._stream.read(size - 4)[12 + 4 + 1:])
        assert answer.get("ok") == 1, f"{document}: {answer}"
        return answer

    def documents(self, fields):
        """All of the collection, of each only these fields and _id."""
        cursor = self.command({"find": COLLECTION, "filter": {}, "batchSize": BATCH,
                               "projection": {name: 1 for name in fields}})["cursor"]
        found = cursor["firstBatch"]
        while cursor["id"]:
            cursor = self.command({"getMore": cursor["id"], "collection": COLLECTION, "batchSize": BATCH})["cursor"]
            found += cursor["nextBatch"]
        return found
