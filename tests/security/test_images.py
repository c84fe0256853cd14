"""The language images hold no way up: no setuid or setgid program, no file with capabilities, no device."""

import os
import pathlib
import subprocess

import pytest

LANGUAGES = sorted(path.parent.name for path in (pathlib.Path(__file__).resolve().parents[2] / "languages").glob("*/Dockerfile"))

# find alone: every image has it. Capabilities are an attribute, which only some tool can list: the archive of the image has it.
SEARCH = ("find / -xdev \\( -type f -perm /6000 \\) -o \\( -type b -o -type c \\) -not -path '/dev/*' -not -path '/proc/*' | head -n 20; echo searched")


def docker(*arguments):
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def served(language, languages):
    if language not in languages:
        pytest.skip(f"this stack has no {language}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_privilege_lies_in_an_image(language, languages):
    served(language, languages)
    image = f"{os.environ.get('RUNLOG_SANDBOX_IMAGE_PREFIX', 'runlog/lang-')}{language}:{os.environ.get('RUNLOG_SANDBOX_IMAGE_TAG', 'latest')}"
    project = os.environ.get("RUNLOG_TEST_PROJECT", "security")
    found = docker("run", "--rm", "--network", "none", "--cap-drop", "ALL", "--cap-add", "DAC_READ_SEARCH", "--label", f"runlog.test={project}",
                   "--entrypoint", "sh", image, "-c", SEARCH)
    assert found == "searched\n"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_file_of_an_image_has_capabilities(language, languages):
    """To read them from a mounted image takes privileges; the image as an archive tells everybody."""
    served(language, languages)
    image = f"{os.environ.get('RUNLOG_SANDBOX_IMAGE_PREFIX', 'runlog/lang-')}{language}:{os.environ.get('RUNLOG_SANDBOX_IMAGE_TAG', 'latest')}"
    project = os.environ.get("RUNLOG_TEST_PROJECT", "security")
    container = docker("create", "--network", "none", "--label", f"runlog.test={project}", "--entrypoint", "true", image).strip()
    try:
        with subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE) as export:
            found = capabilities(export.stdout)
        assert export.returncode == 0
    finally:
        docker("rm", container)
    assert found == []


def capabilities(stream):
    import tarfile

    with tarfile.open(fileobj=stream, mode="r|") as archive:
        return [member.name for member in archive if any("security.capability" in name for name in member.pax_headers)]
