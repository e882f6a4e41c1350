"""From a recipe's template to the text of a prefect.yaml.

A field stands in a template as `<<name>>`, in a value that takes the rest of its line: `key: <<name>>`, `- a/<<name>>`.
The whole value is then written as one YAML scalar, so that no value can leave its place. All else stays as it is,
comments and `{{ … }}` included.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from stepengine.document.parser import parse_document
from stepengine.document.scalars import resolve_plain

if TYPE_CHECKING:
    from collections.abc import Mapping

_MARKER = re.compile(r"<<([a-z][a-z0-9_]*)>>")
_LINE = re.compile(r"""(\s*(?:(?:-\s+)+(?:[\w.-]+:\s+)?|[\w.-]+:\s+))([^\s'"|>&*!{\[#].*)\Z""")
_PLAIN = re.compile(r"[A-Za-z/](?:[\w./@-]|:(?=[\w/.-]))*\Z", re.ASCII)
_SHORT, _LONG = 0xFF, 0xFFFF

IGNORE = """\
# What does not go with the code, in .gitignore's patterns.
.git/
.venv/
__pycache__/
*.py[cod]
.env
.mypy_cache/
.pytest_cache/
.ruff_cache/
"""
"""The .prefectignore of recipes that bring none."""


def render(template: str, values: Mapping[str, str | None]) -> str:
    """Fill a template in.

    Args:
        template: The text of the recipe's prefect.yaml.
        values: Those of its fields; None for a field that has none, which is written as `null`.

    Raises:
        ValueError: a field stands where no value is, or is not known.
    """
    lines = template.split("\n")
    text = "\n".join(_render_line(line, number, values) for number, line in enumerate(lines, 1))
    if _data(text) != _fill(_data(template), values):
        raise ValueError(
            "its prefect.yaml has a field where no value can stand: in a comment, or in a text of many lines"
        )
    return text


def _data(text: str) -> Any:
    root = parse_document(text).root
    return None if root is None else root.value


def _fill(data: Any, values: Mapping[str, str | None]) -> Any:
    """Give what the template holds with the fields' values in their places."""
    if isinstance(data, dict):
        return {key: _fill(value, values) for key, value in data.items()}
    if isinstance(data, list):
        return [_fill(value, values) for value in data]
    return expand(data, values) if isinstance(data, str) else data


def _render_line(line: str, number: int, values: Mapping[str, str | None]) -> str:
    names = _MARKER.findall(line)
    if not names:
        return line
    unknown = [name for name in names if name not in values]
    if unknown:
        raise ValueError(f"line {number} of its prefect.yaml has <<{unknown[0]}>>, which is none of its fields")
    match = _LINE.match(line)
    if match is None or _MARKER.search(match[1]):
        raise ValueError(f"line {number} of its prefect.yaml has <<{names[0]}>> elsewhere than in an unquoted value")
    value = expand(match[2].rstrip(), values)
    return match[1] + ("null" if value is None else encode(value))


def expand(text: str, values: Mapping[str, str | None]) -> str | None:
    """Put values into a text; None where one of them is not known."""
    if any(values.get(name) is None for name in _MARKER.findall(text)):
        return None
    return _MARKER.sub(lambda match: values[match[1]] or "", text)


def encode(text: str) -> str:
    """Write a text as a YAML scalar of one line, which stays a text by the rules of YAML 1.1 and 1.2."""
    if _PLAIN.match(text) and resolve_plain(text) == text:
        return text
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(each: str) -> str:
    if each in '"\\':
        return f"\\{each}"
    if each.isprintable():
        return each
    code = ord(each)
    return f"\\x{code:02x}" if code <= _SHORT else f"\\u{code:04x}" if code <= _LONG else f"\\U{code:08x}"
