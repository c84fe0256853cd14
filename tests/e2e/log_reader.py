"""What stands on the topics, read with the broker's own tool inside its container, and what the services say in their logs."""

from __future__ import annotations

import json
import subprocess

from runlog_client import eventually


def headers_on(stack, topic):
    """[(key, {header: value})]: one for each record of the topic, oldest first within a partition."""
    said = stack.docker("exec", stack.container("kafka"), "java", "-cp", "/opt/kafka/libs/*",
                        "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", "kafka:9092",
                        "--topic", topic, "--from-beginning", "--timeout-ms", "4000",
                        "--formatter-property", "print.headers=true", "--formatter-property", "print.key=true",
                        "--formatter-property", "print.value=false",
                        "--formatter-property", "headers.separator=;;")
    found = []
    for line in said.splitlines():
        headers, _, key = line.rpartition("\t")
        found.append((key, dict(item.split(":", 1) for item in headers.split(";;") if ":" in item)))
    return found


def headers_of(stack, topic, key):
    """[{header: value}]: one for each record of `key` on the topic; there is at least one. The broker's tool ends when
    nothing has come for a while, which on a busy machine may be before it has begun: then it is asked again."""
    return eventually(f"a record of {key} on {topic}",
                      lambda: [headers for own_key, headers in headers_on(stack, topic) if own_key == key])


def raw_lines(stack, service):
    """All that a service's containers have written, a line each."""
    lines = []
    for container in stack.containers(service, all_states=True):
        said = subprocess.run(["docker", "logs", container], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=120, check=True)
        lines += said.stdout.splitlines()
    return lines


def events(stack, service):
    """The same as objects."""
    return [json.loads(line) for line in raw_lines(stack, service)]
