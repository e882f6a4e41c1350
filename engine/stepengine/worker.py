"""The far side of a pull rehearsal: runs steps as it is told, in a child process or in a container.

It needs Python 3.10 and nothing else. Messages are JSON, one a line; they come on standard input and go to standard
output; what steps print goes into pipes of its own and becomes messages.

Towards the worker: `{"environ": …, "project": …, "directory": …}` once; for each step
`{"target": "module:attribute", "inputs": …, "context": "name"}`; in answer to a question `{"block": …}` or
`{"error": …}`. From the worker: `{"environ": …, "directory": …}` once; `{"emit": kind, "data": …}`;
`{"need_block": [type, name]}`; at the end of each step `{"result": …, "directory": …}` or
`{"failed": …, "directory": …}`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from stepengine.calling import call_step
from stepengine.context import Context
from stepengine.errors import StepEngineError, TemplateError
from stepengine.failures import describe_exception

if TYPE_CHECKING:
    from typing import BinaryIO

_MARK = b"\0stepengine-step-end\0"


def main() -> None:
    """Serve steps until standard input ends."""
    channel = _Channel()
    hello = channel.receive()
    if hello is None:
        return
    worker = _Worker(channel, hello)
    while (message := channel.receive()) is not None:
        channel.send(worker.run(message))


class _Channel:
    """The two pipes to the engine, moved out of the steps' reach."""

    def __init__(self) -> None:
        self._in: BinaryIO = os.fdopen(os.dup(0), "rb")
        self._out: BinaryIO = os.fdopen(os.dup(1), "wb")
        self._lock = threading.Lock()
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        self._prints = [_Prints(1, "stdout", self), _Prints(2, "stderr", self)]

    def receive(self) -> dict[str, Any] | None:
        """Give the next message; None at the end."""
        line = self._in.readline()
        return json.loads(line) if line.strip() else None

    def send(self, message: dict[str, Any]) -> None:
        """Send a message, after all that has been printed before it."""
        for prints in self._prints:
            prints.drain()
        self._write(message)

    def emit(self, kind: str, data: dict[str, Any]) -> None:
        """Send what a step reports."""
        self._write({"emit": kind, "data": data})

    def _write(self, message: dict[str, Any]) -> None:
        data = json.dumps(message, default=_not_data).encode() + b"\n"
        with self._lock:
            self._out.write(data)
            self._out.flush()


def _not_data(value: Any) -> Any:
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    return str(value)


class _Prints:
    """Replaces one of the process's output descriptors by a pipe, whose lines become messages."""

    def __init__(self, descriptor: int, stream: str, channel: _Channel) -> None:
        self._stream = stream
        self._channel = channel
        self._seen = threading.Event()
        reading, self._writing = os.pipe()
        os.dup2(self._writing, descriptor)
        threading.Thread(target=self._read, args=(reading,), daemon=True).start()

    def drain(self) -> None:
        """Wait until all that has been printed so far has been sent."""
        (sys.stdout if self._stream == "stdout" else sys.stderr).flush()
        self._seen.clear()
        os.write(self._writing, _MARK)
        self._seen.wait(5)

    def _read(self, reading: int) -> None:
        rest = b""
        while chunk := os.read(reading, 65536):
            rest += chunk
            if _MARK in rest:
                before, _, rest = rest.partition(_MARK)
                self._lines(before + b"\n" if before and not before.endswith(b"\n") else before)
                self._seen.set()
            rest = self._lines(rest)

    def _lines(self, data: bytes) -> bytes:
        *lines, rest = data.split(b"\n")
        for line in lines:
            text = line.rstrip(b"\r").decode("utf-8", "replace")
            self._channel.emit("output", {"stream": self._stream, "line": text})
        return rest


class _Worker:
    def __init__(self, channel: _Channel, hello: dict[str, Any]) -> None:
        self._channel = channel
        os.environ.update(hello["environ"])
        if hello["directory"]:
            os.chdir(hello["directory"])
        sys.path.insert(0, "")  # the worker's directory, where cloned code may be
        self._context = Context(
            os.getcwd(),
            project=hello["project"],
            emit=channel.emit,
            block=self._block,
        )
        channel.send({"environ": dict(os.environ), "directory": self._context.directory})

    def _block(self, type_slug: str, name: str) -> Any:
        self._channel.send({"need_block": [type_slug, name]})
        answer = self._channel.receive() or {"error": "the engine is gone"}
        if "error" in answer:
            raise TemplateError(answer["error"], hint=answer.get("hint", ""))
        return answer["block"]

    def run(self, message: dict[str, Any]) -> dict[str, Any]:
        """Run one step and say how it went."""
        import importlib

        module, _, attribute = message["target"].partition(":")
        try:
            function: Any = importlib.import_module(module)
            for part in attribute.split("."):
                function = getattr(function, part)
            result = call_step(function, message["inputs"], self._context, message["context"])
        except KeyboardInterrupt:
            raise
        except StepEngineError as error:
            told = {"message": error.message, "hint": error.hint, "output": getattr(error, "output", "")}
            return {"failed": told, "directory": self._context.directory}
        except BaseException as error:  # noqa: BLE001 - a step is a third party's: all of it is its failure
            text, output = describe_exception(error)
            told = {"message": text, "hint": "", "output": output}
            return {"failed": told, "directory": self._context.directory}
        return {"result": result, "directory": self._context.directory}
