"""Child processes: started without a shell, read live, and ended with all that they started."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import BinaryIO

GRACE_SECONDS = 5.0
"""How long a child has between SIGTERM and SIGKILL."""

LINGER_SECONDS = 1.0
"""How long output is still awaited from what a finished child left behind in the background."""

_POLL_SECONDS = 0.2
_CHUNK = 65536


class Completed(NamedTuple):
    """What a child process left behind.

    Attributes:
        returncode: Its exit status; negative N where signal N ended it.
        stdout: All that it wrote there, decoded as UTF-8 (undecodable bytes replaced).
        stderr: The same for its standard error.
    """

    returncode: int
    stdout: str
    stderr: str


def run_process(
    args: Sequence[str],
    *,
    cwd: str,
    env: Mapping[str, str],
    on_line: Callable[[str, str], None] | None = None,
    timeout: float | None = None,
    stdin: bytes | None = None,
) -> Completed:
    """Run a program to its end.

    Args:
        args: The program and its arguments; never passed through a shell.
        cwd: Its working directory.
        env: Its whole environment.
        on_line: Called with `("stdout"|"stderr", line)` for each line as it comes, without its line end.
        timeout: Seconds until it is ended.
        stdin: What it reads; nothing where it is None.

    Returns:
        Its exit status and output.

    Raises:
        FileNotFoundError, PermissionError, NotADirectoryError: it could not be started.
        TimeoutError: it ran longer than `timeout`; it has been ended.
        KeyboardInterrupt: passed on after the child and its descendants have been ended.
    """
    child = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
        list(args),
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A session of its own: its whole tree can be ended, and Ctrl-C on the terminal reaches it through us alone.
        start_new_session=os.name == "posix",
    )
    try:
        output = _Output(child, on_line)
        _feed(child, stdin)
        output.drain(None if timeout is None else time.monotonic() + timeout)
        returncode = child.wait()
    except BaseException:
        end_process(child)
        raise
    return Completed(returncode, output.text("stdout"), output.text("stderr"))


def end_process(child: subprocess.Popen[bytes]) -> None:
    """End a child and all of its descendants: SIGTERM, then SIGKILL after `GRACE_SECONDS`."""
    _signal_tree(child, signal.SIGTERM)
    try:
        child.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _signal_tree(child, getattr(signal, "SIGKILL", signal.SIGTERM))
        child.wait()


def _signal_tree(child: subprocess.Popen[bytes], number: int) -> None:
    if os.name != "posix":
        if child.poll() is None:
            child.terminate()
        return
    try:
        os.killpg(child.pid, number)
    except (ProcessLookupError, PermissionError):
        pass  # nothing of the group is left, or (macOS) only zombies are


def _feed(child: subprocess.Popen[bytes], data: bytes | None) -> None:
    if data is None or child.stdin is None:
        return
    pipe = child.stdin

    def write() -> None:
        try:
            with pipe:
                pipe.write(data)
        except (BrokenPipeError, OSError):
            pass  # the child did not want to read it all

    threading.Thread(target=write, daemon=True).start()


class _Output:
    """Reads a child's two streams; hands out their lines in the caller's thread."""

    def __init__(self, child: subprocess.Popen[bytes], on_line: Callable[[str, str], None] | None) -> None:
        self._child = child
        self._on_line = on_line
        self._chunks: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
        self._partial: dict[str, bytes] = {"stdout": b"", "stderr": b""}
        self._queue: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        for name, pipe in (("stdout", child.stdout), ("stderr", child.stderr)):
            threading.Thread(target=self._read, args=(name, pipe), daemon=True).start()

    def _read(self, name: str, pipe: BinaryIO) -> None:
        descriptor = pipe.fileno()
        try:
            while chunk := os.read(descriptor, _CHUNK):
                self._queue.put((name, chunk))
        except OSError:
            pass  # closed under us: the child is being ended
        self._queue.put((name, b""))

    def drain(self, deadline: float | None) -> None:
        """Take in output until both streams end, or the child is gone and its leftovers stay silent."""
        open_streams = 2
        linger_until: float | None = None
        while open_streams:
            try:
                name, chunk = self._queue.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                now = time.monotonic()
                if deadline is not None and now > deadline:
                    raise TimeoutError from None
                if self._child.poll() is not None:
                    linger_until = linger_until or now + LINGER_SECONDS
                    if now > linger_until:
                        break
                continue
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError
            if chunk:
                self._take(name, chunk)
            else:
                open_streams -= 1
        for name, rest in self._partial.items():
            if rest:
                self._emit(name, rest)

    def _take(self, name: str, chunk: bytes) -> None:
        self._chunks[name].append(chunk)
        if self._on_line is None:
            return
        *lines, self._partial[name] = (self._partial[name] + chunk).split(b"\n")
        for line in lines:
            self._emit(name, line)

    def _emit(self, name: str, line: bytes) -> None:
        if self._on_line is not None:
            self._on_line(name, line.rstrip(b"\r").decode("utf-8", "replace"))

    def text(self, name: str) -> str:
        """All that came on one stream."""
        return b"".join(self._chunks[name]).decode("utf-8", "replace")
