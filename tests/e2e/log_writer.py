"""Records that no API wrote: bytes of any kind, straight onto a topic, and ids as the API issues them.

The broker of a stack advertises a name that exists only inside its network, so an ordinary client cannot be used from
here. One broker, one record a request: the little of Kafka's protocol that this takes (Produce version 3, record batch
version 2; https://kafka.apache.org/protocol) needs no client.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import socket
import struct
import time

from log_reader import headers_on
from runlog_client import eventually

PRODUCE, PRODUCE_VERSION = 0, 3
NO_CODEC, LZ4 = 0, 3
INTERACTIVE, BATCH = 0, 1
LZ4_BLOCK_BYTES = 4 * 1024 * 1024


def _crc32c_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC32C = _crc32c_table()


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = (value >> 8) ^ CRC32C[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def varint(number):
    """Zigzag, then seven bits a byte."""
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def lz4_of_run(head, byte, count, tail):
    """An LZ4 frame of head, `count` times `byte` and tail: the ends as they are, the run as matches with itself."""

    def stored(data):
        return struct.pack("<I", len(data) | 0x80000000) + data

    def run(length):  # a literal, a match at distance 1, and the five literals that end every block
        match = length - 6 - 4
        block = bytearray([0x10 | min(15, match)]) + byte + b"\x01\x00"
        if match >= 15:
            match -= 15
            block += b"\xff" * (match // 255) + bytes([match % 255])
        block += b"\x50" + byte * 5
        return struct.pack("<I", len(block)) + block

    blocks = [stored(head)]
    while count > 0:
        length = min(count, LZ4_BLOCK_BYTES)
        blocks.append(run(length) if length > 64 else stored(byte * length))
        count -= length
    # Version 1, independent blocks of up to 4 MiB, no checksums; 0x73 is the descriptor's own (xxHash32 of these two).
    return b"\x04\x22\x4d\x18\x60\x70\x73" + b"".join(blocks) + stored(tail) + struct.pack("<I", 0)


def record_parts(key, size):
    """What stands before and after a value of `size` bytes in a record without headers."""
    before = b"\x00" + varint(0) + varint(0) + varint(len(key)) + key + varint(size)
    after = varint(0)
    return varint(len(before) + size + len(after)) + before, after


def batch(records, codec):
    now_ms = int(time.time() * 1000)
    body = struct.pack(">hiqqqhii", codec, 0, now_ms, now_ms, -1, -1, -1, 1) + records
    return struct.pack(">qiibI", 0, 4 + 1 + 4 + len(body), -1, 2, crc32c(body)) + body


class LogWriter:
    """Writes to the broker of a stack."""

    def __init__(self, stack):
        self.address = stack.address(stack.container("kafka"))
        key = stack.docker("exec", stack.container("api"), "cat", "/var/lib/runlog/secret/id.key").split()[0]
        self.secret = bytes.fromhex(key)

    def issue_id(self, partition, tenant="", lane=INTERACTIVE):
        """An id that the API takes for one of its own (lib/codec/id.h)."""
        raw = int(time.time() * 1000).to_bytes(6, "big") + (lane << 14 | partition).to_bytes(2, "big")
        raw += hashlib.sha256(tenant.encode()).digest()[:4] + os.urandom(8)
        raw += hmac.new(self.secret, raw, hashlib.sha256).digest()[:10]
        return base64.urlsafe_b64encode(raw).decode()

    @staticmethod
    def partition_of(submission_id):
        return int.from_bytes(base64.urlsafe_b64decode(submission_id)[6:8], "big") & 0x3FFF

    def write(self, topic, partition, key, value):
        """The record's offset."""
        before, after = record_parts(key, len(value))
        return self._produce(topic, partition, batch(before + value + after, NO_CODEC))

    def write_run(self, topic, partition, key, start, size):
        """A value of `size` bytes, `start` and then zeros, which LZ4 makes small."""
        before, after = record_parts(key, size)
        frame = lz4_of_run(before + start, b"\0", size - len(start), after)
        return self._produce(topic, partition, batch(frame, LZ4))

    def _produce(self, topic, partition, records):
        name = struct.pack(">h", len(topic)) + topic.encode()
        request = struct.pack(">hhih", PRODUCE, PRODUCE_VERSION, 1, -1)  # no client id
        request += struct.pack(">hhii", -1, -1, 10_000, 1) + name  # no transaction, all acknowledge, one topic
        request += struct.pack(">iii", 1, partition, len(records)) + records
        with socket.create_connection((self.address, 9092), timeout=30) as broker:
            broker.sendall(struct.pack(">i", len(request)) + request)
            with broker.makefile("rb") as stream:
                (size,) = struct.unpack(">i", stream.read(4))
                answer = stream.read(size)
        _, error, offset = struct.unpack_from(">ihq", answer, 4 + 4 + len(name) + 4)
        assert error == 0, f"the broker refused the record: error {error} (https://kafka.apache.org/protocol)"
        return offset


def dead_letters(stack, keys, topic="submissions.dlq"):
    """What was set aside there, once each of `keys` is among it: a dict of headers each, with the record's key under "key".
    Asks again where the broker's tool gave up before it had read all (log_reader.headers_of)."""

    def read():
        found = [{"key": key, **headers} for key, headers in headers_on(stack, topic) if "origin.offset" in headers]
        seen = {letter["key"] for letter in found}
        return found if seen >= set(keys) else None

    return eventually(f"letters of {keys} on {topic}", read)
