"""What stands on the topics, value and all, read with the broker's own tools inside its container and decoded by Apache Avro's
Python implementation with the writer's schema, which the frame's fingerprint names."""

from __future__ import annotations

import io
import pathlib
import subprocess
from dataclasses import dataclass

import avro.io
import avro.schema

from runlog_client import eventually
from test_avro_interop import MARKER, canonical_form, crc64_avro

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas"

# Values are any bytes, so what stands between them has to be what no program of ours prints.
BETWEEN, BEHIND = "~field-of-a-chaos-record~", "~end-of-a-chaos-record~"


@dataclass
class Record:
    partition: int
    offset: int
    key: str
    value: dict
    schema: str  # its name

    def place(self):
        return f"{self.partition}@{self.offset}"


class Topics:
    def __init__(self, stack):
        self.stack = stack
        self._schemas = {}
        for path in [*SCHEMAS.glob("*.avsc"), *(SCHEMAS / "history").glob("*.avsc")]:
            schema = avro.schema.parse(path.read_text())
            self._schemas[crc64_avro(canonical_form(schema).encode()).to_bytes(8, "little")] = schema

    def _tool(self, name, *arguments, timeout=300):
        command = ["docker", "exec", self.stack.container("kafka"), "java", "-Xmx256m", "-cp", "/opt/kafka/libs/*",
                   f"org.apache.kafka.tools.{name}", "--bootstrap-server", "kafka:9092", *arguments]
        done = subprocess.run(command, capture_output=True, timeout=timeout, check=False)
        assert done.returncode == 0, f"{name} ended with {done.returncode}: {done.stdout[-500:]} {done.stderr[-2000:]}"
        return done.stdout

    def ends(self, topic):
        """{partition: offset of the next record}."""
        said = self._tool("GetOffsetShell", "--topic", topic).decode()
        return {int(row[1]): int(row[2]) for row in (line.rsplit(":", 2) for line in said.splitlines()) if len(row) == 3}

    def lag(self, group):
        """Records that the group has not committed, over all its topics; None when the broker could not say."""
        try:
            said = self._tool("consumer.group.ConsumerGroupCommand", "--group", group, "--describe").decode()
        except AssertionError:
            return None
        rows = [line.split() for line in said.splitlines() if line.startswith(f"{group} ")]
        if not rows:
            return None
        # Without a commit a partition has no lag, but it has records, or none.
        return sum(int(row[5]) if row[5] != "-" else int(row[4]) for row in rows)

    def read(self, topic, since):
        """All records from the offsets `since` on, in the order of each partition."""
        ends = self.ends(topic)
        count = sum(ends.values())
        if count == 0:
            return []

        def read_all():
            said = self._tool("consumer.ConsoleConsumer", "--topic", topic, "--from-beginning", "--timeout-ms", "30000",
                              "--max-messages", str(count),
                              *(part for name, value in (("print.partition", "true"), ("print.offset", "true"),
                                                         ("print.key", "true"), ("print.value", "true"),
                                                         ("key.separator", BETWEEN), ("line.separator", BEHIND))
                                for part in ("--formatter-property", f"{name}={value}")))
            lines = said.split(BEHIND.encode())[:-1]
            return lines if len(lines) == count else None

        lines = eventually(f"{count} records of {topic}", read_all, deadline=180)
        # What was there before may be anything: other tests write garbage on purpose.
        places = sorted((*place_of(line), line) for line in lines)
        return [self._parse(*place) for place in places if place[1] >= since.get(place[0], 0)]

    def _parse(self, partition, offset, line):
        _, _, key, value = line.split(BETWEEN.encode(), 3)
        schema = self._schemas[value[2:10]] if value[:2] == MARKER else None
        assert schema, f"a record without a known schema: {value[:40]!r}"
        decoded = avro.io.DatumReader(schema).read(avro.io.BinaryDecoder(io.BytesIO(value[10:])))
        return Record(partition, offset, key.decode(), decoded, schema.name)


def place_of(line):
    """Partition and offset of one printed record."""
    return tuple(int(part.split(b":")[1]) for part in line.split(BETWEEN.encode(), 2)[:2])
