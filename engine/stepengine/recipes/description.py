"""The description of a recipe, recipe.toml: a summary, and the fields that its template has."""

from __future__ import annotations

import re
import sys
from typing import Any

from stepengine.records import Record

MAX_VALUE = 2000
"""Characters of a field's value: a recipe's pattern may be one that takes long on a longer text."""

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_KINDS: dict[str, type] = {"meaning": str, "default": str, "required": bool, "pattern": str}


class Field(Record):
    """An input of a recipe.

    Attributes:
        name: What `--field` calls it.
        meaning: What it is, in a few words.
        default: Its value where none is given; facts of the project may stand in it as `<<fact>>`. None for none.
        required: Whether somebody has to say it; its default is then a proposal.
        pattern: A regular expression that its whole value matches; empty where any text will do.
    """

    name: str
    meaning: str
    default: str | None
    required: bool
    pattern: str

    def problem(self, value: str) -> str:
        """Say what is wrong with a value; empty where nothing is."""
        if len(value) > MAX_VALUE:
            return f"has more than {MAX_VALUE} characters"
        if any("\ud800" <= each <= "\udfff" for each in value):
            return "is no text: it has bytes that are none"
        if not value:
            return "is empty"
        if self.pattern and not re.fullmatch(self.pattern, value):
            return f"does not fit: {value!r} does not match {self.pattern}"
        return ""


class Description(Record):
    """What a recipe.toml says.

    Attributes:
        summary: What the recipe is for, in one line.
        fields: Its inputs, in order.
    """

    summary: str
    fields: tuple[Field, ...]


def read_description(text: str) -> Description:
    """Read the text of a recipe.toml.

    Raises:
        ValueError: it is none.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    data = tomllib.loads(text)
    _refuse_unknown(data, ("summary", "fields"), "recipe.toml")
    summary = data.get("summary")
    if not isinstance(summary, str) or not summary.strip():
        raise ValueError("recipe.toml has no summary")
    fields = data.get("fields", {})
    if not isinstance(fields, dict):
        raise ValueError("fields of recipe.toml is no table")  # noqa: TRY004 - what a file holds is a value
    return Description(summary.strip(), tuple(_read_field(name, table) for name, table in fields.items()))


def _read_field(name: str, table: Any) -> Field:
    if not _NAME.match(name):
        raise ValueError(f"the field {name!r} is to have a name of small letters, digits and _")
    if not isinstance(table, dict):
        raise ValueError(f"the field {name} is no table")  # noqa: TRY004
    _refuse_unknown(table, _KINDS, f"the field {name}")
    for key, value in table.items():
        if not isinstance(value, _KINDS[key]):
            raise ValueError(f"{key} of the field {name} is {value!r}")  # noqa: TRY004
    pattern = table.get("pattern", "")
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"the pattern of the field {name} is none: {error}") from error
    return Field(name, table.get("meaning", ""), table.get("default"), table.get("required", False), pattern)


def _refuse_unknown(table: Any, known: Any, where: str) -> None:
    for key in table:
        if key not in known:
            raise ValueError(f"{where} has an unknown key {key!r}; it may have {', '.join(known)}")
