"""docs/errors.md has every text that the API answers errors with, under its status, and none that it does not."""

import re
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from error_texts import answered, entries, is_same

ELSEWHERE = {"Bad HTTP version: …"}  # said by the HTTP library
HINT = "Every text of an error belongs into a table of docs/errors.md, as `text` in its first column, … for what is inserted"


class Catalogue(unittest.TestCase):
    def test_every_text_is_in_it_under_its_status(self):
        known = entries()
        for one in answered():
            with self.subTest(f"{one.place}: {one.text}"):
                rows = [entry for entry in known if is_same(one.text, entry.text)]
                self.assertTrue(rows, HINT)
                if one.status:
                    self.assertIn(str(one.status), [entry.section for entry in rows], HINT)
                if one.retry_after:
                    said = [entry.row for entry in rows if re.search(rf"\| {one.retry_after}\b[^|]*\|$", entry.row)]
                    self.assertTrue(said, f"Retry-After {one.retry_after} is another in its row")

    def test_every_text_of_it_is_answered(self):
        texts = [one.text for one in answered()]
        for entry in entries():
            if entry.section.isdigit() and entry.text not in ELSEWHERE:
                with self.subTest(entry.text):
                    self.assertTrue([text for text in texts if is_same(text, entry.text)], "no source answers this any more")

    def test_something_was_found(self):
        self.assertGreater(len(answered()), 60)
        self.assertGreater(len(entries()), 60)


if __name__ == "__main__":
    unittest.main()
