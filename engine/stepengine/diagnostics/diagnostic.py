"""Problems of a file, each with a place, and their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sized
    from typing import Final, Literal

    from stepengine.document.nodes import Source

    Severity = Literal["error", "warning"]

ERROR: Final = "error"
WARNING: Final = "warning"


class Diagnostic(Record):
    """One problem of a file.

    Attributes:
        severity: "error" or "warning".
        code: Its stable name; `docs/diagnostics` has a page for each.
        message: One line: what is wrong.
        line: Counted from 1.
        column: Counted from 1, in characters.
        hint: One line: what to do.
    """

    severity: Severity
    code: str
    message: str
    line: int
    column: int
    hint: str = ""


class Diagnostics:
    """Collects the problems of one file."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._found: list[Diagnostic] = []

    def error(self, code: str, message: str, offset: int, hint: str = "") -> None:
        """Note something that would fail."""
        self._add(ERROR, code, message, offset, hint)

    def warning(self, code: str, message: str, offset: int, hint: str = "") -> None:
        """Note something that is likely not meant, but runs."""
        self._add(WARNING, code, message, offset, hint)

    def _add(self, severity: Severity, code: str, message: str, offset: int, hint: str) -> None:
        line, column = self.source.position(offset)
        self._found.append(Diagnostic(severity, code, one_line(message), line, column, one_line(hint)))

    def sorted(self) -> list[Diagnostic]:
        """Give each problem once (a shared anchor is visited more than once), in the order of their places."""
        unique = dict.fromkeys(self._found)
        return sorted(unique, key=lambda found: (found.line, found.column, found.severity, found.code, found.message))


def tell_count(things: Sized, name: str) -> str:
    """Tell how many there are: `1 package`, `2 packages`."""
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def one_line(text: str) -> str:
    """Give a text without line breaks and control characters: names of a file may hold any, and terminals obey them."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else " " if each.isspace() else "\N{REPLACEMENT CHARACTER}" for each in text
    )


def suggest(word: str, known: Iterable[str]) -> str:
    """Give the known word nearest to a misspelt one; empty where none is near."""
    candidates = list(known)
    folded = {candidate.casefold().replace("-", "_"): candidate for candidate in candidates}
    if same := folded.get(word.casefold().replace("-", "_")):
        return same
    from difflib import get_close_matches

    matches = get_close_matches(word, candidates, n=1, cutoff=0.6)
    return matches[0] if matches else ""


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Give a hint that names the nearest known word, or another hint where none is near."""
    near = suggest(word, known)
    return f"did you mean {near!r}?" if near else otherwise
