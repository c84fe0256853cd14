"""What docs/metrics.md says, what the sources name, and what the dashboard asks for. Standard library only."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "metrics.md"
DASHBOARD = ROOT / "deploy" / "grafana" / "runlog.json"

ROW = re.compile(r"^\| `([a-z0-9_]+)` \| (counter|gauge|histogram) \| (.+) \|$", re.MULTILINE)
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
LITERAL = re.compile(r'"((?:runlog|process)_[a-z0-9_]+)"')
NAME = re.compile(r"\b(?:runlog_(?:api|runner|sink|check)|process)_[a-z0-9_]+")
SELECTOR = re.compile(r"\b((?:runlog|process)_[a-z0-9_]+)\s*\{([^}]*)\}")
SAMPLE = re.compile(r"^([a-z_][a-z0-9_]*)(?:\{(.*)\})? ")
LABEL = re.compile(r'([a-z_]+)\s*(?:=~|!~|!=|=)\s*"')
# Prometheus puts these beside what a service says.
TARGET_LABELS = {"job", "instance"}


@dataclass(frozen=True)
class Metric:
    kind: str
    meaning: str
    section: str


def documented():
    """{name: Metric} of the tables of docs/metrics.md."""
    text = DOCUMENT.read_text()
    sections = [(found.start(), found.group(1)) for found in SECTION.finditer(text)]
    metrics = {}
    for row in ROW.finditer(text):
        name = row.group(1)
        assert name not in metrics, f"{name} stands twice in {DOCUMENT.name}"
        section = [title for start, title in sections if start < row.start()][-1]
        metrics[name] = Metric(row.group(2), row.group(3), section)
    return metrics


def named_in_sources():
    """The metrics that the services' sources name."""
    names = set()
    for folder in ("services", "lib"):
        for path in (ROOT / folder).rglob("*.[ch]"):
            names |= set(LITERAL.findall(path.read_text()))
    # The process's own figures are written without a registry, with their samples in one literal.
    names |= set(re.findall(r"# TYPE (process_[a-z_]+) ", (ROOT / "lib/base/metrics.c").read_text()))
    return names


def base_name(series, metrics):
    """The metric to which a series of a query belongs: a histogram has three."""
    for suffix in ("_bucket", "_sum", "_count"):
        stem = series.removesuffix(suffix)
        if stem != series and stem in metrics and metrics[stem].kind == "histogram":
            return stem
    return series


def panels():
    """All panels of the dashboard, those inside rows too."""
    found = []
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        found += [panel, *panel.get("panels", [])]
    return found


def expressions():
    """[(panel's title, expr)]"""
    return [(panel["title"], target["expr"]) for panel in panels() for target in panel.get("targets", [])]


def page(text):
    """A /metrics page: ({name: type}, {name: set of label names}); a histogram's le is not among them."""
    kinds, labels = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            kinds[name] = kind
        elif line and not line.startswith("#"):
            name, pairs = SAMPLE.match(line).groups()
            stem = next((name.removesuffix(suffix) for suffix in ("_bucket", "_sum", "_count")
                         if kinds.get(name.removesuffix(suffix)) == "histogram"), name)
            labels.setdefault(stem, set()).update(set(LABEL.findall(pairs or "")) - {"le"})
    return kinds, labels
