"""Every example of docs/api.md and of the README's "Use it" is run against the stack, and must answer what the page says.

How a page is written, so that its readers can do the same by hand:

- A block ```sh is run: all of a page in one bash, one after another, so that variables go on. A command that fails ends it.
  http://127.0.0.1:3005 is replaced by the address of the stack under test. curl and jq are there.
- What follows it, before the next heading, is its answer. A line that begins with: Answer `201` names the status of its last
  curl. A block ```json or ```text is what all of it wrote to standard output.
- JSON is compared by structure: each member must be there, and no other. A string "…" stands for anything, and … inside a string
  for any part of it; the member "…": "…" for any further members, "…" at the end of an array for any further elements. In ```text, …
  stands for any text.
- A block that cannot run here is marked: ```sh not run: WHY. They are counted, under "figures" at the end of a run.
- ```json that follows no command shows a form; it has to be well-formed. Other kinds of blocks are refused.

So a new section of docs/api.md has its examples tested as soon as it is written. Let none of them depend on how fast the stack
is: wait with ?wait=60, and show no times.
"""

import json
import re
from pathlib import Path

import pytest

from doc_examples import Session, compare, read_page

ROOT = Path(__file__).resolve().parents[2]
WRITTEN_FOR = "http://127.0.0.1:3005"


def page_of(path, section, client):
    text = (ROOT / path).read_text().replace(WRITTEN_FOR, f"http://{client.host}:{client.port}")
    return read_page(path, text, section)


def routes_without_example(client, page):
    """Told, not asserted: a route may be for browsers alone."""
    commands = "".join(example.commands for example in page.examples)
    routes = client.get("/openapi.json").json()["paths"]
    return [path for path in routes if not re.search(re.sub(r"\\{[a-z]+\\}", r"[^/ ]+", re.escape(path)) + r"(?![/\w])", commands)]


@pytest.mark.parametrize("path, section", [("README.md", "Use it"), ("docs/api.md", None)])
def test_each_example_answers_what_its_page_says(client, figure, path, section):
    page = page_of(path, section, client)
    problems = []
    with Session() as session:
        for example in page.examples:
            problems += compare(example, *session.run(example))
    assert not problems, "\n\n".join(problems)
    answers = sum(example.kind is not None or example.status is not None for example in page.examples)
    figure(f"{len(page.examples)} run, {answers} of them with an answer; not run: {len(page.not_run)} {page.not_run or ''}")
    if path == "docs/api.md":
        figure(f"routes without an example: {routes_without_example(client, page) or 'none'}")


def test_forms_are_well_formed(client):
    for place, text in page_of("docs/api.md", None, client).forms:
        try:
            json.loads(text)
        except ValueError as error:
            raise AssertionError(f"{place}: {error}") from None
