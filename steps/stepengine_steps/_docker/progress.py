"""The engine's streams of events, told to the user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.plugin import StepError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stepengine.plugin import Context

_TAIL_LINES = 30


def follow_layers(events: Iterable[dict[str, Any]], context: Context) -> Iterator[dict[str, Any]]:
    """Report the progress of a pull or a push.

    Args:
        events: The stream.
        context: The run.

    Yields:
        What the engine says beside the progress: its `aux` events.

    Raises:
        StepError: the stream has an error. Nothing else says so: the answer's status is 200 even where all failed.
    """
    states: dict[str, str] = {}
    for event in events:
        if message := error_of(event):
            raise StepError(message)
        if isinstance(aux := event.get("aux"), dict):
            yield aux
        status = str(event.get("status", "")).strip()
        if not status:
            continue
        layer = event.get("id")
        detail = event.get("progressDetail") or {}
        if not layer:
            context.write(status)
        elif detail.get("current") is not None:
            context.progress(str(layer), status, detail["current"], detail.get("total"))
        elif states.get(layer) != status:
            context.progress(str(layer), status)
        if layer:
            states[layer] = status


def error_of(event: dict[str, Any]) -> str:
    """Give the error that an event carries; empty where it has none."""
    detail = event.get("errorDetail")
    message = (detail.get("message") if isinstance(detail, dict) else None) or event.get("error")
    return str(message).strip() if message else ""


class Lines:
    """Output that comes in pieces, written line by line; remembers its end.

    Args:
        context: The run.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._rest = ""
        self._tail: list[str] = []

    def feed(self, text: str) -> list[str]:
        """Take in a piece.

        Returns:
            The lines that it ended.
        """
        *lines, self._rest = (self._rest + text).split("\n")
        shown = [line.rstrip("\r").rpartition("\r")[2] for line in lines]
        for line in shown:
            if line.strip():
                self._context.write(line)
                self._tail.append(line)
        del self._tail[:-_TAIL_LINES]
        return shown

    def tail(self) -> str:
        """Write what is left, and give the end of all."""
        if self._rest:
            self.feed("\n")
        return "\n".join(self._tail)


def tail_of(text: str) -> str:
    """Give the last lines of a program's output."""
    return "\n".join(text.rstrip().splitlines()[-_TAIL_LINES:])
