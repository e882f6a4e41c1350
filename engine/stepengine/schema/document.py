"""The schema of a whole file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.model import SECTIONS
from stepengine.schema import meanings
from stepengine.schema.steps import step_definitions
from stepengine.schema.values import PLACEHOLDER, kinds_schema
from stepengine.validation.fields import (
    CONCURRENCY_LIMIT,
    FIELDS,
    NOT_NULL,
    SCHEDULE,
    SCHEDULE_KINDS,
    TOP_LEVEL_KEYS,
    WORK_POOL,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stepengine.schema.steps import SchemaStep
    from stepengine.schema.values import Schema

DRAFT = "http://json-schema.org/draft-07/schema#"
"""The draft that the YAML language servers of editors take."""


def make_schema(steps: Iterable[SchemaStep], *, strict: bool = True) -> Schema:
    """Make the JSON Schema of a prefect.yaml.

    Args:
        steps: The steps that are known.
        strict: Whether to refuse what `validate` warns of, too, and not errors alone.
    """
    properties = {name: {"description": meanings.TOP_LEVEL[name], **_top_level(name)} for name in TOP_LEVEL_KEYS}
    return {
        "$schema": DRAFT,
        "title": "prefect.yaml",
        "description": "The build, push and pull steps of a project, and its deployments.",
        "type": "object",
        "properties": properties,
        **_closed(strict=strict),
        "definitions": {
            "deployment": _deployment(strict=strict),
            "schedule": _schedule(),
            **step_definitions(steps, strict=strict),
        },
    }


def _closed(*, strict: bool) -> Schema:
    """Refuse other keys; of those that Prefect ignores `validate` only warns."""
    return {"additionalProperties": False} if strict else {}


def _top_level(name: str) -> Schema:
    if name in SECTIONS:
        return {"allOf": [{"$ref": "#/definitions/section"}]}
    if name == "deployments":
        return {"type": ["array", "null"], "items": {"$ref": "#/definitions/deployment"}}
    return {} if name == "definitions" else {"type": ["string", "null"], "errorMessage": "a text"}


def _deployment(*, strict: bool) -> Schema:
    properties = _properties(FIELDS, meanings.DEPLOYMENT)
    for section in SECTIONS:
        properties[section] = {"description": meanings.DEPLOYMENT[section], **_top_level(section)}
    for name, keys, told in (
        ("work_pool", WORK_POOL, meanings.WORK_POOL),
        ("concurrency_limit", CONCURRENCY_LIMIT, meanings.CONCURRENCY_LIMIT),
    ):
        properties[name].update(properties=_properties(keys, told), **_closed(strict=strict))
    one: Schema = {"if": {"minProperties": 1}, "then": {"$ref": "#/definitions/schedule"}}
    properties["schedule"].update(allOf=[{**one, "properties": _schedule_properties()}])
    properties["schedules"]["items"] = {
        "type": ["object", "string"],
        "pattern": PLACEHOLDER,
        "allOf": [{"$ref": "#/definitions/schedule"}],
    }
    if strict:
        properties["name"] = {"description": meanings.DEPLOYMENT["name"], **kinds_schema(FIELDS["name"], null=False)}
    given = {"type": "object", "minProperties": 1}
    return {
        "type": "object",
        "properties": properties,
        **({"required": ["name"]} if strict else {}),
        **_closed(strict=strict),
        "if": {"required": ["schedule"], "properties": {"schedule": given}},
        "then": {"properties": {"schedules": False}},
    }


def _properties(keys: Mapping[str, tuple[str, ...]], told: Mapping[str, str]) -> dict[str, Schema]:
    return {
        name: {"description": told[name], **kinds_schema(kinds, null=name not in NOT_NULL)}
        for name, kinds in keys.items()
    }


def _schedule_properties() -> dict[str, Schema]:
    types: dict[str, Any] = {
        "cron": {"type": ["string", "null"]},
        "interval": {"type": ["number", "boolean", "string", "null"]},
        "rrule": {"type": ["string", "null"]},
    }
    return {name: {"description": meanings.SCHEDULE[name], **types.get(name, {})} for name in SCHEDULE}


def _schedule() -> Schema:
    """Ask for exactly one of the kinds; the keys of a mapping alone are looked at."""
    kinds = [{"required": [kind], "properties": {kind: {"not": {"type": "null"}}}} for kind in SCHEDULE_KINDS]
    return {
        "if": {"type": "object"},
        "then": {"oneOf": kinds, "errorMessage": f"one of {', '.join(SCHEDULE_KINDS)}"},
        "properties": _schedule_properties(),
        "additionalProperties": False,
    }
