"""The reference of docs/plugins.md, made from what `stepengine.plugin` exports and from the hooks."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

from marked_parts import replace_parts
from page_text import capitalized, cell

from stepengine import plugin
from stepengine.catalogue.docstrings import Docstring, read_docstring
from stepengine.catalogue.step_options import TOUCHES
from stepengine.hooks import specs

PAGE = "docs/plugins.md"


def pages() -> dict[str, str]:
    """Give the page with its reference filled: the path from the repository's top to the text."""
    text = (Path(__file__).parent.parent / PAGE).read_text(encoding="utf-8")
    parts = {
        "hooks": "\n".join(_function(name, getattr(specs, name)) for name in hooks()),
        "touches": _touches(),
        "names": "\n".join(_document(name) for name in plugin.__all__),
    }
    return {PAGE: replace_parts(text, parts, PAGE)}


def hooks() -> list[str]:
    """Give the names of the hooks."""
    return [name for name in vars(specs) if name.startswith("stepengine_")]


def _touches() -> str:
    rows = [f"| `{word}` | {capitalized(meaning)} |" for word, meaning in TOUCHES.items()]
    return "\n".join(["| Word | What it touches |", "| --- | --- |", *rows])


def _document(name: str) -> str:
    found = getattr(plugin, name)
    if isinstance(found, UnionType):
        members = ", ".join(f"`{each.__name__}`" for each in get_args(found))
        return f"### `{name}`\n\nOne of {members}.\n"
    if get_origin(found) is Callable:
        taken, given = get_args(found)
        names = ", ".join(key for key, value in vars(plugin).items() for each in taken if value == each)
        return f"### `{name}`\n\nA callable that takes one argument, of the type `{names}`, and gives `{given}`.\n"
    return _class(name, found) if inspect.isclass(found) else _function(name, found)


def _function(name: str, function: Any) -> str:
    text = read_docstring(function)
    parts = [f"### `{name}`", "", f"```text\n{name}{_signature(function)}\n```", "", *_prose(text)]
    return "\n".join(parts + _arguments(text) + _results(text) + _example(text))


def _class(name: str, found: Any) -> str:
    text = read_docstring(found)
    parts = [f"### `{name}`", ""]
    if "__init__" in vars(found):
        parts += [f"```text\n{name}{_signature(found.__init__)}\n```", ""]
    parts += _prose(text)
    fields = [field for field in getattr(found, "_fields", ()) if field not in text.entries]
    if fields:
        parts += [f"Fields: {', '.join(f'`{field}`' for field in fields)}.", ""]
    parts += _arguments(text)
    for method, value in vars(found).items():
        if not method.startswith("_") and isinstance(value, property) and inspect.isfunction(value.fget):
            gives = inspect.signature(value.fget).return_annotation
            parts += [f"#### `{name}.{method}: {gives}`", "", *_prose(read_docstring(value.fget))]
        elif not method.startswith("_") and inspect.isfunction(value):
            told = read_docstring(value)
            parts += [
                f"#### `{name}.{method}{_signature(value)}`",
                "",
                *_prose(told),
                *_arguments(told),
                *_results(told),
            ]
    return "\n".join(parts + _example(text))


def _prose(text: Docstring) -> list[str]:
    return [text.summary, "", *([text.body, ""] if text.body else [])]


def _arguments(text: Docstring) -> list[str]:
    if not text.entries:
        return []
    rows = [f"| `{name}` | {cell(meaning)} |" for name, meaning in text.entries.items()]
    return ["| Name | Meaning |", "| --- | --- |", *rows, ""]


def _results(text: Docstring) -> list[str]:
    lines = [f"It gives: {text.returns}", ""] if text.returns else []
    for name, when in text.raises:
        lines += [f"It raises `{name}`: {when}", ""]
    return lines


def _example(text: Docstring) -> list[str]:
    return ["```pycon doctest", text.example, "```", ""] if text.example else []


def _signature(function: Any) -> str:
    signature = inspect.signature(function)
    parameters = [_shown(each) for each in signature.parameters.values() if each.name != "self"]
    gives = signature.empty if signature.return_annotation in (signature.empty, "None") else signature.return_annotation
    shown = gives if gives is signature.empty else _Text(gives)
    return str(signature.replace(parameters=parameters, return_annotation=shown))


def _shown(parameter: inspect.Parameter) -> inspect.Parameter:
    """Show an annotation as it is written, and a default that only running tells as `...`."""
    empty = parameter.empty
    default = parameter.default
    is_plain = default is empty or (isinstance(default, (type(None), bool, str, tuple)) and default != sys.executable)
    return parameter.replace(
        annotation=empty if parameter.annotation is empty else _Text(parameter.annotation),
        default=default if is_plain else _Text("..."),
    )


class _Text:
    """A text whose representation is the text itself, without quotes around it."""

    def __init__(self, text: object) -> None:
        self._text = str(text)

    def __repr__(self) -> str:
        return self._text
