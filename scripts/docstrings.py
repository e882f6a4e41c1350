"""Google-style docstrings as Markdown."""

from __future__ import annotations

import inspect
import re
from typing import NamedTuple

_SECTION = re.compile(r"^(Args|Attributes|Returns|Raises|Example|Yields):$", re.MULTILINE)
_ENTRY = re.compile(r"^(\*{0,2}[\w, *]+?):\s+(.*)$", re.DOTALL)


class Docstring(NamedTuple):
    """A docstring, taken apart.

    Attributes:
        summary: Its first paragraph, on one line.
        body: The other paragraphs, as Markdown.
        entries: Of `Args` or `Attributes`: name to text.
        returns: The text of `Returns`.
        raises: Of `Raises`: the type's name and when, in order.
        example: The text of `Example`, as it is written.
    """

    summary: str
    body: str
    entries: dict[str, str]
    returns: str
    raises: list[tuple[str, str]]
    example: str


def read_docstring(documented: object) -> Docstring:
    """Take an object's docstring apart."""
    text = inspect.cleandoc(getattr(documented, "__doc__", None) or "")
    head, *rest = _SECTION.split(text)
    sections = {name: inspect.cleandoc("\n" + body) for name, body in zip(rest[::2], rest[1::2], strict=True)}
    summary, _, body = head.strip().partition("\n\n")
    entries = _entries(sections.get("Args", "")) + _entries(sections.get("Attributes", ""))
    return Docstring(
        summary=_unwrap(summary),
        body="\n\n".join(_paragraph(paragraph) for paragraph in body.strip().split("\n\n")),
        entries=dict(entries),
        returns=_unwrap(sections.get("Returns", "")),
        raises=_entries(sections.get("Raises", "")),
        example=sections.get("Example", ""),
    )


def _entries(section: str) -> list[tuple[str, str]]:
    """Read `name: text` entries; lines indented further continue one."""
    entries = []
    for entry in re.split(r"\n(?=\S)", section):
        match = _ENTRY.match(_unwrap(entry))
        if match:
            entries.append((match[1].lstrip("*"), match[2]))
    return entries


def _paragraph(text: str) -> str:
    """Give a paragraph of a docstring's body; an indented one is code, and a list keeps its lines."""
    if text.startswith("    "):
        return f"```text\n{inspect.cleandoc(text)}\n```"
    return text if text.startswith("- ") else _unwrap(text)


def _unwrap(text: str) -> str:
    return " ".join(text.split())


def cell(text: str) -> str:
    """Give a text fit for a cell of a table."""
    return text.replace("|", "\\|")


def capitalized(text: str) -> str:
    """Give a text with a capital at its beginning, if that is a word."""
    return text[:1].upper() + text[1:] if text[:1].isalpha() else text
