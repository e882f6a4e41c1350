"""Diagnostics as people read them: what, where with the line and a caret, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepengine.diagnostics.diagnostic import ERROR, one_line

if TYPE_CHECKING:
    from stepengine.diagnostics.diagnostic import Diagnostic
    from stepengine.document.nodes import Source
    from stepengine.terminal import Style

_WIDTH = 120


def render_diagnostic(found: Diagnostic, source: Source, style: Style) -> str:
    """Render a diagnostic.

    Args:
        found: It.
        source: The file that it is of.
        style: How to mark words.
    """
    word = style.red("error") if found.severity == ERROR else style.yellow("warning")
    lines = [f"{source.name}:{found.line}:{found.column}: {word}: {found.message} [{found.code}]"]
    text, column = _excerpt(source.line(found.line), found.column - 1)
    if text.strip():
        number = str(found.line)
        lines.append(f"  {style.dim(number + ' |')} {text}")
        lines.append(f"  {' ' * len(number)} {style.dim('|')} {_padding(text, column)}{style.bold('^')}")
    if found.hint:
        lines.append(f"  {style.dim('help:')} {found.hint}")
    return "\n".join(lines)


def _excerpt(line: str, column: int) -> tuple[str, int]:
    """Cut a long line to the part around a column; each tab becomes a space."""
    line = one_line(line)
    if len(line) <= _WIDTH:
        return line, column
    start = max(0, min(column - _WIDTH // 2, len(line) - _WIDTH))
    return line[start : start + _WIDTH], column - start


def _padding(text: str, column: int) -> str:
    """Give spaces as wide as the text before a column is on a terminal (UAX #11: wide characters take two cells)."""
    before = text[:column]
    if before.isascii():
        return " " * column
    from unicodedata import combining, east_asian_width

    return " " * sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in before)
