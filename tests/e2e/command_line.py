"""The command line in a container of its image."""

import shlex
import subprocess


class Cli:
    """`runlog ...` in a container of the tools image, which reaches the API and Kafka as `docker compose run tools` does."""

    def __init__(self, container):
        self.container = container

    def __call__(self, *arguments, stdin=b"", file=None):
        """(status, stdout, stderr). `file` is a name under which stdin is saved first; it is then the last argument."""
        command = ["runlog", *arguments]
        if file:
            command = ["sh", "-c", f"cat >/tmp/{file} && exec {shlex.join(command)} /tmp/{file} </dev/null"]
        done = subprocess.run(["docker", "exec", "--interactive", self.container, *command], input=stdin,
                              capture_output=True, timeout=120, check=False)
        return done.returncode, done.stdout, done.stderr.decode()
