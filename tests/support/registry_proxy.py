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
        port = int(registry.rpartition(":")[2])
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except OSError:
                    self.close_connection = True

            def _serve(self) -> None:
                proxy.requests.append((self.command, self.path))
                body = self._body()
                status = answer(self.command, self.path)
                if status is not None:
                    self._reply(status, [("Content-Length", "0")], b"")
                    return
                upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                headers = {name: value for name, value in self.headers.items() if name.lower() != "transfer-encoding"}
                upstream.request(self.command, self.path, body, {**headers, "Content-Length": str(len(body))})
                response = upstream.getresponse()
                data = response.read()
                kept = [pair for pair in response.getheaders() if pair[0].lower() not in ("transfer-encoding", "connection")]
                if not any(name.lower() == "content-length" for name, _ in kept):
                    kept.append(("Content-Length", str(len(data))))
                self._reply(response.status, kept, data)
                upstream.close()

            do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = _serve

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                pieces = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    pieces.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(pieces)

            def _reply(self, status: int, headers: list[tuple[str, str]], data: bytes) -> None:
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"localhost:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> RegistryProxy:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def count(self, method: str, ending: str) -> int:
        """How often a request of this method came for a path that ends so."""
        return sum(1 for seen, path in self.requests if seen == method and path.endswith(ending))
