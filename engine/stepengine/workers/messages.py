"""How the engine and a worker write what they say to each other: JSON, one message a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_TEXTS = ("date", "datetime", "time", "Decimal", "UUID")
"""Types of the standard library whose values are passed on as the text that they have."""

_MAX_DEPTH = 4
"""How far a value is followed: one that holds itself has no end."""


def encode_message(message: dict[str, Any]) -> bytes:
    """Give a message as the line that it is sent as; of a set the list, of a path, a time or a decimal the text.

    Raises:
        TypeError: it holds what is no data.
        Exception: it holds itself, or a value whose own methods fail.
    """
    return json.dumps(message, default=_as_data).encode() + b"\n"


def _as_data(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return list(value)
    if hasattr(type(value), "__dataclass_fields__"):
        import dataclasses

        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if hasattr(type(value), "__fspath__"):
        return value.__fspath__()
    kind = type(value)
    if kind.__name__ in _TEXTS and kind.__module__ in ("datetime", "decimal", "uuid"):
        return str(value)
    raise TypeError(f"{_article(kind.__name__)} is no data: text, numbers, lists and mappings are")


def _article(name: str) -> str:
    return f"an {name}" if name[0] in "AEIOUaeiou" else f"a {name}"


def find_undata(value: Any) -> str:
    """Give the way to the first part of a value that cannot be passed on: `clients[0].session`; empty for the whole."""
    path = ""
    for _ in range(_MAX_DEPTH):
        found = next(((name, part) for name, part in _parts(value) if not _is_data(part)), None)
        if found is None:
            break
        name, value = found
        path += f"[{name}]" if isinstance(name, int) else f".{name}"
    return path.lstrip(".")


def _parts(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, (list, tuple)) else ()


def _is_data(value: Any) -> bool:
    try:
        encode_message({"part": value})
    except Exception:  # noqa: BLE001 - whatever it raises, it cannot be passed on
        return False
    return True
