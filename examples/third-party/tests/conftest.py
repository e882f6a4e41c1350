"""An S3 server in the memory of the tests: it takes objects, and refuses what it is told to refuse."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


class FakeS3(ThreadingHTTPServer):
    """Listens on loopback.

    Attributes:
        objects: What was put there, by `bucket/key`.
        refusal: The code of the error that every request gets; none where it is empty.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.refusal = ""

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        server = cast("FakeS3", self.server)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = b""
        if server.refusal:
            answer = f"<Error><Code>{server.refusal}</Code><Message>no</Message></Error>".encode()
        else:
            server.objects[unquote(self.path).lstrip("/")] = body
        self.send_response(403 if server.refusal else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Log nothing."""


@pytest.fixture
def fake_s3() -> Iterator[FakeS3]:
    """A server without objects."""
    with FakeS3() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
