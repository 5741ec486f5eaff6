"""A server that takes batches as ours does, or fails to as it is told."""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tracking.tests.service import wait_for

Hit = dict[str, Any]


class Batches:
    """What reached the server, and how it is to answer.

    `statuses` are given one after the other, the last one for ever; `refuses` is an URL for
    which a batch gets 400.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}/t/0b9b0a2c"
        self.asked: list[tuple[str, str | None]] = []
        self.batches: list[list[Hit]] = []
        self.statuses = [202]
        self.delay = 0.0
        self.refuses = ""

    @property
    def hits(self) -> list[Hit]:
        return [hit for batch in self.batches for hit in batch]

    def wait(self, number: int, seconds: float = 10) -> list[Hit]:
        wait_for(lambda: len(self.hits) >= number, seconds)
        return self.hits

    def answer(self, batch: list[Hit]) -> int:
        time.sleep(self.delay)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if any(hit["url"] == self.refuses for hit in batch):
            status = 400
        if status == 202:
            self.batches.append(batch)
        return status


@contextmanager
def batches(port: int = 0) -> Iterator[Batches]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: object) -> None:
            pass

        def do_POST(self) -> None:
            running.asked.append((self.path, self.headers["Authorization"]))
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(running.answer(json.loads(body)))
            self.send_header("Content-Length", "0")
            self.end_headers()

    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.daemon_threads = True
        running = Batches(server.server_port)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield running
        server.shutdown()
