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
_OUTPUTS = re.compile(r"^(`?\w+`?(?:(?:, | and )`?\w+`?)*):\s+(.*)$")
_ENTRY = re.compile(r"^(\*{0,2}[\w, *]+?):\s+(.*)$", re.DOTALL)


class Docstring(Record):
    """A docstring, taken apart.

    Attributes:
        summary: Its first paragraph, on one line.
        body: The other paragraphs, as Markdown.
        entries: Of `Args` or `Attributes`: name to text.
        returns: The text of `Returns`.
        outputs: Of `Returns`: name to text, of the names that its lines begin with (`directory: The clone.`).
        raises: Of `Raises`: the type's name and when, in order.
        example: The text of `Example`, as it is written.
    """

    summary: str
    body: str
    entries: dict[str, str]
    returns: str
    outputs: dict[str, str]
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
        outputs=_outputs(sections.get("Returns", "")),
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


def _outputs(section: str) -> dict[str, str]:
    """Read what `Returns` says of each output; a line that begins with no names continues the one before it."""
    entries: list[tuple[list[str], str]] = []
    for line in section.splitlines():
        match = _OUTPUTS.match(line)
        if match:
            entries.append((re.findall(r"\w+", match[1].replace(" and ", " ")), match[2]))
        elif entries:
            entries[-1] = (entries[-1][0], f"{entries[-1][1]} {line.strip()}")
    return {name: _unwrap(text) for names, text in entries for name in names}


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
    return _docstring_at(spec.target, spec, project_directory)


def output_meanings(spec: StepSpec, told: Docstring, project_directory: str) -> dict[str, str]:
    """Give what is said of each output of a step: by the class that it returns, or else by its own `Returns`.

    Args:
        spec: The step.
        told: Its docstring.
        project_directory: Where the modules of the project are.
    """
    names = spec.options.outputs or ()
    of_class: dict[str, str] = {}
    if spec.result:
        of_class = _docstring_at(spec.result, spec, project_directory).entries
    return {name: of_class.get(name) or told.outputs.get(name, "") for name in names}


def _docstring_at(target: str, spec: StepSpec, project_directory: str) -> Docstring:
    """Give the docstring of `module:attribute`.

    Args:
        target: It.
        spec: The step that it belongs to.
        project_directory: Where the modules of the project are.
    """
    module, _, attribute = target.rpartition(":")
    if spec.distribution and not spec.packages and module in sys.modules:
        found: object = sys.modules[module]
        for part in attribute.split("."):
            found = getattr(found, part, None)
        return read_docstring(found)
    return parse_docstring(_text_in_source(module, attribute, spec, project_directory))


def _text_in_source(module: str, attribute: str, spec: StepSpec, project_directory: str) -> str:
    """Read a docstring from its module's source; empty where the module only passes the function or class on."""
    import ast
    import os
    import warnings

    from stepengine.catalogue.modules import installed_module, project_module

    if not spec.distribution and module.endswith(".py"):
        path = os.path.join(project_directory, module)
    else:
        place = None if spec.distribution else project_module(project_directory, module)
        place = place or installed_module(module, [spec.packages] if spec.packages else None)
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
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name == attribute:
            return ast.get_docstring(node, clean=False) or ""
    return ""
