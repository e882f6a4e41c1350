"""What a process and its children print, taken for output while a function runs."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_STREAMS = ((1, "stdout"), (2, "stderr"))
_LINGER_SECONDS = 1.0
"""How long output is still awaited from children that were left behind with a stream open."""


@contextmanager
def captured_prints(write: Callable[[str, str], None]) -> Iterator[None]:
    """Take all that is written to the descriptors 1 and 2, by this process or its children.

    Args:
        write: Receives `("stdout"|"stderr", line)` for each line, without its end. It must not itself write to the
            descriptors 1 and 2.
    """
    lock = threading.Lock()

    def write_line(stream: str, line: str) -> None:
        with lock:
            write(stream, line)

    _flush()
    captures = [_Capture(descriptor, stream, write_line) for descriptor, stream in _STREAMS]
    try:
        yield
    finally:
        _flush()
        for capture in captures:
            capture.end()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed by the step, or None
            stream.flush()


class _Capture:
    """Puts a pipe in a descriptor's place, and hands out the lines that come through it."""

    def __init__(self, descriptor: int, stream: str, write: Callable[[str, str], None]) -> None:
        self._descriptor = descriptor
        self._stream = stream
        self._write = write
        self._saved = os.dup(descriptor)
        reading, writing = os.pipe()
        os.dup2(writing, descriptor)
        os.close(writing)
        self._thread = threading.Thread(target=self._read, args=(reading,), daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Put the descriptor back, and wait for what is still on its way."""
        os.dup2(self._saved, self._descriptor)
        os.close(self._saved)
        self._thread.join(_LINGER_SECONDS)

    def _read(self, reading: int) -> None:
        rest = b""
        while chunk := os.read(reading, 65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._tell(line)
        if rest:
            self._tell(rest)
        os.close(reading)

    def _tell(self, line: bytes) -> None:
        self._write(self._stream, line.rstrip(b"\r").decode("utf-8", "replace"))
