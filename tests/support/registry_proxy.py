"""A proxy before a real registry that answers some requests itself, as an overloaded or a strict one would."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class RegistryProxy:
    """Forwards to a registry on loopback; use as a context manager.

    Args:
        registry: Its host and port.
        answer: Asked with `(method, path)` of each request; a status to answer with, or None to forward it.
    """

    def __init__(self, registry: str, answer: Callable[[str, str], int | None]) -> None:
        self.requests: list[tuple[str, str]] = []
        self._answer = answer
        self._port = int(registry.rpartition(":")[2])
        proxy = self

        class Handler(_Handler):
            forward = staticmethod(proxy._forward)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"localhost:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Any:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def count(self, method: str, ending: str) -> int:
        """How often a request of this method came for a path that ends so."""
        return sum(1 for seen, path in self.requests if seen == method and path.endswith(ending))

    def _forward(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        self.requests.append((method, path))
        status = self._answer(method, path)
        if status is not None:
            return status, {"Content-Length": "0"}, b""
        upstream = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            upstream.request(method, path, body, {**headers, "Content-Length": str(len(body))})
            response = upstream.getresponse()
            data = response.read()
            given = {
                name: value for name, value in response.getheaders() if name not in ("Transfer-Encoding", "Connection")
            }
            return response.status, {"Content-Length": str(len(data)), **given}, data
        finally:
            upstream.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    forward: Any

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        headers = {name: value for name, value in self.headers.items() if name != "Transfer-Encoding"}
        status, given, data = self.forward(self.command, self.path, headers, self._body())
        self.send_response(status)
        for name, value in given.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def log_message(self, *_arguments: Any) -> None:
        pass
