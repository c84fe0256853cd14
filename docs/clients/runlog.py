#!/usr/bin/env python3
"""Runs a program on Runlog as if it ran here: python3 runlog.py LANG FILE <input

RUNLOG_URL says where Runlog is. Only the standard library is used.
"""

import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request

URL = os.environ.get("RUNLOG_URL", "http://127.0.0.1:3005")
WAIT = 30  # seconds for which the server may hold a question for the result
PATIENCE = 300  # seconds of being put off after which this gives up


def ask(path, body=None):
    """The answer as a value, and after how many seconds to ask again (0: at once). A body makes it a POST.

    Tries again as long as the server says that it cannot answer now. When the connection breaks, only a question is repeated: a
    submission may have been accepted, and would be executed twice.
    """
    give_up = time.monotonic() + PATIENCE
    while True:
        pause = 1
        try:
            request = urllib.request.Request(URL + path, body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=WAIT + 30) as answer:
                return json.load(answer), int(answer.headers.get("Retry-After", 0))
        except urllib.error.HTTPError as refusal:
            said = refusal.read().decode(errors="replace")
            if refusal.code not in (408, 429, 503):
                sys.exit(f"refused with {refusal.code}: {said}")
            pause = int(refusal.headers.get("Retry-After", 1))
        except (OSError, http.client.HTTPException) as failure:
            said = repr(failure)
            if body is not None:
                sys.exit(f"not known to be accepted: {said}")
        if time.monotonic() + pause > give_up:
            sys.exit(f"no answer for {PATIENCE} s; the last: {said}")
        time.sleep(pause)


def run(lang, code, std_input):
    """The result of a program."""
    body = json.dumps({"lang": lang, "code": code, "stdInput": std_input}).encode()
    accepted, _ = ask("/api/submit", body)
    while True:
        result, pause = ask(f"/api/result/{accepted['codeSubmissionId']}?wait={WAIT}")
        if result.get("status") == "completed":
            return result
        time.sleep(pause)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: runlog.py LANG FILE <input")
    with open(sys.argv[2], "rb") as file:
        code = file.read().decode()
    result = run(sys.argv[1], code, sys.stdin.buffer.read().decode())
    sys.stdout.buffer.write(result["stdOutput"].encode())
    sys.stderr.buffer.write(result["stdError"].encode())
    if result["verdict"] != "OK":
        print(result["verdict"], file=sys.stderr)
    return 1 if result["exitCode"] is None else result["exitCode"]


if __name__ == "__main__":
    sys.exit(main())
