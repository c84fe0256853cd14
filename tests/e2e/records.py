"""Records as the API writes them to `submissions`, for what no client of the API can ask for."""

from __future__ import annotations

import datetime
import io
import pathlib
import sys

import avro.io
import avro.schema

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.append(str(TESTS / "interop"))

from test_avro_interop import MARKER, canonical_form, crc64_avro  # noqa: E402

SCHEMA = avro.schema.parse((TESTS.parent / "schemas" / "Submission.avsc").read_text())


def filled(schema, value):
    """`value`, as a schema's default is written in JSON, or a whole datum, as Avro's writer takes it."""
    if schema.type == "record":
        return {field.name: filled(field.type, value.get(field.name, field.default if field.has_default else None))
                for field in schema.fields}
    if schema.type == "bytes" and isinstance(value, str):
        return value.encode("latin-1")
    return value


def submission(**fields):
    """A whole record: the fields of schemas/Submission.avsc, those that are not given at their defaults."""
    now = datetime.datetime.now(datetime.timezone.utc)
    value = filled(SCHEMA, {"createdAt": now, "deadline": now + datetime.timedelta(hours=1), **fields})
    body = io.BytesIO()
    avro.io.DatumWriter(SCHEMA).write(value, avro.io.BinaryEncoder(body))
    return MARKER + crc64_avro(canonical_form(SCHEMA).encode()).to_bytes(8, "little") + body.getvalue()
