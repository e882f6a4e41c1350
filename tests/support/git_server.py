"""Real git repositories over HTTP with basic authentication, through `git http-backend`.

From a test: `with GitServer(root) as server: ... server.url("repository.git")`. By hand:
`python tests/support/git_server.py DIRECTORY [--port N] [--user NAME --password TEXT]`.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import os
import socket
import struct
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType

MAX_HOLD_SECONDS = 60.0
"""How long a held request waits at most, so that a failing test ends."""


class Request(NamedTuple):
    """A request that came in.

    Attributes:
        method: GET or POST.
        path: The path, with its query.
        login: `user:password` as the client sent it; None where it sent none.
        status: What was answered; 0 where the connection was held or reset.
    """

    method: str
    path: str
    login: str | None
    status: int


class GitServer:
    """Serves the bare repositories of a directory.

    Args:
        root: The directory.
        logins: The `user:password` pairs that are let in; everybody is where it is empty.
        host: The address to listen on.
        port: The port; a free one where it is 0.

    Attributes:
        requests: All that came in, in order.
        moved: The beginnings of paths that have moved, and where to; a request for one is redirected on this server.
        redirect_to: Where every request is redirected, as `http://host:port`; None where none is.
        backend_environ: Variables for `git http-backend`.
        held: Set while at least one request is being held.
    """

    def __init__(self, root: Path, logins: set[str] | None = None, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.root = root
        self.logins = set(logins or ())
        self.requests: list[Request] = []
        self.moved: dict[str, str] = {}
        self.redirect_to: str | None = None
        self.backend_environ: dict[str, str] = {}
        self.held = threading.Event()
        self._faults: list[str] = []
        self._release = threading.Event()
        self._release.set()
        self._lock = threading.Lock()
        self._http = _Server((host, port), self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> GitServer:  # noqa: PYI034 - Self is not in Python 3.10
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def origin(self) -> str:
        """The server's `http://host:port`."""
        host, port = self._http.server_address[:2]
        return f"http://{host}:{port}"

    def url(self, name: str, userinfo: str = "") -> str:
        """A repository's URL, with `userinfo` in it where it is given."""
        return f"{self.origin}/{name}".replace("://", f"://{userinfo}@" if userinfo else "://", 1)

    def fail(self, fault: int | str, times: int = 1) -> None:
        """Have the next requests fail: with an HTTP status, or `reset` for a connection that breaks."""
        with self._lock:
            self._faults.extend([str(fault)] * times)

    def hold(self) -> None:
        """Hold every request from now on, until `release`."""
        self.held.clear()
        self._release.clear()

    def release(self) -> None:
        """Let the held requests go on."""
        self._release.set()

    def wait_if_held(self) -> None:
        """Wait while requests are held (called by the handler)."""
        if not self._release.is_set():
            self.held.set()
            self._release.wait(MAX_HOLD_SECONDS)

    def next_fault(self) -> str | None:
        """Take the fault for the request at hand (called by the handler)."""
        with self._lock:
            return self._faults.pop(0) if self._faults else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], git: GitServer) -> None:
        self.git = git
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: clients that are killed in the middle are what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Log nothing; `GitServer.requests` has it all."""

    def _answer(self) -> None:
        self.close_connection = True
        git = self.server.git
        body = self._body()
        git.wait_if_held()
        fault = git.next_fault()
        if fault == "reset":
            self._record(0)
            # With SO_LINGER 0 the close sends RST instead of FIN.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        elif fault is not None:
            self._respond(int(fault), {}, b"injected fault\n")
        elif location := self._location():
            self._respond(302, {"Location": location}, b"")
        elif git.logins and self._login() not in git.logins:
            self._respond(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"who are you?\n")
        else:
            self._backend(body)

    def _location(self) -> str | None:
        git = self.server.git
        if git.redirect_to is not None:
            return git.redirect_to + self.path
        for old, new in git.moved.items():
            if self.path.startswith(old):
                return git.origin + new + self.path[len(old) :]
        return None

    def _login(self) -> str | None:
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        return base64.b64decode(value).decode("utf-8", "replace") if kind.lower() == "basic" else None

    def _record(self, status: int) -> None:
        self.server.git.requests.append(Request(self.command, self.path, self._login(), status))

    def _respond(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self._record(status)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _backend(self, body: bytes) -> None:
        """Run `git http-backend` as a CGI program (RFC 3875)."""
        parts = urlsplit(self.path)
        completed = subprocess.run(
            ["git", "http-backend"],
            input=body,
            capture_output=True,
            check=False,
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                # Repositories of another owner are served too: a container's user, say.
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "safe.directory",
                "GIT_CONFIG_VALUE_0": "*",
                "GIT_PROJECT_ROOT": str(self.server.git.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "REQUEST_METHOD": self.command,
                "PATH_INFO": parts.path,
                "QUERY_STRING": parts.query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "REMOTE_ADDR": self.client_address[0],
                "REMOTE_USER": (self._login() or "").partition(":")[0],
                **self.server.git.backend_environ,
            },
        )
        head, _, content = completed.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode("latin-1").splitlines() if ": " in line)
        status = int(headers.pop("Status", "200" if headers else "500").split()[0])
        self._respond(status, headers, content)


def main() -> None:
    """Serve a directory until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Serve the bare git repositories of a directory over HTTP.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8418)
    parser.add_argument("--user", help="let in only this user (a token, where the password is empty)")
    parser.add_argument("--password", default="")
    options = parser.parse_args()
    root = options.directory.resolve()
    logins = {f"{options.user}:{options.password}"} if options.user else None
    with GitServer(root, logins, host=options.host, port=options.port) as server:
        for repository in sorted(path for path in root.glob("**/*.git") if path.is_dir() and path.name != ".git"):
            print(server.url(repository.relative_to(root).as_posix()), flush=True)  # noqa: T201
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
