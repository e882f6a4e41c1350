"""JSON Schemas of steps: their names, and the inputs of those that are known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from stepengine.catalogue.spec import REQUIRED
from stepengine.records import Record
from stepengine.schema.meanings import RESERVED
from stepengine.schema.values import annotation_schema, with_null

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stepengine.catalogue.spec import Input, StepSpec
    from stepengine.schema.values import Schema

_PART = r"[^\x00-@\[-^`{-\x7f][^\x00-/:-@\[-^`{-\x7f]*"
"""A Python identifier; JSON Schema's regular expressions have no class for letters beyond ASCII."""

FUNCTION = rf"^{_PART}(\.{_PART})*[.:]{_PART}$|\.py:{_PART}$"
"""The name of a step that need not be registered: a function's dotted path, or a script's path and a function."""

_ID = r"^$|^[^\x00-/:-@\[-^`{-\x7f][^\x00-,./:-@\[-^`{-\x7f]*$"
"""What a reference can name: letters, digits, `_` and `-`, and no `-` first."""


class SchemaStep(Record):
    """A step that a schema knows.

    Attributes:
        spec: Its specification.
        inputs: What its inputs mean, by name.
        outputs: What its outputs mean, by name.
    """

    spec: StepSpec
    inputs: dict[str, str]
    outputs: dict[str, str]


def step_definitions(steps: Iterable[SchemaStep], *, strict: bool) -> dict[str, Schema]:
    """Give the definitions that the sections of a file refer to.

    Args:
        steps: Those that are known; names of one function share a definition.
        strict: See `stepengine.schema.values`.
    """
    definitions: dict[str, Schema] = {}
    named: dict[str, Schema] = {}
    for step in sorted(steps, key=lambda step: step.spec.name):
        spec = step.spec
        place = f"step {spec.target}"
        if place not in definitions:
            definitions[place] = _inputs_schema(step, strict=strict)
        named[spec.name] = {"$ref": f"#/definitions/{_escape(place)}"}
        if spec.is_deprecated:
            told = f"{spec.name} is an old name" + (f": write {spec.successor}" if spec.successor else "")
            marks = {"deprecated": True, "deprecationMessage": told, "doNotSuggest": True}
            named[spec.name] = {"allOf": [named[spec.name]], **marks}
    return {
        "id": _id_schema(strict=strict),
        "requires": _requires_schema(strict=strict),
        "step": {
            "maxProperties": 1,
            "properties": named,
            "patternProperties": {FUNCTION: {"type": ["object", "null"], "properties": _reserved()}},
            "additionalProperties": False,
            "errorMessage": "there is no such step: write a step's name, or the dotted path of a function",
        },
        "section": {
            "type": ["array", "object", "null"],
            "items": {"type": ["object", "null"], "allOf": [{"$ref": "#/definitions/step"}]},
            "allOf": [{"$ref": "#/definitions/step"}],
        },
        **definitions,
    }


def _id_schema(*, strict: bool) -> Schema:
    told = "a name of letters, digits, _ and -"
    if strict:
        schema: Schema = {"type": ["string", "null"], "pattern": _ID, "patternErrorMessage": told}
    else:
        filled = [{"type": "array", "minItems": 1}, {"type": "object", "minProperties": 1}]
        schema = {"not": {"anyOf": filled}}
    return {"description": RESERVED["id"], **schema, "errorMessage": told}


def _requires_schema(*, strict: bool) -> Schema:
    schema: Schema = {"type": ["string", "array", "null"], "items": {"type": "string"}}
    if not strict:
        schema = {"anyOf": [schema, {"enum": [0, False, {}]}]}
    return {"description": RESERVED["requires"], **schema, "errorMessage": "a requirement, or a list of them"}


def _reserved() -> dict[str, Schema]:
    return {name: {"$ref": f"#/definitions/{name}"} for name in RESERVED}


def _escape(name: str) -> str:
    """Escape a name for a JSON pointer in a URI's fragment (RFC 6901)."""
    from urllib.parse import quote

    return quote(name.replace("~", "~0").replace("/", "~1"), safe="~")


def _inputs_schema(step: SchemaStep, *, strict: bool) -> Schema:
    spec = step.spec
    schema: Schema = {"description": _described(step), "type": ["object", "null"]}
    if spec.inputs is None:
        return {**schema, "properties": _reserved()}
    properties = {each.name: _input_schema(each, step, strict=strict) for each in spec.inputs}
    if spec.context:
        properties[spec.context] = False  # the run gives it itself
    required = [each.name for each in spec.inputs if each.default is REQUIRED]
    if required:
        schema = {**schema, "type": "object", "required": required}
    if not spec.accepts_any:
        schema["additionalProperties"] = False
    return {**schema, "properties": {**properties, **_reserved()}}


def _input_schema(each: Input, step: SchemaStep, *, strict: bool) -> Any:
    spec = step.spec
    schema: Schema = {}
    if strict:
        schema = annotation_schema(each.annotation, strict=True)
    elif spec.is_built_in:  # of others Python enforces no annotation
        schema = annotation_schema(each.annotation, strict=False)
        schema = schema if each.default is REQUIRED else with_null(schema)
    meaning = step.inputs.get(each.name, "")
    told = {"description": meaning} if meaning else {}
    default = {} if each.default is REQUIRED or each.default is None else _default(each.default)
    return {**told, **schema, **default}


def _default(value: Any) -> Schema:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return {}  # JSON has no such value
    return {"default": value}


def _described(step: SchemaStep) -> str:
    """Describe a step: what it does, what it gives, and where it belongs."""
    spec = step.spec
    parts = [spec.summary]
    if step.outputs:
        names = [f"- `{name}`{': ' + meaning if meaning else ''}" for name, meaning in step.outputs.items()]
        parts.append("Outputs:\n" + "\n".join(names))
    if spec.options.phase is not None:
        parts.append("For `pull`." if spec.options.phase == "worker" else "For `build` and `push`.")
    parts.append(f"From {spec.distribution or 'this project'}.")
    return "\n\n".join(part for part in parts if part)
