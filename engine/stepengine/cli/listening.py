"""Who hears of a run: people, another format's reporter, and plugins that listen to every run."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from stepengine.cli.masks import mask
from stepengine.errors import tell_exception
from stepengine.events import Notice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from stepengine.events import Event, Listener


class Audience:
    """Hands events to people's listener, and then to plugins' listeners.

    Args:
        people: Takes events first, and is told of a listener that fails.
        stderr: Where what a listener prints goes.
        others: The plugins' listeners, each with its plugin.
    """

    def __init__(self, people: Listener, stderr: TextIO, others: list[tuple[str, Listener]]) -> None:
        self._people = people
        self._stderr = stderr
        self._others = others

    def __call__(self, event: Event) -> None:
        """Take an event. A plugin's listener that fails is told of once, and hears no more."""
        self._people(event)
        for plugin, listener in list(self._others):
            try:
                with _prints_aside(self._stderr):
                    listener(event)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - the steps matter more than who listens
                self._others.remove((plugin, listener))
                self._people(Notice(mask(f"the plugin {plugin} hears no more: {tell_exception(error)}"), None))


@contextmanager
def _prints_aside(stderr: TextIO) -> Iterator[None]:
    """Send what this thread prints to standard error, masked.

    While a step runs, what is printed is its output, and an event: a listener that prints would hear itself.
    """
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast("TextIO", _Aside(each, stderr)) for each in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class _Aside:
    """A stream that goes elsewhere for one thread; all others print where they did."""

    def __init__(self, stream: TextIO, elsewhere: TextIO) -> None:
        self._stream = stream
        self._elsewhere = elsewhere
        self._thread = threading.get_ident()

    def write(self, text: str) -> int:
        """Pass a text on."""
        if threading.get_ident() != self._thread:
            return self._stream.write(text)
        self._elsewhere.write(mask(text))
        return len(text)

    def flush(self) -> None:
        """Pass on all that is held."""
        (self._elsewhere if threading.get_ident() == self._thread else self._stream).flush()

    def __getattr__(self, name: str) -> Any:
        """Give what is not here as the stream has it."""
        return getattr(self._stream, name)
