"""What `PackageIndex` answers over HTTP: the simple repository API of the PyPA specifications."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import io
import json
import re
import socket
import threading
import zipfile
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from support.wheels import normalize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.package_index import Fault, PackageIndex, Part

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
MAX_HANG_SECONDS = 60.0
"""How long a request hangs at most, so that a test that does not close the index ends."""


class Request(NamedTuple):
    """A request that came in.

    Attributes:
        method: GET or HEAD.
        path: The path, as it was sent.
        login: `user:password` as the client sent it; None where it sent none.
        status: What was answered; 0 where nothing was.
    """

    method: str
    path: str
    login: str | None
    status: int


class Listed(NamedTuple):
    """A wheel that the index lists.

    Attributes:
        project: Its project's normalized name.
        version: Its version, as its file's name has it.
        file: Its file's name.
        data: Its bytes.
        sha256: Their digest in hexadecimal digits.
        metadata: Its METADATA; None where it cannot be read.
        requires_python: The versions of Python that it is for, or nothing.
        yanked: Whether it is withdrawn (PEP 592), or the reason.
    """

    project: str
    version: str
    file: str
    data: bytes
    sha256: str
    metadata: bytes | None
    requires_python: str
    yanked: bool | str

    @property
    def metadata_sha256(self) -> str:
        """The digest of its METADATA."""
        return hashlib.sha256(self.metadata or b"").hexdigest()

    @property
    def tampered(self) -> bytes:
        """A sound archive, one file richer than what the index lists."""
        content = io.BytesIO(self.data)
        with zipfile.ZipFile(content, "a") as archive:
            archive.writestr(zipfile.ZipInfo("intruder.py"), "")
        return content.getvalue()


class IndexServer:
    """Listens on a free port of the loopback address.

    Args:
        index: What it serves.
    """

    def __init__(self, index: PackageIndex) -> None:
        self._http = _Server(("127.0.0.1", 0), index)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def origin(self) -> str:
        """The server's `http://host:port`."""
        host, port = self._http.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Break all connections and wait until every thread has ended; nothing where that was done."""
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
            self._http.disconnect()
        self._http.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close waits for them
    request_queue_size = 128  # uv opens fifty connections at once; one too many waits a second

    def __init__(self, address: tuple[str, int], index: PackageIndex) -> None:
        self.index = index
        self.closing = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def disconnect(self) -> None:
        """End what hangs, and the connections on which nothing is asked."""
        self.closing.set()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):  # the client was faster
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: clients that give up in the middle are what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # the body would wait until the client acknowledges the head

    def do_GET(self) -> None:
        self.close_connection = True
        path = unquote(urlsplit(self.path).path)
        if path == "/simple/":
            self._serve("", "page")
        elif match := re.fullmatch(r"/simple/([^/]+)/?", path):
            self._serve(normalize(match[1]), "page", canonical=f"/simple/{normalize(match[1])}/")
        elif (match := re.fullmatch(r"/files/([^/]+?)(\.metadata)?", path)) and (
            listed := self.server.index.find(match[1])
        ):
            self._serve(listed.project, "metadata" if match[2] else "wheel", listed=listed)
        else:
            self._send(404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Log nothing; `PackageIndex.requests` has it all."""

    def _serve(self, project: str, part: Part, canonical: str | None = None, listed: Listed | None = None) -> None:
        index = self.server.index
        if not index.admits(self._login(), project):
            self._send(401, headers={"WWW-Authenticate": 'Basic realm="index"'})
            return
        fault = index.next_fault(project, part)
        if fault == "hang":
            self._record(0)
            self.server.closing.wait(MAX_HANG_SECONDS)
        elif isinstance(fault, int):
            self._send(fault)
        elif listed is not None:
            self._send_file(listed, part, fault)
        elif canonical is not None and urlsplit(self.path).path != canonical:
            self._send(301, headers={"Location": canonical})
        elif canonical is None:
            names = sorted({each.project for each in index.listed()})
            self._send_page({"projects": [{"name": name} for name in names]}, [_anchor(f"{n}/", n) for n in names])
        elif wheels := index.listed(project):
            versions = sorted({each.version for each in wheels})
            files = {"name": project, "versions": versions, "files": [_describe(each) for each in wheels]}
            self._send_page(files, [_link(each) for each in wheels])
        else:
            self._send(404)

    def _send_page(self, content: dict[str, Any], anchors: Sequence[str]) -> None:
        # Asked for again each time, as an index's pages are that may change at any moment.
        headers = {"Cache-Control": "no-cache", "Vary": "Accept"}
        if self.server.index.speaks_json and JSON_TYPE in self._preferred():
            body = json.dumps({"meta": {"api-version": "1.1"}, **content})
            self._send(200, body.encode(), {"Content-Type": JSON_TYPE, **headers})
        else:
            page = "".join(f"{anchor}<br>\n" for anchor in anchors)
            body = f'<!DOCTYPE html>\n<meta name="pypi:repository-version" content="1.1">\n<title>Links</title>\n{page}'
            self._send(200, body.encode(), {"Content-Type": "text/html; charset=utf-8", **headers})

    def _send_file(self, listed: Listed, part: Part, fault: Fault | None) -> None:
        data = listed.metadata if part == "metadata" else listed.tampered if fault == "tamper" else listed.data
        if data is None:
            self._send(404)
            return
        headers = {"Content-Type": "application/octet-stream", "Cache-Control": "max-age=31536000, immutable"}
        self._send(200, data, headers, cut=fault == "cut")

    def _preferred(self) -> list[str]:
        """The types that the client likes best (RFC 9110, section 12.5.1)."""
        weights: dict[str, float] = {}
        for each in self.headers.get("Accept", "").split(","):
            kind, _, weight = each.partition(";q=") if ";q=" in each else each.partition("; q=")
            weights[kind.strip()] = float(weight or 1)
        return [kind for kind, weight in weights.items() if weight == max(weights.values())]

    def _login(self) -> str | None:
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "basic":
            return None
        with contextlib.suppress(binascii.Error):
            return base64.b64decode(value).decode("utf-8", "replace")
        return None

    def _record(self, status: int) -> None:
        self.server.index.requests.append(Request(self.command, self.path, self._login(), status))

    def _send(
        self, status: int, body: bytes = b"", headers: dict[str, str] | None = None, *, cut: bool = False
    ) -> None:
        self._record(status)
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[: len(body) // 2] if cut else body)


def _url(listed: Listed) -> str:
    return f"../../files/{quote(listed.file)}"


def _describe(listed: Listed) -> dict[str, Any]:
    """Give a file's entry in a project's page (PEP 691, PEP 700, PEP 714)."""
    return {
        "filename": listed.file,
        "url": _url(listed),
        "hashes": {"sha256": listed.sha256},
        "requires-python": listed.requires_python or None,
        "size": len(listed.data),
        "yanked": listed.yanked,
        # Not under its first name, dist-info-metadata: it makes pip before 23.1.1 crash, as PEP 714 tells.
        "core-metadata": {"sha256": listed.metadata_sha256} if listed.metadata is not None else False,
    }


def _link(listed: Listed) -> str:
    """Give a file's link in a project's page (PEP 503, PEP 592, PEP 714)."""
    attributes = {}
    if listed.requires_python:
        attributes["data-requires-python"] = listed.requires_python
    if listed.yanked is not False:
        attributes["data-yanked"] = "" if listed.yanked is True else listed.yanked
    if listed.metadata is not None:
        attributes["data-core-metadata"] = f"sha256={listed.metadata_sha256}"
    return _anchor(f"{_url(listed)}#sha256={listed.sha256}", listed.file, **attributes)


def _anchor(url: str, text: str, **attributes: str) -> str:
    given = {"href": url, **attributes}
    written = " ".join(f'{name}="{escape(value)}"' for name, value in given.items())
    return f"<a {written}>{escape(text)}</a>"
