"""What the other tests' killed runners left behind. The last of those that take the stack apart, because what is left has to
be a minute old before another runner takes it for nobody's."""

import pytest

from runlog_client import eventually

pytestmark = pytest.mark.disruptive


def test_no_sandbox_container_is_left_behind(stack):
    seen = []

    def none_left():
        seen[:] = stack.sandboxes()
        return not seen

    def orphans():
        seen[:] = [line for line in stack.sandboxes() if " Up " not in line]
        return seen

    try:
        eventually("what dead runners left behind is swept away", lambda: not orphans(), deadline=180, pause=0.5)
        stack.compose("stop", "runner")  # which takes its warm containers with it
        eventually("no sandbox container is left", none_left, deadline=60, pause=0.5)
    except AssertionError as error:
        raise AssertionError(f"{error}: {seen}") from None
    finally:
        stack.compose("up", "--detach", "--no-recreate", "--wait", "runner")
