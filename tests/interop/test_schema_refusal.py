#!/usr/bin/env python3
"""A change to a schema that other versions could not bear is refused by name: test_schema_compatibility.py, run as it is in CI,
over a copy of schemas/ in which somebody has edited a file.

usage: test_schema_refusal.py SCHEMAS_DIR

Exit status 77 where the package python3-avro is missing.
"""

import importlib.util
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SCHEMAS_DIR = None
CHECK = pathlib.Path(__file__).with_name("test_schema_compatibility.py")


def field(schema, name):
    return next(field for field in schema["fields"] if field["name"] == name)


def enum(node):
    """The first enumeration inside a schema."""
    if isinstance(node, dict) and node.get("type") == "enum":
        return node
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return next(filter(None, map(enum, children)), None)


class Refusals(unittest.TestCase):
    def check(self, name, edit):
        """Status and output of the check after `edit` has changed the current schema of that name."""
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "schemas"
            shutil.copytree(SCHEMAS_DIR, copy)
            schema = json.loads((copy / f"{name}.avsc").read_text())
            edit(schema)
            (copy / f"{name}.avsc").write_text(json.dumps(schema))
            done = subprocess.run([sys.executable, str(CHECK), str(copy)], capture_output=True, text=True, check=False)
            return done.returncode, done.stdout + done.stderr

    def assert_refused(self, name, edit, *words):
        status, said = self.check(name, edit)
        self.assertEqual(status, 1, said)
        for word in words:
            self.assertIn(word, said)

    def test_nothing_changed_is_accepted(self):
        self.assertEqual(self.check("Submission", lambda schema: None)[0], 0)

    def test_a_new_field_with_a_default_is_accepted(self):
        added = {"name": "novelty", "type": ["null", "string"], "default": None}
        status, said = self.check("Submission", lambda schema: schema["fields"].append(added))
        self.assertEqual(status, 0, said)

    def test_a_new_field_without_a_default(self):
        self.assert_refused("Submission", lambda schema: schema["fields"].append({"name": "novelty", "type": "string"}),
                            "Submission.avsc", "novelty")

    def test_a_field_that_is_gone(self):
        self.assert_refused("Submission", lambda schema: schema["fields"].remove(field(schema, "id")), "Submission.avsc", "id")

    def test_a_default_that_is_gone(self):
        def edit(schema):
            with_default = field(schema, "held")
            del with_default["default"]

        self.assert_refused("Submission", edit, "Submission.avsc", "held")

    def test_another_type(self):
        self.assert_refused("Finished", lambda schema: field(schema, "attempt").update(type="string"), "Finished.avsc", "attempt")

    def test_a_wider_number(self):
        def edit(schema):
            attempt = field(schema, "attempt")
            attempt["type"] = {"int": "long", "long": "double"}[attempt["type"]]

        self.assert_refused("Finished", edit, "Finished.avsc", "attempt")

    def test_a_field_by_another_name(self):
        self.assert_refused("Submission", lambda schema: field(schema, "source").update(name="sourceCode"),
                            "Submission.avsc", "source")

    def test_a_field_by_another_name_with_the_old_one_as_an_alias(self):
        self.assert_refused("Submission", lambda schema: field(schema, "source").update(name="sourceCode", aliases=["source"]),
                            "Submission.avsc", "sourceCode")

    def test_a_record_by_another_name(self):
        self.assert_refused("Started", lambda schema: schema.update(name="Begun"), "Started.avsc", "Begun")

    def test_symbols_in_another_order(self):
        self.assert_refused("Finished", lambda schema: enum(schema)["symbols"].reverse(), "Finished.avsc", enum_name("Finished"))

    def test_a_symbol_that_is_gone(self):
        self.assert_refused("Finished", lambda schema: enum(schema)["symbols"].pop(0), "Finished.avsc", enum_name("Finished"))


def enum_name(schema):
    return enum(json.loads((SCHEMAS_DIR / f"{schema}.avsc").read_text()))["name"]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if importlib.util.find_spec("avro") is None:
        print("the package python3-avro is missing: not run")
        sys.exit(77)
    SCHEMAS_DIR = pathlib.Path(sys.argv[1])
    unittest.main(argv=sys.argv[:1], verbosity=2)
