"""Google-style docstrings, taken apart; and where a step's is found."""

from __future__ import annotations

import inspect
import re
import sys
from typing import TYPE_CHECKING

from stepengine.records import Record

if TYPE_CHECKING:
    from stepengine.catalogue.spec import StepSpec

_SECTION = re.compile(r"^(Args|Attributes|Returns|Raises|Example|Yields):$", re.MULTILINE)
_ENTRY = re.compile(r"^(\*{0,2}[\w, *]+?):\s+(.*)$", re.DOTALL)


class Docstring(Record):
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
    return parse_docstring(getattr(documented, "__doc__", None) or "")


def parse_docstring(text: str) -> Docstring:
    """Take the text of a docstring apart."""
    text = inspect.cleandoc(text)
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


def docstring_of(spec: StepSpec, project_directory: str) -> Docstring:
    """Give the docstring of a step's function; nothing is imported for it that is not imported already.

    Args:
        spec: The step.
        project_directory: Where the modules of the project are.
    """
    module, _, attribute = spec.target.rpartition(":")
    if spec.distribution and module in sys.modules:
        found: object = sys.modules[module]
        for part in attribute.split("."):
            found = getattr(found, part, None)
        return read_docstring(found)
    return parse_docstring(_text_in_source(module, attribute, None if spec.distribution else project_directory))


def _text_in_source(module: str, attribute: str, directory: str | None) -> str:
    """Read a function's docstring from its module's source; empty where the module only passes the function on."""
    import ast
    import os
    import warnings

    from stepengine.catalogue.modules import installed_module, project_module

    if directory is not None and module.endswith(".py"):
        path = os.path.join(directory, module)
    else:
        place = project_module(directory, module) if directory is not None else installed_module(module)
        if place is None:
            return ""
        path = place[0]
    try:
        with warnings.catch_warnings(), open(path, "rb") as file:
            warnings.simplefilter("ignore")  # of the author's escapes: for whoever runs the module
            statements = ast.parse(file.read()).body
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    for node in statements:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == attribute:
            return ast.get_docstring(node, clean=False) or ""
    return ""
