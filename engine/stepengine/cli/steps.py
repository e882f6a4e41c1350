"""`stepengine steps list|show`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from stepengine.catalogue.registry import Registry
from stepengine.catalogue.spec import REQUIRED, StepSpec
from stepengine.cli.output import own_stdout
from stepengine.cli.project import current_directory, warn_on_stderr
from stepengine.entry_points import find_entry_points
from stepengine.errors import UsageError
from stepengine.terminal import style_for

if TYPE_CHECKING:
    import argparse
    from typing import TextIO


def steps(options: argparse.Namespace) -> int:
    """List the steps that there are, or show one.

    Returns:
        0.

    Raises:
        UsageError: there is no such step.
    """
    output = own_stdout() if options.format == "json" else sys.stdout
    registry = Registry(current_directory(), find_entry_points())
    if options.action == "show":
        if not options.name:
            raise UsageError("name the step to show", hint="stepengine steps list names them")
        found = registry.find(options.name)
        if not isinstance(found, StepSpec):
            raise UsageError(found.message, hint=found.hint)
        return _write(options, output, _as_json(found), _render(found))
    found_steps: dict[str, StepSpec] = {}
    for name in registry.names():
        found = registry.find(name)
        if isinstance(found, StepSpec):
            found_steps[name] = found
        else:
            warn_on_stderr(found.message)
    current = {name: spec for name, spec in found_steps.items() if not spec.is_deprecated}
    width = max(map(len, current), default=0)
    text = "".join(f"{name:<{width}}  {spec.summary}\n" for name, spec in sorted(current.items()))
    return _write(options, output, {"steps": [_as_json(spec) for spec in current.values()]}, text)


def _write(options: argparse.Namespace, output: TextIO, document: dict[str, Any], text: str) -> int:
    if options.format == "json":
        import json

        text = json.dumps(document, indent=2, default=str) + "\n"
    output.write(text)
    output.flush()
    return 0


def _as_json(spec: StepSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "summary": spec.summary,
        "provider": spec.distribution or "this project",
        "deprecated": spec.is_deprecated,
        "inputs": [
            {
                "name": each.name,
                "type": each.annotation or None,
                "required": each.default is REQUIRED,
                "default": None if each.default is REQUIRED else each.default,
            }
            for each in spec.inputs or ()
        ],
        "accepts_any_input": spec.accepts_any,
        "outputs": None if spec.options.outputs is None else list(spec.options.outputs),
        "phase": spec.options.phase,
    }


def _render(spec: StepSpec) -> str:
    style = style_for(sys.stdout, os.environ)
    lines = [f"{style.bold(spec.name)}  {style.dim(spec.distribution or 'this project')}", spec.summary, "", "inputs:"]
    for each in spec.inputs or ():
        default = "required" if each.default is REQUIRED else f"default {each.default!r}"
        lines.append(f"  {each.name}: {each.annotation or 'any'}  {style.dim(default)}")
    if spec.accepts_any:
        lines.append("  and any other")
    outputs = spec.options.outputs
    lines.append("outputs: " + ("known after it ran" if outputs is None else ", ".join(outputs) or "none"))
    return "\n".join(lines) + "\n"
