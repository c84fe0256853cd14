"""docs/metrics.md, the dashboard and the scrape configuration against the sources. What the services really answer is
compared end to end (tests/e2e/test_metrics.py)."""

import json
import re
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from catalogue import (DASHBOARD, NAME, ROOT, SELECTOR, TARGET_LABELS, LABEL, base_name, documented, expressions,
                       named_in_sources, page, panels)


class Documentation(unittest.TestCase):
    def test_every_metric_of_the_sources_is_documented(self):
        self.assertEqual(set(), named_in_sources() - set(documented()))

    def test_every_documented_metric_is_in_the_sources(self):
        self.assertEqual(set(), set(documented()) - named_in_sources())

    def test_names_follow_the_conventions_of_prometheus(self):
        for name, metric in documented().items():
            with self.subTest(name):
                self.assertEqual(metric.kind == "counter", name.endswith("_total"))
                self.assertFalse(metric.kind == "histogram" and not name.endswith("_seconds"))
                self.assertIsNone(re.search(r"_(ms|us|millis|kb|mb)(_|$)", name), "not a base unit")

    def test_what_to_watch_for_exists(self):
        text = (ROOT / "docs" / "operations.md").read_text()
        metrics = documented()
        self.assertEqual(set(), {base_name(name, metrics) for name in NAME.findall(text)} - set(metrics))

    def test_the_stages_of_the_benchmark_exist(self):
        text = (ROOT / "tests" / "bench" / "stages.py").read_text()
        self.assertEqual(set(), set(NAME.findall(text)) - set(documented()))


class Dashboard(unittest.TestCase):
    def test_every_metric_of_a_panel_exists(self):
        metrics = documented()
        for title, expr in expressions():
            with self.subTest(title):
                names = {base_name(name, metrics) for name in NAME.findall(expr)}
                self.assertTrue(names, expr)
                self.assertEqual(set(), names - set(metrics), expr)

    def test_a_rate_is_of_a_counter_and_a_quantile_of_a_histogram(self):
        metrics = documented()
        for title, expr in expressions():
            with self.subTest(title):
                for name in re.findall(r"(?:rate|increase)\(\s*([a-z0-9_]+)", expr):
                    self.assertNotEqual("gauge", metrics[base_name(name, metrics)].kind, expr)
                self.assertEqual("histogram_quantile" in expr, "_bucket" in expr, expr)

    def test_labels_are_those_that_the_documentation_names(self):
        metrics = documented()
        for title, expr in expressions():
            for name, selector in SELECTOR.findall(expr):
                meaning = metrics[base_name(name, metrics)].meaning
                for label in set(LABEL.findall(selector)) - TARGET_LABELS:
                    with self.subTest(title):
                        self.assertIn(f"`{label}`", meaning, expr)

    def test_it_can_be_imported_anywhere(self):
        board = json.loads(DASHBOARD.read_text())
        self.assertIsNone(board["id"])
        self.assertIn("datasource", [variable["type"] for variable in board["templating"]["list"]])
        for panel in panels():
            if panel["type"] == "row":
                continue
            with self.subTest(panel["title"]):
                self.assertTrue(panel["targets"])
                self.assertEqual({"type": "prometheus", "uid": "${datasource}"}, panel["datasource"])
                self.assertTrue(panel.get("description"), "says what to look for")
        places = [tuple(panel["gridPos"].items()) for panel in panels()]
        self.assertEqual(len(places), len(set(places)))
        numbers = [panel["id"] for panel in panels()]
        self.assertEqual(len(numbers), len(set(numbers)))


class Scraping(unittest.TestCase):
    def test_every_service_of_the_stack_is_scraped(self):
        text = (ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text()
        jobs = set(re.findall(r"job_name: (\S+)", text))
        self.assertEqual({"runlog-api", "runlog-runner", "runlog-result-sink"}, jobs)


class Pages(unittest.TestCase):
    def test_a_page_is_read_by_name_type_and_label(self):
        kinds, labels = page('# HELP a_seconds A.\n# TYPE a_seconds histogram\na_seconds_bucket{step="x",le="+Inf"} 1\n'
                             'a_seconds_sum{step="x"} 1.5\n# TYPE b_total counter\nb_total 3\n')
        self.assertEqual({"a_seconds": "histogram", "b_total": "counter"}, kinds)
        self.assertEqual({"a_seconds": {"step"}, "b_total": set()}, labels)


if __name__ == "__main__":
    unittest.main()
