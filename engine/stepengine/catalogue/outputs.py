"""The outputs that an imported function's return annotation names."""

from __future__ import annotations

from typing import Any

OPTIONAL = "NotRequired["
"""What marks a key of a TypedDict that may be missing (PEP 655)."""


def outputs_of(function: Any, returned: Any) -> tuple[tuple[str, ...] | None, str]:
    """Read the outputs from the class that a function returns.

    Args:
        function: It.
        returned: Its return annotation: a class, or the dotted name of one in its module.

    Returns:
        The names of the class's fields, and where the class is, as `module:attribute`. None, and nothing, where it is
        neither a dataclass nor a TypedDict all of whose keys are required: which outputs there are is then not known
        before the function ran.
    """
    found = returned
    if isinstance(returned, str):
        head, *rest = returned.split(".")
        found = getattr(getattr(function, "__wrapped__", function), "__globals__", {}).get(head)
        for part in rest:
            found = getattr(found, part, None)
    names = _fields(found) if isinstance(found, type) else None
    return (None, "") if names is None else (names, f"{found.__module__}:{found.__qualname__}")


def _fields(found: Any) -> tuple[str, ...] | None:
    if hasattr(found, "__dataclass_fields__"):
        import dataclasses

        return tuple(field.name for field in dataclasses.fields(found))
    if hasattr(found, "__required_keys__"):  # a TypedDict: a dict at run time, so its class alone tells
        annotations = found.__annotations__
        is_whole = not found.__optional_keys__ and not any(OPTIONAL in str(each) for each in annotations.values())
        return tuple(annotations) if is_whole else None
    return None
