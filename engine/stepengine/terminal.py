"""Colours, where they are wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO


class Style:
    """Marks words by ANSI escapes, or leaves them as they are.

    Args:
        enabled: Whether to mark.
    """

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled

    def _wrap(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._enabled else text

    def red(self, text: str) -> str:
        """Mark a failure."""
        return self._wrap("1;31", text)

    def yellow(self, text: str) -> str:
        """Mark a warning."""
        return self._wrap("33", text)

    def green(self, text: str) -> str:
        """Mark a success."""
        return self._wrap("32", text)

    def bold(self, text: str) -> str:
        """Mark a name."""
        return self._wrap("1", text)

    def dim(self, text: str) -> str:
        """Mark what is of less interest."""
        return self._wrap("2", text)


def is_terminal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether somebody watches, on a terminal that can move its cursor."""
    return stream.isatty() and environ.get("TERM") != "dumb"


def style_for(stream: TextIO, environ: Mapping[str, str]) -> Style:
    """Give the style for a stream: colours on a terminal, unless `NO_COLOR` is set (https://no-color.org)."""
    return Style(enabled=is_terminal(stream, environ) and not environ.get("NO_COLOR"))
