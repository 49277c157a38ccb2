"""A listening end for what formgrader and nbgrader ask of the platform: it writes down requests and answers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Service:
    """What was asked (path, token, content), and how it answers."""

    address: str
    asked: list[tuple[str, str | None, Any]] = field(default_factory=list)
    status: int = 202


@contextmanager
def service() -> Iterator[Service]:
    """Listen on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found.asked.append((self.path, self.headers["Authorization"], content))
            self.send_response(found.status)
            self.end_headers()
            self.wfile.write(json.dumps({"queued": 1}).encode())

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Service(f"http://127.0.0.1:{server.server_port}/services/passerelle/api")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
