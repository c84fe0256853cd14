"""Whatever is asked, the answer is one that openapi.json promises: its status, and a body of the form that it gives.

Requests are drawn from the document itself: for each operation parameters and bodies that fit, then the same with something
wrong in them. The seed is printed where a test fails, and RUNLOG_TEST_SEED repeats it.
"""

import json
import os
import random
import time
import urllib.parse

import jsonschema
import pytest

SEED = int(os.environ.get("RUNLOG_TEST_SEED") or time.time())
ROUNDS = 20  # of each operation
STRANGE = ["", "\0", "é\r\n", "../..", "%2F", "a" * 3000, "-1", "1e999", "🙂", "null", "NaN", "{}"]


@pytest.fixture(scope="module")
def document(client):
    answer = client.get("/openapi.json")
    assert answer.status == 200, str(answer)
    return answer.json()


class Source:
    """Draws values that fit a schema."""

    def __init__(self, document, seed):
        self.document = document
        self.random = random.Random(seed)

    def resolve(self, value):
        while "$ref" in value:
            at = self.document
            for part in value["$ref"].removeprefix("#/").split("/"):
                at = at[part]
            value = at
        return value

    def draw(self, schema):
        schema = self.resolve(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        if "oneOf" in schema:
            return self.draw(self.random.choice(schema["oneOf"]))
        kind = schema.get("type", "object")
        kind = self.random.choice(kind) if isinstance(kind, list) else kind
        return getattr(self, kind)(schema)

    def null(self, _):
        return None

    def boolean(self, _):
        return self.random.random() < 0.5

    def integer(self, schema):
        low = schema.get("minimum", 0)
        return self.random.choice([low, low + 1, schema.get("maximum", low + 100000)])

    def number(self, schema):
        return self.integer(schema) / 2 if self.random.random() < 0.5 else self.integer(schema)

    def string(self, _):
        return self.random.choice(["python", "c", "print(1)", "x.py", "a", *STRANGE])

    def array(self, schema):
        least = schema.get("minItems", 0)
        return [self.draw(schema["items"]) for _ in range(self.random.randint(least, least + 3))]

    def object(self, schema):
        names = schema.get("properties", {})
        wanted = [name for name in names if name in schema.get("required", ()) or self.random.random() < 0.3]
        return {name: self.draw(names[name]) for name in wanted}

    def spoil(self, value):
        """Something of it replaced by what may not stand there."""
        if isinstance(value, dict) and value and self.random.random() < 0.8:
            name = self.random.choice(sorted(value))
            return {**value, name: self.spoil(value[name])}
        if isinstance(value, list) and value and self.random.random() < 0.8:
            place = self.random.randrange(len(value))
            return value[:place] + [self.spoil(value[place])] + value[place + 1 :]
        return self.random.choice([None, 5, -1, 2**70, 0.5, True, [], {}, [[]], {"": 0}, *STRANGE])


def program(source):
    """What is accepted, so that the answers to it are looked at as well; it takes no time."""
    return {"code": "1", "lang": "python", "lane": "batch", "stdInput": source.string(None)}


def body_of(source, operation):
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    value = program(source) if source.random.random() < 0.1 else source.draw(schema)
    if source.random.random() < 0.5:
        value = source.spoil(value)
    text = json.dumps(value, ensure_ascii=source.random.random() < 0.5).encode()
    if source.random.random() < 0.1:
        text = text[: source.random.randrange(len(text) + 1)]
    return text


def target_of(source, path, operation, ids):
    query = []
    for parameter in map(source.resolve, operation.get("parameters", ())):
        if parameter["in"] == "path":
            known = source.random.random() < 0.5
            value = source.random.choice(ids) if known else source.string(None) or "x"
            path = path.replace("{" + parameter["name"] + "}", urllib.parse.quote(value, safe=""))
        elif parameter["in"] == "query" and source.random.random() < 0.6:
            value = source.draw(parameter["schema"]) if source.random.random() < 0.7 else source.spoil(0)
            value = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            value = "0.2" if parameter["name"] == "wait" and value in ("60", "30.0") else value
            query.append(f"{parameter['name']}={urllib.parse.quote(value)}")
    return path + ("?" + "&".join(query) if query else "")


def check(document, operation, answer, asked):
    """The answer is among the operation's, and of the form that the document gives it."""
    given = operation["responses"].get(str(answer.status))
    assert given is not None, f"{asked}: {answer.status} is not in the document: {answer}"
    response = Source(document, 0).resolve(given)
    assert answer.status < 500 or "retry-after" in answer.headers, f"{asked}: {answer}"
    if "content" not in response:
        assert answer.body == b"", f"{asked}: {answer}"
        return
    kind = answer.headers["content-type"].split(";")[0]
    schema = response["content"].get(kind, {}).get("schema")
    assert schema is not None, f"{asked}: {kind} is not in the document: {answer}"
    if kind == "application/json":
        validator = jsonschema.Draft202012Validator({**schema, "components": document["components"]})
        problems = [f"{list(error.absolute_path)}: {error.message[:300]}" for error in validator.iter_errors(answer.json())]
        assert not problems, f"{asked}: {problems}: {answer}"


def operations():
    return [
        *["submit", "submitBatch", "results", "result", "cancel", "delete", "languages"],
        *["healthz", "readyz", "metrics", "openapi", "docs"],
    ]


def test_the_document_has_these_operations(document):
    found = [about["operationId"] for methods in document["paths"].values() for about in methods.values()]
    assert sorted(found) == sorted(operations())


@pytest.fixture(scope="module")
def ids(client):
    """A finished submission and one that may be pending still."""
    finished = client.submit("print(1)", "python")
    client.await_result(finished)
    return [finished, client.submit("print(2)", "python")]


@pytest.mark.parametrize("name", operations())
def test_answers_are_those_of_the_document(client, document, ids, name):
    path, method, operation = next(
        (path, method, about)
        for path, methods in document["paths"].items()
        for method, about in methods.items()
        if about["operationId"] == name
    )
    source = Source(document, f"{SEED} {name}")
    for _ in range(ROUNDS if operation.get("parameters") or "requestBody" in operation else 1):
        target = target_of(source, path, operation, ids)
        body = body_of(source, operation) if "requestBody" in operation else None
        asked = f"seed {SEED}: {method} {target} {(body or b'')[:500]!r}"
        check(document, operation, client.request(method.upper(), target, body), asked)
    assert client.get("/healthz").status == 200
