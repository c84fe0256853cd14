"""The rules by which tests/e2e/test_docs.py reads a page and compares answers."""

import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from doc_examples import Example, compare, differences, read_page

PAGE = """# Title
```json
{"a": "form"}
```
## One
```sh
first
```
Some words.

Answer `201`, at once:

```json
{"b": 1}
```
```sh
second
```
Answer `204`.
## Two
```sh not run: it needs a moon
third
```
```json
{"c": "form"}
```
"""


class Pages(unittest.TestCase):
    def test_blocks_are_told_apart(self):
        page = read_page("page", PAGE)
        self.assertEqual([Example("page:6", "first\n", 201, "json", '{"b": 1}\n'), Example("page:16", "second\n", 204)], page.examples)
        self.assertEqual(["page:21, it needs a moon"], page.not_run)
        self.assertEqual(["page:2", "page:24"], [place for place, _ in page.forms])

    def test_a_heading_ends_what_belongs_to_a_command(self):
        page = read_page("page", "```sh\nx\n```\n## Next\nAnswer `200`:\n```json\n1\n```\n")
        self.assertEqual([Example("page:1", "x\n")], page.examples)

    def test_one_section_can_be_read_alone(self):
        page = read_page("page", PAGE, "Two")
        self.assertEqual(([], 1, 1), (page.examples, len(page.not_run), len(page.forms)))

    def test_other_blocks_and_those_without_an_end_are_refused(self):
        for text in ("```\nx\n```\n", "```bash\nx\n```\n", "```sh not run\nx\n```\n", "```sh\nx\n"):
            with self.subTest(text), self.assertRaises(ValueError):
                read_page("page", text)


class Answers(unittest.TestCase):
    def same(self, wanted, seen):
        self.assertEqual([], differences(wanted, seen))

    def different(self, wanted, seen):
        self.assertEqual(1, len(differences(wanted, seen)), f"{wanted} {seen}")

    def test_the_same_is_the_same(self):
        for value in (None, True, 0, 1.5, "", "x", [1, [2]], {"a": {"b": []}}):
            self.same(value, value)

    def test_what_differs_is_told(self):
        for wanted, seen in ((1, 2), (1, True), (0, False), ("a", "b"), (None, 0), ([1], []), ([1], [1, 2]), ({"a": 1}, {}), ({}, {"a": 1}),
                             ({"a": {"b": 1}}, {"a": {"b": 2}}), ([], {}), ("1", 1)):
            with self.subTest(f"{wanted} {seen}"):
                self.different(wanted, seen)

    def test_an_ellipsis_stands_for_what_differs(self):
        self.same("…", {"any": 1})
        self.same("a … c", "a b c")
        self.different("a … c", "a b d")
        self.different("a.c", "abc")

    def test_further_members_and_elements_have_to_be_announced(self):
        self.same({"a": 1, "…": "…"}, {"a": 1, "b": 2})
        self.different({"a": 1, "…": "…"}, {"b": 2})
        self.same([1, "…"], [1, 2, 3])
        self.same([1, "…"], [1])
        self.different([1, "…"], [])

    def test_texts_are_compared_but_for_blanks_at_ends(self):
        example = Example("page:1", "x\n", None, "text", "name: …\nnext\n")
        self.assertEqual([], compare(example, 200, "name: value\r\nnext"))
        self.assertEqual(1, len(compare(example, 200, "name: value\nother\n")))

    def test_the_status_is_compared_where_it_is_named(self):
        self.assertEqual([], compare(Example("page:1", "x\n", 204), 204, ""))
        self.assertEqual(1, len(compare(Example("page:1", "x\n", 204), 404, "")))
        self.assertEqual(1, len(compare(Example("page:1", "x\n", 201), None, "")))


if __name__ == "__main__":
    unittest.main()
