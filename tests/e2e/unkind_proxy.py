"""A proxy before the API that puts its clients off, as a busy API or a bad network does now and then: what is not put off is the
real API's answer. For one client at a time."""

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BUSY = b'{"error": "Submissions cannot be queued now: there is no runner to execute them"}'
MANY = b'{"error": "Too many requests"}'
PENDING = b'{"message":"Code execution is still pending"}'
# What the first requests meet: status, Retry-After and body, or None for a connection that breaks. All further ones are passed on.
SUBMISSIONS = [(503, 1, BUSY), (429, 1, MANY)]
QUESTIONS = [None, (200, 1, PENDING)]


class UnkindProxy(ThreadingHTTPServer):
    """`seen` is what was asked, with the time: ("POST", seconds), ..."""

    daemon_threads = True

    def __init__(self, client):
        super().__init__(("127.0.0.1", 0), Handler)
        self.client = client
        self.todo = {"POST": list(SUBMISSIONS), "GET": list(QUESTIONS)}
        self.seen = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Closes each connection behind its answer, as HTTP/1.0 does: many libraries repeat by themselves what they have asked on a
    connection that was open."""

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        server = self.server
        server.seen.append((self.command, time.monotonic()))
        todo = server.todo[self.command]
        put_off = todo.pop(0) if todo else self.pass_on(body)
        if put_off is None:
            return
        status, retry_after, text = put_off
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        if retry_after:
            self.send_header("Retry-After", str(retry_after))
        self.end_headers()
        self.wfile.write(text)

    do_GET = serve
    do_POST = serve

    def pass_on(self, body):
        answer = self.server.client.request(self.command, self.path, body or None, timeout=120)
        return answer.status, answer.headers.get("retry-after"), answer.body

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def unkind_proxy(client):
    with UnkindProxy(client) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
