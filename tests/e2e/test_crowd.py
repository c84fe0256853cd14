"""Thousands of clients at once: most of them wait for a result, some never finish a request, and a few have ordinary ones."""

import asyncio
import json
import resource

import pytest

from runlog_client import eventually

HALF_OPEN = 200
WAITING = 2000
CROWD = 0.9 * WAITING  # so many wait through all rounds
ROUNDS = 10
ATTEMPTS = 3  # a slow machine may be done with the program before so many wait for it
PATIENCE = 10  # seconds that an ordinary client would bear with
PROGRAM = "import time; time.sleep(9); print('for all of you')"
BEGUN = (b"", b"G", b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")


@pytest.fixture
def many_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WAITING + HALF_OPEN + 200
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"{hard} descriptors are allowed here, {wanted} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted) if soft != resource.RLIM_INFINITY else soft, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def ask(client, path):
    """(status, headers, body) of one GET on a connection of its own."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split()[1]), headers, await reader.readexactly(int(headers["content-length"]))
    finally:
        writer.close()


async def wait_for(client, submission_id, asked):
    """The result, as a client gets it that waits, and comes back when it is told to, or when it was slow to ask: while
    threads are scarce, a head has a second to arrive."""
    while True:
        asked.append(submission_id)
        try:
            status, headers, body = await ask(client, f"/api/result/{submission_id}?wait=60")
        except (asyncio.IncompleteReadError, ConnectionError):
            continue
        if status == 408:
            continue
        assert status == 200, (status, headers, body)
        answer = json.loads(body)
        if answer.get("status") == "completed":
            return answer["stdOutput"]
        await asyncio.sleep(int(headers.get("retry-after", 0)))


async def crowd(client, submission_id, ordinary):
    """What the waiting clients got, and how often they asked; `ordinary` runs beside them in a thread."""
    asked = []
    half_open = []
    for number in range(HALF_OPEN):
        _, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(BEGUN[number % len(BEGUN)])
        half_open.append(writer)
    waiting = [asyncio.create_task(wait_for(client, submission_id, asked)) for _ in range(WAITING)]
    await asyncio.to_thread(ordinary)
    answers = await asyncio.gather(*waiting)
    for writer in half_open:
        writer.close()
    return answers, len(asked)


def test_ordinary_requests_are_answered_beside_thousands_that_wait(client, many_descriptors, figure):
    waiting = []

    def ordinary():
        most = 0

        def crowd_is_there_or_gone():
            nonlocal most
            now = client.metrics()["runlog_api_waiters"]
            most = max(most, now)
            return now >= CROWD or now < most / 2

        eventually("so many wait", crowd_is_there_or_gone)
        for number in range(ROUNDS):
            body = json.dumps({"code": f"print({number})", "lang": "python"}).encode()
            answer = client.request("POST", "/api/submit", body, timeout=PATIENCE)
            assert answer.status == 201, f"{answer}"
            path = f"/api/result/{answer.json()['codeSubmissionId']}"
            assert client.get(path, timeout=PATIENCE).status == 200
            assert client.get("/healthz", timeout=PATIENCE).status == 200
            waiting.append(client.metrics()["runlog_api_waiters"])

    for _ in range(ATTEMPTS):
        waiting.clear()
        submission_id = client.submit(PROGRAM, "python")
        answers, asked = asyncio.run(crowd(client, submission_id, ordinary))
        assert set(answers) == {"for all of you\n"}, set(answers)
        eventually("nobody waits any more", lambda: client.metrics()["runlog_api_waiters"] == 0)
        if min(waiting) >= CROWD:
            break
    figure(f"{WAITING} clients asked {asked} times; waiting in each round: {min(waiting):.0f} to {max(waiting):.0f}")
    assert min(waiting) >= CROWD, f"never beside so many: {waiting}"
