#!/usr/bin/env python3
"""Apache Avro's Python implementation, which shares no code with avro-c, against lib/codec.

usage: test_avro_interop.py INTEROP_FRAMES SCHEMAS_DIR

Both directions: Python decodes what C wrote, by the schema that the frame's fingerprint names, and C decodes what Python
wrote; either side's view is flattened to "path=value" lines (see dump.h) and must be the other's. Fingerprints
are computed here a second time, from the canonical form, by the algorithm of the specification.

Exit status 77 where the package python3-avro is missing.
"""

import datetime
import io
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import unittest

try:
    import avro.io
    import avro.schema
except ImportError:
    print("the package python3-avro is missing: not run")
    sys.exit(77)

MARKER = b"\xc3\x01"
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MICROSECOND = datetime.timedelta(microseconds=1)
RANDOM_RECORDS = 300

FRAMES, SCHEMAS_DIR = None, None


def crc64_avro(data):
    """The specification's Rabin fingerprint, bit by bit."""
    empty = 0xC15D213AA4D7A795
    value = empty
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (empty if value & 1 else 0)
    return value


def canonical_form(schema):
    """The parsing canonical form. Python's own leaves {"type": "long"} of a logical type, where the rule [PRIMITIVES] wants
    "long" (as Java and fastavro have it)."""

    def simplify(node):
        if isinstance(node, dict):
            if list(node) == ["type"] and isinstance(node["type"], str):
                return node["type"]
            return {key: simplify(value) for key, value in node.items()}
        return [simplify(item) for item in node] if isinstance(node, list) else node

    return json.dumps(simplify(json.loads(schema.canonical_form)), separators=(",", ":"))


def load_schemas():
    """Name -> (schema, fingerprint as it stands in a frame)."""
    schemas = {}
    for path in sorted(SCHEMAS_DIR.glob("*.avsc")):
        schema = avro.schema.parse(path.read_text())
        fingerprint = crc64_avro(canonical_form(schema).encode())
        schemas[path.stem] = (schema, fingerprint.to_bytes(8, "little"))
    return schemas


def flatten(schema, value, path=""):
    """Yields the lines of dump.h for `value`, in the schema's order."""
    kind = schema.type
    if kind in ("record", "error"):
        for field in schema.fields:
            yield from flatten(field.type, value[field.name], f"{path}.{field.name}" if path else field.name)
    elif kind == "array":
        yield f"{path}.length={len(value)}"
        for index, item in enumerate(value):
            yield from flatten(schema.items, item, f"{path}[{index}]")
    elif kind == "union":
        branch = [s for s in schema.schemas if (s.type == "null") == (value is None)][0]
        yield from flatten(branch, value, path)
    elif value is None:
        yield f"{path}=null"
    elif kind == "boolean":
        yield f"{path}={'true' if value else 'false'}"
    elif kind == "string":
        yield f"{path}={value.encode().hex()}"
    elif kind == "bytes":
        yield f"{path}={value.hex()}"
    elif kind == "double":
        yield f"{path}={struct.pack('>d', value).hex()}"
    elif isinstance(value, datetime.datetime):
        yield f"{path}={(value - EPOCH) // MICROSECOND}"
    else:
        yield f"{path}={value}"


class Maker:
    """Random values for any schema of ours, edges included."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def integer(self, bits):
        edge = 1 << (bits - 1)
        pick = self.random.choice
        return pick([0, 1, -1, 63, 64, -64, -65, 8191, 8192, edge - 1, -edge, self.random.randrange(-edge, edge)])

    def text(self):
        # A NUL ends a text in C: no field of ours may hold one.
        alphabet = "aZ0 /.\n\u00e9\u0800\u20ac\ud7ff\ue000\uffff\U00010000\U0010ffff\U0001f44b"
        return "".join(self.random.choice(alphabet) for _ in range(self.random.choice([0, 1, 2, 7, 63, 64, 65, 200])))

    def octets(self):
        return self.random.randbytes(self.random.choice([0, 1, 2, 63, 64, 8191, 8192, 70000]))

    def time(self):
        return EPOCH + self.random.randrange(0, 4_000_000_000_000_000) * MICROSECOND

    def make(self, schema):
        kind = schema.type
        if kind == "record":
            return {field.name: self.make(field.type) for field in schema.fields}
        if kind == "array":
            return [self.make(schema.items) for _ in range(self.random.choice([0, 1, 2, 5]))]
        if kind == "union":
            return self.make(self.random.choice(schema.schemas))
        if kind == "enum":
            return self.random.choice(schema.symbols)
        if getattr(schema, "logical_type", None) == "timestamp-micros":
            return self.time()
        return {
            "null": lambda: None,
            "boolean": lambda: self.random.random() < 0.5,
            "int": lambda: self.integer(32),
            "long": lambda: self.integer(64),
            "string": self.text,
            "bytes": self.octets,
            "double": lambda: self.random.choice([0.0, -0.0, 1e-9, 5e-324, -1.7e308, self.random.random()]),
        }[kind]()


def decode(schema, body):
    reader = io.BytesIO(body)
    value = avro.io.DatumReader(schema).read(avro.io.BinaryDecoder(reader))
    assert not reader.read(), "bytes are left over"
    return value


def encode(schema, value):
    writer = io.BytesIO()
    avro.io.DatumWriter(schema).write(value, avro.io.BinaryEncoder(writer))
    return writer.getvalue()


class Interop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.schemas = load_schemas()
        cls.by_fingerprint = {fingerprint: schema for schema, fingerprint in cls.schemas.values()}
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)

    def decode_frame(self, frame):
        self.assertEqual(frame[:2], MARKER)
        self.assertIn(frame[2:10], self.by_fingerprint, "no schema has the fingerprint in the frame")
        schema = self.by_fingerprint[frame[2:10]]
        return schema, decode(schema, frame[10:])

    def test_fingerprints_are_those_of_the_specification(self):
        self.assertEqual(crc64_avro(b'"int"'), 0x7275D51A3F395C8F)
        self.assertEqual(crc64_avro(b'"null"'), 0x63DD24E7CC258F8A)

    def test_the_history_names_every_current_schema_by_its_fingerprint(self):
        for name, (schema, fingerprint) in self.schemas.items():
            path = SCHEMAS_DIR / "history" / f"{name}.{fingerprint[::-1].hex()}.avsc"
            self.assertTrue(path.exists(), f"{path} is missing")
            self.assertEqual(json.loads(path.read_text()), json.loads((SCHEMAS_DIR / f"{name}.avsc").read_text()))

    def test_python_reads_what_c_wrote(self):
        folder = pathlib.Path(self.folder.name)
        subprocess.run([FRAMES, "write", folder], check=True)
        frames = sorted(folder.glob("*.bin"))
        self.assertEqual(len(frames), 6)
        for path in frames:
            with self.subTest(path.name):
                schema, value = self.decode_frame(path.read_bytes())
                self.assertEqual(schema.name, path.stem.split("-")[0])
                self.assertEqual("\n".join(flatten(schema, value)) + "\n", path.with_suffix(".txt").read_text())

    def test_c_reads_what_python_wrote(self):
        folder = pathlib.Path(self.folder.name) / "python"
        folder.mkdir()
        for name in ("Submission", "Finished", "Started", "Cancel"):
            with self.subTest(name):
                schema, fingerprint = self.schemas[name]
                maker, paths, expected = Maker(name), [], []
                for number in range(RANDOM_RECORDS):
                    value = maker.make(schema)
                    path = folder / f"{name}-{number}.bin"
                    path.write_bytes(MARKER + fingerprint + encode(schema, value))
                    paths.append(path)
                    expected += [f"# {path}", *flatten(schema, value)]
                seen = subprocess.run([FRAMES, "read", *paths], check=True, capture_output=True, text=True).stdout
                self.assert_same_lines(seen.splitlines(), expected)

    def test_python_reads_the_golden_bytes_and_writes_the_same(self):
        golden = sorted((SCHEMAS_DIR / "golden").glob("*.bin"))
        self.assertGreaterEqual(len(golden), 3)
        for path in golden:
            name, fingerprint = path.stem.split(".")
            frame = path.read_bytes()
            with self.subTest(path.name):
                self.assertEqual(frame[2:10][::-1].hex(), fingerprint)
                schema = avro.schema.parse((SCHEMAS_DIR / "history" / f"{path.stem}.avsc").read_text())
                self.assertEqual(schema.name, name)
                self.assertEqual(encode(schema, decode(schema, frame[10:])), frame[10:])

    def assert_same_lines(self, seen, expected):
        for line, (a, b) in enumerate(zip(seen, expected)):
            self.assertEqual(a[:300], b[:300], f"line {line}")
            self.assertTrue(a == b, f"line {line} differs past its 300th character")
        self.assertEqual(len(seen), len(expected))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    FRAMES, SCHEMAS_DIR = sys.argv[1], pathlib.Path(sys.argv[2])
    unittest.main(argv=sys.argv[:1], verbosity=2)
