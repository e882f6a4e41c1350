"""A document checked by its schema; the problems in the form of `validate`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.diagnostics.diagnostic import Diagnostics, did_you_mean
from stepengine.document.nodes import Mapping, Node, Scalar, Sequence
from stepengine.errors import RequirementError
from stepengine.records import Record
from stepengine.schema.document import make_schema

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

    from stepengine.diagnostics.diagnostic import Diagnostic
    from stepengine.document.parser import Document
    from stepengine.schema.steps import SchemaStep
    from stepengine.schema.values import Schema

    Path = tuple[Any, ...]

_KEYS = ("additionalProperties", "required", "maxProperties")
"""What is asked of a mapping's keys; all else is asked of a value."""

_NOUNS = {
    "array": "a list",
    "object": "a mapping",
    "string": "a text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "null": "null",
}


class SchemaChecker:
    """Checks documents by the schema of some steps.

    Args:
        steps: Those that are known.

    Raises:
        RequirementError: there is no library that validates by JSON Schemas.
    """

    def __init__(self, steps: Collection[SchemaStep]) -> None:
        self._strict = _validator(make_schema(steps))
        self._lenient = _validator(make_schema(steps, strict=False))

    def check(self, document: Document) -> list[Diagnostic]:
        """Give the problems of a document, those of its text included; in the order of their places."""
        diagnostics = document.diagnostics
        if document.parsed:
            root = document.root
            instance = None if root is None else _plain(root)
            found = list(self._strict.iter_errors(instance))
            is_open = bool(found) and root is not None  # an empty file lacks all, and runs
            errors = [_violation(error) for error in self._lenient.iter_errors(instance)] if is_open else []
            for error in found:
                violation = _violation(error)
                is_error = any(violation.is_of(other) for other in errors)
                report = diagnostics.error if is_error else diagnostics.warning
                for message, offset, hint in _describe(error, root, diagnostics):
                    report("schema", message, offset, hint)
        return diagnostics.sorted()


class _Violation(Record):
    """What a schema refuses.

    Attributes:
        path: Keys and indices that lead to it.
        rule: The keyword that refuses keys; empty where a value is refused.
    """

    path: Path
    rule: str

    def is_of(self, other: _Violation) -> bool:
        """Whether both are about the same keys, or the same value or parts of it."""
        length = min(len(self.path), len(other.path))
        if self.rule or other.rule:
            return self == other
        return self.path[:length] == other.path[:length]


def _violation(error: ValidationError) -> _Violation:
    rule = str(error.validator) if error.validator in _KEYS else ""
    return _Violation(tuple(error.absolute_path), rule)


def _validator(schema: Schema) -> Validator:
    try:
        from jsonschema import Draft7Validator
        from jsonschema.validators import extend
    except ImportError as error:
        message = "`schema --check` needs the package jsonschema, which is not installed"
        raise RequirementError(message, hint="python3 -m pip install 'stepengine[schema]'") from error
    types = Draft7Validator.TYPE_CHECKER.redefine("integer", _is_integer)
    validator: Validator = extend(Draft7Validator, type_checker=types)(schema)  # type: ignore[no-untyped-call]
    return validator


def _is_integer(_checker: Any, value: Any) -> bool:
    """Whether a value is a whole number as Python has them: 1.0 is none to a step."""
    return isinstance(value, int) and not isinstance(value, bool)


def _plain(node: Node) -> Any:
    """Give a node's value as JSON has it: with texts for keys."""
    if isinstance(node, Mapping):
        return {_as_key(key): _plain(value) for key, _, value in node.items()}
    return [_plain(item) for item in node.items] if isinstance(node, Sequence) else node.value


def _as_key(key: Any) -> str:
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    return str(key)


def _describe(error: ValidationError, root: Node | None, diagnostics: Diagnostics) -> Iterable[tuple[str, int, str]]:
    """Give message, offset and hint of what a schema refuses: one for each key of a mapping."""
    path = tuple(error.absolute_path)
    key, node = _find(root, path)
    offset = 0 if node is None else node.offset
    key_offset = offset if key is None else key.offset
    shown = f"{path[-1]!r}" if path and isinstance(path[-1], str) else "the value"
    schema = error.schema if isinstance(error.schema, dict) else {}
    if error.validator == "additionalProperties" and isinstance(node, Mapping):
        for name, at in _extra_keys(node, schema):
            is_anchored = not path and _is_anchored(node, name, diagnostics)
            if not is_anchored:  # else it is there for its aliases
                hint = did_you_mean(name, schema.get("properties", ()), schema.get("errorMessage", ""))
                yield f"{name!r} is not known here", at, hint
    elif error.validator == "required":
        name = error.message.split("'")[1]
        yield f"{shown if path else 'the file'} needs {name!r}", key_offset, f"write '{name}: …' below it"
    elif error.validator == "maxProperties" and isinstance(node, Mapping):
        _, second, _ = list(node.items())[1]
        yield (
            f"{second.text!r} stands beside a step's name",
            second.offset,
            "indent it below that, or put '- ' before it",
        )
    elif error.validator is None:
        yield f"{shown} cannot stand here", key_offset, "remove it"
    else:
        yield _value_message(shown, error, schema), offset, ""


def _value_message(shown: str, error: ValidationError, schema: Schema) -> str:
    wanted = schema.get("errorMessage", "")
    if not wanted and error.validator == "type":
        types: Any = error.validator_value
        wanted = " or ".join(_NOUNS[each] for each in ([types] if isinstance(types, str) else types))
    return f"{shown} must be {wanted}" if wanted else f"{shown} is not what the schema allows"


def _extra_keys(node: Mapping, schema: Schema) -> Iterable[tuple[str, int]]:
    import re

    patterns = tuple(schema.get("patternProperties", ()))
    for value, key, _ in node.items():
        name = _as_key(value)
        if name not in schema.get("properties", ()) and not any(re.search(each, name) for each in patterns):
            yield name, key.offset


def _is_anchored(node: Mapping, name: str, diagnostics: Diagnostics) -> bool:
    found = node.get(name)
    return found is not None and diagnostics.source.text[found.offset : found.offset + 1] == "&"


def _find(root: Node | None, path: Path) -> tuple[Scalar | None, Node | None]:
    """Follow keys and indices; give the last mapping key on the way where it leads to the node itself, and the node."""
    key, node = None, root
    for part in path:
        key = None
        if isinstance(node, Mapping):
            key, node = next((key, value) for name, key, value in node.items() if _as_key(name) == part)
        elif isinstance(node, Sequence):
            node = node.items[part]
    return key, node
