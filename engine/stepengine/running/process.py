"""Child processes: started without a shell, read live, and ended with all that they started."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from typing import TYPE_CHECKING

from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import IO

GRACE_SECONDS = 5.0
"""How long a child and its descendants have between SIGTERM and SIGKILL."""

LINGER_SECONDS = 1.0
"""How long output is still awaited from what a finished child left behind in the background."""

_POLL_SECONDS = 0.2
_GONE_SECONDS = 0.02
_CHUNK = 65536
# What a full pipe can hold (Linux: fs.pipe-max-size): the most that a finished child can have left unread.
_PIPE_BYTES = 1 << 20


class Completed(Record):
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
    each_state: bool = False,
    timeout: float | None = None,
    stdin: bytes | None = None,
    keep: Sequence[int] = (),
) -> Completed:
    r"""Run a program to its end.

    Args:
        args: The program and its arguments; never passed through a shell. On Windows a string is taken as the whole
            command line, for programs that do not split theirs by the usual rules (`cmd.exe`).
        cwd: Its working directory.
        env: Its whole environment.
        on_line: Called with `("stdout"|"stderr", line)` for each line as it comes, without its line end; of a line
            that overwrites itself (`\r`), with what it ended up as.
        each_state: Whether `on_line` gets what such a line was in between, too.
        timeout: Seconds until it is ended.
        stdin: What it reads; nothing where it is None.
        keep: Descriptors that it holds open, too: a lock, for example, that must not end before it does.

    Returns:
        Its exit status and output.

    Raises:
        FileNotFoundError, PermissionError, NotADirectoryError: it could not be started.
        TimeoutError: it ran longer than `timeout`; it has been ended.
        KeyboardInterrupt: passed on after the child and its descendants have been ended.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    child = _start(args, cwd, env, subprocess.DEVNULL if stdin is None else subprocess.PIPE, keep)
    output = _Output(on_line, each_state=each_state)
    try:
        reader = _reader(child)
        try:
            _feed(child, stdin)
            _drain(child, reader, output, deadline)
        finally:
            reader.close()
        returncode = child.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
    except BaseException as error:
        end_process(child)
        if isinstance(error, (subprocess.TimeoutExpired, TimeoutError)):
            program = args if isinstance(args, str) else args[0]
            raise TimeoutError(f"{program} ran longer than {timeout:g} s") from None
        raise
    return Completed(returncode, output.text("stdout"), output.text("stderr"))


def _start(
    args: Sequence[str], cwd: str, env: Mapping[str, str], stdin: int, keep: Sequence[int]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        args if isinstance(args, str) else list(args),
        cwd=cwd,
        env=dict(env),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A session of its own: its whole tree can be ended, and Ctrl-C on the terminal reaches it through us alone.
        start_new_session=os.name == "posix",
        pass_fds=keep,
    )


def end_process(child: subprocess.Popen[bytes], grace: float = GRACE_SECONDS) -> None:
    """End a child and all of its descendants: SIGTERM, then SIGKILL after so many seconds."""
    try:
        _signal_tree(child, signal.SIGTERM)
        deadline = time.monotonic() + grace
        while _tree_lives(child) and time.monotonic() < deadline:
            time.sleep(_GONE_SECONDS)
    finally:
        _signal_tree(child, getattr(signal, "SIGKILL", signal.SIGTERM))
        child.wait()


def _signal_tree(child: subprocess.Popen[bytes], number: int) -> None:
    if os.name != "posix":
        if child.poll() is None:
            # Popen.terminate would leave the descendants running.
            kill = ["taskkill", "/T", "/F", "/PID", str(child.pid)]
            subprocess.run(kill, capture_output=True, check=False)
        return
    # A worker's children lead sessions of their own. It ends them itself, unless it is killed.
    descendants = _descendants(child.pid) if number == signal.SIGKILL and child.returncode is None else []
    with contextlib.suppress(ProcessLookupError, PermissionError):  # nothing is left, or (macOS) only zombies are
        os.killpg(child.pid, number)
    for pid in descendants:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _descendants(ancestor: int) -> list[int]:
    """Give the ids of all processes that a process and its descendants have started, of those that still run."""
    children: dict[int, list[int]] = {}
    for pid, parent in _processes():
        children.setdefault(parent, []).append(pid)
    found = list(children.get(ancestor, ()))
    for pid in found:  # it grows
        found += children.get(pid, ())
    return found


def _processes() -> Iterator[tuple[int, int]]:
    """Give the id of each process and that of its parent."""
    if not os.path.isdir("/proc/self"):
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False)  # noqa: S607
        for line in listed.stdout.splitlines():
            pid, parent = line.split()
            yield int(pid), int(parent)
        return
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat", "rb") as file:
                # The program's name may hold anything, parentheses too: proc(5).
                yield int(name), int(file.read().rpartition(b")")[2].split()[1])


def _tree_lives(child: subprocess.Popen[bytes]) -> bool:
    if child.poll() is None:
        return True
    if os.name != "posix":
        return False
    with contextlib.suppress(ChildProcessError):
        # As process 1 of a container we inherit its orphans, and they count as members of the group until reaped.
        while os.waitpid(-child.pid, os.WNOHANG)[0]:
            pass
    try:
        os.killpg(child.pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _feed(child: subprocess.Popen[bytes], data: bytes | None) -> None:
    if data is None or child.stdin is None:
        return
    import threading

    pipe = child.stdin

    def write() -> None:
        with contextlib.suppress(OSError), pipe:  # the child need not read it all
            pipe.write(data)

    threading.Thread(target=write, daemon=True).start()


def _drain(
    child: subprocess.Popen[bytes], reader: _PollReader | _ThreadReader, output: _Output, deadline: float | None
) -> None:
    """Take in output until both streams end, or the child is gone and what it left behind is not awaited any more."""
    linger_until: float | None = None
    spare = _PIPE_BYTES
    now = time.monotonic()
    while reader.open:
        wait = _POLL_SECONDS if deadline is None else min(_POLL_SECONDS, max(0.0, deadline - now))
        lingered = linger_until is not None and now > linger_until
        chunks = reader.read(0.0 if lingered else wait)
        for name, chunk in chunks:
            output.take(name, chunk)
            spare -= len(chunk) if lingered else 0
        if lingered and (not chunks or spare <= 0):
            break
        now = time.monotonic()
        if linger_until is None and child.poll() is not None:
            linger_until = now + LINGER_SECONDS
        if linger_until is None and deadline is not None and now >= deadline:
            output.finish()  # the line that it did not end may be the question that it waits with
            raise TimeoutError
    output.finish()


class _Output:
    """Collects a child's two streams, and hands out their lines."""

    def __init__(self, on_line: Callable[[str, str], None] | None, *, each_state: bool = False) -> None:
        self._on_line = on_line
        self._each_state = each_state
        self._chunks: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
        self._partial: dict[str, list[bytes]] = {"stdout": [], "stderr": []}

    def take(self, name: str, chunk: bytes) -> None:
        """Add what came on one stream."""
        self._chunks[name].append(chunk)
        if self._on_line is None:
            return
        partial = self._partial[name]
        head, *rest = chunk.split(b"\n")
        partial.append(head)
        if rest:
            self._emit(name, b"".join(partial))
            *lines, tail = rest
            for line in lines:
                self._emit(name, line)
            self._partial[name] = [tail] if tail else []
        if self._each_state and b"\r" in chunk:
            self._take_states(name)

    def _take_states(self, name: str) -> None:
        """Hand out the latest state of a line that is still being written, but for one that a line end may follow."""
        state, overwritten, rest = b"".join(self._partial[name]).rpartition(b"\r")
        if not rest:
            state, _, rest = state.rpartition(b"\r")
            rest += overwritten
        if state:
            self._emit(name, state)
            self._partial[name] = [rest]

    def finish(self) -> None:
        """Hand out what came after the last line end."""
        for name, partial in self._partial.items():
            if any(partial):
                self._emit(name, b"".join(partial))

    def _emit(self, name: str, line: bytes) -> None:
        if self._on_line is not None:
            self._on_line(name, line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace"))

    def text(self, name: str) -> str:
        """All that came on one stream."""
        return b"".join(self._chunks[name]).decode("utf-8", "replace")


def _reader(child: subprocess.Popen[bytes]) -> _PollReader | _ThreadReader:
    if child.stdout is None or child.stderr is None:  # pragma: no cover - both are pipes
        raise ValueError("the child's streams are not pipes")
    pipes = {"stdout": child.stdout, "stderr": child.stderr}
    return _PollReader(pipes) if hasattr(select, "poll") else _ThreadReader(pipes)


class _PollReader:
    """Reads two pipes in the caller's thread; where the system can wait for pipes, that is a fifth cheaper."""

    def __init__(self, pipes: Mapping[str, IO[bytes]]) -> None:
        self._poll = select.poll()
        self._pipes = {pipe.fileno(): (name, pipe) for name, pipe in pipes.items()}
        for descriptor in self._pipes:
            self._poll.register(descriptor, select.POLLIN)

    @property
    def open(self) -> bool:
        """Whether more may come."""
        return bool(self._pipes)

    def read(self, seconds: float) -> list[tuple[str, bytes]]:
        """Wait for the next output, at most so long."""
        chunks = []
        for descriptor, _ in self._poll.poll(seconds * 1000):
            name, pipe = self._pipes[descriptor]
            chunk = os.read(descriptor, _CHUNK)
            if chunk:
                chunks.append((name, chunk))
            else:
                self._poll.unregister(descriptor)
                del self._pipes[descriptor]
                pipe.close()
        return chunks

    def close(self) -> None:
        """Let go of the pipes; what still writes to them is not disturbed while this process lives."""
        if not self._pipes:
            return
        import threading

        for _, pipe in self._pipes.values():
            threading.Thread(target=_discard, args=(pipe,), daemon=True).start()
        self._pipes.clear()


def _discard(pipe: IO[bytes]) -> None:
    # A closed pipe would end a background program at its next line of output.
    with pipe:
        while os.read(pipe.fileno(), _CHUNK):
            pass


class _ThreadReader:
    """Reads two pipes in a thread each, for systems that cannot wait for pipes (Windows)."""

    def __init__(self, pipes: Mapping[str, IO[bytes]]) -> None:
        import queue
        import threading

        self._empty = queue.Empty
        self._queue: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._unfinished = len(pipes)
        self._closed = False
        for name, pipe in pipes.items():
            threading.Thread(target=self._forward, args=(name, pipe), daemon=True).start()

    def _forward(self, name: str, pipe: IO[bytes]) -> None:
        with pipe:
            while chunk := os.read(pipe.fileno(), _CHUNK):
                if not self._closed:
                    self._queue.put((name, chunk))
        self._queue.put((name, b""))

    @property
    def open(self) -> bool:
        """Whether more may come."""
        return self._unfinished > 0

    def read(self, seconds: float) -> list[tuple[str, bytes]]:
        """Wait for the next output, at most so long."""
        try:
            name, chunk = self._queue.get(timeout=seconds)
        except self._empty:
            return []
        if chunk:
            return [(name, chunk)]
        self._unfinished -= 1
        return []

    def close(self) -> None:
        """Drop what comes from now on."""
        self._closed = True
