"""An example of a step, as it is written in a file, made from its specification alone."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from stepengine.catalogue.input_types import literal_choices, split_union
from stepengine.catalogue.spec import REQUIRED
from stepengine.model import last_part

if TYPE_CHECKING:
    from stepengine.catalogue.spec import StepSpec

_PLAIN_NAME = re.compile(r"[A-Za-z_][\w./-]*(?::\w+)?\Z", re.ASCII)
_SCALARS: dict[str, Any] = {"int": 1, "float": 1.5, "bool": True}


def example_of(spec: StepSpec) -> str:
    """Give a file that uses a step with the inputs that it needs; `stepengine validate` finds no error in it.

    A text is `my-` and the input's name.
    """
    name = spec.successor or spec.name
    written = name if _PLAIN_NAME.match(name) else json.dumps(name, ensure_ascii=False)
    lines = ["pull:" if spec.options.phase == "worker" else "build:", f"- {written}:"]
    if spec.options.outputs:
        lines.append(f"    id: {last_part(name).replace('_', '-').strip('-') or 'step'}")
    for each in spec.inputs or ():
        if each.default is REQUIRED:
            value = json.dumps(_value(each.name, each.annotation), ensure_ascii=False)
            lines.append(f"    {each.name}: {value}")
    return "".join(f"{line}\n" for line in lines)


def _value(name: str, annotation: str) -> Any:
    """Give a value that fits an annotation."""
    members = [each for each in split_union(annotation) if each != "None"]
    if not members:
        return None
    member = members[0]
    kind, _, inner = member.partition("[")
    if kind == "Literal":
        return literal_choices(inner)[0]
    if kind in _SCALARS:
        return _SCALARS[kind]
    arguments = inner[: inner.rfind("]")] if inner else ""
    if kind in ("list", "List", "Sequence", "tuple"):
        return [_value(name, arguments)]
    if kind in ("dict", "Dict", "Mapping"):
        return {"my-key": _value("value", arguments.partition(",")[2])}
    return f"my-{name.replace('_', '-')}"
