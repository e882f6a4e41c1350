"""What this process and its children print, taken for the output of the step that runs."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Take = Callable[[str, str], None]

_MARK = b"\0stepengine-step-end\0"
_DRAIN_SECONDS = 5.0


class Prints:
    """Takes all that is written to the descriptors 1 and 2, from now until `end`.

    Args:
        take: Receives `("stdout"|"stderr", line)` for each line, without its end, in threads of its own. What it writes
            to the two descriptors would come back to it. Once it has failed, the rest is dropped: whoever prints must
            not wait for ever.
    """

    def __init__(self, take: Take) -> None:
        _flush()
        self._before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = sys.__stdout__ or sys.stdout, sys.__stderr__ or sys.stderr
        self._streams: list[Any] = [sys.stdout, sys.stderr]
        self._unbuffered = [stream for stream in self._streams if not getattr(stream, "line_buffering", True)]
        for stream in self._unbuffered:
            stream.reconfigure(line_buffering=True)  # or output would not be live
        self._captures = [_Capture(1, "stdout", take), _Capture(2, "stderr", take)]

    def drain(self) -> None:
        """Wait until all that has been printed so far has been taken; children that still run may print more."""
        _flush()
        self._reopen()
        for capture in self._captures:
            capture.drain()

    def _reopen(self) -> None:
        """Give the process its streams again where a step has closed or replaced them."""
        for index, capture in enumerate(self._captures):
            if self._streams[index].closed:
                capture.attach()
                self._streams[index] = open(  # noqa: SIM115 - it stays open
                    capture.descriptor, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False
                )
        sys.stdout, sys.stderr = self._streams

    def end(self) -> None:
        """Put the descriptors back, once all that has been printed so far has been taken."""
        try:
            self.drain()
        finally:
            for capture in self._captures:
                capture.end()
            self._captures = []
        for stream in self._unbuffered:
            if not stream.closed:
                stream.reconfigure(line_buffering=False)
        sys.stdout, sys.stderr = self._before


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed by the step, or None
            stream.flush()


class _Capture:
    """Puts a pipe in a descriptor's place, and hands out the lines that come through it."""

    def __init__(self, descriptor: int, stream: str, take: Take) -> None:
        self.descriptor = descriptor
        self._stream = stream
        self._take = take
        self._drained = threading.Event()
        self._failed = False
        self._saved = os.dup(descriptor)
        reading, self._writing = os.pipe()
        self.attach()
        threading.Thread(target=self._read, args=(reading,), daemon=True).start()

    def attach(self) -> None:
        """Put the pipe in the descriptor's place."""
        os.dup2(self._writing, self.descriptor)

    def drain(self) -> None:
        """Wait for what is still on its way: it comes before a mark that is sent after it."""
        self._drained.clear()
        os.write(self._writing, _MARK)
        self._drained.wait(_DRAIN_SECONDS)

    def end(self) -> None:
        """Put the descriptor back. The thread ends once no child has the pipe any more."""
        os.dup2(self._saved, self.descriptor)
        os.close(self._saved)
        os.close(self._writing)

    def _read(self, reading: int) -> None:
        rest = b""
        while chunk := os.read(reading, 65536):
            rest += chunk
            while _MARK in rest:
                before, _, rest = rest.partition(_MARK)
                self._lines(before + b"\n" if before and not before.endswith(b"\n") else before)
                self._drained.set()
            rest = self._lines(rest)
        self._lines(rest + b"\n" if rest else b"")
        os.close(reading)

    def _lines(self, data: bytes) -> bytes:
        """Hand out the lines of `data`; give what follows the last."""
        *lines, rest = data.split(b"\n")
        for line in lines:
            if not self._failed:
                try:
                    self._take(self._stream, line.rstrip(b"\r").decode("utf-8", "replace"))
                except Exception:  # noqa: BLE001 - the stream of the reporter is broken: the next event tells so where it can be handled
                    self._failed = True
        return rest
