"""A small HTTP server on loopback, for the fakes."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Mapping


_TLS_HANDSHAKE = b"\x16"
"""The type of a TLS client's first record (RFC 8446, section 5.1)."""


class Request(Record):
    """A request.

    Attributes:
        method: "GET" and the like.
        path: Decoded, without the query.
        query: Each parameter's values.
        headers: By name, in lower case.
        body: All of it.
    """

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    def parameter(self, name: str) -> str:
        """Give a parameter's last value; empty where there is none."""
        return self.query.get(name, [""])[-1]


class Response(Record):
    """An answer."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}


class LoopbackServer:
    """Answers requests in threads of its own; use as a context manager. A subclass has the answers."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        server = self

        class Handler(_Handler):
            answer = staticmethod(server._answer_locked)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer_locked(self, request: Request) -> Response:
        with self.lock:
            return self.answer(request)

    def answer(self, request: Request) -> Response:
        """Answer a request."""
        raise NotImplementedError


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answer: Any

    def handle(self) -> None:
        """Hang up on clients that try TLS first, as Docker does: else both would wait for the other, ten seconds."""
        if self.connection.recv(1, socket.MSG_PEEK) != _TLS_HANDSHAKE:
            super().handle()

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        request = Request(
            self.command,
            unquote(parts.path),
            parse_qs(parts.query, keep_blank_values=True),
            {name.lower(): value for name, value in self.headers.items()},
            self._body(),
        )
        response = self.answer(request)
        self.send_response(response.status)
        headers = {"Content-Type": response.content_type, "Content-Length": str(len(response.body))}
        # A connection that is kept would keep a thread beyond the test.
        for name, value in {**headers, **response.headers, "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def __getattr__(self, name: str) -> Any:
        """Take every method alike: the server calls `do_GET` and so on."""
        if name.startswith("do_"):
            return self._handle
        raise AttributeError(name)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):  # RFC 9112, section 7.1
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers
            pass
        return b"".join(pieces)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing: standard error is the tests'."""
