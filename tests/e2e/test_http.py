"""HTTP as clients speak it in the wild, over raw sockets."""

import json
import select
import socket

from runlog_client import CODE_AND_LANGUAGE, read_response

BODY = b'{"code":"print(1)","lang":"python"}'
BIG = 100 * 1024 * 1024


def ask(client, data):
    with client.raw() as connection:
        connection.sendall(data)
        with connection.makefile("rb") as stream:
            return read_response(stream)


def test_a_chunked_body_is_accepted(client):
    chunks = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(part), part) for part in (BODY[:5], BODY[5:6], BODY[6:]))
    answer = ask(client, b"POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
    assert answer.status == 201, answer


def test_http_1_0_is_answered_and_closed(client):
    with client.raw() as connection:
        connection.sendall(b"POST /api/submit HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY))
        with connection.makefile("rb") as stream:
            answer = read_response(stream)
            assert answer.status == 201, answer
            assert stream.read() == b"", "bytes after the answer"


def test_expect_100_continue_is_answered_before_the_body(client):
    with client.raw() as connection:
        connection.sendall(b"POST /api/submit HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                           b"Content-Length: %d\r\n\r\n" % len(BODY))
        with connection.makefile("rb") as stream:
            answer = read_response(stream)
            assert answer.status == 100, answer
            connection.sendall(BODY)
            answer = read_response(stream)
            assert answer.status == 201, answer


def test_a_connection_is_kept_alive(client):
    with client.raw() as connection, connection.makefile("rb") as stream:
        for _ in range(3):
            connection.sendall(b"POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY))
            answer = read_response(stream)
            assert answer.status == 201, answer
        connection.sendall(b"POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        answer = read_response(stream)
        assert (answer.status, answer.json()) == (400, CODE_AND_LANGUAGE), answer
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = read_response(stream)
        assert answer.status == 200, answer


def test_pipelined_requests_are_answered_in_order(client):
    requests = (
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        b"POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
        b"GET /api/result/unknown HTTP/1.1\r\nHost: x\r\n\r\n"
        b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % (len(BODY), BODY)
    )
    with client.raw() as connection:
        connection.sendall(requests)
        with connection.makefile("rb") as stream:
            seen = [read_response(stream).status for _ in range(5)]
    assert seen == [200, 201, 404, 404, 200]


def test_a_body_in_small_pieces_is_accepted(client):
    with client.raw() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = b"POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
        for i in range(0, len(data), 7):
            connection.sendall(data[i:i + 7])
        with connection.makefile("rb") as stream:
            answer = read_response(stream)
    assert answer.status == 201, answer


def test_a_malformed_request_is_refused_as_json_or_closed_cleanly(client):
    for request in (b"NONSENSE\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
                    b"POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
                    b"POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Length: nonsense\r\n\r\n",
                    b"POST /api/submit HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
                    b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 100000 + b"\r\n\r\n"):
        seen = b""
        with client.raw() as connection:
            try:
                connection.sendall(request)
                connection.shutdown(socket.SHUT_WR)
                while piece := connection.recv(65536):
                    seen += piece
            except OSError as error:
                assert not isinstance(error, TimeoutError), f"{request[:60]!r}: neither answered nor closed"
        assert b"<html" not in seen.lower(), f"{request[:60]!r}: {seen[:300]!r}"
        if seen:
            assert seen.split()[1].startswith(b"4"), f"{request[:60]!r}: {seen[:300]!r}"
    assert client.get("/healthz").status == 200


def test_a_query_does_not_hide_the_route(client):
    assert client.get("/healthz?x=1").status == 200
    answer = client.post("/api/submit?x=1", BODY)
    assert answer.status == 201, answer


def test_a_form_as_content_type_is_judged_by_its_body(client):
    answer = client.request("POST", "/api/submit", BODY, {"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 201, answer


def send_big(client, head, piece):
    """Sends a head and up to BIG bytes, until the server answers. The answer and the bytes that were sent."""
    sent = 0
    with client.raw() as connection:
        connection.sendall(head)
        while sent < BIG:
            readable, writable, _ = select.select([connection], [connection], [], 60)
            if readable:
                break
            assert writable, "neither readable nor writable for 60 s"
            try:
                sent += connection.send(piece)
            except (BrokenPipeError, ConnectionResetError):
                break
        with connection.makefile("rb") as stream:
            return read_response(stream), sent


def resident_bytes(client):
    return client.metrics()["process_resident_memory_bytes"]


def test_a_body_of_100_mb_is_413_and_is_not_kept(client):
    before = resident_bytes(client)
    answer, sent = send_big(client, b"POST /api/submit HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                            b"Content-Length: %d\r\n\r\n" % BIG, b"x" * 65536)
    assert answer.status == 413, answer
    assert "error" in answer.json(), answer
    assert sent < BIG, "all of it was taken"
    grown = resident_bytes(client) - before
    assert grown < 32 * 1024 * 1024, f"the API grew by {grown} bytes"


def test_a_chunked_body_of_100_mb_is_413_and_is_not_kept(client):
    before = resident_bytes(client)
    answer, sent = send_big(client, b"POST /api/submit HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
                            b"10000\r\n" + b"x" * 65536 + b"\r\n")
    assert answer.status == 413, answer
    assert sent < BIG, "all of it was taken"
    grown = resident_bytes(client) - before
    assert grown < 32 * 1024 * 1024, f"the API grew by {grown} bytes"


def test_a_program_over_the_limit_is_413(client):
    answer = client.post("/api/submit", {"code": "#" * (5 * 1024 * 1024), "lang": "python"})
    assert answer.status == 413, answer
    assert "error" in answer.json(), answer
    assert client.get("/healthz").status == 200


def test_head_is_get_without_a_body(client):
    answer = client.request("HEAD", "/healthz")
    assert (answer.status, answer.body) == (200, b""), answer


def test_errors_are_one_line_of_json(client):
    for path in ("/nowhere", "/api/result/x"):
        answer = client.get(path)
        assert json.loads(answer.body)["error"], answer
        assert b"\n" not in answer.body.strip(), answer
