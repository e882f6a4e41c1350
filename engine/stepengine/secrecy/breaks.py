"""What may stand inside a secret that is shown: line ends and the indentation after them, and a terminal's colours."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from stepengine.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

    Span = tuple[int, int]

HIDDEN = "***"
"""What stands for a secret."""

# Line ends with indentation, and with the time before each line of BuildKit's plain progress; other control characters;
# escape sequences as ECMA-48 has them (sections 5.4 and 5.6), one that is cut short at the end of the text included.
_BREAK = lazy_pattern(
    r"[\r\n]+[ \t]*(?:\#\d+\ \d+\.\d+\ )? | [\0-\x08\x0b\x0c\x0e-\x1a\x7f]+"
    r" | \x1b\[[0-?]*[ -/]*(?:[@-~]|\Z) | \x1b\][^\x07\x1b]*(?:\x07|\x1b\\|\Z) | \x1b\Z",
    64,  # re.VERBOSE
)


def without_breaks(text: str) -> str:
    """Give a text without its breaks: the text that secrets are looked for in."""
    return text if text.isprintable() else _BREAK.sub("", text)


class Breaks:
    """Where a text's breaks are, to find the places of the text without them in the text as it is."""

    def __init__(self, text: str) -> None:
        self._positions: list[int] = []  # so many characters come before a break, not counting breaks
        self._sizes = [0]  # so many characters are in the breaks up to it
        for match in _BREAK.finditer(text):
            self._positions.append(match.start() - self._sizes[-1])
            self._sizes.append(self._sizes[-1] + match.end() - match.start())

    def original(self, position: int) -> int:
        """Turn the position of a character in the text without breaks into that in the text with them."""
        return position + self._sizes[bisect_right(self._positions, position)]

    def originals(self, spans: Iterable[Span]) -> list[Span]:
        """Turn spans of the text without breaks into those of the text with them."""
        return [(self.original(start), self.original(end - 1) + 1) for start, end in spans]


def with_hidden(text: str, spans: Iterable[Span]) -> str:
    """Give a text with `***` for what is in the spans, and the breaks in them where they are."""
    parts: list[str] = []
    position = 0
    for start, end in spans:
        parts.append(text[position:start])
        at = start
        for match in _BREAK.finditer(text, start, end):
            parts += [HIDDEN if match.start() > at else "", match[0]]
            at = match.end()
        parts.append(HIDDEN if end > at else "")
        position = end
    parts.append(text[position:])
    return "".join(parts)
