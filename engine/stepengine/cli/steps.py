"""`stepengine steps list|show`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from stepengine.catalogue.example import example_of
from stepengine.catalogue.input_types import describe_type, split_union
from stepengine.catalogue.registry import Registry
from stepengine.catalogue.spec import REQUIRED, StepSpec
from stepengine.cli.output import own_stdout
from stepengine.cli.project import current_directory, near_file, read_document
from stepengine.diagnostics.diagnostic import one_line
from stepengine.entry_points import STEPS, find_entry_points
from stepengine.errors import UsageError
from stepengine.records import Record
from stepengine.terminal import style_for

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from typing import TextIO

    from stepengine.catalogue.docstrings import Docstring
    from stepengine.catalogue.lookup import NotFound
    from stepengine.catalogue.spec import Input
    from stepengine.entry_points import EntryPoint

_WIDTH = 100


def steps(options: argparse.Namespace) -> int:
    """List the steps that there are, or show one.

    Returns:
        0.

    Raises:
        UsageError: there is no such step.
    """
    output = own_stdout() if options.format == "json" else sys.stdout
    directory = current_directory()
    entry_points = find_entry_points()
    registry = Registry(directory, entry_points)
    if options.action == "show":
        if not options.name:
            raise UsageError("name the step to show", hint="stepengine steps list names them")
        spec = registry.find(options.name)
        if not isinstance(spec, StepSpec):
            spec = _in_near_file(options.name, entry_points) or spec
        if not isinstance(spec, StepSpec):
            raise UsageError(spec.message, hint=spec.hint)
        described = _describe(spec, directory, entry_points)
        return _write(output, _as_json(described) if options.format == "json" else _render(described))
    from stepengine.cli.listed_steps import list_steps

    current = list_steps(directory, entry_points)
    if options.format == "json":
        return _write(output, {"steps": _documents(current, directory, entry_points)})
    return _write(output, _render_list(current))


def _in_near_file(name: str, entry_points: list[EntryPoint]) -> StepSpec | NotFound | None:
    """Give what a name stands for in the near prefect.yaml: what it requires may be in an isolated environment."""
    from stepengine.cli.known_steps import find_used_step

    path = near_file()
    if path is None:
        return None
    return find_used_step(name, os.path.dirname(os.path.abspath(path)), entry_points, read_document(path))


def _documents(specs: Iterable[StepSpec], directory: str, entry_points: list[EntryPoint]) -> list[dict[str, Any]]:
    return [_as_json(_describe(spec, directory, entry_points)) for spec in specs]


class _Described(Record):
    """A step and what is told of it.

    Attributes:
        spec: It.
        other_names: Its other names, old ones last.
        told: Its docstring.
        outputs: Its outputs, each with its meaning; None where they are not known before it ran.
    """

    spec: StepSpec
    other_names: list[str]
    told: Docstring
    outputs: dict[str, str] | None


def _describe(spec: StepSpec, directory: str, entry_points: Iterable[EntryPoint]) -> _Described:
    from stepengine.catalogue.docstrings import docstring_of, output_meanings

    told = docstring_of(spec, directory)
    outputs = None if spec.options.outputs is None else output_meanings(spec, told, directory)
    return _Described(spec, _other_names(spec, entry_points), told, outputs)


def _write(output: TextIO, told: dict[str, Any] | str) -> int:
    if isinstance(told, dict):
        import json

        told = json.dumps(told, indent=2, default=str) + "\n"
    output.write(told)
    output.flush()
    return 0


def _other_names(spec: StepSpec, entry_points: Iterable[EntryPoint]) -> list[str]:
    """Give the other names that a registered step has, old ones last."""
    names = [
        entry.name
        for entry in entry_points
        if (entry.group, entry.target, entry.distribution) == (STEPS, spec.target, spec.distribution)
    ]
    return sorted(set(names) - {spec.name}, key=lambda name: (name in spec.options.deprecated, len(name), name))


def _as_json(described: _Described) -> dict[str, Any]:
    spec, told, outputs = described.spec, described.told, described.outputs
    return {
        "name": spec.name,
        "other_names": described.other_names,
        "summary": spec.summary,
        "provider": spec.distribution or "this project",
        "deprecated": spec.is_deprecated,
        "inputs": [
            {
                "name": each.name,
                "type": each.annotation or None,
                "required": each.default is REQUIRED,
                "default": None if each.default is REQUIRED else _as_data(each.default),
                "meaning": told.entries.get(each.name, ""),
            }
            for each in spec.inputs or ()
        ],
        "accepts_any_input": spec.accepts_any,
        "outputs": None if outputs is None else [{"name": name, "meaning": text} for name, text in outputs.items()],
        "phase": spec.options.phase,
        "touches": None if spec.options.touches is None else list(spec.options.touches),
        "example": example_of(spec),
    }


def _render_list(specs: Iterable[StepSpec]) -> str:
    """Give each step once, by the shortest of its names, the others below its summary."""
    style = style_for(sys.stdout, os.environ)
    known: dict[tuple[str, str], list[StepSpec]] = {}
    for spec in specs:
        known.setdefault((spec.target, spec.distribution), []).append(spec)
    groups = sorted(sorted(group, key=lambda spec: (len(spec.name), spec.name)) for group in known.values())
    width = max((len(first.name) for first, *_ in groups), default=0)
    lines = []
    for first, *others in groups:
        lines.append(f"{first.name:<{width}}  {one_line(first.summary)}".rstrip())
        lines += [f"{'':<{width}}  {style.dim(f'also {other.name}')}" for other in others]
    return "".join(f"{line}\n" for line in lines)


def _render(described: _Described) -> str:
    spec, told = described.spec, described.told
    style = style_for(sys.stdout, os.environ)
    lines = [f"{style.bold(spec.name)}  {style.dim(spec.distribution or 'this project')}"]
    lines += [one_line(spec.summary)] if spec.summary else []
    old = spec.options.deprecated
    lines += [f"also {name}{' (old)' if name in old else ''}" for name in described.other_names]
    lines += ["", "inputs:" if spec.inputs or spec.accepts_any else "inputs: none"]
    for each in spec.inputs or ():
        lines.append(f"  {each.name}: {_kind(each)}  {style.dim(_default(each))}".rstrip())
        lines += _meaning(told.entries.get(each.name, ""))
    if spec.accepts_any:
        known = {each.name for each in spec.inputs or ()} | {spec.context}
        lines.append("  and any other")
        lines += [line for name, text in told.entries.items() if name not in known for line in _meaning(text)]
    lines += _render_outputs(described.outputs)
    if spec.options.phase is not None:
        lines.append(f"phase: {spec.options.phase}")
    if spec.options.touches is not None:
        lines.append("touches: " + (", ".join(spec.options.touches) or "nothing"))
    lines += ["example:", *(f"  {line}" for line in example_of(spec).splitlines())]
    return "\n".join(lines) + "\n"


def _render_outputs(outputs: dict[str, str] | None) -> list[str]:
    if not outputs:
        return ["outputs: known after it ran" if outputs is None else "outputs: none"]
    return ["outputs:"] + [line for name, text in outputs.items() for line in (f"  {name}", *_meaning(text))]


def _kind(each: Input) -> str:
    """Say in words what an input takes."""
    if not each.annotation or "Any" in split_union(each.annotation):
        return "anything"
    return describe_type(each.annotation)


def _default(each: Input) -> str:
    if each.default is REQUIRED:
        return "required"
    if each.default is None:
        return "optional"
    import json

    return f"default {json.dumps(_as_data(each.default), default=str, ensure_ascii=False)}"


def _as_data(default: Any) -> Any:
    """Give a default as JSON can have it: as Python writes it where it has keys that JSON has not, or itself in it."""
    import json

    try:
        json.dumps(default, default=str)
    except (TypeError, ValueError, RecursionError):
        return repr(default)
    return default


def _meaning(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(one_line(text), _WIDTH, initial_indent="      ", subsequent_indent="      ")
