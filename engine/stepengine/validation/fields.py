"""The keys that Prefect 3.8's loader knows at each level of a file, and the kinds of values that it takes for them.

Where a value is of another kind the loader drops every deployment of the file; a key that it does not know it ignores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.diagnostics.diagnostic import did_you_mean
from stepengine.document.nodes import Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from stepengine.document.nodes import Node

TEXT = "a text"
WHOLE = "a whole number"
TRUTH = "true or false"
LIST = "a list"
MAPPING = "a mapping"

TOP_LEVEL_KEYS = ("name", "prefect-version", "build", "push", "pull", "deployments", "definitions")

FIELDS: dict[str, tuple[str, ...]] = {
    "name": (TEXT,),
    "version": (TEXT,),
    "version_type": (TEXT,),
    "tags": (TEXT, LIST),
    "description": (TEXT,),
    "schedule": (MAPPING,),
    "schedules": (LIST,),
    "paused": (TRUTH,),
    "concurrency_limit": (WHOLE, MAPPING),
    "flow_name": (TEXT,),
    "entrypoint": (TEXT,),
    "parameters": (MAPPING,),
    "enforce_parameter_schema": (TRUTH,),
    "work_pool": (MAPPING,),
    "triggers": (LIST,),
    "sla": (LIST,),
    "build": (LIST, MAPPING),
    "push": (LIST, MAPPING),
    "pull": (LIST, MAPPING),
}

WORK_POOL: dict[str, tuple[str, ...]] = {"name": (TEXT,), "work_queue_name": (TEXT,), "job_variables": (MAPPING,)}

CONCURRENCY_LIMIT: dict[str, tuple[str, ...]] = {
    "limit": (WHOLE,),
    "collision_strategy": (TEXT,),
    "grace_period_seconds": (WHOLE,),
}

NOT_NULL = ("parameters", "job_variables")
"""What may be left out, but not null."""

SCHEDULE_KINDS = ("cron", "interval", "rrule")
SCHEDULE = (*SCHEDULE_KINDS, "timezone", "anchor_date", "active", "parameters", "slug", "replaces", "day_or")

_LEVELS: dict[str, Any] = {
    "at the top level": TOP_LEVEL_KEYS,
    "in a deployment": FIELDS,
    "in a work pool": WORK_POOL,
    "in a concurrency limit": CONCURRENCY_LIMIT,
    "in a schedule": SCHEDULE,
}
_BELONGS = {
    "at the top level": "it belongs to the top level of the file",
    "in a deployment": "it belongs to a deployment, beside its name",
    "in a work pool": "it belongs below the deployment's work_pool",
    "in a schedule": "it belongs to an entry of the deployment's schedules",
}
_RENAMED = {
    "is_schedule_active": "write paused, which means the opposite",
    "is_paused": "write paused",
    "infra_overrides": "write work_pool, and below it job_variables",
    "work_pool_name": "write work_pool, and below it name",
    "max_active_runs": "write concurrency_limit in the deployment",
}
TRUTHS = frozenset(("true", "false", "yes", "no", "on", "off", "t", "f", "y", "n", "1", "0"))
"""The texts that the loader takes for true or false, in capitals or not."""


def unknown_key_hint(key: Any, level: str) -> str:
    """Say what to do about a key that a level does not have.

    Args:
        key: It.
        level: "at the top level", "in a deployment", "in a work pool", "in a concurrency limit" or "in a schedule".
    """
    if key in _RENAMED:
        return _RENAMED[key]
    for other, words in _BELONGS.items():
        if other != level and key in _LEVELS[other]:
            return f"Prefect ignores it here: {words}"
    known = _LEVELS[level]
    otherwise = f"it has: {', '.join(known)}" if known is SCHEDULE else "Prefect ignores it"
    return did_you_mean(str(key), known, otherwise)


def fits(node: Node, kinds: tuple[str, ...]) -> bool:
    """Whether a value that is not null is of one of some kinds; what holds a placeholder may become anything."""
    if isinstance(node, Mapping):
        return MAPPING in kinds
    if isinstance(node, Sequence):
        return LIST in kinds
    value = node.value
    if value.__class__ is str:
        return (
            TEXT in kinds
            or "{{" in value
            or (TRUTH in kinds and value.lower() in TRUTHS)
            or (WHOLE in kinds and _is_whole(value))
        )
    if isinstance(value, (bool, int, float)):
        return (WHOLE in kinds and _is_whole(value)) or (TRUTH in kinds and value in (0, 1))
    return False


def _is_whole(value: str | float) -> bool:
    try:
        return float(value).is_integer()
    except (ValueError, OverflowError):
        return False


def kind_hint(name: str, node: Node, kinds: tuple[str, ...]) -> str:
    """Say how to write a value that is of another kind."""
    if name == "schedule":
        return "write schedules for a list of them" if isinstance(node, Sequence) else "write schedule: {cron: …}"
    if isinstance(node, Scalar) and TEXT in kinds:
        return f'write {name}: "{node.text}"'
    if kinds == (LIST,):
        return "put '- ' before each entry"
    return ""
