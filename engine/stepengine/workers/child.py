"""A worker in a child process of this machine."""

from __future__ import annotations

import os
import select
import subprocess
import tempfile
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from stepengine.running.process import GRACE_SECONDS, end_process

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CHUNK = 65536
_MOMENT_SECONDS = 0.5
# The worker needs `GRACE_SECONDS` of its own to end the program that a step runs.
_WORKER_GRACE_SECONDS = GRACE_SECONDS + 2


class ChildTransport:
    """A child process that is a worker.

    Args:
        command: The interpreter and what has it serve.
        directory: Where it starts.
        environ: Its whole environment.

    Raises:
        OSError: it cannot be started.
    """

    lost = None

    def __init__(self, command: Sequence[str], directory: str, environ: Mapping[str, str]) -> None:
        self._at_end = self._ended = False
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - `end` closes it
        try:
            self._child = subprocess.Popen(
                command,
                cwd=directory,
                env=environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=os.name == "posix",
            )
        except BaseException:
            self._errors.close()
            raise
        self._reader = _Lines(self._child)

    def send(self, data: bytes) -> None:
        """Write to the child."""
        if self._child.stdin is not None:
            self._child.stdin.write(data)
            self._child.stdin.flush()

    def receive(self) -> bytes:
        """Read a line from the child."""
        line = self._reader.line()
        self._at_end = not line
        return line

    def end(self) -> str:
        """End the child with all that it started; see `Transport.end`."""
        if self._ended:
            return ""
        code = self._exit_status()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not sent yet no longer matters
                    pipe.close()
        end_process(self._child, _WORKER_GRACE_SECONDS)
        self._ended = True  # not sooner: after an interruption it is tried again
        self._errors.seek(0)
        said = self._errors.read()[-4000:].decode("utf-8", "replace").strip()
        self._errors.close()
        return f"{_describe(code)}\n{said}"

    def _exit_status(self) -> int | None:
        """Give the child's exit status where it ended by itself; its pipes close a moment before it is gone."""
        if not self._at_end:
            return self._child.poll()
        with suppress(subprocess.TimeoutExpired):
            return self._child.wait(_MOMENT_SECONDS)
        return None


class _Lines:
    """What a child writes, line by line, until it ends it or is gone."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self._lines: deque[bytes] = deque()
        self._begun: list[bytes] = []
        self._poll = select.poll() if hasattr(select, "poll") else None
        if self._poll is not None and child.stdout is not None:
            self._poll.register(child.stdout.fileno(), select.POLLIN)

    def line(self) -> bytes:
        """Give the next line; one that does not end where there is no more, and then nothing."""
        if self._child.stdout is None:  # pragma: no cover - it is a pipe
            return b""
        if self._poll is None:
            return self._child.stdout.readline()
        while not self._lines:
            chunk = os.read(self._child.stdout.fileno(), _CHUNK) if self._more() else b""
            first, *rest = chunk.split(b"\n")
            self._begun.append(first)
            if rest or not chunk:
                line = b"".join(self._begun)
                self._begun = []
                if not chunk:
                    return line
                *whole, begun = rest
                self._lines.extend(each + b"\n" for each in (line, *whole))
                self._begun.append(begun)
        return self._lines.popleft()

    def _more(self) -> bool:
        """Wait for the pipe's next bytes or its end; a process that a step has forked may have it open for ever."""
        poll = self._poll
        if poll is None:
            return True
        while not poll.poll(_MOMENT_SECONDS * 1000):
            if self._child.poll() is not None:
                return bool(poll.poll(0))
        return True


def _describe(code: int | None) -> str:
    if code is None or code >= 0:
        return "" if code is None else f"exit status {code}"
    import signal

    try:
        name = f" ({signal.Signals(-code).name})"
    except ValueError:
        name = ""
    return f"ended by signal {-code}{name}"
