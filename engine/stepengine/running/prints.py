"""What this process and its children print, taken for the output of the step that runs."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

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
        self._streams: list[TextIO] = []  # let go of, they would close what a step has wrapped
        self._captures = [_Capture(1, "stdout", take), _Capture(2, "stderr", take)]
        self._attach()

    def drain(self) -> None:
        """Wait until all that has been printed so far has been taken; children that still run may print more.

        Whatever a step did to the process's streams, its successors find them as they were.
        """
        _flush()
        self._attach()
        for capture in self._captures:
            capture.drain()

    def _attach(self) -> None:
        sys.stdout, sys.stderr = streams = [capture.attach() for capture in self._captures]
        self._streams += streams

    def end(self) -> None:
        """Put the streams back, once all that has been printed so far has been taken."""
        try:
            self.drain()
        finally:
            for capture in self._captures:
                capture.end()
            self._captures = []
            sys.stdout, sys.stderr = self._before


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed by the step, or None
            stream.flush()


class _Capture:
    """Puts a pipe in a descriptor's place, and hands out the lines that come through it."""

    def __init__(self, descriptor: int, stream: str, take: Take) -> None:
        self._descriptor = descriptor
        self._stream = stream
        self._take = take
        self._drained = threading.Event()
        self._failed = False
        self._blank_lines = 0
        self._saved = os.dup(descriptor)
        reading, self._writing = os.pipe()
        threading.Thread(target=self._read, args=(reading,), daemon=True).start()

    def attach(self) -> TextIO:
        """Put the pipe in the descriptor's place, and give a stream that writes to it line by line."""
        os.dup2(self._writing, self._descriptor)
        return open(self._descriptor, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)

    def drain(self) -> None:
        """Wait for what is still on its way: it comes before a mark that is sent after it."""
        self._drained.clear()
        os.write(self._writing, b"\n" + _MARK + b"\n")
        self._drained.wait(_DRAIN_SECONDS)

    def end(self) -> None:
        """Put the descriptor back. The thread ends once no child has the pipe any more."""
        os.dup2(self._saved, self._descriptor)
        os.close(self._saved)
        os.close(self._writing)

    def _read(self, reading: int) -> None:
        pieces: list[bytes] = []  # of a line that has not ended
        while chunk := os.read(reading, 65536):
            *lines, rest = chunk.split(b"\n")
            for line in lines:
                self._line(b"".join([*pieces, line]))
                pieces.clear()
            if rest:
                pieces.append(rest)
        if pieces:
            self._line(b"".join(pieces))
        os.close(reading)

    def _line(self, line: bytes) -> None:
        """Hand out a line; the line end before a mark is the mark's own, unless it ends what was printed."""
        if line == _MARK:
            self._tell_blank_lines(self._blank_lines - 1)
            self._drained.set()
        elif line:
            self._tell_blank_lines(self._blank_lines)
            self._tell(line)
        else:
            self._blank_lines += 1

    def _tell_blank_lines(self, count: int) -> None:
        self._blank_lines = 0
        for _ in range(count):
            self._tell(b"")

    def _tell(self, line: bytes) -> None:
        if self._failed:
            return
        try:
            self._take(self._stream, line.rstrip(b"\r").decode("utf-8", "replace"))
        except Exception:  # noqa: BLE001 - the reporter's stream is broken: the next event tells so where it can be handled
            self._failed = True
