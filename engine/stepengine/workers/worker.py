"""The far side: runs steps as it is told, in a child process or in a container.

It needs Python 3.10 and nothing else. Messages are JSON, one a line; they come on standard input and go to standard
output; what steps print goes into pipes of its own and becomes messages.

Towards the worker: `{"project": …, "directory": …, "missing_hint": …}` once; for each step
`{"target": "module:attribute", "inputs": …, "context": "name"}`, with `"directory"` and `"environ"` where these are not
as the step before left them; in answer to a question `{"block": …}` or `{"error": …}`. From the worker:
`{"environ": …, "directory": …}` once; `{"emit": kind, "data": …}`; `{"need_block": [type, name]}`; at the end of each
step `{"result": …, "directory": …}` or `{"failed": …, "directory": …}`.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from stepengine.catalogue.modules import load_target, project_index
from stepengine.errors import StepEngineError, TemplateError, tell_exception
from stepengine.running.calling import call_step
from stepengine.running.context import Context
from stepengine.running.failures import describe_exception
from stepengine.running.prints import Prints
from stepengine.running.process import GRACE_SECONDS
from stepengine.workers.messages import encode_message, find_undata

if TYPE_CHECKING:
    from types import FrameType
    from typing import BinaryIO

_IDLE_SECONDS = 0.1
_INTERRUPTED = 130


def main() -> None:
    """Serve steps until standard input ends."""
    ending = _Ending()
    try:
        _serve(_Channel(), ending)
    except KeyboardInterrupt:
        _end_group()
        sys.exit(_INTERRUPTED)


def _end_group() -> None:
    """End what steps have started: where the engine was killed nobody else does."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(os.getpgrp(), signal.SIGTERM)


def _serve(channel: _Channel, ending: _Ending) -> None:
    hello = channel.receive()
    if hello is None:
        return
    worker = _Worker(channel, hello, ending)
    process = os.getpid()
    while (message := channel.receive()) is not None:
        reply = worker.run(message)
        if os.getpid() != process:
            os._exit(0)  # a child that the step forked came back from it: the channel is its parent's
        channel.send(reply)


class _Ending:
    """Turns the first signal to end into KeyboardInterrupt, so that what steps started is ended with them."""

    def __init__(self) -> None:
        self.begun = False
        self._process = os.getpid()
        for name in ("SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._end)

    def _end(self, number: int, _frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # a child that the step forked
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif not self.begun:
            self.begun = True
            raise KeyboardInterrupt


def _interrupt() -> None:
    """Have the main thread end; a signal that another thread took would not wake it."""
    if hasattr(signal, "pthread_kill"):
        ident = threading.main_thread().ident
        signal.pthread_kill(ident or 0, signal.SIGTERM)
    else:
        import _thread

        _thread.interrupt_main(signal.SIGTERM)


class _Channel:
    """The two pipes to the engine, moved out of the steps' reach."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._messages: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._in: BinaryIO = os.fdopen(os.dup(0), "rb")
        self._out: BinaryIO = os.fdopen(os.dup(1), "wb")
        self._lock = threading.Lock()
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        for stream in (sys.stdout, sys.stderr):  # as in the engine's process: what cannot be encoded can be printed
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        self._prints = Prints(lambda stream, line: self.emit("output", {"stream": stream, "line": line}))
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        """Queue what comes; at its end the engine is gone, and a step that runs must not go on without it."""
        for line in self._in:
            self._messages.put(line)
        self._messages.put(b"")
        time.sleep(_IDLE_SECONDS)  # where no step runs, the process ends by itself
        _interrupt()
        time.sleep(2 * GRACE_SECONDS)
        os._exit(_INTERRUPTED)

    def receive(self) -> dict[str, Any] | None:
        """Give the next message; None at the end."""
        line = self._messages.get()
        return json.loads(line) if line.strip() else None

    def send(self, data: bytes) -> None:
        """Send an encoded message, after all that has been printed before it."""
        self._prints.drain()
        self._write(data)

    def emit(self, kind: str, data: dict[str, Any]) -> None:
        """Send what a step reports; a child that the step forked can only print."""
        if os.getpid() == self._process:
            self._write(encode_message({"emit": kind, "data": data}))
        elif kind == "output":
            os.write(2 if data["stream"] == "stderr" else 1, f"{data['line']}\n".encode("utf-8", "replace"))

    def _write(self, data: bytes) -> None:
        with self._lock:
            self._out.write(data)
            self._out.flush()


class _Worker:
    def __init__(self, channel: _Channel, hello: dict[str, Any], ending: _Ending) -> None:
        self._channel = channel
        self._ending = ending
        if hello["directory"]:
            os.chdir(hello["directory"])
        sys.path.insert(project_index(), "")  # the worker's directory, where cloned code may be
        self._missing_hint = hello["missing_hint"]
        self._context = Context(
            os.getcwd(),
            project=hello["project"],
            emit=channel.emit,
            block=self._block,
            was_cancelled=lambda: ending.begun,
        )
        self._told_environ = dict(os.environ)
        channel.send(encode_message({"environ": self._told_environ, "directory": self._context.directory}))

    def _block(self, type_slug: str, name: str) -> Any:
        self._channel.send(encode_message({"need_block": [type_slug, name]}))
        answer = self._channel.receive() or {"error": "the engine is gone"}
        if "error" in answer:
            raise TemplateError(answer["error"], hint=answer.get("hint", ""))
        return answer["block"]

    def run(self, message: dict[str, Any]) -> bytes:
        """Run one step and say how it went, encoded."""
        try:
            reply = self._call(message)
        except BaseException as error:  # a step is a third party's: all of it is its failure
            if self._ending.begun:
                raise
            reply = {"failed": _describe(error)}
        state: dict[str, Any] = {"directory": self._context.directory}
        if self._context.environ != self._told_environ:
            self._told_environ = state["environ"] = dict(self._context.environ)
        try:
            return encode_message({**reply, **state})
        except Exception as error:  # noqa: BLE001 - the value's own methods are called
            where = find_undata(reply.get("result"))
            what = f"its output {where!r}" if where else "its return value"
            told = str(error) if type(error) is TypeError else tell_exception(error)
            text = f"{what} cannot be passed on: {' '.join(told.split())}"
            return encode_message({"failed": _failure(text), **state})

    def _call(self, message: dict[str, Any]) -> dict[str, Any]:
        self._context.directory = message.get("directory", self._context.directory)
        if "environ" in message:
            self._context.environ = dict(message["environ"])
            self._told_environ = message["environ"]
        module, _, attribute = message["target"].rpartition(":")
        try:
            function = load_target(module, attribute, self._context.directory if module.endswith(".py") else None)
        except (ImportError, AttributeError, OSError) as error:
            hint = self._missing_hint
            raise StepEngineError(f"the step cannot be imported here: {tell_exception(error)}", hint=hint) from error
        return {"result": call_step(function, message["inputs"], self._context, message["context"])}


def _describe(error: BaseException) -> dict[str, str]:
    if isinstance(error, StepEngineError):
        return _failure(error.message, hint=error.hint, output=getattr(error, "output", ""))
    text, frames = describe_exception(error)
    return _failure(text, frames=frames)


def _failure(message: str, *, hint: str = "", output: str = "", frames: str = "") -> dict[str, str]:
    return {"message": message, "hint": hint, "output": output, "frames": frames}
