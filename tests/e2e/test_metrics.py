"""The three /metrics pages, their documentation and the dashboard say the same; the logs are JSON lines."""

import json
import pathlib
import re
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "metrics"))

from catalogue import LABEL, SELECTOR, TARGET_LABELS, base_name, documented, expressions, page
from log_reader import raw_lines

SECTIONS = {"API": "api", "Runner": "runner", "Sink": "result-sink"}
LEVELS = {"debug", "info", "warn", "error"}


@pytest.fixture(scope="module")
def pages(client, stack):
    """{service: ({name: type}, {name: label names})}, after each has had something to do."""
    client.run("print(1)", "python")
    found = {"api": page(client.get("/metrics").body.decode())}
    for service in ("runner", "result-sink"):
        found[service] = page(stack.ops(stack.containers(service)[0], "/metrics").body.decode())
    return found


@pytest.mark.parametrize("section", SECTIONS)
def test_a_service_answers_what_is_documented_and_nothing_else(pages, section):
    expected = {name: metric.kind for name, metric in documented().items() if metric.section in (section, "All services")}
    assert pages[SECTIONS[section]][0] == expected


def test_labels_are_named_in_the_documentation(pages):
    for _, labels in pages.values():
        for name, found in labels.items():
            for label in found:
                assert f"`{label}`" in documented()[name].meaning, f"{name}: {label}"


def test_the_dashboard_asks_for_labels_that_are_there(pages):
    labels = {name: found for _, of_one in pages.values() for name, found in of_one.items()}
    for title, expr in expressions():
        for name, selector in SELECTOR.findall(expr):
            unknown = set(LABEL.findall(selector)) - labels[base_name(name, documented())] - TARGET_LABELS
            assert not unknown, f"{title}: {expr}"
        for grouped, name in re.findall(r"by \(([a-z, ]+)\) \((?:rate\(|increase\()?([a-z0-9_]+)", expr):
            unknown = {label.strip() for label in grouped.split(",")} - {"le"} - labels[base_name(name, documented())]
            assert not unknown, f"{title}: {expr}"


@pytest.mark.parametrize("service", SECTIONS.values())
def test_each_line_of_a_log_is_one_event_and_a_failure_names_its_class(pages, stack, service):
    lines = raw_lines(stack, service)
    assert lines
    for line in lines:
        event = json.loads(line)
        assert {"time", "level", "service", "event"} <= event.keys(), line
        assert event["service"] == f"runlog-{service}", line
        assert event["level"] in LEVELS, line
        if "error" in event:
            assert event.get("class") in ("INVALID", "TRANSIENT", "FATAL"), line
        if event["event"].startswith(("submission.", "result.")):
            assert "id" in event, line
