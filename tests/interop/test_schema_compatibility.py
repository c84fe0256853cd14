#!/usr/bin/env python3
"""Every version of a schema in schemas/history can be read by every other one, in both directions (FULL_TRANSITIVE in the
words of schema registries), by the rules for schema resolution in the Avro specification as Apache's Python package has them.

usage: test_schema_compatibility.py SCHEMAS_DIR

Exit status 77 where the package python3-avro is missing.
"""

import collections
import copy
import itertools
import json
import pathlib
import sys
import unittest

try:
    import avro.schema
    from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
except ImportError:
    print("the package python3-avro is missing: not run")
    sys.exit(77)

SCHEMAS_DIR = None


def place(schema, location):
    """ "/fields/3/type" as a reader finds it: the name of the field instead of its number."""
    words, node = [], schema
    for step in location.strip("/").split("/"):
        try:
            node = node[int(step)] if isinstance(node, list) else node[step]
        except (KeyError, IndexError, TypeError, ValueError):
            node = None
        if isinstance(node, dict) and isinstance(node.get("name"), str):
            words.append(node["name"])
        elif not isinstance(node, list):
            words.append(step)
    return ".".join(words)


def records(schema, found=None):
    """Name -> record, of a parsed schema and everything inside it."""
    found = {} if found is None else found
    if schema.type == "record" and schema.fullname not in found:
        found[schema.fullname] = schema
        for field in schema.fields:
            records(field.type, found)
    for inner in getattr(schema, "schemas", []) if schema.type == "union" else []:
        records(inner, found)
    for attribute in ("items", "values"):
        if schema.type in ("array", "map") and hasattr(schema, attribute):
            records(getattr(schema, attribute), found)
    return found


def complaints(reader, writer):
    """Why data of `writer` cannot be read by `reader` (both as JSON), one sentence each; empty where it can. Records are
    looked at one by one: of a difference inside a union the package only says that there is one."""
    reader, writer = avro.schema.parse(json.dumps(reader)), avro.schema.parse(json.dumps(writer))
    written = records(writer)
    pairs = {id(read): (read, written[name]) for name, read in records(reader).items() if name in written}
    pairs[id(reader)] = (reader, writer)  # whatever it is called
    said = []
    for read, wrote in pairs.values():
        result = ReaderWriterCompatibilityChecker().get_compatibility(read, wrote)
        if result.compatibility != SchemaCompatibilityType.compatible:
            reasons = ", ".join(sorted(kind.value.replace("_", " ") for kind in result.incompatibilities))
            places = ", ".join(sorted(place(read.to_json(), location) for location in result.locations - {"/"})) or "itself"
            said.append(f"{read.name}: {places}: {reasons} ({', '.join(sorted(result.messages))})")
    return said


def nodes(schema):
    """Every object inside a schema."""
    if isinstance(schema, dict):
        yield schema
    for child in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from nodes(child)


def versions():
    """Name -> {file name: schema}, the current one included."""
    found = collections.defaultdict(dict)
    for path in sorted(SCHEMAS_DIR.glob("*.avsc")) + sorted((SCHEMAS_DIR / "history").glob("*.avsc")):
        found[path.name.split(".")[0]][str(path.relative_to(SCHEMAS_DIR))] = json.loads(path.read_text())
    return found


class History(unittest.TestCase):
    def test_every_version_reads_every_other(self):
        for name, schemas in versions().items():
            for (reader, by), (writer, of) in itertools.permutations(schemas.items(), 2):
                for complaint in complaints(by, of):
                    self.fail(f"{name}: data of {writer} cannot be read by {reader}: {complaint}")

    def test_nothing_is_renamed(self):
        """lib/codec maps fields by their names alone: an alias would pass the rules above and lose the field."""
        for name, schemas in versions().items():
            for file, schema in schemas.items():
                for node in nodes(schema):
                    self.assertNotIn("aliases", node, f"{file}: {node.get('name')}")

    def test_symbols_keep_their_places(self):
        """The rules above go by names; C code that goes by numbers somewhere would not. New symbols come last, none goes."""
        for name, schemas in versions().items():
            known = {}
            for file, schema in schemas.items():
                for node in nodes(schema):
                    if node.get("type") == "enum":
                        other, symbols = known.setdefault(node["name"], (file, node["symbols"]))
                        for at, (one, two) in enumerate(zip(symbols, node["symbols"])):
                            self.assertEqual(one, two, f"{name}: symbol {at} of {node['name']} is another in {other} than in {file}")

    def test_every_history_has_its_current_schema(self):
        for name, schemas in versions().items():
            self.assertIn(f"{name}.avsc", schemas)


class Changes(unittest.TestCase):
    """What the check says about changes that somebody may try."""

    def setUp(self):
        self.before = json.loads((SCHEMAS_DIR / "Finished.avsc").read_text())
        self.after = copy.deepcopy(self.before)

    def both_ways(self):
        return complaints(self.after, self.before) + complaints(self.before, self.after)

    def field(self, name):
        return next(field for field in self.after["fields"] if field["name"] == name)

    def assert_refused(self, *words):
        said = "\n".join(self.both_ways())
        for word in words:
            self.assertIn(word, said)

    def test_a_field_with_a_default_may_come(self):
        self.after["fields"].append({"name": "novelty", "type": ["null", "string"], "default": None})
        self.assertEqual(self.both_ways(), [])

    def test_a_field_without_a_default_may_not_come(self):
        self.after["fields"].append({"name": "novelty", "type": "string"})
        self.assert_refused("novelty", "default")

    def test_a_field_without_a_default_may_not_go(self):
        self.after["fields"].remove(self.field("id"))
        self.assert_refused("id", "default")

    def test_a_field_may_not_become_another_type(self):
        self.field("attempt")["type"] = "string"
        self.assert_refused("attempt", "type mismatch")

    def test_a_number_may_not_become_wider_as_old_readers_cannot_follow(self):
        wider = {"int": "long", "long": "double"}
        self.field("attempt")["type"] = wider[self.field("attempt")["type"]]
        self.assert_refused("attempt", "type mismatch")

    def test_the_record_may_not_be_renamed(self):
        self.after["name"] = "Novelty"
        self.assert_refused("Novelty", "name mismatch")

    def test_a_field_may_not_change_inside_of_another(self):
        submission = next(node for node in nodes(self.field("submission")) if node.get("name") == "Submission")
        submission["fields"].append({"name": "novelty", "type": "string"})
        self.assert_refused("submission", "novelty", "default")

    def test_a_symbol_that_readers_have_a_default_for_may_come_and_others_may_not_go(self):
        verdict = next(node for node in nodes(self.after) if node.get("type") == "enum")
        verdict["symbols"].append("NOVELTY")
        grown = complaints(self.before, self.after)
        self.assertEqual(complaints(self.after, self.before), [])
        self.assertEqual(grown == [], "default" in verdict, grown)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    SCHEMAS_DIR = pathlib.Path(sys.argv[1])
    unittest.main(argv=sys.argv[:1], verbosity=2)
