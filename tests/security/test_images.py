"""The language images hold no way up: no setuid or setgid program, no file with capabilities, no device."""

import os
import subprocess

# find alone: every image has it. Capabilities are an attribute, which only some tool can list: the archive of the image has it.
SEARCH = ("find / -xdev \\( -type f -perm /6000 \\) -o \\( -type b -o -type c \\) -not -path '/dev/*' -not -path '/proc/*' | head -n 20; echo searched")


def docker(*arguments):
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def image_of(language):
    return f"{os.environ.get('RUNLOG_SANDBOX_IMAGE_PREFIX', 'runlog/lang-')}{language}:{os.environ.get('RUNLOG_SANDBOX_IMAGE_TAG', 'latest')}"


def label():
    return f"runlog.test={os.environ.get('RUNLOG_TEST_PROJECT', 'security')}"


def test_no_privilege_lies_in_an_image(languages):
    for language in sorted(languages):
        found = docker("run", "--rm", "--network", "none", "--cap-drop", "ALL", "--cap-add", "DAC_READ_SEARCH", "--label", label(),
                       "--entrypoint", "sh", image_of(language), "-c", SEARCH)
        assert found == "searched\n", language


def test_no_file_of_an_image_has_capabilities(languages):
    """To read them from a mounted image takes privileges; the image as an archive tells everybody."""
    for language in sorted(languages):
        container = docker("create", "--network", "none", "--label", label(), "--entrypoint", "true", image_of(language)).strip()
        try:
            with subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE) as export:
                found = capabilities(export.stdout)
            assert export.returncode == 0
        finally:
            docker("rm", container)
        assert found == [], language


def capabilities(stream):
    import tarfile

    with tarfile.open(fileobj=stream, mode="r|") as archive:
        return [member.name for member in archive if any("security.capability" in name for name in member.pax_headers)]
