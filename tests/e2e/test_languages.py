"""The smoke programs of every language that the stack offers, through the API: languages/NAME/smoke/smoke.json."""

import json
import os
import re
from pathlib import Path

import pytest

from runlog_client import AWAY, Client, in_parallel, show

LANGUAGES = Path(__file__).resolve().parents[2] / "languages"


def names_of_the_stack():
    """What the stack offers decides which tests there are. Where none answers, those of all folders: they will say so."""
    try:
        listed = Client(os.environ.get("RUNLOG_TEST_API_URL", "http://127.0.0.1:3005")).get("/api/languages", timeout=20).json()
        return {language["name"] for language in listed["languages"]}
    except (*AWAY, AssertionError):
        return {path.parent.name for path in LANGUAGES.glob("*/manifest.json")}


OFFERED = names_of_the_stack()
MANIFESTS = sorted(path for path in LANGUAGES.glob("*/manifest.json") if path.parent.name in OFFERED)

CASES = {
    f"{folder.parent.parent.name}/{case['name']}": (folder.parent.parent.name, folder.parent, case)
    for folder in sorted(LANGUAGES.glob("*/smoke/smoke.json"))
    if folder.parent.parent.name in OFFERED
    for case in json.loads(folder.read_text(encoding="utf-8"))
}


@pytest.fixture(scope="module")
def offered(client):
    return {language["name"]: language for language in client.get("/api/languages").json()["languages"]}


@pytest.fixture(scope="module")
def submitted(client, offered):
    def submit(item):
        lang, folder, case = item
        return client.submit((folder / case["source"]).read_text(encoding="utf-8"), lang, case.get("stdInput", ""))

    return dict(zip(CASES, in_parallel(submit, CASES.values())))


def test_the_stack_offers_the_languages_that_it_was_given(offered):
    given = os.environ.get("RUNLOG_TEST_LANGUAGES")
    if not given:
        pytest.skip("RUNLOG_TEST_LANGUAGES is not set: which languages was this stack given?")
    assert sorted(offered) == sorted(given.split(","))


def test_a_language_that_is_not_offered_is_refused_by_name(client, offered):
    error = client.refused(code="1", lang="brainstorm")
    assert "brainstorm" in error and all(name in error for name in offered), error


def test_there_are_smoke_programs():
    assert CASES, f"none under {LANGUAGES}"


@pytest.mark.parametrize("name", CASES)
def test_a_smoke_program_gives_what_it_should(client, submitted, name):
    _, _, case = CASES[name]
    result = client.await_result(submitted[name])
    assert result["verdict"] == case.get("verdict", "OK"), show(result)
    assert result["exitCode"] == case.get("exitCode", 0), show(result)
    assert result["stdOutput"] == case.get("stdOutput", ""), show(result)
    if "stdErrorContains" in case:
        assert case["stdErrorContains"] in result["stdError"], show(result)
    else:
        assert result["stdError"] == case.get("stdError", ""), show(result)


def test_each_language_is_listed_with_its_version_and_limits(offered):
    for name, language in offered.items():
        assert language["version"], str(language)
        assert isinstance(language["aliases"], list), str(language)
        assert isinstance(language["limits"], dict) and language["limits"], str(language)
        manifest = LANGUAGES / name / "manifest.json"
        if manifest.exists():
            assert language["version"] == json.loads(manifest.read_text(encoding="utf-8"))["version"], str(language)


@pytest.fixture(scope="module")
def image_of(stack):
    """The image that the stack's runner uses for a language."""
    pairs = stack.inspect(stack.containers("runner")[0])["Config"]["Env"]
    settings = dict(pair.partition("=")[::2] for pair in pairs)
    prefix = settings.get("RUNLOG_SANDBOX_IMAGE_PREFIX", "runlog/lang-")
    tag = settings.get("RUNLOG_SANDBOX_IMAGE_TAG", "latest")
    return lambda lang: f"{prefix}{lang}:{tag}"


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.parent.name)
def test_the_version_of_a_manifest_is_the_images(stack, image_of, path):
    manifest = json.loads(path.read_text(encoding="utf-8"))
    program, *arguments = manifest["versionCommand"]
    said = stack.docker("run", "--rm", "--network", "none", "--entrypoint", "sh", image_of(manifest["name"]),
                        "-c", '"$0" "$@" 2>&1', program, *arguments)
    assert re.search(rf"(?<![\d.]){re.escape(manifest['version'])}(?![\d])", said), said


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.parent.name)
def test_no_image_has_a_setuid_program(stack, image_of, path):
    found = stack.docker("run", "--rm", "--network", "none", "--entrypoint", "find", image_of(path.parent.name),
                         "/", "-xdev", "-perm", "/6000", "-type", "f")
    assert found == "", found
