"""A server on this machine that answers like AWS, 5 ms after each request. It is a separate process, so its CPU time is
not measured.

Started with ``python -m benchmarks.slow_server``; it prints its port, and ends when its standard input does.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.answers import Answers

DELAY = 0.005
"""Seconds: roughly the latency of DynamoDB and EventBridge within a region."""

answers = Answers()


class Handler(BaseHTTPRequestHandler):
    """Calls of AWS's JSON protocols, and ``GET /`` for the counters."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # send headers and body together: two small packets would wait for an acknowledgement

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        time.sleep(DELAY)
        self._send(answers.answer(operation, json.loads(body)))

    def do_GET(self) -> None:
        self._send({"calls": dict(answers.calls), "units": answers.units})

    def _send(self, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the output contains only the port."""


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
    os._exit(0)  # threads may still sleep for connections that are no longer used


if __name__ == "__main__":
    main()
