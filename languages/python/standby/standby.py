"""An interpreter that waits for its program (sandbox/agent/standby.h).

The agent starts the very command that a program is started with, `python3 main.py`, before there is a main.py. The
interpreter comes here from the import of `site`, the last thing it does before it looks at the program's file. So whatever
follows is the interpreter's own doing: __main__, sys.path, the traceback, the exit code are not imitated.

Every other python3 in the container passes by: only the agent can make a socket that belongs to root, and it has made it
descriptor 3 of this process alone. Nothing of this file is left behind: it is executed with names of its own.
"""
import os
import site
import stat
import sys

CONTROL = 3

# Touches what each program needs of the interpreter: the parser, the compiler, a call, an exception, output that nobody sees.
REHEARSAL = '''
import sys
class Rehearsal:
    def __init__(self, *values, **names):
        self.values = [value for value in values if value is not None]
    def act(self):
        for name, value in enumerate(self.values):
            yield f"{name}: {value!r:>10}", (name + 1) * 2.5 // 1
def run():
    try:
        return dict(Rehearsal(1, "two", (3, 4.5), {"five": 6}).act())["none"]
    except KeyError as error:
        return str(error) + ", ".join(sorted(map(str, range(3)), key=lambda text: -int(text)))
run()
sys.stdout.write("")
'''


def rehearse():
    exec(compile(REHEARSAL, "rehearsal", "exec"), {"__name__": "rehearsal"})
    try:
        import sitecustomize  # what `site` does next; it finds it done
    except Exception:
        pass  # then `site` meets the same, and says so


def is_mine(argv):
    """Whether this process can be that command. A user's own site-packages would have been on the path from the beginning."""
    known = len(sys.orig_argv)
    return argv[:known] == sys.orig_argv and not (site.ENABLE_USER_SITE and os.path.isdir(site.USER_SITE))


def wait():
    rehearse()
    os.write(CONTROL, b"R")
    argv = [os.fsdecode(element) for element in os.read(CONTROL, 1 << 16).split(b"\0")[:-1]]
    if not argv or not is_mine(argv):
        os._exit(1)
    arguments = argv[len(sys.orig_argv):]
    sys.argv += arguments
    sys.orig_argv += arguments
    os.write(CONTROL, b"Y")
    os.close(CONTROL)


if stat.S_ISSOCK(os.fstat(CONTROL).st_mode):
    wait()
