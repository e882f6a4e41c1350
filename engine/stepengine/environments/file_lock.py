"""A lock on a file that goes with the process that has it, however it ends."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_POLL_SECONDS = 0.05


class FileLock:
    """A lock, held once it is taken; children that get its descriptor hold it too.

    Args:
        path: The file; it is made where it is missing.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = -1

    @property
    def descriptor(self) -> int:
        """The descriptor, for children that must not outlive the lock."""
        return self._descriptor

    def take(self, *, shared: bool = False, on_wait: Callable[[], None] = lambda: None) -> None:
        """Take the lock, and wait for it where somebody else has it.

        Args:
            shared: Whether others may share it.
            on_wait: Called once before waiting.

        Raises:
            OSError: the file cannot be made or locked.
        """
        waits = False
        while not self.try_take(shared=shared):
            if not waits:
                waits = True
                on_wait()
            time.sleep(_POLL_SECONDS)

    def try_take(self, *, shared: bool = False) -> bool:
        """Take the lock, or tell that somebody else has it.

        Raises:
            OSError: the file cannot be made or locked.
        """
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
            try:
                if not _lock(descriptor, shared=shared):
                    os.close(descriptor)
                    return False
                if _is_same(descriptor, self._path):
                    self._descriptor = descriptor
                    return True
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # who had it before has removed the file: whoever comes next would lock another

    def release(self, *, remove: bool = False) -> None:
        """Give the lock back.

        Args:
            remove: Whether to remove the file as well; only while the lock is not shared.
        """
        if self._descriptor < 0:
            return
        if remove and os.name != "nt":
            with suppress(FileNotFoundError):  # somebody has emptied the cache
                os.unlink(self._path)
        # Not by closing it alone: what an installer or a step has left in the background may have the descriptor, too.
        _unlock(self._descriptor)
        os.close(self._descriptor)
        self._descriptor = -1


if os.name == "nt":

    def _lock(descriptor: int, *, shared: bool) -> bool:
        import msvcrt

        if shared:
            return True  # what is in use there cannot be removed anyway
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        """Closing it unlocks it there: children have no descriptors but those that they are given."""

else:

    def _lock(descriptor: int, *, shared: bool) -> bool:
        import fcntl

        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _is_same(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
