"""JSON Schemas of values: of what an annotation asks for, and of the kinds that a file's own keys take.

A schema here is strict or lenient. What the strict one refuses is a problem; what the lenient one refuses is an error,
and not a warning alone.
"""

from __future__ import annotations

from typing import Any

from stepengine.catalogue.input_types import describe_type, literal_choices, split_union
from stepengine.validation.fields import LIST, MAPPING, TEXT, TRUTH, TRUTHS, WHOLE

Schema = dict[str, Any]

PLACEHOLDER = r"\{\{"
"""What a text holds that may become a value of any type."""

_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "None": "null"}
_LISTS = ("list", "List", "Sequence", "tuple")
_MAPPINGS = ("dict", "Dict", "Mapping")
_SCALARS = ("string", "number", "boolean")


def _any_case(word: str) -> str:
    """Give a regular expression of a word in capitals or not: JSON Schema's have no flags."""
    return "".join(f"[{each}{each.upper()}]" if each.isalpha() else each for each in word)


_KINDS: dict[str, tuple[tuple[str, ...], str]] = {
    TEXT: (("string",), ""),
    LIST: (("array",), ""),
    MAPPING: (("object",), ""),
    WHOLE: (("number", "boolean"), r"^\s*[+-]?\d+(\.0*)?\s*$"),
    TRUTH: (("boolean", "number"), f"^({'|'.join(_any_case(word) for word in sorted(TRUTHS))})$"),
}
"""For each kind of value that a key takes: its types, and the texts that stand for it."""

_LIMITS: dict[str, Schema] = {WHOLE: {"multipleOf": 1}, TRUTH: {"minimum": 0, "maximum": 1, "multipleOf": 1}}
"""What is asked of their numbers."""


def annotation_schema(annotation: str, *, strict: bool) -> Schema:
    """Give the schema of what an annotation asks for; empty where it takes anything.

    Args:
        annotation: As the function's author wrote it.
        strict: Whether a scalar of another type is refused, which steps take with more or less luck.
    """
    parts = [_member(member, strict=strict) for member in split_union(annotation)] if annotation.strip() else [{}]
    if {} in parts:
        return {}
    told = f"{describe_type(annotation) or 'null'}, or a text with {{{{ … }}}}"
    types = [each for part in parts for each in part.get("type", ())]
    is_mergeable = all("type" in part for part in parts) and max(types.count("array"), types.count("object")) <= 1
    if not is_mergeable:
        text: Schema = {"type": "string", "pattern": PLACEHOLDER}
        return {"anyOf": [*({**part, **_one_type(part)} for part in parts), text], "errorMessage": told}
    merged: Schema = {}
    for part in parts:
        merged.update(part)
    return _with_placeholder({**merged, "type": list(dict.fromkeys(types))}, told)


def with_null(schema: Schema) -> Schema:
    """Give a schema that takes null as well."""
    if not schema:
        return schema
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    return {**schema, "type": list(dict.fromkeys([*schema["type"], "null"]))}


def _member(member: str, *, strict: bool) -> Schema:
    name, _, inner = member.partition("[")
    arguments = inner[: inner.rfind("]")] if inner else ""
    if name == "Literal":
        return {"enum": _choices(inner)}
    if name in _LISTS:
        items = annotation_schema(arguments, strict=strict)
        return {"type": ["array"], **({"items": items} if items else {})}
    if name in _MAPPINGS:
        values = annotation_schema(arguments.partition(",")[2], strict=strict)
        return {"type": ["object"], **({"additionalProperties": values} if values else {})}
    if name not in _TYPES:
        return {}  # Any, a class, a type variable: only running can tell
    return {"type": [_TYPES[name]] if strict or name == "None" else list(_SCALARS)}


def _choices(inner: str) -> list[Any]:
    """Give the choices of a `Literal`, as texts and as what a file may have for them: `1`, `true`, `null`."""
    words: dict[str, Any] = {"True": True, "False": False, "None": None}
    found: list[Any] = []
    for text in literal_choices(inner):
        found.append(text)
        if text in words:
            found.append(words[text])
        elif text.lstrip("-").isdecimal() and str(int(text)) == text:
            found.append(int(text))
    return found


def _one_type(part: Schema) -> Schema:
    return {"type": part["type"][0]} if len(part.get("type", ())) == 1 else {}


def _with_placeholder(schema: Schema, told: str) -> Schema:
    """Have a schema take a text with a placeholder, too; one without types is of no text."""
    schema = {**schema, "errorMessage": told}
    if "string" in schema["type"]:
        return schema
    return {
        **schema,
        "type": [*schema["type"], "string"],
        "pattern": PLACEHOLDER,
        "patternErrorMessage": told,
    }


def kinds_schema(kinds: tuple[str, ...], *, null: bool = True) -> Schema:
    """Give the schema of a value of one of some kinds of `stepengine.validation.fields`.

    Args:
        kinds: They.
        null: Whether the value may be null.
    """
    types = [each for kind in kinds for each in _KINDS[kind][0]]
    texts = [_KINDS[kind][1] for kind in kinds if _KINDS[kind][1]]
    schema: Schema = {"type": types + ["null"] * null}
    told = f"{' or '.join(kinds)}, or a text with {{{{ … }}}}"
    for kind in kinds:
        schema.update(_LIMITS.get(kind, {}))
    schema = _with_placeholder(schema, told)
    if "pattern" in schema:
        schema["pattern"] = "|".join([*texts, PLACEHOLDER])
    return schema
