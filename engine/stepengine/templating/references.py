"""Finding placeholders in text, and reading the references that they hold.

Everything here is linear in the length of the text, whatever the text is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stepengine.patterns import lazy_pattern
from stepengine.records import Record
from stepengine.templating.model import BLOCKS, VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepengine.templating.model import Path


class Placeholder(Record):
    """A pair of double braces: where it begins and ends, what is in it, and where that begins."""

    start: int
    end: int
    content: str
    content_start: int
    plain: bool


# What Prefect takes as a placeholder (3.8.8): its whole syntax.
_PLAIN = re.compile(r"\{\{\s*([\w.\-\[\]$]+)\s*\}\}")
_DOTTED = re.compile(r"(\w[\w-]*)((?:\.[\w-]+|\[[\w-]+\])*)\Z")

MAX_EXPRESSION = 4000
"""Characters of one expression; more is no expression."""

_MAX_NESTING = 40
_LONGEST_INDEX = 10
# Compiled when the first placeholder that is no plain reference comes.
_TOKENS = lazy_pattern(
    r""" "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | \{\{ | [(\[{}\])] | ["'\\] """, re.VERBOSE | re.DOTALL
)
_BROKEN = frozenset({"{{", '"', "'", "\\"})
_CLOSES = {")": "(", "]": "[", "}": "{"}


def placeholders(text: str) -> Iterator[Placeholder]:
    """Give the placeholders of a text in order; an empty one, and one that nothing closes, is none."""
    position = text.find("{{")
    while position >= 0:
        match = _PLAIN.match(text, position)
        if match:
            end = match.end()
            yield Placeholder(position, end, match.group(1), match.start(1), plain=True)
        else:
            end = _closing(text, position + 2)
            if end < 0:
                end = position + 1
            else:
                inner = text[position + 2 : end - 2]
                content = inner.strip()
                if content:
                    start = position + 2 + len(inner) - len(inner.lstrip())
                    yield Placeholder(position, end, content, start, plain=False)
        position = text.find("{{", end)


def _closing(text: str, start: int) -> int:
    """Give the end of the placeholder whose content begins at `start`, or -1.

    It goes past a pair of braces only inside a quote. Whatever stands between two pairs exchanges "outside", "in single
    quotes" and "in double quotes" one for one, so of all placeholders before a place at most two read on over it: the
    work is linear in the text's length.
    """
    limit = start + MAX_EXPRESSION
    if start < len(text) and text[start] == "{":
        return -1  # `{{{ x }}}`: the inner pair counts
    stack: list[str] = []
    for match in _TOKENS.finditer(text, start, limit):
        found = match.group()
        if found == "}" and not stack:
            end = match.end()
            return end + 1 if text.startswith("}", end) else -1
        if found in "([{":
            stack.append(found)
            if len(stack) > _MAX_NESTING:
                return -1
        elif found in ")]}":
            if not stack or stack.pop() != _CLOSES[found]:
                break
        elif found in _BROKEN:
            break
    return _unbalanced_closing(text, start)


def _unbalanced_closing(text: str, start: int) -> int:
    """Give the end of a placeholder whose quotes or brackets do not match: its first `}}`, if no other opens before."""
    limit = start + MAX_EXPRESSION
    following = text.find("{{", start, limit)
    end = text.find("}}", start, limit if following < 0 else following)
    return -1 if end < 0 else end + 2


def parse_reference(content: str) -> tuple[str, str, Path] | None:
    """Read the content of a plain placeholder.

    Returns:
        Kind, head and path as in `Reference`; None where it is not a reference.
    """
    if content[0] == "$":
        name = content.lstrip("$")
        return ("environment", name, ()) if name.isidentifier() else None
    match = _DOTTED.match(content)
    if not match or content.replace(".", "", 1).isdigit():
        return None
    head, rest = match.groups()
    if not rest:
        return "output", head, ()
    return classify(head, tuple(map(part_of, rest.replace("[", ".").replace("]", "")[1:].split("."))))


def part_of(text: str) -> str | int:
    """Give a path's part: an index where it is a number, as it would be written."""
    if text[-1:].isdecimal() and len(text) < _LONGEST_INDEX:
        try:
            index = int(text)
        except ValueError:
            return text
        return index if str(index) == text else text
    return text


def classify(head: str, path: Path) -> tuple[str, str, Path]:
    """Give kind, head and path of a dotted name."""
    match head, path:
        case "prefect", ("blocks", _, _, *_):
            return "block", BLOCKS, path[1:]
        case "prefect", ("variables", _, *_):
            return "variable", VARIABLES, path[1:]
        # As prefect-docker's documentation writes a block. The hyphen sets it apart from a step of the id `prefect_x`.
        case _, (str(slug), _, *_) if head.startswith("prefect_") and "-" in slug:
            return "block", BLOCKS, path
    return "output", head, path
