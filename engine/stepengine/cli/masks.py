"""The secrets of this process, for what is shown outside of a run."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from stepengine.secrecy.secrets import Secrets, StreamMasker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TextIO

_secrets: Secrets | None = None


def process_secrets() -> Secrets:
    """Give the secrets of this process: the environment's from the start, a run's as they turn up."""
    global _secrets  # noqa: PLW0603 - one process, one command, one set of secrets
    if _secrets is None:
        _secrets = Secrets()
        _secrets.add_environment(os.environ)
    return _secrets


@contextmanager
def secrets_of_its_own() -> Iterator[Secrets]:
    """Begin anew with the environment's secrets, for one of several runs in a process."""
    global _secrets  # noqa: PLW0603 - see above
    before, _secrets = _secrets, None
    try:
        yield process_secrets()
    finally:
        _secrets = before


def mask(text: str) -> str:
    """Give a text without the secrets known so far."""
    return process_secrets().mask(text)


def mask_streams() -> None:
    """Mask what anybody writes to `sys.stdout` and `sys.stderr`: modules print as they are imported, threads later."""
    sys.stdout, sys.stderr = cast("TextIO", _MaskedStream(sys.stdout)), cast("TextIO", _MaskedStream(sys.stderr))


class _MaskedStream:
    """A text stream that masks what it passes on; all else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._masker: StreamMasker | None = None

    def write(self, text: str) -> int:
        """Pass a text on; what may be the beginning of a secret waits for what follows, or for `flush`."""
        if self._masker is None:
            self._masker = StreamMasker(process_secrets())
        self._stream.write(self._masker.feed(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Pass texts on, one after the other."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Pass on all that is held."""
        if self._masker is not None:
            self._stream.write(self._masker.flush())
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        """Give what is not here as the stream has it."""
        return getattr(self._stream, name)
