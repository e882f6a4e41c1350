"""A single step as a file: what a test names, or the function that it gives."""

from __future__ import annotations

import json
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from stepengine.entry_points import STEPS, EntryPoint, find_entry_points
from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_MODULE = "_stepengine_given"

STEP_ID = "step"
"""The id of the step in the file."""


class GivenStep(Record):
    """A step that a test runs on its own.

    Attributes:
        name: What the file calls it.
        section: Where it belongs: "pull" where it is the worker's, else "build".
        entry_points: What makes its name known.
    """

    name: str
    section: str
    entry_points: tuple[EntryPoint, ...]


@contextmanager
def given_step(step: str | Callable[..., Any]) -> Iterator[GivenStep]:
    """Make a function a step, under the name that it is registered by where it is one already.

    Args:
        step: A step's name, or its function.
    """
    if isinstance(step, str):
        yield GivenStep(step, "build", ())
        return
    options = getattr(step, "__step__", None)
    section = "pull" if getattr(options, "phase", None) == "worker" else "build"
    name = _registered_name(step)
    if name:
        yield GivenStep(name, section, ())
        return
    from types import ModuleType

    own = re.sub(r"\W", "_", getattr(step, "__name__", "") or "function")
    module = ModuleType(_MODULE)
    setattr(module, own, step)
    before = sys.modules.get(_MODULE)
    sys.modules[_MODULE] = module
    try:
        yield GivenStep(own, section, (EntryPoint(STEPS, own, f"{_MODULE}:{own}", "this-test"),))
    finally:
        del sys.modules[_MODULE]
        if before is not None:
            sys.modules[_MODULE] = before


def _registered_name(function: Callable[..., Any]) -> str:
    """Give the shortest name that an entry point has for a function; empty where none has."""
    module, name = getattr(function, "__module__", ""), getattr(function, "__qualname__", "")
    if getattr(sys.modules.get(module), name, None) is not function:
        return ""
    target = f"{module}:{name}"
    names = [entry.name for entry in find_entry_points() if entry.group == STEPS and entry.target == target]
    return min(names, key=len, default="")


def step_file(section: str, name: str, inputs: Mapping[str, Any]) -> str:
    """Write a file of one step.

    Raises:
        TypeError: an input is no data that YAML can hold.
    """
    return f'{{"{section}": [{{{_yaml(name)}: {{"id": "{STEP_ID}", {_items(inputs)}}}}}]}}\n'


def _items(mapping: Mapping[str, Any]) -> str:
    return ", ".join(f"? {_yaml(str(key))} : {_yaml(value)}" for key, value in mapping.items())


def _yaml(value: Any) -> str:
    """Write a value in YAML's flow style; keys are marked, because YAML limits the length of those that are not."""
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
        return "".join(each if each.isprintable() else _escape(each) for each in text)
    if value is None or isinstance(value, (bool, int)):
        return json.dumps(value)
    if isinstance(value, float):
        return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(repr(value)) or f"{value!r}".replace(
            "e", "0e" if "." in repr(value) else ".0e"
        )
    if isinstance(value, dict):
        return f"{{{_items(value)}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_yaml, value))}]"
    raise TypeError(f"an input of a step is data: text, numbers, lists, mappings; {type(value).__name__} is none")


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 - the end of the basic plane
