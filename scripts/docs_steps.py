"""The pages of the built-in steps, made from their functions."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from docstrings import Docstring, capitalized, cell, read_docstring
from stepengine.entry_points import STEPS, find_entry_points
from stepengine.input_types import describe_type, split_union
from stepengine.spec import REQUIRED, Input, StepSpec, spec_of

if TYPE_CHECKING:
    from collections.abc import Iterable

NOTE = "<!-- Generated from the code by scripts/write_docs; change the step's docstring instead. -->"
DIRECTORY = "docs/steps"
QUOTES = "'\""


class _Described(NamedTuple):
    """A built-in step: its function's specification and documentation, and all of its names."""

    function: str
    spec: StepSpec
    text: Docstring
    names: list[str]

    @property
    def main_name(self) -> str:
        """The name that Prefect knows it by, or else its short one."""
        current = [name for name in self.names if name not in self.spec.options.deprecated]
        return max(current, key=len)


def pages() -> dict[str, str]:
    """Give the pages: the path from the repository's top to the text."""
    steps = _built_in()
    found = {f"{DIRECTORY}/{step.function}.md": _page(step) for step in steps}
    return {f"{DIRECTORY}/README.md": _index(steps), **found}


def _built_in() -> list[_Described]:
    names: dict[str, list[str]] = {}
    for entry in find_entry_points():
        if entry.group == STEPS and entry.distribution.partition(" ")[0] == "stepengine":
            names.setdefault(entry.target, []).append(entry.name)
    steps = []
    for target, known in names.items():
        module, _, attribute = target.partition(":")
        function = getattr(importlib.import_module(module), attribute)
        steps.append(_Described(attribute, spec_of(function, attribute, target), read_docstring(function), known))
    return sorted(steps)


def _index(steps: Iterable[_Described]) -> str:
    lines = [
        NOTE,
        "# The built-in steps",
        "",
        "Each has a page with its inputs, outputs and an example. `stepengine steps list` shows them too, together with "
        "those of other packages that are installed; `stepengine steps show NAME` shows one.",
        "",
        "| Step | What it does |",
        "| --- | --- |",
        *(f"| [{step.function}]({step.function}.md) | {cell(step.text.summary)} |" for step in steps),
        "",
        "Every step also takes two inputs that are not its own: `id`, the name that later steps refer to its outputs "
        "by, and `requires`, the packages that it needs; see [the file](../file.md#steps).",
        "",
        "A step of your own is a Python function: see [plugins](../plugins.md).",
    ]
    return "\n".join(lines) + "\n"


def _page(step: _Described) -> str:
    parts = [NOTE, f"# {step.function}", "", step.text.summary, ""]
    if step.text.body:
        parts += [step.text.body, ""]
    if step.text.example:
        parts += ["## Example", "", "```yaml validate", step.text.example, "```", ""]
    parts += ["## Names", "", *_names(step), "", *_where(step), ""]
    parts += ["## Inputs", "", *_inputs(step), ""]
    parts += ["## Outputs", "", _outputs(step), ""]
    if step.text.raises:
        reasons = " ".join(capitalized(reason) for _, reason in step.text.raises)
        parts += ["## When it fails", "", reasons, ""]
    return "\n".join(parts)


def _names(step: _Described) -> list[str]:
    old = step.spec.options.deprecated
    current = sorted((name for name in step.names if name not in old), key=len, reverse=True)
    lines = [f"- `{name}`" for name in current]
    return lines + [f"- `{name}` (old: it works, with a warning)" for name in sorted(old)]


def _where(step: _Described) -> list[str]:
    options = step.spec.options
    sides = {
        "deployer": "It belongs into `build` or `push`: it needs what the deploying machine has.",
        "worker": "It belongs into `pull`: it needs what the worker has.",
        None: "It may stand in `build`, `push` and `pull`.",
    }
    counts = ""
    if options.provides:
        name, _, version = options.provides.partition("==")
        counts = f" For `requires` it counts as {name} {version}."
    return [sides[options.phase] + counts]


def _inputs(step: _Described) -> list[str]:
    rows = [_row(each, step.text.entries.get(each.name, "")) for each in step.spec.inputs or ()]
    lines = ["| Input | Type | Default | Meaning |", "| --- | --- | --- | --- |", *rows]
    if step.spec.accepts_any:
        known = {each.name for each in step.spec.inputs or ()} | {step.spec.context}
        others = [f"any other: {text}" for name, text in step.text.entries.items() if name not in known]
        lines += ["", *(capitalized(other) for other in others)]
    return lines


def _row(each: Input, meaning: str) -> str:
    kind = describe_type(each.annotation) or "anything"
    if kind.startswith("one of "):
        kind = " or ".join(f"`{choice.strip(' ' + QUOTES)}`" for choice in kind[7:].split(","))
    nullable = "None" in split_union(each.annotation)
    default = _default(each.default, nullable=nullable)
    return f"| `{each.name}` | {cell(kind)} | {default} | {cell(meaning)} |"


def _default(value: Any, *, nullable: bool) -> str:
    if value is REQUIRED:
        return "required"
    if value is None and nullable:
        return ""
    return f"`{json.dumps(value)}`"


def _outputs(step: _Described) -> str:
    if step.spec.options.outputs is None:
        return "Known after it ran."
    return capitalized(step.text.returns)
